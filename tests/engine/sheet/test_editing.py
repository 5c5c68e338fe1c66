import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sheet import checked_rows
from engine.sheet.check import check_table
from engine.sheet.editing import Draft
from engine.sheet.problem_navigation import Place
from engine.sheet.rows import Severity, Sheet
from engine.sheet.table import Cell, Line, Moment, Table
from tests.support.workbooks import WORDS

HEADER = ("prompt", "aspect_ratio", "model", "num_images", "seed_number", "note")


def draft(*rows: Sequence[Cell], header: tuple[str, ...] = HEADER, first: int = 2) -> Draft:
    lines = tuple(Line(number, cells) for number, cells in enumerate(rows, start=first))
    return Draft(Table("sheet.xlsx", "Sheet1", header, lines), WORDS)


def state_of(sheet: Sheet) -> object:
    return sheet.rows, sorted(repr(problem) for problem in sheet.problems if problem.row > 1)


FAULTY = (
    ("a red boat", "16:9", "builtin", 2, 5, "x"),
    ("a blue boat", "7:77", "sdlx", 1, -3, ""),
    ("", "1:1", "sdlx", "", "", ""),
)


def test_an_edited_cell_is_checked_at_once_and_nothing_else_changes() -> None:
    sheet = draft(*FAULTY)
    before = sheet.problems(4)
    assert sheet.edit([3], "aspect_ratio", "3:2") == 1
    assert [p.column for p in sheet.problems(3)] == ["model", "seed_number"]
    assert sheet.row(3).values is None
    sheet.edit([3], "model", "sdxl")
    sheet.edit([3], "seed_number", "")
    values = sheet.row(3).values
    assert values is not None
    assert (values.aspect_ratio, values.model, values.seed_number) == ("3:2", "sdxl", None)
    assert sheet.problems(4) == before
    assert (sheet.ready, sheet.images) == (2, 3)


def test_a_suggestion_is_taken_here_or_wherever_the_cell_reads_alike() -> None:
    sheet = draft(*FAULTY)
    (model,) = [p for p in sheet.problems(3) if p.column == "model"]
    assert "sdxl" in model.suggestions
    assert sheet.take(Place(3, "model"), "sdxl", everywhere=True) == 2
    assert sheet.row(4).cells["model"] == "sdxl"
    assert sheet.undo() is not None
    assert sheet.take(Place(3, "model"), "sdxl") == 1
    assert "model" in {p.column for p in sheet.problems(4)}


def test_rows_are_left_out_and_taken_in_again() -> None:
    sheet = draft(*FAULTY)
    assert sheet.count(Severity.ERROR) == 5
    sheet.leave_out([3, 4])
    assert sheet.count(Severity.ERROR) == 0
    assert not sheet.faults
    assert [row.number for row in sheet.sheet().ready] == [2]
    sheet.leave_out([2, 3])
    assert sheet.ready == 0, "one was still in, so both are out"
    sheet.leave_out([2, 3, 4])
    assert sheet.ready == 1


def test_a_repair_can_be_refused() -> None:
    sheet = draft(("a boat ", Moment("02:03:00", 7380), "builtin", 1, 1, ""))
    assert sheet.row(2).cells["aspect_ratio"] == "2:3"
    assert sheet.keep_as_read(Place(2, "aspect_ratio")) == 1
    (kept,) = sheet.problems(2)
    assert kept.severity is Severity.ERROR
    assert kept.suggestions == ("2:3",)
    assert sheet.row(2).values is None
    sheet.take(Place(2, "aspect_ratio"), "2:3")
    assert not sheet.problems(2)


def test_doubled_rows_are_warned_of_as_they_come_and_go() -> None:
    sheet = draft(("a boat", "", "", 1, 5, ""), ("a boat", "", "", 2, 5, ""))
    assert sheet.count(Severity.WARNING) == 1
    assert "row 2" in sheet.problems(3)[0].message
    twin = sheet.duplicate([3])
    assert twin == 4
    assert sheet.count(Severity.WARNING) == 2
    sheet.edit([2], "prompt", "another")
    assert [len(sheet.problems(n)) for n in (2, 3, 4)] == [0, 0, 1]
    assert "row 3" in sheet.problems(4)[0].message


def test_rows_are_added_after_the_last_and_gone_again_on_undo() -> None:
    sheet = draft(*FAULTY, first=5)
    assert sheet.add("a green boat") == 8
    assert list(sheet.numbers) == [5, 6, 7, 8]
    assert sheet.undo() == "row added"
    assert list(sheet.numbers) == [5, 6, 7]
    assert sheet.redo() == "row added"
    assert sheet.row(8).cells == {"prompt": "a green boat"}


def test_a_column_that_the_sheet_lacks_comes_with_its_first_cell() -> None:
    sheet = draft(("a boat",), ("a cat",), header=("prompt",))
    sheet.edit([3], "aspect_ratio", "16:9")
    assert list(sheet.columns) == ["prompt", "aspect_ratio"]
    values = sheet.row(3).values
    assert values is not None
    assert values.aspect_ratio == "16:9"
    sheet.undo()
    assert list(sheet.columns) == ["prompt"]


def test_new_seeds_are_one_step_and_the_same_seed_serves_another_prompt() -> None:
    sheet = draft(("a boat", "", "", 1, 5), ("a cat", "", "", 1, ""), header=HEADER[:5])
    assert sheet.new_seeds({2: 70, 3: 80}) == 2
    assert [sheet.text(n, "seed_number") for n in (2, 3)] == ["70", "80"]
    assert sheet.new_seeds({3: 90, 9: 1}) == 1, "there is no row 9"
    assert (sheet.rows_to_undo, sheet.rows_to_redo) == (1, 0)
    assert sheet.undo() == "new seeds"
    assert (sheet.rows_to_undo, sheet.rows_to_redo) == (2, 1)
    assert sheet.undo() == "new seeds"
    assert [sheet.text(n, "seed_number") for n in (2, 3)] == ["5", ""]

    sheet.redo()
    assert [sheet.text(n, "seed_number") for n in (2, 3)] == ["70", "80"]
    sheet.undo()

    sheet.edit([2], "final_prompt", "a red boat {")
    values = sheet.row(2).values
    assert values is not None and values.final_prompt == "a red boat {", "to the letter"
    assert sheet.same_seed(2, 99) == 4
    assert (sheet.text(4, "seed_number"), sheet.text(4, "final_prompt")) == ("5", "")
    assert sheet.same_seed(3, 99) == 5
    assert [sheet.text(n, "seed_number") for n in (3, 5)] == ["99", "99"], "both share it"
    assert sheet.undo() == "same seed, new prompt"
    assert sheet.text(3, "seed_number") == "" and list(sheet.numbers) == [2, 3, 4]


def test_a_seed_for_another_prompt_makes_the_column_it_lacks() -> None:
    sheet = draft(("a boat",), header=("prompt",))
    sheet.same_seed(2, 7)
    assert [sheet.text(n, "seed_number") for n in (2, 3)] == ["7", "7"]
    sheet.undo()
    assert list(sheet.columns) == ["prompt"]


def test_problems_are_walked_both_ways_and_round() -> None:
    sheet = draft(*FAULTY)
    walked = [Place(2, "prompt")]
    for _ in range(6):
        found = sheet.next_problem(walked[-1], 1)
        assert found is not None
        walked.append(found[0])
    assert walked[1] == walked[6] == Place(3, "aspect_ratio")
    assert sheet.next_problem(Place(3, "aspect_ratio"), -1) == (Place(4, "model"), 5)


def test_text_is_found_both_ways_and_round() -> None:
    sheet = draft(*FAULTY)
    assert sheet.find("BOAT", Place(2, "prompt")) == Place(3, "prompt")
    assert sheet.find("boat", Place(3, "prompt")) == Place(2, "prompt")
    assert sheet.find("boat", Place(2, "note"), -1) == Place(2, "prompt")
    assert sheet.find("boat", Place(2, "prompt"), -1) == Place(3, "prompt")
    assert sheet.find("zebra", Place(2, "prompt")) is None


def test_mends_stay_where_the_changed_file_still_fits() -> None:
    sheet = draft(*FAULTY)
    sheet.edit([3], "model", "sdxl")
    sheet.leave_out([4])
    sheet.add("mine")
    moved = draft(("new first row",), *FAULTY[:2], ("changed", *FAULTY[2][1:]))
    again, kept, lost = sheet.on(moved.table)
    assert (kept, lost) == (2, 1)
    assert again.row(4).cells["model"] == "sdxl"
    assert again.row(6).cells == {"prompt": "mine"}
    assert not again.is_left_out(5), "that row reads otherwise now"


def test_a_copy_of_the_file_needs_the_edits_and_the_repairs_alone() -> None:
    sheet = draft(("a boat", Moment("02:03:00", 7380), "builtin", 1, 1, ""), *FAULTY[:1])
    sheet.edit([3], "note", "y")
    sheet.add("mine")
    assert sheet.mended() == {2: {"aspect_ratio": "2:3"}, 3: {"note": "y"}, 4: {"prompt": "mine"}}


_CELLS = st.sampled_from(
    ("a boat", "a cat", "", " x ", "16:9", "7:77", "sdxl", "sdlx", "3", 4, -1, 2.0, "‘q’")
)


@given(
    st.lists(st.tuples(*[_CELLS] * 6), min_size=1, max_size=5),
    st.lists(
        st.tuples(
            st.sampled_from(
                ("edit", "add", "duplicate", "take", "fill", "seeds", "same", "undo", "redo")
            ),
            st.integers(0, 9),
            st.sampled_from((*HEADER, "style")),
            st.sampled_from(("a boat", "", "16:9", "sdxl", "7", "anime")),
        ),
        max_size=12,
    ),
)
def test_a_draft_is_always_what_a_fresh_check_of_its_cells_says(
    rows: list[tuple[Cell, ...]], steps: list[tuple[str, int, str, str]]
) -> None:
    sheet = draft(*rows)
    first = state_of(sheet.sheet())
    for what, which, column, text in steps:
        number = sheet.numbers[which % len(sheet.numbers)]
        match what:
            case "edit":
                sheet.edit([number], column, text)
            case "add":
                sheet.add(text)
            case "duplicate":
                sheet.duplicate([number])
            case "take":
                sheet.take(Place(number, column), text, everywhere=True)
            case "fill" if column in sheet.columns:
                sheet.fill_down(list(sheet.numbers), column)
            case "seeds":
                sheet.new_seeds(dict.fromkeys(sheet.numbers, which))
            case "same":
                sheet.same_seed(number, which)
            case "undo":
                sheet.undo()
            case "redo":
                sheet.redo()
        other = sheet.copy()
        other.leave_out(list(other.numbers))
        other.edit(list(other.numbers), "prompt", "of the copy alone")
        other.add("another")
        while other.undo() is not None:
            pass
        assert state_of(other.sheet()) == first
        lines = tuple(Line(n, sheet._states[n].cells) for n in sheet.numbers)
        fresh = check_table(Table("sheet.xlsx", "Sheet1", sheet.header, lines), WORDS)
        assert state_of(sheet.sheet()) == state_of(fresh)
        found = [p for p in fresh.problems if p.row > 1]
        for severity in Severity:
            assert sheet.count(severity) == sum(p.severity is severity for p in found)
        worse = [p for p in found if p.severity is not Severity.REPAIRED] or found
        assert sheet.faults == len({(p.row, p.column) for p in worse})
        assert sum(values.num_images for values in sheet.work) == sheet.images
        assert sheet.images == sum(r.values.num_images for r in fresh.ready if r.values)
    last = state_of(sheet.sheet())
    undone = 0
    while sheet.undo() is not None:
        undone += 1
    assert state_of(sheet.sheet()) == first
    for _ in range(undone):
        sheet.redo()
    assert state_of(sheet.sheet()) == last


def test_a_thread_never_sees_a_sheet_that_is_half_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = draft(["a boat", "16:9"], ["a cat", "1:1"])
    found: list[Sheet] = []
    reader = threading.Thread(target=lambda: found.append(sheet.still(sheet.sheet)))

    def halfway(*arguments: Any, room: int) -> Sheet:
        reader.start()
        reader.join(0.05)
        assert not found
        return check_table(*arguments, room=room)

    monkeypatch.setattr(checked_rows, "check_table", halfway)
    sheet.edit([2], "prompt", "a ship")
    reader.join(10)
    assert [row.cells["prompt"] for row in found[0].rows] == ["a ship", "a cat"]
    with pytest.raises(KeyError):
        sheet.still(lambda: sheet.row(9))


def test_columns_of_ones_own_stay_when_every_row_is_written_anew() -> None:
    sheet = draft(("a red boat", "1:1", "builtin", 1, 5, "mine"))
    columns = sheet.columns
    assert "note" in columns
    sheet.edit([2], "prompt", "a blue boat")
    assert sheet.columns == columns
    sheet.undo()
    assert sheet.columns == columns
