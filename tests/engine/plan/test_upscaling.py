"""An upscaled row: its recipe, what is told before the start, and the row that asks again."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.models.catalog import Model, model_of
from engine.picture.foreign import told_by_recipe
from engine.picture.metadata import a1111_parameters
from engine.picture.recipe import NOT_YET, Lora, Recipe
from engine.plan.batches import shape_of
from engine.plan.estimate import ModelRate, estimate
from engine.plan.from_pictures import row_of, upscaled_row
from engine.plan.preview import preview
from engine.plan.recipes import PlannedModel, enlarged_recipes, recipes_for
from engine.plan.sizes import SizeError, enlarged_size
from engine.sheet.rows import RowValues, SourcePicture
from tests.support.rows import PLANNED, never, values
from tests.support.upscalers import write_esrgan

PICTURE = SourcePicture("/photos/a.jpg", "ab" * 32, 96, 64)


@pytest.fixture
def upscaler(tmp_path: Path) -> Model:
    file = write_esrgan(tmp_path / "4x.safetensors")
    return model_of({"label": "4x", "source": str(file)})


def _row(**changes: object) -> RowValues:
    sides = {"width": 384, "height": 256, "upscale": "4", "image": PICTURE, "strength": 0.3}
    return values(magic_prompt=False, num_images=1, negative_prompt="", **sides | changes)


def _by(upscaler: Model, **changes: object) -> Recipe:
    planned = PlannedModel(upscaler, upscaler.scheduler, "cdef")
    (recipe,) = recipes_for(_row(model="4x", **changes), planned, never)
    return recipe


def test_an_upscalers_image_is_the_picture_larger_and_has_no_strength(upscaler: Model) -> None:
    recipe = _by(upscaler, steps=30)
    assert (recipe.width, recipe.height, recipe.upscale) == (384, 256, 4)
    assert (recipe.strength, recipe.steps, recipe.source_size) == (None, 1, (96, 64))
    assert Recipe.from_json(recipe.to_json()) == recipe
    text = a1111_parameters(recipe)
    assert "Postprocess upscale by: 4, Postprocess upscaler: 4x" in text


def test_what_is_drawn_anew_is_needed_at_the_size_that_is_drawn() -> None:
    (recipe,) = recipes_for(_row(width=192, height=128, upscale="2"), PLANNED, never)
    assert (recipe.strength, recipe.upscale) == (0.3, 2)
    assert recipe.source_size == (recipe.width, recipe.height) == (192, 128)
    (plain,) = recipes_for(values(num_images=1), PLANNED, never)
    assert "upscale" not in plain.to_json()


def test_totals_count_an_upscaled_image_by_its_size_and_a_redrawn_one_by_its_steps(
    upscaler: Model,
) -> None:
    models = {"4x": upscaler, "builtin": PLANNED.model}
    rates = {"4x": ModelRate(1e-3, 2.0), "builtin": ModelRate(1e-3, 2.0)}
    count, cost = estimate([_row(model="4x")], models, rates)
    assert (count, cost.seconds, cost.bytes) == (1, round(384 * 256 / 1000, 1), 384 * 256 * 2)
    _, drawn = estimate([_row(width=192, height=128, upscale="2", steps=10)], models, rates)
    assert drawn.seconds == round(192 * 128 * 3 / 1000, 1)


def test_what_a_model_cannot_draw_whole_it_draws_in_tiles_and_pays_for_what_they_share(
    upscaler: Model,
) -> None:
    builtin = PLANNED.model
    (recipe,) = recipes_for(_row(width=512, height=320), PLANNED, never)
    assert (recipe.width, recipe.height, recipe.tile) == (512, 320, 2 * builtin.base_resolution)
    assert Recipe.from_json(recipe.to_json()) == recipe
    (whole,) = recipes_for(_row(width=256, height=192), PLANNED, never)
    assert whole.tile == 0 and shape_of(whole) != shape_of(recipe)
    rates = {"builtin": ModelRate(1e-3, 2.0)}
    _, cost = estimate([_row(width=512, height=320, steps=10)], {"builtin": builtin}, rates)
    tiles = enlarged_size(512, 320, builtin).drawn
    assert tiles == 3 * 2 * 256 * 256 > 512 * 320
    assert cost.seconds == round(tiles * 3 / 1000, 1)
    assert enlarged_size(4000, 300, upscaler) == (4000, 300, 0)
    for model in (builtin, upscaler):
        with pytest.raises(SizeError):
            enlarged_size(20_000, 20_000, model)


def test_a_preview_says_what_enlarges_it(upscaler: Model) -> None:
    found = preview(_row(model="4x"), PlannedModel(upscaler, "none", ""))
    notes = {note.column: note.words for note in found.notes}
    assert notes["image"] == "has 96×64 pixels, enlarged to 384×256"
    assert notes["upscale"] == "4x only enlarges it"


def test_the_row_that_enlarges_a_picture_asks_for_it_as_it_was_drawn() -> None:
    (drawn,) = recipes_for(values(num_images=1, color_palette=("ember",)), PLANNED, never)
    drawn = replace(drawn, prompt="a {red} circle", loras=(Lora("ink", "cd" * 32, 0.5),))
    anew = upscaled_row(drawn, "/library/a.png", 2, "")
    assert (anew["image"], anew["upscale"], anew["model"]) == ("/library/a.png", "2", "builtin")
    assert (anew["seed_number"], anew["lora"], anew["prompt"]) == (
        "7",
        "ink:0.5",
        r"a \{red\} circle",
    )
    assert not anew.keys() & {"width", "height", "strength", "color_palette", "aspect_ratio"}
    larger = upscaled_row(drawn, "/library/a.png", 4, "4x")
    assert larger["model"] == "4x" and larger["seed_number"] == "7"
    assert not larger.keys() & {"steps", "guidance", "scheduler", "lora", "negative_prompt"}


def test_a_row_made_of_an_upscaled_image_asks_for_the_same_again(upscaler: Model) -> None:
    row = row_of(told_by_recipe(_by(upscaler)))
    assert (row["upscale"], row["width"], row["height"]) == ("4", "", "")
    assert row["image"].endswith(PICTURE.digest)


def _drawn(**changes: object) -> RowValues:
    return values(num_images=2, negative_prompt="fog", upscale="2", **changes)


def test_of_each_image_that_is_drawn_another_is_made_of_the_same_words_and_seed(
    upscaler: Model,
) -> None:
    row = _drawn()
    drawn = recipes_for(row, PLANNED, never)
    anew = enlarged_recipes(row, drawn, PLANNED, PLANNED)
    assert [(r.seed, r.prompt, r.steps) for r in anew] == [
        (r.seed, r.prompt, r.steps) for r in drawn
    ]
    assert {(r.width, r.height) for r in anew} == {(drawn[0].width * 2, drawn[0].height * 2)}
    assert {(r.image, r.strength, r.upscale) for r in anew} == {(NOT_YET, 0.3, 2)}
    by = PlannedModel(upscaler, upscaler.scheduler, "cdef")
    larger = enlarged_recipes(_drawn(upscaler="4x"), drawn, PLANNED, by)
    assert {(r.model, r.model_hash, r.strength, r.steps) for r in larger} == {
        ("4x", "cdef", None, 1)
    }
    assert {r.negative_prompt for r in larger} == {""}
    assert larger[0].source_size == (drawn[0].width, drawn[0].height)


def test_totals_count_what_is_drawn_and_what_is_made_of_it(upscaler: Model) -> None:
    models = {"4x": upscaler, "builtin": PLANNED.model}
    rates = {"4x": ModelRate(1e-3, 2.0), "builtin": ModelRate(1e-3, 2.0)}
    one, cost = estimate([_drawn(steps=10) for _ in range(3)], models, rates)
    (first, _) = recipes_for(_drawn(), PLANNED, never)
    pixels = first.width * first.height
    assert (one, cost.seconds) == (12, round(6 * pixels * (10 + 4 * 3) / 1000, 1))
    by, cost = estimate([_drawn(steps=10, upscaler="4x")], models, rates)
    assert (by, cost.seconds) == (4, round(2 * pixels * (10 + 4) / 1000, 1))
    assert cost.bytes == 2 * pixels * (1 + 4) * 2
