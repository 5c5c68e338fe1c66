"""Whatever the cells hold, checking never fails and its answers agree with each other."""

import csv
import io
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sheet.check import check_table
from engine.sheet.columns import COLUMN, COLUMNS
from engine.sheet.delimited import records
from engine.sheet.rows import Severity, SheetError
from engine.sheet.table import Broken, Cell, Line, Moment, Table
from tests.support.sheets import VOCABULARY, check_cell

pytestmark = pytest.mark.slow


ANY_LETTER = st.characters()  # surrogates too
TYPED = st.sampled_from(
    [
        *("16:9", "2:3", "02:03:00", "1024x768", "0.5", "FAST", "on", "ember", "#cba324,fff"),
        *("3.0", "00042", "1_0", "-1", "#REF!", "'x", "", " ", "builtin", "9:1", "4/3"),
        *("“quality”", "'=1+1", "’=x", "2a", "V_2", "a\0b", "１６：９", "\ufeff42", "2:3 ", "yes"),
    ]
)
CELLS: st.SearchStrategy[Cell] = st.one_of(
    TYPED,
    st.text(ANY_LETTER, max_size=30),
    st.text("0123456789:xX/.,-+# aApPmM", max_size=14),
    st.text("'’“”\"=+-@#\0\x1b\ufeff\u200b a1:", max_size=10),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.builds(Moment, st.text(max_size=20), st.none() | st.integers(0, 10**7)),
    st.builds(Broken, st.sampled_from(["", "#REF!", "#N/A"])),
)
HEADERS = st.lists(
    st.sampled_from([column.name for column in COLUMNS[1:]] + ["Note", "", "Seed"]),
    max_size=6,
    unique=True,
).filter(lambda names: not {"seed_number", "Seed"} <= set(names))


@given(HEADERS, st.lists(st.lists(CELLS, max_size=8), min_size=1, max_size=6), st.booleans())
def test_any_cells_are_checked_and_a_row_is_ready_if_and_only_if_it_has_no_error(
    header: list[str], rows: list[list[Cell]], workbook: bool
) -> None:
    lines = tuple(Line(3 + 2 * index, cells) for index, cells in enumerate(rows))
    table = Table("a", "S" if workbook else None, ("prompt", *header), lines)
    sheet = check_table(table, VOCABULARY)
    numbers = [line.number for line in lines]
    assert [row.number for row in sheet.rows] == numbers
    bad = {p.row for p in sheet.problems if p.severity is Severity.ERROR}
    assert {row.number for row in sheet.rows if row.values is None} == bad
    assert [p.row for p in sheet.problems] == sorted(p.row for p in sheet.problems)
    for problem in sheet.problems:
        assert problem.row == 1 or problem.row in numbers
        assert problem.column is None or problem.column in COLUMN
        problem.message.encode()
        problem.value.encode()


@given(st.sampled_from(sorted(COLUMN)), CELLS)
def test_a_repaired_value_checks_clean_and_means_the_same(name: str, cell: Cell) -> None:
    row, before = check_cell(name, cell)
    if row.values is not None and name in row.cells:
        again, problems = check_cell(name, row.cells[name])
        kept = ("begins with an apostrophe", "It will be", "without a picture", "not read captions")
        asked = [p.message for p in before if any(words in p.message for words in kept)]
        assert [p.message for p in problems] == asked
        assert again == row


@given(HEADERS, st.lists(st.lists(CELLS, max_size=8), min_size=1, max_size=6))
def test_a_second_check_of_a_repaired_sheet_changes_nothing(
    header: list[str], rows: list[list[Cell]]
) -> None:
    lines = tuple(Line(2 + index, cells) for index, cells in enumerate(rows))
    first = check_table(Table("a", "S", ("prompt", *header), lines), VOCABULARY)
    names = list(COLUMN)
    again = check_table(
        Table(
            "a",
            "S",
            tuple(names),
            tuple(
                Line(row.number, [row.cells.get(name, "") for name in names]) for row in first.rows
            ),
        ),
        VOCABULARY,
    )
    for before, after in zip(first.rows, again.rows, strict=True):
        assert before.values is None or (before.cells, before.values) == (after.cells, after.values)
    ready = {row.number for row in first.ready}
    repaired = [p for p in again.problems if p.severity is Severity.REPAIRED and p.row in ready]
    assert repaired == []


# upscale takes a row with a picture, and what a side may be a model limits further.
@given(st.sampled_from(sorted({*COLUMN} - {"upscale", "width", "height"})), CELLS)
def test_every_suggestion_can_be_taken(name: str, cell: Cell) -> None:
    _, problems = check_cell(name, cell)
    for problem in problems:
        for suggestion in problem.suggestions:
            row, _ = check_cell(name, suggestion)
            assert row.values is not None, suggestion


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from([":", "x", "/", " : "]))
def test_a_ratio_keeps_its_shape(width: int, height: int, sign: str) -> None:
    row, _ = check_cell("aspect_ratio", f"{width}{sign}{height}")
    shape = Fraction(width, height)
    assert (row.values is not None) is (Fraction(1, 3) <= shape <= 3)
    if row.values:
        assert Fraction(*map(int, row.values.aspect_ratio.split(":"))) == shape


@given(st.floats(min_value=0, max_value=100))
def test_a_number_is_taken_for_a_time_only_on_the_minute(number: float) -> None:
    row, _ = check_cell("aspect_ratio", number)
    if row.values:
        width, height = map(int, row.values.aspect_ratio.split(":"))
        assert math.isclose(number, (width * 60 + height) / 1440, abs_tol=1e-6)


@given(
    st.lists(st.lists(st.text(st.sampled_from('ab",;\t|\n '), max_size=8), min_size=3, max_size=3)),
    st.sampled_from(",;\t|"),
)
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]], delimiter: str) -> None:
    text = io.StringIO()
    header = ["prompt", "seed_number", "Note"]
    csv.writer(text, delimiter=delimiter).writerows([header, *rows])
    assert list(records(text.getvalue())) == [header, *rows]


@given(st.text(st.sampled_from('ab",\n'), max_size=40))
def test_any_text_is_split_or_refused_and_loses_no_letter(words: str) -> None:
    text = "prompt,Note\n" + words
    try:
        found = list(records(text))
    except SheetError:
        return
    letters = "".join("".join(record) for record in found)
    for letter in "ab":
        assert letters.count(letter) == text.count(letter)
