from dataclasses import replace

import pytest

from engine.picture.recipe import Recipe
from engine.plan.recipes import recipes_for, seed_of
from engine.sheet.columns import DEFAULT_STRENGTH
from engine.sheet.rows import SourcePicture
from tests.support.rows import PLANNED, never, values


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


def test_named_steps_guidance_scheduler_and_size_win() -> None:
    recipe = recipes_for(
        values(steps=3, guidance=0.0, scheduler="euler", width=100, height=150), PLANNED, never
    )[0]
    assert (recipe.steps, recipe.guidance, recipe.width, recipe.height) == (3, 0.0, 96, 144)
    assert recipe.scheduler == "EulerDiscreteScheduler (euler)"


def test_wildcards_are_drawn_by_each_images_own_seed() -> None:
    many = recipes_for(values(prompt="a {red|blue|green|black} cat", num_images=8), PLANNED, never)
    assert len({recipe.prompt for recipe in many}) > 1
    for recipe in many:
        alone = values(prompt="a {red|blue|green|black} cat", num_images=1, seed_number=recipe.seed)
        assert recipes_for(alone, PLANNED, never) == [recipe]


def test_magic_style_and_palette_are_in_the_recipe_in_full() -> None:
    plain = values(prompt="a boat", negative_prompt="", magic_prompt=False)
    assert recipes_for(plain, PLANNED, never)[0].prompt == "a boat"
    row = values(prompt="a boat", magic_prompt=True, style="design", color_palette=("ember",))
    recipe = recipes_for(row, PLANNED, never)[0]
    assert recipe.prompt.startswith("a poster of a boat on the sea")
    assert recipe.palette == PLANNED.words.palettes["ember"]
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_a_recipe_of_an_older_version_is_still_read() -> None:
    body = recipes_for(values(), PLANNED, never)[0].to_json()
    del body["palette"]
    assert Recipe.from_json(body).palette == ()


def test_what_shows_through_a_picture_is_the_settings_colour_and_nothing_without_one() -> None:
    planned = replace(PLANNED, background="#ff8800")
    source = SourcePicture("a.png", "0" * 32, 60, 40)
    (drawn_on,) = recipes_for(values(num_images=1, image=source), planned, never)
    assert (drawn_on.background, drawn_on.strength) == ("#FF8800", DEFAULT_STRENGTH)
    assert Recipe.from_json(drawn_on.to_json()) == drawn_on
    (plain,) = recipes_for(values(num_images=1), planned, never)
    assert plain.background == "#FFFFFF" and "background" not in plain.to_json()
