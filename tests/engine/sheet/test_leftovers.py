"""Rows and cells that spreadsheet programs and other tools leave behind."""

from typing import Any

import pytest

from engine.sheet.editing import Draft
from engine.sheet.foreign_options import foreign_options
from engine.sheet.leftovers import leftovers
from engine.sheet.problem_navigation import Place
from engine.sheet.rows import Severity
from tests.support.sheets import VOCABULARY, check_cell, severities, table


def test_rows_with_nothing_but_a_check_box_are_blank_and_said_once() -> None:
    rows: dict[int, list[Any]] = {
        1: ["prompt", "done"],
        2: ["a", False],
        3: ["", False],
        4: ["", True],
        5: ["", "FALSE"],
    }
    blank, note = leftovers(rows)
    assert blank == {3, 5}
    assert note.startswith("Rows 3, 5 hold no prompt")


def test_values_filled_down_past_the_last_prompt_are_blank() -> None:
    rows: dict[int, list[Any]] = {1: ["#", "prompt", "ratio"], 2: [1, "a", "16:9"]}
    rows |= {number: [number - 1, "", "16:9"] for number in range(3, 9)}
    assert leftovers(rows)[0] == set(range(3, 9))
    assert leftovers({**rows, 9: [8, "last", "16:9"]})[0] == set()
    assert leftovers({**rows, 8: [7, "", "1:1"]})[0] == set()
    assert leftovers({n: rows[n] for n in (1, 2, 3)}) == (set(), "")
    assert leftovers({1: ["name"], 2: [False]}) == (set(), "")


@pytest.mark.parametrize(
    ("cell", "suggestions"),
    [("1.23457E+09", ()), ("1,2E+05", ()), ("1.23457E+05", ("123457",)), ("1E+400", ())],
)
def test_a_seed_that_was_shortened_says_that_digits_were_lost(
    cell: str, suggestions: tuple[str, ...]
) -> None:
    _, problems = check_cell("seed_number", cell)
    assert severities(problems) == [Severity.ERROR]
    assert "digits" in problems[0].message and "lost" in problems[0].message
    assert problems[0].suggestions == suggestions


@pytest.mark.parametrize(
    ("cell", "ratio"),
    [("02:03 AM", "2:3"), ("4:09 PM", "16:9"), ("2:3:00", "2:3"), ("16:9:00", "16:9")],
)
def test_ratios_that_became_times_of_other_forms_come_back(cell: str, ratio: str) -> None:
    row, problems = check_cell("aspect_ratio", cell)
    assert row.cells["aspect_ratio"] == ratio
    assert severities(problems) == [Severity.REPAIRED]


@pytest.mark.parametrize(
    ("cell", "first"),
    [
        *(("Mar-02", "2:3"), ("2-Mar", "2:3"), ("02. Mär", "2:3"), ("Sep-16", "16:9")),
        *(("2.03", "2:3"), (2.03, "2:3"), ("16,09", "16:9"), ("2.3", "2:3")),
        *(("02.03.2026", "2:3"), ("3/4/26", "3:4"), ("2 March", None)),
    ],
)
def test_ratios_that_became_dates_or_numbers_are_asked_about(
    cell: str | float, first: str | None
) -> None:
    row, problems = check_cell("aspect_ratio", cell)
    assert row.values is None
    assert problems[0].suggestions[:1] == ((first,) if first else ())


@pytest.mark.parametrize(
    ("prompt", "bare", "cells"),
    [
        ("a cat --ar 16:9", "a cat", {"aspect_ratio": "16:9"}),
        (
            "a cat, --steps 20 --cfg_scale=7 asleep",
            "a cat, asleep",
            {"steps": "20", "guidance": "7"},
        ),
        (
            "a cat --no text, people --ar 2:3 --v 6",
            "a cat --v 6",
            {"negative_prompt": "text, people", "aspect_ratio": "2:3"},
        ),
        (
            '--prompt "a cat" --negative_prompt "a dog" --seed 5',
            "a cat",
            {"negative_prompt": "a dog", "seed_number": "5"},
        ),
        ("a cat —ar 16:9", "a cat", {"aspect_ratio": "16:9"}),
    ],
)
def test_options_of_other_tools_are_pointed_at_and_moved_to_their_columns(
    prompt: str, bare: str, cells: dict[str, str]
) -> None:
    draft = Draft(table(("prompt", "Note"), (prompt, "x")), VOCABULARY)
    [problem] = draft.problems(2)
    assert (problem.severity, problem.suggestions) == (Severity.WARNING, (bare,))
    assert draft.take(Place(2, "prompt"), bare) == 1
    assert {c: draft.text(2, c) for c in cells} == cells
    assert draft.text(2, "prompt") == bare
    draft.undo()
    assert draft.header == ("prompt", "Note")
    assert draft.text(2, "prompt") == prompt


@pytest.mark.parametrize("prompt", ["well--known", "a -- b", "1920--1930", "--", "a --foo b"])
def test_dashes_that_are_no_options_stay_without_a_word(prompt: str) -> None:
    assert foreign_options(prompt) is None
    assert check_cell("prompt", prompt)[1] == []
