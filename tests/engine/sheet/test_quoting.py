"""Cells in quote marks that no csv program writes: read as meant and said, never shifted."""

from pathlib import Path

import pytest

from engine.sheet.copying import save_copy
from engine.sheet.delimited import records, split
from engine.sheet.editing import Draft
from engine.sheet.read import read_table
from engine.sheet.rows import Severity
from tests.support.sheets import VOCABULARY

TWO = "prompt,aspect_ratio\n"
THREE = "prompt,aspect_ratio,num_images\n"
NUMBERED = "num_images,prompt,style\n"


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in record] for record in records(text)][1:]


def kinds(text: str) -> list[tuple[int, Severity]]:
    read = split(text)
    list(read.records)
    return [(remark.row, remark.severity) for remark in read.remarks]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        (THREE + '"a cat, asleep", 16:9, 1\n', ["a cat, asleep", "16:9", "1"]),
        (NUMBERED + '1, "a cat, asleep"\n', ["1", "a cat, asleep"]),
        (NUMBERED + '1, "a ""big"" cat, asleep", anime\n', ["1", 'a "big" cat, asleep', "anime"]),
        (NUMBERED.replace(",", "\t") + '1\t "a\tcat"\n', ["1", "a\tcat"]),
        (THREE + "“a cat, asleep”,16:9,1\n", ["a cat, asleep", "16:9", "1"]),
        (THREE + "„a cat, asleep“,16:9,1\n", ["a cat, asleep", "16:9", "1"]),
        (THREE + "«a cat, asleep» , 16:9,1\n", ["a cat, asleep", "16:9", "1"]),
        (THREE + '"a cat, asleep”,16:9,1\n', ["a cat, asleep", "16:9", "1"]),
        (THREE + "'a cat, asleep',16:9,1\n", ["a cat, asleep", "16:9", "1"]),
        (THREE + "‘a cat, asleep’,16:9,1\n", ["a cat, asleep", "16:9", "1"]),
        (THREE + "`a cat, asleep`,16:9,1\n", ["a cat, asleep", "16:9", "1"]),
        (THREE + '""a cat, asleep"",16:9,1\n', ["a cat, asleep", "16:9", "1"]),
        (
            TWO + r'"a sign that says \"open\", neon",16:9',
            ['a sign that says "open", neon', "16:9"],
        ),
        (TWO + r'"a sign \", then left",16:9', ['a sign ", then left', "16:9"]),
        (TWO + '"a sign that says "open", neon",16:9\n', ['a sign that says "open", neon', "16:9"]),
    ],
)
def test_a_cell_in_other_quote_marks_stays_one_cell_and_is_said_to_be_repaired(
    text: str, cells: list[str]
) -> None:
    assert rows(text) == [cells]
    if '"a cat, asleep", 16:9, 1' not in text:  # which is plain csv
        assert kinds(text) == [(2, Severity.REPAIRED)]


def test_a_file_that_quotes_by_other_marks_means_them_in_every_cell() -> None:
    text = THREE + "“a cat, asleep”,16:9,1\n“a dog”,1:1,1\na “big” bird,1:1,1\n"
    assert rows(text) == [
        ["a cat, asleep", "16:9", "1"],
        ["a dog", "1:1", "1"],
        ["a “big” bird", "1:1", "1"],
    ]
    assert kinds(text) == [(2, Severity.REPAIRED), (3, Severity.REPAIRED)]
    assert rows("“prompt”,“style”\n“a dog”,anime\n") == [["a dog", "anime"]]


@pytest.mark.parametrize(
    "row",
    [
        ["'tis the season", "16:9"],
        ["“a” and “b”", "1:1"],
        ["“a dog”", "1:1"],
        ['a 5" nail', "1:1"],
        ["`code` and 'more'", "'1:1"],
        ["C:\\", "1:1"],
        ['"WOMBAT" on a wall', "1:1"],
        ["rock 'n' roll", "1:1"],
    ],
)
def test_marks_that_belong_to_the_words_stay_without_a_word(row: list[str]) -> None:
    text = TWO + ",".join(row) + "\n"
    assert rows(text) == [row]
    assert kinds(text) == []


def test_where_an_apostrophe_may_be_a_quote_mark_a_person_is_asked() -> None:
    text = "num_images,prompt,style\n1,'a cat, asleep'\n"
    assert kinds(text) == [(2, Severity.ERROR)]


def test_a_quoted_part_of_a_cell_that_a_comma_tears_is_pointed_at() -> None:
    text = 'num_images,prompt,style\n1,a sign "open, late"\n'
    assert kinds(text) == [(2, Severity.WARNING)]


def test_rows_with_fewer_cells_than_columns_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("prompt,style,Note\na red boat\na hill,anime,x\n")
    draft = Draft(read_table(path), VOCABULARY)
    assert [(p.column, p.severity) for p in draft.problems(2)] == [(None, Severity.WARNING)]
    assert "1 cell for 3 columns" in draft.problems(2)[0].message
    assert draft.row(2).values is not None
    draft.edit([2], "style", "3d")
    assert draft.problems(2) == draft.problems(3) == ()


def test_a_corrected_copy_quotes_rows_as_csv_does(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("prompt,style\n“a cat, asleep”,anme\na “big” bird,\n“a dog, too”,anime\n")
    draft = Draft(read_table(path), VOCABULARY)
    draft.edit([2], "style", "anime")
    save_copy(draft, path, copy)
    assert copy.read_text() == (
        'prompt,style\n"a cat, asleep",anime\na “big” bird,\n"a dog, too",anime\n'
    )
