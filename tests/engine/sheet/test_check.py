"""Whole tables: every problem, the right rows ready."""

from dataclasses import replace
from typing import Any

import pytest

from engine.sheet.check import ModelLimits, Vocabulary, check_table, typed_table
from engine.sheet.rows import RowValues, Severity, Sheet, SheetError
from tests.support.sheets import VOCABULARY, check, check_cell, errors, severities, table

ERROR, WARNING, REPAIRED = Severity.ERROR, Severity.WARNING, Severity.REPAIRED


def test_blank_cells_take_their_columns_defaults() -> None:
    sheet = check(("prompt", "seed_number", "style"), ("  a red boat ", "", " "))
    assert sheet.problems == ()
    assert sheet.rows[0].cells == {"prompt": "a red boat"}
    assert sheet.rows[0].values == RowValues(
        prompt="a red boat",
        visibility="private",
        aspect_ratio="1:1",
        magic_prompt=True,
        model="builtin",
        num_images=4,
        seed_number=None,
        rendering="default",
        negative_prompt="",
        style="auto",
        color_palette=(),
    )


def test_the_vocabulary_says_how_many_images_a_blank_cell_means() -> None:
    sheet = check_table(table(("prompt",), ("a",)), replace(VOCABULARY, num_images=16))
    assert sheet.rows[0].values is not None
    assert sheet.rows[0].values.num_images == 16


def test_every_problem_of_300_faulty_rows_is_listed_in_order() -> None:
    header = ("seed_number", "prompt", "model", "rendering")
    sheet = check(header, *[("-1", "", "nobody", "slow")] * 300)
    assert errors(sheet) == [(row, name) for row in range(2, 302) for name in header]
    assert sheet.ready == []


def test_one_bad_cell_keeps_only_its_own_row() -> None:
    sheet = check(("prompt", "seed_number"), ("a", 1), ("b", "x"), ("c", 3))
    assert [row.number for row in sheet.ready] == [2, 4]
    assert sheet.rows[1].cells == {"prompt": "b", "seed_number": "x"}


@pytest.mark.parametrize("blank", ["", "  ", "\u200b", "\u00a0\n"])
def test_a_prompt_nobody_can_see_is_missing(blank: str) -> None:
    sheet = check(("prompt", "seed_number"), (blank, 1))
    assert errors(sheet) == [(2, "prompt")]


def test_a_prompt_over_the_limit_is_an_error_that_names_the_limit() -> None:
    short = replace(VOCABULARY, prompt_chars=10)
    sheet = check_table(table(("prompt",), ("x" * 10,), ("x" * 11,)), short)
    assert errors(sheet) == [(3, "prompt")]
    assert "limit of 10" in sheet.problems[0].message


def test_a_giant_cell_does_not_swell_its_problem() -> None:
    sheet = check(("prompt",), ("x" * 1_000_000,))
    assert len(sheet.problems[0].value) <= 1000


def test_unknown_columns_are_carried_along() -> None:
    sheet = check(("prompt", "Note", "Note", ""), ("a", "x", 3.0, "y", "z"), ("b", "", "", ""))
    assert sheet.rows[0].extra == {
        "Note": "x",
        "Note (column C)": "3",
        "column D": "y",
        "column E": "z",
    }
    assert sheet.rows[1].extra == {}
    assert sheet.columns == ("prompt", "Note", "Note", "")


def test_a_text_file_row_with_more_cells_than_columns_is_never_guessed_at() -> None:
    sheet = check(("prompt", "seed_number"), ("a", "1", ""), ("b", "c", "3"), sheet=None)
    assert [row.number for row in sheet.ready] == [2]
    assert (3, None) in errors(sheet)


def test_a_short_row_has_blank_cells() -> None:
    sheet = check(("prompt", "seed_number", "Note"), ("a",), sheet=None)
    assert len(sheet.ready) == 1


def test_a_width_that_the_model_draws_only_nearly_is_said_and_one_it_cannot_is_an_error() -> None:
    sheet = check(
        ("prompt", "width", "height"), ("a", "100", "128"), ("b", "9000", ""), ("c", "", "")
    )
    assert [(p.row, p.column, p.severity) for p in sheet.problems] == [
        (2, "width", WARNING),
        (3, "width", ERROR),
    ]
    assert "96 × 128" in sheet.problems[0].message


def test_a_scheduler_that_the_model_cannot_use_is_an_error_with_those_it_can() -> None:
    row, _ = check_cell("scheduler", "DDIM")
    assert row.values is not None and row.values.scheduler == "ddim"
    sheet = check(("prompt", "model", "scheduler"), ("a", "wide", "ddim"), ("b", "wide", "Euler"))
    assert [(p.row, p.column, p.suggestions) for p in sheet.problems] == [
        (2, "scheduler", ("euler",))
    ]


def test_what_a_model_does_with_guidance_and_of_which_kind_it_is_is_said_once() -> None:
    sheet = check(("prompt", "model", "guidance"), ("a", "strange", "7"), ("b", "strange", ""))
    assert [(p.row, p.column, p.severity) for p in sheet.problems] == [
        (2, "model", WARNING),
        (2, "guidance", WARNING),
    ]
    assert "SomebodysPipeline" in sheet.problems[0].message
    assert "changes nothing" in sheet.problems[1].message


def test_a_model_that_lacks_something_is_refused_before_the_start() -> None:
    lacking = ModelLimits(max_ratio=3.0, lack="needs torchvision, which is not installed: `pip`")
    vocabulary = replace(VOCABULARY, models={"builtin": lacking})
    sheet = check_table(table(("prompt",), ("a",), ("b",)), vocabulary)
    problem, _ = sheet.problems
    assert errors(sheet) == [(2, "prompt"), (3, "prompt")]
    assert problem.message == "The model builtin needs torchvision, which is not installed: `pip`."


def test_a_wildcard_nobody_knows_is_an_error_on_its_cell() -> None:
    sheet = check(
        ("prompt", "negative_prompt"), ("a __color__ {cat|dog}", "__colr__ x"), ("{b", "")
    )
    assert errors(sheet) == [(2, "negative_prompt"), (3, "prompt")]
    assert sheet.problems[0].suggestions == ("__color__ x",)
    assert sheet.problems[1].suggestions == ("\\{b",)


def test_a_wildcard_whose_file_cannot_be_used_is_an_error_on_the_cells_that_name_it() -> None:
    sheet = check(("prompt",), ("a __torn__",), ("a {__torn__|b}",), ("a __color__",))
    assert errors(sheet) == [(2, "prompt"), (3, "prompt")]
    assert "reads “{a”" in sheet.problems[0].message


def test_a_doubled_row_with_a_seed_is_a_warning_that_names_the_first() -> None:
    sheet = check(
        ("prompt", "seed_number", "rendering", "num_images"),
        ("a", 7, "turbo", 1),
        ("a", 7, "fast", 2),
        ("a", 8, "turbo", 1),
        ("a", "", "turbo", 1),
        ("a", "", "turbo", 1),
    )
    doubled = [p for p in sheet.problems if p.severity is WARNING]
    assert [(p.row, p.column) for p in doubled] == [(3, None)]
    assert "row 2" in doubled[0].message
    assert len(sheet.ready) == 5


def test_a_negative_prompt_for_a_model_without_is_a_warning() -> None:
    sheet = check(
        ("prompt", "model", "negative_prompt"), ("a", "3.0", "fog"), ("b", "builtin", "fog")
    )
    assert [(p.row, p.column, p.severity) for p in sheet.problems] == [
        (2, "negative_prompt", WARNING)
    ]


def test_the_header_row_and_notes_of_the_table_reach_the_problems() -> None:
    odd = replace(table(("Prompt",), ("a",)), header_row=3, notes=("read as Windows-1252",))
    sheet = check_table(odd, VOCABULARY)
    assert [(p.row, p.column, p.severity) for p in sheet.problems] == [
        (3, None, WARNING),
        (3, "prompt", REPAIRED),
    ]


def test_a_default_model_outside_the_list_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="default model"):
        Vocabulary(models={"a": ModelLimits(2.0)}, default_model="b")


def typed_rows(prompts: list[str], vocabulary: Vocabulary, **cells: Any) -> Sheet:
    return check_table(typed_table(prompts, **cells), vocabulary)


def test_typed_prompts_go_through_the_same_checks() -> None:
    sheet = typed_rows(
        ["a red boat", "  ", "x" * 10_001], VOCABULARY, num_images=16, rendering="fast"
    )
    assert [row.number for row in sheet.rows] == [2, 4]
    assert errors(sheet) == [(4, "prompt")]
    assert REPAIRED in severities(sheet.problems)
    values = sheet.ready[0].values
    assert values is not None
    assert (values.num_images, values.rendering) == (16, "turbo")


def test_typed_settings_are_checked_too() -> None:
    assert typed_rows(["a"], VOCABULARY, num_images=0).ready == []
    assert typed_rows(["a"], VOCABULARY, seed_number="").ready != []
    with pytest.raises(SheetError, match="no setting colour"):
        typed_rows(["a"], VOCABULARY, colour="red")


def test_no_typed_prompt_at_all_is_said() -> None:
    with pytest.raises(SheetError, match="No prompt"):
        typed_rows(["", " "], VOCABULARY)


def test_public_rows_that_nobody_else_would_find_say_why() -> None:
    rows = table(("prompt", "visibility"), ("a", "public"), ("b", ""), ("c", "private"))
    assert check_table(rows, VOCABULARY).problems == ()
    sheet = check_table(rows, replace(VOCABULARY, unshared="there is no folder"))
    (problem,) = sheet.problems
    assert (problem.row, problem.column, problem.severity) == (2, "visibility", WARNING)
    assert "there is no folder" in problem.message and "share.folder" in problem.message
    assert len(sheet.ready) == 3, "it can be rendered all the same"
