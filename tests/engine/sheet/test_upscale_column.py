"""The column upscale: by an upscaler or redrawn, of a picture alone, and of the right size."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from engine.sheet.check import check_table
from engine.sheet.rows import RowValues, Severity, Sheet, SourcePicture
from engine.sheet.table import Cell
from engine.sheet.vocabulary import LookedAt, ModelLimits
from tests.support.sheets import VOCABULARY, errors, table

PICTURE = SourcePicture("/photos/a.jpg", "0123456789abcdef" * 2, 600, 400)


def look(texts: Iterable[str]) -> Mapping[str, LookedAt]:
    return dict.fromkeys(texts, LookedAt(PICTURE))


def _up_to_1500(width: int, height: int) -> tuple[int, int, int]:
    if width > 1500:
        raise ValueError(f"{width} × {height} is too much.")
    return width // 16 * 16, height // 16 * 16, 0


ENLARGING = replace(
    VOCABULARY,
    models={
        "builtin": ModelLimits(max_ratio=3.0, draws_on="strength", enlarged=_up_to_1500),
        "plain": ModelLimits(max_ratio=3.0),
        "words": ModelLimits(max_ratio=3.0, draws_on="words"),
        "4x": ModelLimits(max_ratio=100.0, draws_on="size", needs_picture=True, guides=False),
    },
    pictures=look,
)


def check(header: tuple[str, ...], *rows: tuple[Cell, ...]) -> Sheet:
    return check_table(table(header, *rows), ENLARGING)


def only(sheet: Sheet) -> RowValues:
    (row,) = sheet.rows
    assert row.values is not None, sheet.problems
    return row.values


def test_an_upscaler_needs_no_prompt_and_its_size_follows_from_the_picture() -> None:
    sheet = check(("prompt", "model", "image", "upscale"), ("", "4x", "a.jpg", 4))
    values = only(sheet)
    assert (values.width, values.height, values.num_images) == (2400, 1600, 1)
    assert not sheet.problems


def test_what_draws_it_anew_keeps_close_to_it_unless_the_row_says_otherwise() -> None:
    header = ("prompt", "image", "upscale", "strength")
    first, second = check(header, ("a boat", "a.jpg", "x2", ""), ("b", "a.jpg", "2", 0.5)).rows
    assert first.values is not None and second.values is not None
    assert (first.values.width, first.values.height) == (1200, 800)
    assert (first.values.strength, second.values.strength) == (0.3, 0.5)


@pytest.mark.parametrize(
    ("cells", "column", "said"),
    [
        ({"upscale": "3", "image": "a.jpg"}, "upscale", "upscale cannot be 3"),
        ({"upscale": "2", "model": "4x"}, "upscale", "only enlarges pictures: name a picture"),
        ({"upscale": "4", "image": "a.jpg"}, "upscale", "An upscaler can: 4x."),
        ({"upscale": "2", "image": "a.jpg", "model": "words"}, "upscale", "cannot redraw"),
        ({"upscale": "2", "image": "a.jpg", "model": "plain"}, "upscale", "can: 4x"),
        ({"image": "a.jpg", "model": "4x"}, "model", "write 2 or 4 in upscale"),
        ({"upscale": "2", "image": "a.jpg", "width": "64"}, "width", "already sets the size"),
        (
            {"upscale": "2", "image": "a.jpg", "model": "4x", "mask": "b.jpg"},
            "mask",
            "ignores mask",
        ),
    ],
)
def test_what_cannot_be_enlarged_is_an_error_that_says_what_to_do(
    cells: dict[str, str], column: str, said: str
) -> None:
    sheet = check(("prompt", *cells), ("a boat", *cells.values()))
    assert (2, column) in errors(sheet)
    assert any(p.column == column and said in p.message for p in sheet.problems)


def test_a_row_without_picture_and_prompt_still_lacks_its_prompt() -> None:
    sheet = check(("prompt", "upscale", "image"), ("", "2", "a.jpg"))
    assert errors(sheet) == [(2, "prompt")]


def test_what_an_upscaler_does_not_heed_is_a_warning() -> None:
    cells = {"steps": "9", "strength": ".5", "num_images": "3", "guidance": "4"}
    header = ("prompt", "model", "image", "upscale", *cells)
    sheet = check(header, ("", "4x", "a.jpg", "2", *cells.values()))
    warned = {p.column for p in sheet.problems if p.severity is Severity.WARNING}
    assert not errors(sheet) and warned == cells.keys()


def test_what_a_row_draws_is_enlarged_by_the_first_upscaler_or_drawn_anew() -> None:
    rows = check(
        ("prompt", "model", "upscale", "image", "num_images"), ("a boat", "plain", "2", "", 3)
    )
    values = only(rows)
    assert (values.upscaler, values.enlarges, values.images) == ("4x", 2, 6)
    assert (values.width, values.strength) == (None, None)
    pictured = only(check(("prompt", "upscale", "image"), ("a boat", "2", "a.jpg")))
    assert (pictured.upscaler, pictured.enlarges, pictured.images) == ("", 0, 1)
    models = {k: m for k, m in ENLARGING.models.items() if k != "4x"}
    without = replace(ENLARGING, models=models)
    header = ("prompt", "model", "upscale")
    sheet = check_table(table(header, ("a", "builtin", "2"), ("b", "plain", "2")), without)
    assert sheet.rows[0].values is not None and sheet.rows[0].values.upscaler == ""
    (problem,) = sheet.problems
    assert (problem.row, problem.column) == (3, "upscale")
    assert "cannot redraw an image larger. An upscaler can" in problem.message


def test_an_image_that_could_not_be_made_so_large_is_an_error_before_the_start() -> None:
    drawn = replace(ENLARGING.models["builtin"], size=lambda *_: (512, 512))
    few = replace(drawn, least_strength=lambda *_: 0.5)
    words = replace(ENLARGING, models={"builtin": drawn, "few": few})
    rows = (("a", "", "2"), ("b", "", "4"), ("c", "few", "2"))
    sheet = check_table(table(("prompt", "model", "upscale"), *rows), words)
    assert [row.values is None for row in sheet.rows] == [False, True, True]
    said = [p.message for p in sheet.problems]
    assert "2048 × 2048 is too much" in said[0] and "Use more steps" in said[1]
