from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models.catalog import load_models
from engine.models.file_digests import file_digest
from engine.picture.recipe import Lora
from engine.plan.names import slug_of
from engine.protocol.commands import RequestedRow, RowsSource
from engine.service.server.session_planning import RefusedError, plan_session
from engine.sheet.check import check_table
from engine.sheet.grid_cells import grid_of
from engine.sheet.rows import LoraWeight, Row, SourcePicture
from engine.sheet.table import Cell, Line, Table
from engine.sheet.vocabulary import ModelLimits, Vocabulary
from tests.support.rows import values

MODELS = load_models()
SOURCE = RowsSource("s.csv")


def row(number: int, **changes: object) -> RequestedRow:
    return RequestedRow(number, {"prompt": "x"}, {}, values(**changes))


def plan(rows: list[RequestedRow], taken: frozenset[str] = frozenset()):  # type: ignore[no-untyped-def]
    return plan_session("My Sheet!", SOURCE, rows, MODELS, largest=lambda _: 8, taken=taken)


def test_every_image_gets_a_file_name_of_its_own() -> None:
    new = plan([row(2), row(3, prompt="日本"), row(4, prompt="a/../b \x1b[31m")])
    names = [name for r in new.rows for name in r.files]
    assert len(set(names)) == 9
    assert names[0] == "0002-1-a-red-circle.png"
    assert names[3] == "0003-1.png"
    assert names[6] == "0004-1-a-b-31m.png"
    assert new.folder.endswith(f"-my-sheet-{new.key}")


def test_images_are_called_like_what_they_are_drawn_on_whatever_its_cell_says() -> None:
    digest = "0123456789abcdef" * 2
    picture = SourcePicture(f"sources/01/{digest}", digest, 60, 40)
    cells = {"prompt": "x", "image": f"summer/The Beach.jpg#{digest}"}
    drawn = RequestedRow(2, cells, {}, values(image=picture, num_images=1))
    (stored,) = plan([drawn]).rows
    assert stored.files == ["0002-1-the-beach.png"]
    assert [(source.name, source.digest) for source in stored.sources] == [
        ("summer/The Beach.jpg", digest)
    ]


@given(st.text())
def test_no_text_makes_a_file_name_that_leaves_its_folder(text: str) -> None:
    slug = slug_of(text)
    assert Path(slug).name == slug
    assert len(slug) <= 40
    assert slug.isascii()
    assert not slug.startswith((".", "-"))


def test_loras_are_planned_by_their_files_and_those_of_no_weight_are_left_out(
    tmp_path: Path, config: Path
) -> None:
    file = tmp_path / "ink.safetensors"
    file.write_bytes(b"one")
    (config / "loras.toml").write_text(f'[[loras]]\nlabel = "ink"\nfile = "{file}"\n')
    ink, gone = LoraWeight("ink", 0.5), LoraWeight("gone", 0.0)
    new = plan([row(2, lora=(ink, gone), num_images=1), row(3, num_images=1)])
    assert [r.recipes[0].loras for r in new.rows] == [(Lora("ink", file_digest(file), 0.5),), ()]
    with pytest.raises(
        RefusedError, match="Row 4: the LoRA gone cannot be used: it is no longer in"
    ):
        plan([row(2), row(4, lora=(LoraWeight("gone", 1.0),))])


def test_what_cannot_be_rendered_is_refused() -> None:
    with pytest.raises(RefusedError, match="no row"):
        plan([])
    with pytest.raises(RefusedError, match="same number"):
        plan([row(2), row(2)])
    with pytest.raises(RefusedError, match="sdlx"):
        plan([row(2, model="sdlx")])


def grid(**cells: Cell) -> tuple[Row, RequestedRow]:
    table = Table("s.csv", None, tuple(cells), (Line(2, tuple(cells.values())),))
    label = next(iter(MODELS))
    loose = Vocabulary({label: ModelLimits(10.0, draws_on="strength")}, label)
    (checked,) = check_table(table, loose).rows
    assert checked.values is not None
    wanted = RequestedRow(2, dict(checked.cells), {}, checked.values, list(checked.grid))
    return checked, wanted


def test_a_combination_of_a_grid_has_the_recipe_of_a_plain_row_with_its_values_and_seed() -> None:
    cells: dict[str, Cell] = {
        "prompt": "a {dark|light} {all: red | blue} boat",
        "steps": "2 | 3",
        "style": "general | anime",
        "num_images": 2,
        "magic_prompt": "on | off",
        "upscale": 2,
    }
    checked, wanted = grid(**cells)
    (new,) = plan([wanted]).rows
    found = grid_of(checked)
    assert found is not None and len(new.recipes) == 2 * found.own == 64
    first = new.recipes[0].seed
    assert {r.seed for r in new.recipes} == {first, first + 1}, "one drawn seed for all of them"
    for variation, recipe in enumerate(new.recipes[: found.own], start=1):
        plain = found.cells_of(variation) | {"seed_number": str(first)}
        (alone,) = plan([grid(**plain)[1]]).rows
        assert recipe == alone.recipes[found.within(variation) - 1]
        child = found.own + variation
        assert new.parents[child] == variation
        assert new.recipes[child - 1] == alone.recipes[2 + found.within(variation) - 1]
    assert new.files[4] == "0002-5-a-dark-light-red-boat.png"
    assert new.files[16] == "0002-17-a-dark-light-blue-boat.png"
    assert len(set(new.files)) == 64


def test_of_a_grid_each_image_asks_a_language_model_for_its_own_prompt_or_none() -> None:
    _, wanted = grid(prompt="a {all: cat | dog}", magic_prompt="on | off", seed_number="1 | 2")
    new = plan_session("s", SOURCE, [wanted], MODELS, largest=lambda _: 8, taken=(), rewriting=True)
    asked = [each.prompt if each else None for each in new.rows[0].rewrites]
    assert asked == ["a cat"] * 2 + [None] * 2 + ["a dog"] * 2 + [None] * 2
    assert [recipe.seed for recipe in new.rows[0].recipes] == [1, 2] * 4
