"""The example sheet and its twins: one content, every image reproducible."""

import csv
from pathlib import Path

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

import assets
from engine.api import Library, Settings

pytestmark = pytest.mark.slow


SHEET = Path(assets.__file__).parent / "examples" / "first-light.csv"

Cells = list[list[str]]


def as_typed(value: object) -> str:
    """A cell as the CSV would hold it: blank is "", numbers are whole."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def from_csv() -> Cells:
    with SHEET.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def from_xlsx() -> Cells:
    sheet = load_workbook(SHEET.with_suffix(".xlsx")).active
    assert sheet is not None
    return [[as_typed(value) for value in row] for row in sheet.iter_rows(values_only=True)]


def from_ods() -> Cells:
    book = CalamineWorkbook.from_path(SHEET.with_suffix(".ods"))
    rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    return [[as_typed(value) for value in row] for row in rows]


def test_the_twins_hold_the_rows_of_the_csv() -> None:
    rows = from_csv()
    assert len({len(row) for row in rows}) == 1
    assert from_xlsx() == rows
    assert from_ods() == rows


def test_every_row_has_a_seed_and_there_are_images_enough() -> None:
    header, *body = from_csv()
    rows = [dict(zip(header, row, strict=True)) for row in body]
    assert all(0 <= int(row["seed_number"]) <= 2_147_483_647 for row in rows)
    assert sum(int(row["num_images"]) for row in rows) >= 24


def test_in_the_twins_ratios_are_text_and_seeds_are_numbers() -> None:
    sheet = load_workbook(SHEET.with_suffix(".xlsx")).active
    assert sheet is not None
    header, *body = sheet.iter_rows()
    names = [cell.value for cell in header]
    ratio, seed = names.index("aspect_ratio"), names.index("seed_number")
    assert all(row[ratio].number_format == "@" for row in body)
    assert all(isinstance(row[seed].value, int) for row in body)
    book = CalamineWorkbook.from_path(SHEET.with_suffix(".ods"))
    _, *lines = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert all(isinstance(line[ratio], str) for line in lines)
    assert all(isinstance(line[seed], float) for line in lines)


def test_every_example_picture_can_be_drawn_on(config: Path, tmp_path: Path) -> None:
    found = Library(Settings()).sheets.find_pictures([SHEET.parent / "pictures"])
    made = Library(Settings(library=tmp_path / "library")).sheets.from_pictures(found, "an oil")
    assert made.checked is not None and not made.refused and not made.checked.errors
    sizes = {
        Path(row.values.image.path).name: (row.values.image.width, row.values.image.height)
        for row in made.checked.sheet.ready
        if row.values is not None and row.values.image is not None
    }
    assert len(sizes) == 5 and sizes["lighthouse.jpg"] == (384, 256), "turned as its note says"
