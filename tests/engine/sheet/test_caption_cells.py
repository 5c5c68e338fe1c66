"""Prompts that are captions: for Ideogram 4 read as such, for other models words."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.caption.reading import written
from engine.sheet.caption_cells import own_caption_columns
from engine.sheet.check import ModelLimits, check_table
from engine.sheet.rows import Problem, Row, Severity
from engine.sheet.table import Cell
from tests.engine.caption.captions import JAZZ
from tests.support.sheets import VOCABULARY, table

ERROR, WARNING, REPAIRED = Severity.ERROR, Severity.WARNING, Severity.REPAIRED
CAPTIONS = replace(
    VOCABULARY,
    models={
        **VOCABULARY.models,
        "ideogram": ModelLimits(
            max_ratio=6.0, captions=True, heeds_negative=lambda *_: False, guides=True
        ),
    },
    caption_styles={
        "realistic": {"aesthetics": "a", "lighting": "b", "photo": "c", "medium": "photograph"}
    },
    palettes={"ember": ("#2B1A1D", "#7A1F1F"), "jazz": ("#0B3C49", "#E3B23C")},
)
TEXT = written(JAZZ)


def checked(header: Sequence[str], *cells: Cell) -> tuple[Row, list[Problem]]:
    sheet = check_table(table(header, cells), CAPTIONS)
    return sheet.rows[0], [problem for problem in sheet.problems if problem.row > 1]


def test_a_caption_that_is_right_passes_in_silence_and_keeps_every_byte() -> None:
    row, problems = checked(("prompt", "model"), TEXT, "ideogram")
    assert problems == []
    assert row.values is not None and row.values.prompt == TEXT


def test_a_caption_is_repaired_in_its_cell_and_that_is_shown() -> None:
    loose = json.dumps(JAZZ, indent=2).replace("#0B3C49", "#0b3c49")
    row, [problem] = checked(("prompt", "model"), loose, "ideogram")
    assert problem.severity is REPAIRED and "#0b3c49 → #0B3C49" in problem.message
    assert row.values is not None and row.cells["prompt"] == row.values.prompt == TEXT


def test_a_fault_is_named_by_its_path_and_keeps_the_row_back() -> None:
    row, [problem] = checked(
        ("prompt", "model"),
        TEXT.replace("[620,", "[1620,").replace('"lighting"', '"light"'),
        "ideogram",
    )
    assert row.values is None and (problem.column, problem.severity) == ("prompt", ERROR)
    assert "elements[1].bbox: four whole numbers from 0 to 1000" in problem.message
    assert "style_description.light: is not a key here" in problem.message
    assert "final_prompt" in problem.message


def test_what_is_cut_off_says_so_instead_of_speaking_of_braces() -> None:
    _, [problem] = checked(("prompt", "model"), TEXT[:-30], "ideogram")
    assert problem.severity is ERROR and "not complete JSON" in problem.message
    _, [problem] = checked(("prompt", "model"), TEXT[:-30], "builtin")
    assert "Braces hold alternatives" in problem.message


def test_for_another_model_it_stays_words_and_that_is_said() -> None:
    row, [problem] = checked(("prompt", "model"), TEXT, "builtin")
    assert row.values is not None and row.values.prompt == TEXT
    assert (problem.severity, problem.column) == (WARNING, "prompt")
    assert "builtin reads this caption as plain words. ideogram reads" in problem.message


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("style", "realistic", "the caption already sets a style: graphic_design"),
        ("style", "general", "this style adds words to a prompt"),
        ("style", "auto", ""),
        ("color_palette", "#112233", "the caption already sets a palette: #0B3C49 #E3B23C"),
        ("color_palette", "ember", "the caption already sets a palette"),
        ("color_palette", "jazz", ""),
        ("color_palette", "#E3B23C:1 #0B3C49:2", ""),
        ("negative_prompt", "people", "“an empty street”, not “no people”"),
    ],
)
def test_a_column_that_clashes_with_a_caption_is_warned_of(
    column: str, cell: str, told: str
) -> None:
    row, problems = checked(("prompt", "model", column), TEXT, "ideogram", cell)
    assert row.values is not None
    assert [(p.column, p.severity) for p in problems] == ([(column, WARNING)] if told else [])
    assert all(told in problem.message for problem in problems)


def test_a_column_beside_a_caption_that_leaves_it_out_is_no_clash() -> None:
    bare = written({"compositional_deconstruction": JAZZ["compositional_deconstruction"]})
    header = ("prompt", "model", "style", "color_palette")
    assert checked(header, bare, "ideogram", "realistic", "ember")[1] == []


def test_a_final_prompt_that_is_no_whole_caption_is_warned_of_and_kept() -> None:
    row, [problem] = checked(("prompt", "model", "final_prompt"), "a", "ideogram", TEXT[:-3])
    assert row.values is not None and row.values.final_prompt == TEXT[:-3]
    assert (problem.column, problem.severity) == ("final_prompt", WARNING)
    assert checked(("prompt", "model", "final_prompt"), "a", "ideogram", TEXT)[1] == []


TEXTS = ("prompt", "model", "text_1", "layout")


def test_words_and_places_are_read_for_a_model_of_captions_and_change_nothing_for_others() -> None:
    row, problems = checked(TEXTS, "a fair", "ideogram", "SUMMER {FAIR|x}", "text_1: top")
    assert problems == [] and row.values is not None
    assert (row.values.text_1, row.values.layout) == ("SUMMER {FAIR|x}", "text_1: top")
    row, problems = checked(TEXTS, "a fair", "builtin", "SUMMER", "text_1: top")
    assert row.values is not None
    assert [(p.column, p.severity) for p in problems] == [("text_1", WARNING), ("layout", WARNING)]
    assert "builtin does not read captions" in problems[0].message


def test_a_layout_that_is_none_is_an_error_and_a_place_without_words_a_warning() -> None:
    row, [problem] = checked(TEXTS, "a fair", "ideogram", "x", "portrait")
    assert row.values is None and (problem.column, problem.severity) == ("layout", ERROR)
    _, [problem] = checked(TEXTS, "a fair", "ideogram", "", "text_1: top")
    assert problem.severity is WARNING and "no text for it" in problem.message


def test_words_beside_a_caption_that_has_others_are_a_clash() -> None:
    _, problems = checked(TEXTS, TEXT, "ideogram", "SALE", "text_1: top")
    assert [p.column for p in problems] == ["text_1"]
    _, problems = checked(TEXTS, TEXT, "ideogram", "jazz jam", "text_1: top")
    assert [p.column for p in problems] == ["layout"], "whose box it has already"


def test_the_header_says_once_that_these_columns_act_in_captions() -> None:
    sheet = check_table(table(TEXTS, ("a fair", "ideogram", "x", "")), CAPTIONS)
    [problem] = sheet.problems
    assert (problem.row, problem.severity) == (1, WARNING)
    assert "`text_1`, `layout`: for Ideogram 4" in problem.message


@pytest.mark.parametrize(
    ("header", "cells", "own"),
    [
        (("prompt", "text_1", "layout"), ("a", "x", "y"), {1, 2}),
        (("prompt", "text_1", "model"), ("a", "x", "Ideogram"), set()),
        (("prompt", "text_1", "model"), ("a", "x", "4.0"), set()),
        (("prompt", "text_1", "model"), ("a", "x"), {1}),
        (("prompt", "note"), ("a", "x"), set()),
    ],
)
def test_columns_of_these_names_are_the_users_own_where_no_row_reads_captions(
    header: Sequence[str], cells: Sequence[Cell], own: set[int]
) -> None:
    read = table(header, cells)
    assert own_caption_columns(read, {"ideogram", "4.0"}, default="builtin") == own
    sheet = check_table(replace(read, own=frozenset(own)), CAPTIONS)
    kept = [p for p in sheet.problems if "kept as a column of your own" in p.message]
    assert len(kept) == len(own) and all("read captions" in p.message for p in kept)
