"""Templates: what is written reads back clean, and text stays text."""

import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from engine.sheet.check import ModelLimits, check_table
from engine.sheet.headers import letters
from engine.sheet.read import read_table
from engine.sheet.rows import Severity, SheetError
from engine.sheet.template import choices_of, explain, template_columns, write_template
from tests.support.sheets import VOCABULARY

MODELS = list(VOCABULARY.models)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "ods"])
@pytest.mark.parametrize("full", [False, True])
def test_a_template_reads_back_with_its_example_row_pointed_at(
    tmp_path: Path, ending: str, full: bool
) -> None:
    path = tmp_path / f"t.{ending}"
    write_template(path, MODELS, full=full)
    sheet = check_table(read_table(path), VOCABULARY)
    assert sheet.columns == tuple(column.name for column in template_columns(full=full))
    [row] = sheet.rows
    assert row.values
    assert row.values.aspect_ratio == "2:3"
    own = [problem for problem in sheet.problems if problem.row == 2]
    assert [(p.column, p.severity) for p in own] == [("prompt", Severity.WARNING)]
    assert "example row" in own[0].message


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_posters_template_has_what_stands_in_the_picture_and_where(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"t.{ending}"
    able = {"ideogram": ModelLimits(max_ratio=6.0, captions=True)}
    write_template(path, [*able, *MODELS], poster=True)
    vocabulary = replace(VOCABULARY, models={**able, **VOCABULARY.models})
    [row] = check_table(read_table(path), vocabulary).rows
    assert row.values is not None
    assert row.values.text_1 and row.values.layout and row.values.model == "ideogram"
    assert not {"text_1", "layout"} & {column.name for column in template_columns(full=True)}


def test_every_cell_of_an_xlsx_template_is_text_with_a_list_where_there_is_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.xlsx"
    write_template(path, MODELS, full=True)
    page = openpyxl.load_workbook(path)["prompts"]
    columns = template_columns(full=True)
    for row in (2, 3, 500, 1001):
        assert {page.cell(row, at + 1).number_format for at in range(len(columns))} == {"@"}
    assert page.freeze_panes == "A2"
    assert all(page.cell(1, at + 1).comment for at in range(len(columns)))
    listed = {
        str(rule.sqref)[0]: rule.formula1.strip('"').split(",")
        for rule in page.data_validations.dataValidation
    }
    for at, column in enumerate(columns):
        expected = list(choices_of(column, MODELS))
        assert listed.get(letters(at), []) == expected


def test_an_ods_template_has_lists_notes_text_cells_and_a_frozen_header(tmp_path: Path) -> None:
    path = tmp_path / "t.ods"
    write_template(path, MODELS, full=True)
    with zipfile.ZipFile(path) as archive:
        content = archive.read("content.xml").decode()
        settings = archive.read("settings.xml").decode()
    assert content.count("<office:annotation") == len(template_columns(full=True))
    assert 'table:number-rows-repeated="999"' in content
    assert 'cell-content-is-in-list("turbo";"default";"quality")' in content.replace("&quot;", '"')
    assert "VerticalSplitPosition" in settings


def test_another_ending_is_refused_and_a_template_is_replaced_whole(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="must end in"):
        write_template(tmp_path / "t.pdf", MODELS)
    (tmp_path / "t.csv").write_text("mine")
    write_template(tmp_path / "t.csv", MODELS)
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_the_explained_rules_name_every_column_and_their_example_is_clean(tmp_path: Path) -> None:
    rules = explain(MODELS)
    assert all(f"- {column.name}: " in rules for column in template_columns(full=True))
    path = tmp_path / "answer.csv"
    path.write_text(rules.partition("Example:\n")[2])
    sheet = check_table(read_table(path), VOCABULARY)
    assert [p for p in sheet.problems if p.row > 1] == []
    assert len(sheet.ready) == 1


FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize("name", ["template-typed.xlsx", "template-typed.ods"])
def test_ratios_typed_into_a_template_with_libreoffice_stay_ratios(name: str) -> None:
    sheet = check_table(read_table(FILES / name), VOCABULARY)
    typed = [row.cells.get("aspect_ratio") for row in sheet.rows]
    assert typed == ["2:3", "2:3", "16:9", "3:4"]
    assert [row.values and row.values.seed_number for row in sheet.rows] == [42, 42, 42, 42]
    repaired = [(p.column, p.severity) for p in sheet.problems if p.row > 2]
    assert repaired == [("seed_number", Severity.REPAIRED)] * 3, "00042 was typed, and stays so"
