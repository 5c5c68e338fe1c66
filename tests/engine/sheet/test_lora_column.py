"""The column lora, and the LoRAs that other tools name in the prompt."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.api.sheets import Sheets
from engine.library.read.stored_rows import StoredRow
from engine.settings import Settings
from engine.sheet.check import check_table
from engine.sheet.editing import Draft
from engine.sheet.problem_navigation import Place
from engine.sheet.rows import Problem, Row, Severity, Sheet
from engine.sheet.table import Cell
from engine.sheet.vocabulary import LoraUse, ModelLimits
from tests.support.sheets import VOCABULARY, errors, table

LORAS = replace(
    VOCABULARY,
    models={
        "builtin": ModelLimits(max_ratio=3.0, takes_loras=True),
        "plain": ModelLimits(max_ratio=3.0),
    },
    loras={
        "ink": LoraUse(weight=0.7),
        "fog bank": LoraUse(),
        "Add_Detail": LoraUse(why_not=lambda label: "" if label == "plain" else "It is for XL."),
        "mark": LoraUse(words=("zwx style", "zwx")),
    },
    lora_faults={"torn": "Its file is gone."},
)
REPAIRED, ERROR, WARNING = Severity.REPAIRED, Severity.ERROR, Severity.WARNING


def check(header: Sequence[str], *rows: tuple[Cell, ...]) -> Sheet:
    return check_table(table(header, *rows), LORAS)


def check_cell(cell: Cell) -> tuple[Row, list[Problem]]:
    sheet = check(("prompt", "lora"), ("a boat", cell))
    return sheet.rows[0], list(sheet.problems)


@pytest.mark.parametrize(
    ("cell", "text", "asked", "found"),
    [
        ("ink", "ink", [("ink", 0.7)], []),
        ("ink:.5", "ink:0.5", [("ink", 0.5)], []),
        (" INK : 0.50 ", "ink:0.5", [("ink", 0.5)], []),
        ("ink:-4|fog bank:4", "ink:-4, fog bank:4", [("ink", -4), ("fog bank", 4)], []),
        ("fog bank, ink", "fog bank, ink", [("fog bank", 1), ("ink", 0.7)], []),
        ("fog bank.safetensors;ink", "fog bank, ink", [("fog bank", 1), ("ink", 0.7)], []),
        ("ink:0", "ink:0", [("ink", 0)], []),
        ("ink:0.5:0.5", "ink:0.5", [("ink", 0.5)], []),
        ("", "", [], []),
        ("ink:", "ink", [("ink", 0.7)], [REPAIRED]),
        ("ink:none", "ink", [("ink", 0.7)], [REPAIRED]),
        ("ink:80%", "ink:0.8", [("ink", 0.8)], [REPAIRED]),
        ("<lora:ink:1>", "ink:1", [("ink", 1)], [REPAIRED]),
        (
            "<lora:ink:1><lyco:fog bank>",
            "ink:1, fog bank",
            [("ink", 1), ("fog bank", 1)],
            [REPAIRED],
        ),
    ],
)
def test_a_cell_is_read(
    cell: str, text: str, asked: list[tuple[str, float]], found: list[Severity]
) -> None:
    row, problems = check_cell(cell)
    assert [p.severity for p in problems] == found
    assert row.values is not None and list(row.values.lora) == asked
    assert row.cells.get("lora", "") == text


@pytest.mark.parametrize(
    ("cell", "words", "suggested"),
    [
        ("inc:0.5", "No LoRA in your list is called inc", ("ink:0.5",)),
        ("fog bank, ikn", "Your list: ink, fog bank", ("fog bank, ink",)),
        ("ink:5", "cannot have the weight 5", ("ink:4",)),
        ("ink:strong", "strong is not a weight", ("ink",)),
        ("ink:0,8", "No LoRA in your list is called 8", ("ink:0.8",)),
        ("ink:0.2:0.9", "several weights", ("ink:0.2",)),
        ("ink, ink:0.3", "named twice", ("ink",)),
        ("ikn; inc:9", "called ikn", ("ink",)),  # twice then, and with a weight that cannot be
        ("ikn\nfog bnak", "called ikn", ("ink, fog bank",)),
        ("ikn, torn", "called ikn", ()),
        ("torn", "Its file is gone", ()),
        ("Add_Detail", "It is for XL", ()),
        (7.0, "called 7", ("ink", "fog bank", "Add_Detail", "mark")),
    ],
)
def test_what_cannot_be_is_an_error_of_the_cell(
    cell: Cell, words: str, suggested: tuple[str, ...]
) -> None:
    row, problems = check_cell(cell)
    assert row.values is None
    (problem,) = problems
    assert (problem.severity, problem.column) == (ERROR, "lora")
    assert words in problem.message and problem.suggestions == suggested
    for each in {*suggested} - {"Add_Detail"}:  # it is for another model than this row's
        again, _ = check_cell(each)
        assert again.values is not None


def test_a_model_that_takes_none_says_which_do() -> None:
    sheet = check(("prompt", "model", "lora"), ("a", "plain", "ink"), ("a", "plain", "ink:0"))
    assert errors(sheet) == [(2, "lora")]
    assert "Models that can: builtin" in sheet.problems[0].message


def test_a_prompt_without_the_words_a_lora_answers_to_is_told_them() -> None:
    header = ("prompt", "lora", "final_prompt")
    sheet = check(header, ("a boat", "mark", ""), ("a ZWX boat", "mark", ""), ("a", "mark", "zwx"))
    assert [(p.row, p.column, p.suggestions) for p in sheet.problems] == [
        (2, "prompt", ("a boat, zwx style",))
    ]
    assert errors(check(("prompt", "lora"), ("a", "mark"))) == []


@pytest.mark.parametrize(
    ("prompt", "rest"),
    [
        ("a boat <lora:ink:1>", "a boat"),
        ("a boat, <lora:ink:1>, at night", "a boat, at night"),
        ("a boat,<lora:ink:1> at night", "a boat, at night"),
        ("<lora:ink:1>, a boat", "a boat"),
        ("a <lora:ink:1> boat", "a boat"),
        ("a {red|blue} boat <LORA:ink:1>", "a {red|blue} boat"),
        ("a boat <lora:ink:1>\nat night", "a boat\nat night"),
    ],
)
def test_loras_in_a_prompt_go_into_the_column(prompt: str, rest: str) -> None:
    sheet = check(("prompt",), (prompt,))
    (row,) = sheet.rows
    assert row.cells == {"prompt": rest, "lora": "ink:1"}
    assert row.values is not None
    assert (row.values.prompt, list(row.values.lora)) == (rest, [("ink", 1.0)])
    assert [(p.column, p.severity) for p in sheet.problems] == [("prompt", REPAIRED)]


def test_they_join_those_of_the_column_and_are_judged_with_them() -> None:
    header = ("prompt", "lora")
    sheet = check(
        header, ("a <lora:ink:1>", "fog bank"), ("a <lora:ikn:1>", ""), ("<lora:ink:1>", "")
    )
    assert sheet.rows[0].cells["lora"] == "fog bank, ink:1"
    assert errors(sheet) == [(3, "lora"), (4, "prompt")]
    assert sheet.rows[1].values is None


def test_rows_of_a_past_session_keep_theirs(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "ink.safetensors"
    save_file({"lora_unet_x.lora_down.weight": np.zeros((2, 4), np.float32)}, file)
    (config / "loras.toml").write_text(f'[[loras]]\nlabel = "ink"\nfile = "{file}"\n')
    stored = StoredRow(7, {"prompt": "a boat", "lora": "ink:0.5"}, {}, first_seed=1, images=1)
    checked = Sheets(Settings(library=tmp_path)).check_stored([stored], file="past")
    (row,) = checked.sheet.rows
    assert row.values is not None and row.values.lora == (("ink", 0.5),)
    assert row.cells == stored.cells


def test_one_between_braces_would_be_in_all_images() -> None:
    sheet = check(("prompt",), ("{a <lora:ink:1>|b}",))
    assert errors(sheet) == [(2, "prompt")]
    assert "separate row for each" in sheet.problems[0].message


def test_a_draft_shows_what_a_prompt_named_and_its_copy_has_it() -> None:
    draft = Draft(table(("prompt", "seed_number"), ("a boat <lora:ink:1>", "5"), ("b", "6")), LORAS)
    assert not draft.changed
    assert draft.columns == ("prompt", "seed_number", "lora")
    assert draft.text(2, "lora") == "ink:1"
    assert draft.mended() == {2: {"prompt": "a boat", "lora": "ink:1"}}
    draft.edit([3], "prompt", "b <lora:fog bank:.5>")
    assert draft.text(3, "lora") == "fog bank:0.5"
    assert draft.vocabulary.choices("lora") == ("ink", "fog bank", "Add_Detail", "mark")
    draft.edit([2], "lora", "fog bank")
    assert draft.text(2, "lora") == "fog bank, ink:1"


def test_a_refused_repair_leaves_it_in_the_prompt_as_words() -> None:
    draft = Draft(table(("prompt",), ("a boat <lora:ink:1>",)), LORAS)
    assert draft.keep_as_read(Place(2, "prompt"))
    values = draft.row(2).values
    assert values is not None and values.prompt == "a boat <lora:ink:1>" and not values.lora
    assert draft.mended() == {}
    draft.undo()
    assert draft.text(2, "lora") == "ink:1"


def test_a_column_that_appears_while_typing_goes_with_undo() -> None:
    draft = Draft(table(("prompt",), ("a boat",)), LORAS)
    for step in ("edit", "undo", "redo"):
        if step == "edit":
            draft.edit([2], "prompt", "a <lora:ink:1>")
        else:
            getattr(draft, step)()
        assert ("lora" in draft.columns) is (step != "undo")
    assert draft.text(2, "lora") == "ink:1"
