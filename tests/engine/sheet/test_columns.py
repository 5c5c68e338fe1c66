from pathlib import Path

from engine.sheet.columns import COLUMNS, Kind
from engine.sheet.rows import RowValues
from tests.support.sheets import check_cell


def test_columns_and_row_values_are_one_list_in_one_order() -> None:
    # What follows from several of them comes after them.
    names = [*(column.name for column in COLUMNS), "upscaler"]
    assert names == list(RowValues.__struct_fields__)


def test_every_choice_and_synonym_of_every_column_is_accepted() -> None:
    for column in COLUMNS:
        if column.kind in (Kind.CHOICE, Kind.SWITCH, Kind.COLOURS):
            for word in (*column.choices, *column.synonyms, column.default):
                row, _ = check_cell(column.name, word)
                # What is to be enlarged needs a picture, and its row has none.
                is_read = row.cells.get("upscale") in column.choices
                assert row.values is not None or is_read, (column.name, word)


def test_every_column_says_what_it_is_and_has_a_sound_default() -> None:
    for column in COLUMNS:
        assert column.help.endswith(".")
        assert not column.choices or column.default in (*column.choices, "")


def test_the_readme_tells_every_column_as_it_is_declared() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    for column in COLUMNS:
        said, _, blank = column.help.partition(" Blank: ")
        default = f"`{column.default}`" if column.default else "none"
        blank = "an error" if column.name == "prompt" else blank.rstrip(".") or default
        assert f"| `{column.name}` | {said} | {blank} |\n" in readme
