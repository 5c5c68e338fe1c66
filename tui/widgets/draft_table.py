"""The table in which a sheet is mended: what its keys do to the cells and rows."""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from engine.api import Draft, Place, Severity, draw_seed
from tui.keys import bind
from tui.text import count_text
from tui.widgets.draft_source import DraftSource, place_of
from tui.widgets.table_layout import TableColumn
from tui.widgets.virtual_table import VirtualTable
from tui.workers import work

_PIECE = 200
"""Rows that are changed at a time: some 10 ms."""


class DraftTable(VirtualTable):
    """Shows a draft and changes it; says so with `Changed`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sheet.edit", "enter", "edit", "Edit"),
        bind("sheet.take", "a", "take(False)", "Take suggestion"),
        bind("sheet.take_alike", "A", "take(True)", "Take it for all alike", show=False),
        bind("sheet.next_problem", "n", "problem(1)", "Next problem"),
        bind("sheet.previous_problem", "N", "problem(-1)", "Previous problem", show=False),
        bind("sheet.leave_out", "x", "leave_out", "Leave row out"),
        bind("sheet.undo", "u", "undo", "Undo"),
        bind("sheet.redo", "U,ctrl+r,ctrl+y", "redo", "Redo", show=False),
        bind("sheet.as_read", "b", "as_read", "Back to as it was read", show=False),
        bind("sheet.add", "i", "add", "New row", show=False),
        bind("sheet.duplicate", "y", "duplicate", "Duplicate rows", show=False),
        bind("sheet.fill", "equals_sign", "fill", "Fill down", show=False),
        bind("table.mark", "space", "mark", "Mark", show=False),
        bind("table.range", "v", "range", "Range", show=False),
    ]
    DEFAULT_CSS = "DraftTable { height: 1fr; }"

    @dataclass
    class Changed(Message):
        """The draft was changed; `words` say what was done."""

        words: str

    @dataclass
    class EditRequested(Message):
        """A cell is to be edited."""

        place: Place

    @dataclass
    class Walked(Message):
        """The cursor was taken to a problem, the `which`th (from 1) of `count`."""

        which: int
        count: int

    @dataclass
    class Exhausted(Message):
        """Nothing is left to be undone (-1), or done again (1)."""

        direction: int

    def __init__(self, empty: str, *, id: str) -> None:  # noqa: A002
        super().__init__([], cursor="cell", selectable=False, empty=empty, id=id)
        self._draft: Draft | None = None

    @property
    def draft(self) -> Draft | None:
        """What is shown."""
        return self._draft

    @property
    def place(self) -> Place | None:
        """The cell under the cursor."""
        return place_of(self.cursor_key, self.cursor_column)

    def show(self, draft: Draft) -> None:
        """Show a draft; the cursor stays where it can, marks on rows that read as before."""
        place, before, marks = self.place, self._draft, self.marks
        self._draft = draft
        source = DraftSource(draft)
        self.columns = source.table_columns()
        self.source = source
        if before is not None and marks:
            there = set(draft.numbers) & marks
            self.set_marks(n for n in there if draft.row(n).cells == before.row(n).cells)
        if place is not None:
            self.go_to(place.row, place.column)

    def write(self, place: Place, text: str, onward: str) -> None:
        """Write into a cell, or into its column in all marked rows if it is in one of them."""
        if self._draft is None or place.column is None:
            return
        rows = self._rows() if place.row in self.marks else [place.row]
        changed = self._draft.edit(rows, place.column, text)
        self._after(changed, f"{place.column} of {count_text(changed, 'row')} changed")
        if onward:
            self.action_sideways(1)

    def write_final_prompt(self, number: int, text: str) -> None:
        """Write what the model is told of one row, whatever is marked."""
        if self._draft is not None:
            changed = self._draft.edit([number], "final_prompt", text)
            self._after(changed, f"final prompt of row {number} {'edited' if text else 'as made'}")

    @work(exclusive=True, group="seeds")
    async def new_seeds(self) -> None:
        """Draw new seeds for the marked rows; without marks, for all.

        In pieces, so that a key pressed meanwhile is not kept waiting.
        """
        draft = self._draft
        if draft is None:
            return
        rows = list(self._rows() if self.marks else draft.numbers)
        changed = 0
        for start in range(0, len(rows), _PIECE):
            piece = {number: draw_seed() for number in rows[start : start + _PIECE]}
            changed += draft.new_seeds(piece, more=start > 0)
            await asyncio.sleep(0)
            if draft is not self._draft:
                return
        self._after(changed, f"new seeds in {count_text(changed, 'row')}, u takes them back")

    def same_seed(self) -> None:
        """The row under the cursor again, its seed pinned, to be given another prompt at once."""
        if self._draft is not None and self.place is not None:
            source = self.place.row
            copy = self._draft.same_seed(source, draw_seed())
            self._after(1, f"row {copy} has the seed of row {source}")
            self.go_to(copy, "prompt")
            self.post_message(self.EditRequested(Place(copy, "prompt")))

    def add_column(self, name: str) -> None:
        """Show a column that the sheet lacks; its first cell makes it part of the sheet."""
        if name not in {column.name for column in self.columns}:
            self.columns = [*self.columns, TableColumn(name, name, max(8, len(name)))]
        if (place := self.place) is not None:
            self.go_to(place.row, name)

    def _rows(self) -> Sequence[int]:
        """The marked rows, else the one under the cursor."""
        marked = sorted(key for key in self.marks if isinstance(key, int))
        return marked or ([self.place.row] if self.place else [])

    def _after(self, changed: int, words: str) -> None:
        if not changed or self._draft is None:
            return
        source = DraftSource(self._draft)
        if [c.name for c in source.table_columns()] != [c.name for c in self.columns]:
            self.columns = source.table_columns()
        self.reload()
        self.post_message(self.Changed(words))

    # ---------------------------------------------------------------- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that can do nothing now are dimmed."""
        draft, place = self._draft, self.place
        if action in ("edit", "leave_out", "add", "duplicate", "fill", "as_read", "undo", "redo"):
            return True if draft is not None and draft.numbers else None
        if action == "problem":
            return True if draft and any(map(draft.count, Severity)) else None
        if action == "take":
            problem = draft.problem(place) if draft and place else None
            return True if problem and problem.suggestions else None
        return super().check_action(action, parameters)

    def action_edit(self) -> None:
        """Edit the cell under the cursor."""
        if self.place is not None:
            self.post_message(self.EditRequested(self.place))

    def on_virtual_table_selected(self) -> None:
        """A double click edits, too."""
        self.action_edit()

    def action_take(self, everywhere: bool) -> None:
        """Take the first suggestion, here or wherever the cell reads alike."""
        draft, place = self._draft, self.place
        problem = draft.problem(place) if draft and place else None
        if draft is None or place is None or problem is None or not problem.suggestions:
            return
        target = Place(place.row, problem.column)
        suggestion = problem.suggestions[0]
        changed = draft.take(target, suggestion, everywhere=everywhere)
        self._after(changed, f"{suggestion} taken in {count_text(changed, 'row')}")

    def action_problem(self, direction: int) -> None:
        """Go to the next or previous faulty cell; wraps."""
        draft = self._draft
        if draft is None or not draft.numbers:
            return
        here = self.place or Place(draft.numbers[0], None)
        if (found := draft.next_problem(here, direction)) is not None:
            place, which = found
            self.go_to(place.row, place.column or "row")
            self.post_message(self.Walked(which, draft.faults))

    def action_leave_out(self) -> None:
        """Leave the marked rows out, or the one under the cursor; again takes them in."""
        if self._draft is not None and (rows := self._rows()):
            changed = self._draft.leave_out(rows)
            verb = "left out" if self._draft.is_left_out(rows[0]) else "taken in again"
            self._after(changed, f"{count_text(changed, 'row')} {verb}")

    def action_undo(self) -> None:
        """Take back the last change."""
        if self._draft is not None and (words := self._draft.undo()):
            self._after(1, f"undone: {words}")
        else:
            self.post_message(self.Exhausted(-1))

    def action_redo(self) -> None:
        """Make it again."""
        if self._draft is not None and (words := self._draft.redo()):
            self._after(1, f"done again: {words}")
        else:
            self.post_message(self.Exhausted(1))

    def action_as_read(self) -> None:
        """Undo the repair of this cell."""
        if self._draft is not None and self.place is not None:
            self._after(self._draft.keep_as_read(self.place), "as it was read")

    def action_add(self) -> None:
        """A new row after the last, its prompt to be written at once."""
        if self._draft is not None:
            number = self._draft.add("")
            self._after(1, f"row {number} added")
            self.go_to(number, "prompt")
            self.post_message(self.EditRequested(Place(number, "prompt")))

    def action_duplicate(self) -> None:
        """The marked rows, or the one under the cursor, again after the last."""
        if self._draft is not None and (rows := self._rows()):
            first = self._draft.duplicate(rows)
            self._after(1, f"{count_text(len(rows), 'row')} duplicated")
            self.go_to(first, self.cursor_column)

    def action_fill(self) -> None:
        """The topmost marked row's cell into the others; without marks, into the next row."""
        draft, place = self._draft, self.place
        if draft is None or place is None or place.column is None:
            return
        rows = self._rows()
        if len(rows) < 2:
            at = bisect_left(draft.numbers, place.row)
            rows = draft.numbers[at : at + 2]
        changed = draft.fill_down(rows, place.column)
        self._after(changed, f"{place.column} filled down into {count_text(changed, 'row')}")
        if not self.marks:
            self.action_move(1)
