"""Sheets of others: lists without a header, Ideogram's columns, merged and hidden cells."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from engine.sheet.check import check_table
from engine.sheet.read import read_table
from engine.sheet.rows import Severity, SheetError
from tests.support.sheets import VOCABULARY, check, errors, table, write_xlsx


def prompts(path: Path, text: str) -> list[tuple[int, str]]:
    path.write_text(text, encoding="utf-8")
    sheet = check_table(read_table(path), VOCABULARY)
    return [(row.number, row.cells["prompt"]) for row in sheet.rows]


@pytest.mark.parametrize("name", ["prompts.txt", "prompts.csv"])
def test_a_text_file_of_one_prompt_a_line_is_a_sheet(tmp_path: Path, name: str) -> None:
    text = "a red boat, calm sea, sunset\n\na lighthouse by night\nhills; a storm, far away\n"
    assert prompts(tmp_path / name, text) == [
        (1, "a red boat, calm sea, sunset"),
        (3, "a lighthouse by night"),
        (4, "hills; a storm, far away"),
    ]


TITLED = (
    "prompt,aspect_ratio,num_images",
    '"a red boat, at sea",16:9,2',
    "a cat,1:1,1",
)


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize(
    ("above", "below"),
    [
        (["My launch prompts"], []),
        (["My launch, spring", "", "by Anna"], []),
        (["Prompts"], []),
        (["```csv"], ["```", ""]),
        (["", "~~~"], ["~~~"]),
        (["```csv", "Prompts"], ["```"]),
    ],
)
def test_lines_above_the_header_and_a_code_fence_leave_the_settings_settings(
    tmp_path: Path, delimiter: str, above: list[str], below: list[str]
) -> None:
    path = tmp_path / "a.csv"
    table = [next(csv.reader([line])) for line in TITLED]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(table)
    path.write_text("\n".join((*above, text.getvalue() + "\n".join(below))))
    sheet = check_table(read_table(path), VOCABULARY)
    first = len(above) + 2
    assert [(row.number, row.values and row.values.num_images) for row in sheet.rows] == [
        (first, 2),
        (first + 1, 1),
    ]
    assert sheet.rows[0].cells["prompt"] == "a red boat, at sea"
    assert errors(sheet) == []


def test_a_title_called_prompts_is_not_the_header_of_a_workbook(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", ["Prompts"], ["prompt", "mine"], ["a boat", "x"])
    sheet = check_table(read_table(path), VOCABULARY)
    assert [(row.number, row.cells["prompt"]) for row in sheet.rows] == [(3, "a boat")]


def test_a_single_line_of_words_is_a_prompt(tmp_path: Path) -> None:
    assert prompts(tmp_path / "a.txt", "a red boat") == [(1, "a red boat")]


def test_a_list_without_a_header_is_said_to_be_read_so(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", ["a red boat"], ["a blue boat"])
    sheet = check_table(read_table(path), VOCABULARY)
    assert [row.number for row in sheet.rows] == [1, 2]
    [note] = sheet.problems
    assert (note.row, note.column, note.severity) == (1, None, Severity.WARNING)
    assert "no row of column names" in note.message


def test_several_columns_of_unknown_names_are_not_taken_for_prompts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,price\nboat,3\nhouse,4\n")
    with pytest.raises(SheetError, match="no `prompt` column"):
        check_table(read_table(path), VOCABULARY)


def test_a_misspelt_prompt_header_is_named_and_not_taken_for_a_prompt(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("promt\na red boat\n")
    with pytest.raises(SheetError, match="`promt` looks like it"):
        check_table(read_table(path), VOCABULARY)


def test_a_header_that_is_nearly_a_known_one_is_pointed_at() -> None:
    [problem] = check(("prompt", "seed_nmber"), ("a", "5")).problems
    assert (problem.row, problem.value, problem.suggestions) == (1, "seed_nmber", ("seed_number",))


def test_a_strength_without_a_picture_is_said_to_change_nothing() -> None:
    problems = check(("prompt", "strength"), ("a", "0.5"), ("b", "")).problems
    assert [(p.row, p.column, p.severity) for p in problems] == [(2, "strength", Severity.WARNING)]
    assert "no effect" in problems[0].message


NAMES = dict.fromkeys(("3", "v_3", "2a", "V_2_turbo", "V_2A_TURBO", "Ideogram 2.0"), "wide")
OLD = (
    *("PROMPT", "VISIBILITY", "ASPECT_RATIO", "MAGIC_PROMPT", "MODEL", "SEED_NUMBER"),
    *("RENDERING", "NEGATIVE_PROMPT", "STYLE", "COLOR_PALETTE"),
)
OTHER = (
    *("Prompt", "Aspect Ratio", "Magic Prompt Option", "Model Version", "Seed"),
    *("Rendering Speed", "Negative Prompt", "Style Type", "Color Palette"),
)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (OLD, ("a boat", "PRIVATE", "16:9", "ON", "2a", 7, "FAST", "", "GENERAL", "EMBER")),
        (OTHER, ("a boat", "16:9", "Auto", "V_2_TURBO", 7, "TURBO", "", "REALISTIC", "")),
    ],
)
def test_ideograms_sheets_ask_once_for_a_model(header: tuple[str, ...], row: list[object]) -> None:
    row = ["on" if cell == "Auto" else cell for cell in row]
    sheet = check(header, row)  # type: ignore[arg-type]
    assert errors(sheet) == [(2, "model")]
    [asked] = [p for p in sheet.problems if p.severity is Severity.ERROR]
    assert asked.suggestions == tuple(VOCABULARY.models)
    chosen = replace(VOCABULARY, model_names=NAMES)
    again = check_table(table(header, row), chosen)  # type: ignore[arg-type]
    assert errors(again) == []
    values = again.rows[0].values
    assert values
    assert (values.model, values.rendering) == ("wide", "turbo")


@pytest.mark.parametrize("label", ["3.0", "3", 3.0, "V_3", "2a", "V_2A_TURBO", "Ideogram 2.0"])
def test_ones_own_label_comes_before_ideograms(label: str | float) -> None:
    chosen = replace(VOCABULARY, model_names=NAMES)
    [row] = check_table(table(("prompt", "model"), ("a", label)), chosen).rows
    assert row.values
    assert row.values.model == ("3.0" if label in ("3.0", 3.0) else "wide")


def test_a_cell_merged_over_several_rows_counts_for_each(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["prompt", "aspect_ratio"], ["a", "16:9"], ["b", None], ["c", None]):
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    book.save(path)
    sheet = check_table(read_table(path), VOCABULARY)
    assert [row.values and row.values.aspect_ratio for row in sheet.rows] == ["16:9", "16:9", "1:1"]
    assert any("merged" in problem.message for problem in sheet.problems)


def test_hidden_rows_are_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["prompt", "x"], ["a", 1], ["b", 2]):
        book.active.append(row)
    book.active.row_dimensions[2].hidden = True
    book.active.column_dimensions["B"].hidden = True
    book.save(path)
    sheet = check_table(read_table(path), VOCABULARY)
    assert [(row.number, row.cells["prompt"]) for row in sheet.rows] == [(2, "a"), (3, "b")]
    assert sheet.rows[0].extra == {"x": "1"}
    assert any("hidden" in problem.message for problem in sheet.problems)


def test_a_formula_like_text_stays_text(tmp_path: Path) -> None:
    assert prompts(tmp_path / "a.csv", "prompt\n=HYPERLINK(1)\n@sum\n-a\n") == [
        *((2, "=HYPERLINK(1)"), (3, "@sum"), (4, "-a"))
    ]
