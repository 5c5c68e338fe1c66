"""The table in which a sheet is mended: its rows, and what its keys do to them."""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol, TypeVar

from textual.binding import BindingType
from textual.message import Message

from engine.api import (
    PICTURE_COLUMNS,
    Draft,
    Pasted,
    Place,
    Problem,
    Severity,
    draw_seed,
)
from tui.glyphs import EDITED, GLYPHS
from tui.keys import bind, key_of
from tui.text import count_text, shorten, tail_of
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import CellStyle, TableCell, TableRow
from tui.widgets.virtual_table import VirtualTable
from tui.workers import work

T = TypeVar("T")

_FEW = 200
"""Rows that are changed at once: some 10 ms."""
_LITTLE_TEXT = 20_000
"""Characters of pasted text that are read at once: some 10 ms."""
_STYLES: dict[Severity, CellStyle] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.REPAIRED: "repaired",
}
_LEFT_OUT = "–"
_SUGGESTED = 16
"""Cells of a suggestion on the key line."""
_WIDTHS = {
    "prompt": 24,
    "negative_prompt": 15,
    "color_palette": 13,
    "final_prompt": 16,
    "image": 12,
    "mask": 12,
    "lora": 12,
}
"""Of columns with long texts, at least."""
_MOST_OF_TEXTS = 40
_LEAST_WIDTH, _MOST_WIDTH = 14, 24


class MendedSheet(Protocol):
    """What is mended."""

    draft: Draft | None

    @property
    def before(self) -> object | None:
        """What undo brings back past the first change; None: nothing."""


class DraftTable(VirtualTable):
    """Shows a sheet's draft and changes it; says so with `Changed`.

    Where many rows change, the draft is replaced by another one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sheet.open", "edit", "Edit"),
        bind("sheet.pull", "screen.get_model", "Get model"),
        bind("sheet.take", "take(False)", "Apply suggestion"),
        bind("sheet.take_alike", "take(True)", "Apply to all similar", show=False),
        bind("sheet.next", "problem(1)", "Next problem"),
        bind("sheet.previous", "problem(-1)", "Previous problem", show=False),
        bind("sheet.take_away", "leave_out", "Leave row out"),
        bind("sheet.undo", "undo", "Undo"),
        bind("sheet.redo", "redo", "Redo", show=False),
        bind("sheet.as_read", "as_read", "Revert to file", show=False),
        bind("sheet.add", "add", "Add row", show=False),
        bind("sheet.duplicate", "duplicate", "Duplicate rows", show=False),
        bind("sheet.fill_down", "fill", "Fill down", show=False),
        bind("table.mark", "mark", "Mark", show=False),
        bind("table.range", "range", "Mark range"),
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

    def __init__(self, sheet: MendedSheet, empty: str, *, id: str) -> None:  # noqa: A002
        super().__init__([], cursor="cell", selectable=False, empty=empty, id=id)
        self._sheet = sheet
        self.is_changing = False
        """Whether many rows are being changed."""
        self._turns: deque[Callable[[], None]] = deque()
        """Changes asked for meanwhile."""

    @property
    def draft(self) -> Draft | None:
        """What is shown."""
        return self._sheet.draft

    @property
    def place(self) -> Place | None:
        """The cell under the cursor; the row's own column stands for the whole row."""
        key, column = self.cursor_key, self.cursor_column
        return Place(key, None if column == "row" else column) if isinstance(key, int) else None

    def show(self, draft: Draft, marks: Iterable[Hashable] = ()) -> None:
        """Show a draft, which the sheet has now; the cursor stays where it can."""
        place = self.place
        self._turns.clear()  # they were for the sheet before
        source = DraftSource(draft)
        self.columns = source.table_columns()
        self.source = source
        self.set_marks(marks)
        if place is not None:
            self.go_to(place.row, place.column)

    def write(self, place: Place, text: str, onward: str) -> None:
        """Write into a cell, or into its column in all marked rows if it is in one of them."""
        if self.draft is None or place.column is None:
            return
        rows = self._rows() if place.row in self.marks else [place.row]
        column = place.column

        self._alter(
            len(rows),
            lambda draft: draft.edit(rows, column, text),
            lambda n: f"{column} of {count_text(n, 'row')} changed",
            column,
        )
        if onward:
            self.action_sideways(1)

    def write_final_prompt(self, number: int, text: str) -> None:
        """Write what the model is told of one row, whatever is marked."""
        words = f"final prompt of row {number} {'edited' if text else 'as made'}"
        self._alter(1, lambda draft: draft.edit([number], "final_prompt", text), lambda _: words)

    def new_seeds(self) -> None:
        """Draw new seeds for the marked rows; without marks, for all."""
        if self.draft is None:
            return
        rows = list(self._rows() if self.marks else self.draft.numbers)

        self._alter(
            len(rows),
            lambda draft: draft.new_seeds({number: draw_seed() for number in rows}),
            lambda n: f"new seeds in {count_text(n, 'row')}, {key_of('sheet.undo')} undoes it",
        )

    def same_seed(self) -> None:
        """The row under the cursor again, its seed pinned, to be given another prompt at once."""
        if self.place is None:
            return
        source = self.place.row

        def copied(copy: int) -> None:
            self._after(1, f"row {copy} copies row {source} with its seed")
            self._write_prompt(copy)

        self._change(1, lambda draft: draft.same_seed(source, draw_seed()), copied)

    def paste(self, text: str) -> None:
        """Lines as prompts, copied cells as rows, after the last."""

        def pasted(done: Pasted) -> None:
            lost = ", ".join(done.lost)
            without = f" without {lost}: this sheet has no such column" if lost else ""
            words = f"{count_text(done.rows, 'row')} pasted{without}"
            self._after(done.rows, f"{words}, {key_of('sheet.undo')} undoes it")
            self.go_to(done.first, "prompt")

        lines = text.count("\n") + text.count("\r") + 1
        rows = lines if len(text) <= _LITTLE_TEXT else _FEW + 1
        column = PICTURE_COLUMNS[0] if "\t" in text else None  # cells may name pictures
        self._change(rows, lambda draft: draft.paste(text), pasted, column)

    def add_pictures(
        self, make: Callable[[Draft], Sequence[Mapping[str, str]]], words: str
    ) -> None:
        """New rows after the last that name pictures, in one step of undo.

        Args:
            make: gives each one's cells; called in a thread.
            words: what was done.
        """

        def added(first: int) -> None:
            self._after(1, f"{words}, {key_of('sheet.undo')} undoes it")
            self.go_to(first, "prompt")

        column = PICTURE_COLUMNS[0]
        self._change(_FEW + 1, lambda draft: draft.add_rows(make(draft), words), added, column)

    def when_changed(self, act: Callable[[], None]) -> None:
        """Do something once what was asked for is in the draft: at once, if it is."""
        if self.is_changing:
            self._turns.append(act)
        else:
            act()

    def _write_prompt(self, number: int) -> None:
        self.go_to(number, "prompt")
        self.post_message(self.EditRequested(Place(number, "prompt")))

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

    def _alter(
        self,
        rows: int,
        act: Callable[[Draft], int],
        words: Callable[[int], str],
        column: str | None = None,
    ) -> None:
        """As `_change`; `act` finds how many rows it has changed, of which `words` speak."""
        self._change(rows, act, lambda changed: self._after(changed, words(changed)), column)

    def _change(
        self,
        rows: int | Callable[[Draft], int],
        act: Callable[[Draft], T],
        then: Callable[[T], None],
        column: str | None = None,
    ) -> None:
        """Change the draft: a few rows at once, many in a thread; any, where files are looked at.

        There a copy is changed, which takes the draft's place. What is asked for meanwhile waits
        for its turn: an undo follows what it undoes.

        Args:
            rows: how many are changed, at most.
            act: changes the draft it is given; may be called again if another one has come.
            then: is given what `act` has found, when the draft is changed.
            column: one that is written to, which the sheet may lack.
        """
        draft = self.draft
        if self.is_changing:
            self._turns.append(partial(self._change, rows, act, then, column))
        elif draft is not None:
            few = (rows if isinstance(rows, int) else rows(draft)) <= _FEW
            if few and not draft.looks_at_files(column):
                then(act(draft))
            else:
                self.is_changing = True
                self._change_many(draft, act, then)

    @work(group="change")
    async def _change_many(
        self, draft: Draft, act: Callable[[Draft], T], then: Callable[[T], None]
    ) -> None:
        def changed() -> tuple[int, Draft, T]:
            revision, copy = draft.still(lambda: (draft.revision, draft.copy()))
            found = act(copy)
            _ = copy.faults  # they are put in order here
            return revision, copy, found

        try:
            revision, copy, found = await asyncio.to_thread(changed)
            while draft is self.draft and draft.revision != revision:
                revision, copy, found = await asyncio.to_thread(changed)
        finally:
            self.is_changing = False
        if draft is self.draft:
            self._sheet.draft = copy
            self.exchange(DraftSource(copy))
            then(found)
        else:
            words = "The sheet changed before this finished: no row was changed."
            self.notify(words, severity="warning", markup=False)
        while self._turns and not self.is_changing:
            self._turns.popleft()()

    def _after(self, changed: int, words: str) -> None:
        if not changed or self.draft is None:
            return
        source = DraftSource(self.draft)
        if [c.name for c in source.table_columns()] != [c.name for c in self.columns]:
            self.columns = source.table_columns()
        self.reload()
        self.post_message(self.Changed(words))

    # ---------------------------------------------------------------- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that can do nothing now are not on the key line."""
        draft, place = self.draft, self.place
        if action in ("edit", "leave_out", "add", "duplicate", "fill", "as_read", "undo", "redo"):
            return True if draft is not None and draft.numbers else None
        if action == "problem":
            return True if draft and any(map(draft.count, Severity)) else None
        if action == "take":
            problem = draft.problem(place) if draft and place else None
            return True if problem and problem.suggestions else None
        return super().check_action(action, parameters)

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are."""
        draft, place = self.draft, self.place
        if draft is None or place is None:
            return None
        if name == "sheet.take" and (problem := draft.problem(place)) and problem.suggestions:
            if draft.is_left_out(place.row):
                return ""
            first = shorten(problem.suggestions[0], _SUGGESTED)
            return f"Apply {first}" if first else "Clear cell"
        if name == "sheet.take_away" and draft.is_left_out(place.row):
            return "Include row"
        if name == "sheet.undo" and not (draft.rows_to_undo or self._sheet.before):
            return ""
        return super().now_called(name)

    def action_edit(self) -> None:
        """Edit the cell under the cursor; of a whole row, its prompt."""
        if self.place is not None and self.place.column is None:
            self._write_prompt(self.place.row)
        elif self.place is not None:
            self.post_message(self.EditRequested(self.place))

    def on_virtual_table_selected(self) -> None:
        """A double click edits, too."""
        self.action_edit()

    def action_take(self, everywhere: bool) -> None:
        """Take the first suggestion, here or wherever the cell reads alike."""
        draft, place = self.draft, self.place
        problem = draft.problem(place) if draft and place else None
        if draft is None or place is None or problem is None or not problem.suggestions:
            return
        target = Place(place.row, problem.column)
        suggestion = problem.suggestions[0]
        self._alter(
            len(draft.numbers) if everywhere else 1,
            lambda draft: draft.take(target, suggestion, everywhere=everywhere),
            lambda n: (
                f"{suggestion} applied to {count_text(n, 'row')}"
                if suggestion
                else f"{target.column} cleared in {count_text(n, 'row')}"
            ),
        )

    def action_problem(self, direction: int) -> None:
        """Go to the next or previous faulty cell; wraps."""
        draft = self.draft
        if draft is None or not draft.numbers:
            return
        here = self.place or Place(draft.numbers[0], None)
        if (found := draft.next_problem(here, direction)) is not None:
            place, which = found
            self.go_to(place.row, place.column or "row")
            self.post_message(self.Walked(which, draft.faults))

    def action_leave_out(self) -> None:
        """Leave the marked rows out, or the one under the cursor; again takes them in."""
        if not (rows := self._rows()):
            return

        def left(changed: int) -> None:
            out = self.draft is not None and changed and self.draft.is_left_out(rows[0])
            verb = "left out" if out else "included again"
            self._after(changed, f"{count_text(changed, 'row')} {verb}")

        self._change(len(rows), lambda draft: draft.leave_out(rows), left)

    def action_undo(self) -> None:
        """Take back the last change."""

        def undone(words: str | None) -> None:
            if words:
                self._after(1, f"undone: {words}")
            else:
                self.post_message(self.Exhausted(-1))

        self._change(lambda draft: draft.rows_to_undo, Draft.undo, undone)

    def action_redo(self) -> None:
        """Make it again."""

        def redone(words: str | None) -> None:
            if words:
                self._after(1, f"redone: {words}")
            else:
                self.post_message(self.Exhausted(1))

        self._change(lambda draft: draft.rows_to_redo, Draft.redo, redone)

    def action_as_read(self) -> None:
        """Undo the repair of this cell."""
        if (place := self.place) is not None:
            self._alter(
                1, lambda draft: draft.keep_as_read(place), lambda _: "reverted to the file"
            )

    def action_add(self) -> None:
        """A new row after the last, its prompt to be written at once."""

        def added(number: int) -> None:
            self._after(1, f"row {number} added")
            self._write_prompt(number)

        self._change(1, lambda draft: draft.add(""), added)

    def action_duplicate(self) -> None:
        """The marked rows, or the one under the cursor, again after the last."""
        if not (rows := self._rows()):
            return

        def duplicated(first: int) -> None:
            self._after(1, f"{count_text(len(rows), 'row')} duplicated")
            self.go_to(first, self.cursor_column)

        self._change(len(rows), lambda draft: draft.duplicate(rows), duplicated)

    def action_fill(self) -> None:
        """The topmost marked row's cell into the others; without marks, into the next row."""
        draft, place = self.draft, self.place
        if draft is None or place is None or place.column is None:
            return
        rows = self._rows()
        if len(rows) < 2:
            at = bisect_left(draft.numbers, place.row)
            rows = draft.numbers[at : at + 2]
        column = place.column

        self._alter(
            len(rows),
            lambda draft: draft.fill_down(rows, column),
            lambda n: f"{column} filled down into {count_text(n, 'row')}",
            column,
        )
        if not self.marks:
            self.action_move(1)


class DraftSource:
    """Each row is made when it is looked at."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    def table_columns(self) -> list[TableColumn]:
        """The row's number, then the sheet's columns."""
        return [
            TableColumn("row", "row", 6, align="right"),
            *(_column(name) for name in self.draft.columns),
        ]

    def count(self) -> int:
        """How many rows there are."""
        return len(self.draft.numbers)

    def page(self, start: int, stop: int) -> Sequence[TableRow]:
        """Rows `start` up to `stop`."""
        return [self._row(number) for number in self.draft.numbers[start:stop]]

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """Their numbers."""
        return self.draft.numbers[start:stop]

    def index_of(self, key: Hashable) -> int | None:
        """Where the row with this number is."""
        if not isinstance(key, int):
            return None
        numbers = self.draft.numbers
        index = bisect_left(numbers, key)
        return index if index < len(numbers) and numbers[index] == key else None

    def _row(self, number: int) -> TableRow:
        draft = self.draft
        problems: dict[str | None, Problem] = {}
        for problem in reversed(draft.problems(number)):
            known = problems.get(problem.column)
            if known is None or _worse(problem, known):
                problems[problem.column] = problem
        if draft.is_left_out(number):
            cells = (TableCell(draft.text(number, name)) for name in draft.columns)
            return TableRow(number, (TableCell(str(number), "dim", f"{_LEFT_OUT} "), *cells), "dim")
        whole = problems.get(None)
        label = TableCell(
            str(number),
            _STYLES[whole.severity] if whole else "dim",
            f"{GLYPHS[whole.severity]} " if whole else "",
        )
        return TableRow(
            number, (label, *(self._cell(number, n, problems.get(n)) for n in draft.columns))
        )

    def _cell(self, number: int, column: str, problem: Problem | None) -> TableCell:
        text = self.draft.text(number, column)
        if column in PICTURE_COLUMNS:
            text = tail_of(text)
        palette = text if column == "color_palette" else ""
        colours = self.draft.vocabulary.swatches(palette) if palette else ()
        if problem is not None:
            glyph = GLYPHS[problem.severity]
            return TableCell(text, _STYLES[problem.severity], glyph, swatches=colours)
        if self.draft.is_edited(number, column) and self.draft.file:
            return TableCell(text, "own", EDITED, swatches=colours)
        return TableCell(text, swatches=colours)


def _column(name: str) -> TableColumn:
    """The prompt takes what is left; the others are as wide as what is in them."""
    if name == "prompt":
        return TableColumn(name, name, _WIDTHS[name], share=1)
    most = _MOST_OF_TEXTS if name in _WIDTHS else _MOST_WIDTH
    return TableColumn(name, name, _WIDTHS.get(name, min(_LEAST_WIDTH, len(name))), most=most)


def _worse(problem: Problem, other: Problem) -> bool:
    order = list(_STYLES)
    return order.index(problem.severity) <= order.index(other.severity)
