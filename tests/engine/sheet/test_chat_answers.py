"""Whole answers of chat assistants: the rows and nothing else, and what is left out is said."""

from pathlib import Path

import pytest

from engine.sheet.check import check_table
from engine.sheet.copying import save_copy
from engine.sheet.delimited import split
from engine.sheet.editing import Draft
from engine.sheet.read import read_table
from tests.support.sheets import VOCABULARY

TALK = "Sure! Here are two prompts for you:"
AFTER = "Let me know if you want more prompts!"
BOAT, TREE = "a red boat", "a green tree, at night"


def rows(text: str) -> tuple[list[list[str]], tuple[str, ...]]:
    read = split(text)
    return [[c.strip() for c in record] for record in read.records if any(record)], read.notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"```csv\nprompt\n{BOAT}\n{TREE}\n```\n\n{AFTER}\n", ("Line 7",)),
        (f"{TALK}\n\n```\nprompt\n{BOAT}\n{TREE}\n```\n{AFTER}\n\nBye.", ("Lines 1, 8–10",)),
        (f"{TALK}\r\n~~~~text\r\nprompt\r\n{BOAT}\r\n{TREE}\r\n~~~~\r\n", ("Line 1",)),
        (f"{TALK}\n```csv\nprompt\n{BOAT}\n{TREE}\n", ("Line 1",)),
        (
            f"Use:\n```sh\npromptsheet check a.csv\n```\n```csv\nprompt\n{BOAT}\n{TREE}\n```\n",
            ("Line",),
        ),
        (f"| prompt |\n|--------|\n| {BOAT} |\n| {TREE} |\n", ()),
        (f"{TALK}\n\n| **Prompt** |\n| :---: |\n| {BOAT} |\n|{TREE}|\n\n{AFTER}", ("Lines 1, 8",)),
        (f"+---+\n| prompt |\n+===+\n| {BOAT} |\n+---+\n| {TREE} |\n+---+\n", ()),
        (f"```markdown\n| `prompt` |\n|---|\n| {BOAT} |\n| {TREE} |\n```\nBye", ("Line 7",)),
        (f"{TALK}\n\n{BOAT}\n{TREE}\n\n{AFTER}\n", ("Lines 1, 6",)),
        (f"{TALK}\n\n1. {BOAT}\n2. {TREE}\n\n{AFTER}\n", ("Lines 1, 6", "The number")),
        (f"- {BOAT}\n- {TREE}\n", ("The number",)),
        (f"{TALK}\n```\n{BOAT}\n```\nand\n```\n{TREE}\n```\n", ("Lines 1, 5",)),
    ],
)
def test_an_answer_of_a_chat_assistant_gives_its_rows_alone(text: str, said: tuple[str]) -> None:
    found, notes = rows(text)
    assert [row[0] for row in found if row[0].casefold() != "prompt"] == [BOAT, TREE]
    assert len(notes) >= len(said) > 0 or notes == ()
    assert all(note.startswith(words) for note, words in zip(notes, said, strict=False))


def test_a_table_keeps_alternatives_line_breaks_and_row_numbers() -> None:
    text = (
        "Hello\n\n| # | **Prompt** | Aspect ratio |\n|--|:--|--:|\n"
        "| 1 | a {red|blue} boat | 16:9 |\n| 2 | a \\| b<br>c | **1:1** |\n\nmore\n\n"
        "| # | **Prompt** | Aspect ratio |\n|--|--|--|\n| 3 | last | 2:3 |\n"
    )
    read = list(split(text).records)
    assert read[2] == ["#", "Prompt", "Aspect ratio"]
    assert read[4:6] == [["1", "a {red|blue} boat", "16:9"], ["2", "a | b c", "1:1"]]
    assert read[11] == ["3", "last", "2:3"]


def test_the_only_column_beside_running_numbers_is_the_prompts(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"| # | Idea |\n|---|---|\n| 1 | {BOAT} |\n| 2 | {TREE} |\n")
    sheet = check_table(read_table(path), VOCABULARY)
    assert [(row.number, row.cells["prompt"]) for row in sheet.ready] == [(3, BOAT), (4, TREE)]


@pytest.mark.parametrize(
    "text",
    [
        'prompt,Note\n"a screen that shows\n```\ncode\n```",x\n',
        'prompt,Note\n"| a |\n|---|\n| b |",x\n',
    ],
)
def test_a_fence_or_a_table_inside_a_cell_is_a_part_of_it(text: str) -> None:
    assert len(rows(text)[0]) == 2
    assert rows(text)[1] == ()


@pytest.mark.parametrize(
    "prompts",
    [
        ["Great white shark in the deep.", "two hills", "a boat"],
        ["Here comes the sun", "a boat", "a hill"],
        ["1. a boat", "3. a hill"],
    ],
)
def test_prompts_that_sound_like_talk_stay(prompts: list[str]) -> None:
    assert rows("\n".join(prompts)) == ([[prompt] for prompt in prompts], ())


def test_a_corrected_copy_leaves_the_answer_around_the_rows(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text(f"{TALK}\n\n| prompt | style |\n|---|---|\n| {BOAT} | anme |\n\n{AFTER}\n")
    draft = Draft(read_table(path), VOCABULARY)
    draft.edit([5], "style", "anime")
    draft.add(TREE)
    save_copy(draft, path, copy)
    assert copy.read_text() == (
        f"{TALK}\n\n| prompt | style |\n|---|---|\n| {BOAT} | anime |\n| {TREE} |  |\n\n{AFTER}\n"
    )
