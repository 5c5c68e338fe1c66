import pytest

from engine.plan.preview import RowPreview, preview
from engine.plan.recipes import recipes_for
from engine.sheet.vocabulary import ModelLimits, Vocabulary
from tests.support.rows import PLANNED, never, values


def told(found: RowPreview) -> dict[str, str]:
    return {note.column: note.words for note in found.notes}


def test_a_preview_is_the_recipe_that_will_be_rendered() -> None:
    row = values(prompt="a {red|blue} boat", style="design", magic_prompt=True)
    assert preview(row, PLANNED).recipe == recipes_for(row, PLANNED, never)[0]


def test_each_column_that_acts_is_told() -> None:
    row = values(
        prompt="a {red|red} boat",
        magic_prompt=True,
        style="design",
        color_palette=("ember",),
        scheduler="euler",
        guidance=1.0,
        visibility="public",
    )
    notes = told(preview(row, PLANNED))
    assert notes["prompt"].startswith("becomes “a red boat”")
    assert notes["magic_prompt"].startswith("adds “on the sea")
    assert notes["style"] == "design says “a poster of …, flat colors”"
    assert "has no effect" in notes["negative_prompt"]
    assert PLANNED.words.palettes["ember"][0] in notes["color_palette"]
    assert "EulerDiscreteScheduler" in notes["scheduler"]
    assert "others" in notes["visibility"]


def test_an_edited_final_prompt_is_what_is_rendered_and_says_so() -> None:
    row = values(
        prompt="a {red|blue} boat",
        magic_prompt=True,
        style="design",
        num_images=3,
        final_prompt="a {cat} __as__ I want it",
    )
    recipes = recipes_for(row, PLANNED, never)
    assert {recipe.prompt for recipe in recipes} == {"a {cat} __as__ I want it"}
    assert len({recipe.seed for recipe in recipes}) == 3
    notes = told(preview(row, PLANNED))
    assert "exactly as you wrote it" in notes["final_prompt"]
    assert not notes.keys() & {"prompt", "magic_prompt", "style"}


def test_a_row_whose_columns_do_nothing_says_next_to_nothing() -> None:
    assert told(preview(values(magic_prompt=False), PLANNED)) == {}
    assert told(preview(values(magic_prompt=True), PLANNED)) == {
        "magic_prompt": "has nothing to add"
    }


@pytest.mark.parametrize("wrong", [{"prompt": "{a$$b|c} {"}, {"width": 9000}, {"style": "gone"}])
def test_a_row_that_cannot_be_rendered_says_why(wrong: dict[str, object]) -> None:
    found = preview(values(**wrong), PLANNED)
    assert found.recipe is None
    assert len(found.notes) == 1


def test_swatches_are_the_cells_colours() -> None:
    palettes = PLANNED.words.palettes
    vocabulary = Vocabulary({"any": ModelLimits(2.0)}, "any", palettes=palettes)
    assert vocabulary.swatches("Ember") == palettes["ember"]
    assert vocabulary.swatches("#aabbcc:2 #112233") == ("#AABBCC", "#112233")
    assert vocabulary.swatches("no such") == ()
