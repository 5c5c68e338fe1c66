import pytest

from engine.models.catalog import load_models
from engine.plan.recipes import PlannedModel, recipes_for, seed_of
from engine.sheet.rows import RowValues

PLANNED = PlannedModel(load_models()["builtin"], "SomeScheduler", "abcd")
VALUES = {
    "prompt": "a red circle",
    "visibility": "private",
    "aspect_ratio": "3:2",
    "magic_prompt": True,
    "model": "builtin",
    "num_images": 3,
    "seed_number": 7,
    "rendering": "turbo",
    "negative_prompt": "blue",
    "style": "auto",
    "color_palette": (),
}


def values(**changes: object) -> RowValues:
    return RowValues(**(VALUES | changes))  # type: ignore[arg-type]


def never() -> int:
    raise AssertionError("a seed was drawn although the row has one")


def test_each_variation_has_the_next_seed_and_all_else_alike() -> None:
    recipes = recipes_for(values(), PLANNED, never)
    assert [recipe.seed for recipe in recipes] == [7, 8, 9]
    assert len({recipe.with_seed(0) for recipe in recipes}) == 1


def test_seeds_wrap_instead_of_leaving_their_range() -> None:
    assert [seed_of(2**31 - 1, variation) for variation in (1, 2, 3)] == [2**31 - 1, 0, 1]


def test_a_blank_seed_is_drawn_once_a_row() -> None:
    drawn = iter([50, 60])
    recipes = recipes_for(values(seed_number=None), PLANNED, lambda: next(drawn))
    assert [recipe.seed for recipe in recipes] == [50, 51, 52]


@pytest.mark.parametrize("word", ["turbo", "default", "quality"])
def test_rendering_decides_steps(word: str) -> None:
    recipe = recipes_for(values(rendering=word), PLANNED, never)[0]
    assert recipe.steps == PLANNED.model.rendering[word].steps


def test_the_recipe_names_everything_that_was_chosen() -> None:
    recipe = recipes_for(values(), PLANNED, never)[0]
    assert recipe.prompt == "a red circle"
    assert recipe.negative_prompt == "blue"
    assert (recipe.width, recipe.height) == (144, 96)
    assert (recipe.model, recipe.model_hash, recipe.scheduler) == (
        "builtin",
        "abcd",
        "SomeScheduler",
    )
