"""A sheet as it stands, every row checked, with its problems and totals kept up to date. Pure."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from engine.sheet.check import check_table, extra_names
from engine.sheet.columns import COLUMN, Kind
from engine.sheet.cross_row_checks import doubled, is_double
from engine.sheet.doubles import Doubles
from engine.sheet.grid_cells import MOST_IN_GRIDS
from engine.sheet.grids import read_as
from engine.sheet.headers import known_name, map_header
from engine.sheet.problem_navigation import WEIGHT, Place, ProblemNavigation
from engine.sheet.rows import Problem, Row, RowValues, Severity, Sheet
from engine.sheet.table import Cell, Line, Table, cell_text
from engine.sheet.totals import BlankCount, Totals
from engine.sheet.vocabulary import Vocabulary

T = TypeVar("T")

_CHANGE_SECONDS = 0.001
_LORA = "lora"


@dataclass(frozen=True, slots=True)
class RowState:
    """One row as it stands, or stood."""

    cells: tuple[Cell, ...]
    """As read, or as typed; may be shorter than the header."""
    left_out: bool = False
    as_read: frozenset[str] = frozenset()
    """Columns whose repair was refused."""


class CheckedRows:
    """The rows of a sheet as they are now, each with its problems.

    Whoever puts rows in place has those checked, and the rows that double them, and nothing else.
    Row numbers are the spreadsheet program's; rows added here come after the last.
    """

    def __init__(self, table: Table, vocabulary: Vocabulary) -> None:
        """A draft without changes.

        Raises:
            SheetError: as `check_table`.
        """
        sheet = check_table(table, vocabulary)
        self._table = table
        self._vocabulary = vocabulary
        self._numbers = [row.number for row in sheet.rows]
        self._states = {line.number: RowState(tuple(line.cells)) for line in table.lines}
        self._read = dict(self._states)
        self._rows = {row.number: row for row in sheet.rows}
        self._take_header(_with_loras(table.header, sheet))
        self._first_header = self._header
        self._problems: dict[int, tuple[Problem, ...]] = {}
        self.notes = tuple(p for p in sheet.problems if self._is_note(p))
        """Problems of the header, and of the file as a whole."""
        for problem in sheet.problems:
            if not self._is_note(problem) and not is_double(problem):
                self._problems[problem.row] = (*self._problems.get(problem.row, ()), problem)
        self._doubles = Doubles()
        self._counts: Counter[Severity] = Counter()
        self._totals = Totals()
        self._left_out: set[int] = set()
        self._dirty: set[int] = set()
        self._revision = 0
        self._changing = False
        self._navigation = self._navigated()
        for number in self._numbers:
            self._count(number, 1)

    def _navigated(self) -> ProblemNavigation:
        return ProblemNavigation(self._walked_problems, lambda: (*self._problems, *self._doubles))

    def copy(self) -> Self:
        """The same rows as they stand; changing one leaves the other as it is. Nothing is checked.

        For a thread, in `still`: what changes many rows is done on a copy there, which takes the
        place of this one then.
        """
        copied = copy(self)
        copied._numbers = list(self._numbers)
        copied._states, copied._rows = dict(self._states), dict(self._rows)
        copied._problems, copied._counts = dict(self._problems), self._counts.copy()
        copied._doubles, copied._totals = self._doubles.copy(), self._totals.copy()
        copied._left_out, copied._dirty = set(self._left_out), set(self._dirty)
        copied._navigation = copied._navigated()
        return copied

    # ---------------------------------------------------------------- what stands there

    @property
    def file(self) -> str:
        """The file's name; empty: typed."""
        return self._table.file

    @property
    def table(self) -> Table:
        """The file as it was read."""
        return self._table

    def place_of(self, column: str) -> int:
        """The index of a column that can be written to."""
        return self._places[column]

    def is_own(self, column: str) -> bool:
        """Whether a column is the user's own, although it may be called as one of ours is."""
        return column in self._places and column not in self._known.values()

    def column_at(self, index: int) -> str | None:
        """The column that can be written to at an index; the other way round than `place_of`."""
        return next((name for name, at in self._places.items() if at == index), None)

    @property
    def header(self) -> tuple[str, ...]:
        """The column names, those added here last."""
        return self._header

    @property
    def worksheet(self) -> str | None:
        """The worksheet's name."""
        return self._table.sheet

    @property
    def worksheets(self) -> tuple[str, ...]:
        """All worksheets of the file."""
        return self._table.sheets

    @property
    def columns(self) -> tuple[str, ...]:
        """The known columns and then the others that hold something, in the sheet's order."""
        return self._columns

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of the rows, ascending."""
        return self._numbers

    @property
    def ready(self) -> int:
        """Rows that can be rendered."""
        return self._totals.ready

    @property
    def images(self) -> int:
        """Images of the rows that can be rendered."""
        return self._totals.images

    @property
    def in_grids(self) -> int:
        """Combinations of those of them that are grids."""
        return self._totals.in_grids

    @property
    def blank_counts(self) -> tuple[BlankCount, ...]:
        """What a blank `num_images` means in those of them that have one."""
        return self._totals.blank

    @property
    def changed(self) -> bool:
        """Whether anything differs from the file."""
        return bool(self._dirty) or self._header != self._first_header

    @property
    def revision(self) -> int:
        """Grows with every change: while it is the same, nothing was changed, undone or redone."""
        return self._revision

    @property
    def left_out(self) -> int:
        """Rows that the user leaves out."""
        return len(self._left_out)

    @property
    def work(self) -> list[RowValues]:
        """What the rows that can be rendered ask for, all that cost alike as one row."""
        return self._totals.work

    @property
    def vocabulary(self) -> Vocabulary:
        """What its cells may refer to."""
        return self._vocabulary

    def choices(self, column: str) -> tuple[str, ...]:
        """What is offered for a column; other text may be right, too."""
        known = COLUMN.get(column)
        if known is None:
            return ()
        if known.kind is Kind.LORAS:
            return tuple(self._vocabulary.loras)
        return tuple(self._vocabulary.models) if known.kind is Kind.MODEL else known.choices

    def takes_several(self, column: str) -> bool:
        """Whether a cell of a column may have several of its choices, between commas."""
        return column in COLUMN and COLUMN[column].kind is Kind.LORAS

    def count(self, severity: Severity) -> int:
        """Problems of a severity in rows that are not left out."""
        doubles = self._doubles.count if severity is Severity.WARNING else 0
        return self._counts[severity] + doubles

    def row(self, number: int) -> Row:
        """A row as it reads now; without values while it has an error or is left out."""
        return self._rows[number]

    def is_left_out(self, number: int) -> bool:
        """Whether the user leaves the row out."""
        return self._states[number].left_out

    def is_edited(self, number: int, column: str) -> bool:
        """Whether the cell is not as it was read."""
        at, read = self._at(column), self._read.get(number)
        if read is None or at is None:
            return read is None
        return cell_at(read.cells, at) != cell_at(self._states[number].cells, at)

    def text(self, number: int, column: str) -> str:
        """A cell for the user to edit: as it reads after repairs, else as it was read."""
        row = self._rows[number]
        if found := row.cells.get(column) or row.extra.get(column):
            return found
        return cell_text(cell_at(self._states[number].cells, self._at(column))).strip()

    def problems(self, number: int) -> tuple[Problem, ...]:
        """A row's problems, in the order of its columns."""
        own = self._problems.get(number, ())
        earlier = self._doubles.earlier(number, self._rows[number])
        return own if earlier is None else (*own, _double(number, earlier))

    def _walked_problems(self, number: int) -> tuple[Problem, ...]:
        """Of a row that is gone, or left out, none."""
        state = self._states.get(number)
        return () if state is None or state.left_out else self.problems(number)

    def problem(self, place: Place) -> Problem | None:
        """The worst problem of a cell, else of its whole row."""
        found = [p for p in self.problems(place.row) if p.column in (place.column, None)]
        return min(found, key=lambda p: (p.column is None, WEIGHT[p.severity]), default=None)

    def sheet(self) -> Sheet:
        """Everything as it stands, for the start: rows that are left out have no values."""
        return Sheet(
            file=self.file,
            sheet=self.worksheet,
            columns=self._header,
            rows=tuple(map(self._rows.__getitem__, self._numbers)),
            problems=(*self.notes, *(p for n in self._numbers for p in self.problems(n))),
        )

    # ---------------------------------------------------------------- finding

    @property
    def faults(self) -> int:
        """How many cells `next_problem` walks."""
        return self._navigation.count(self._columns)

    def next_problem(self, here: Place, direction: int) -> tuple[Place, int] | None:
        """The next (1) or previous (-1) faulty cell and which it is, from 1; wraps.

        Cells with errors and warnings are walked; when none is left, those that were repaired.
        """
        return self._navigation.next(here, direction, self._columns)

    def find(self, text: str, here: Place, direction: int = 1) -> Place | None:
        """The next (1) or previous (-1) cell that holds `text`, whatever its capitals; wraps."""
        wanted, columns = text.casefold(), self.columns[::direction]
        at = bisect_left(self._numbers, here.row)
        # Round the rows, and back to the one we stand in for what lies behind us.
        around = [*self._numbers[at:], *self._numbers[: at + 1]]
        if direction < 0:
            around = [*self._numbers[at::-1], *self._numbers[:at:-1], *self._numbers[at : at + 1]]
        behind = columns.index(here.column) + 1 if here.column in columns else 0
        for turn, number in enumerate(around):
            if wanted not in "\n".join(self._texts(number)).casefold():
                continue
            for name in columns[behind:] if turn == 0 and number == here.row else columns:
                if wanted in self.text(number, name).casefold():
                    return Place(number, name)
        return None

    def _texts(self, number: int) -> Iterator[str]:
        row = self._rows[number]
        yield from row.cells.values()
        yield from row.extra.values()
        yield from (cell_text(cell) for cell in self._states[number].cells)

    # ---------------------------------------------------------------- inside

    def _is_note(self, problem: Problem) -> bool:
        return problem.row == self._table.header_row or problem.message in self._table.notes

    def _take_header(self, header: tuple[str, ...]) -> None:
        self._header = header
        self._known = map_header(header, self._table.header_row, self._table.own)[0]
        extras = extra_names(header, self._known)
        self._places = {name: at for at, name in (*self._known.items(), *extras)}
        """Where the columns stand that can be written to."""
        used = {name: None for row in self._rows.values() for name in row.extra}
        known = [self._known[at] for at in sorted(self._known)]
        self._columns = (*known, *used)

    def _at(self, column: str | None) -> int | None:
        """The index of a column in the header; None right of all headers."""
        return self._places.get(column or "")

    def still(self, read: Callable[[], T]) -> T:
        """What `read` finds in this sheet, for a thread: again where a change came in between."""
        while True:
            revision = self._revision
            try:
                found = read()
            except (LookupError, RuntimeError):
                if not self._changing and revision == self._revision:
                    raise
            else:
                if not self._changing and revision == self._revision:
                    return found
            time.sleep(_CHANGE_SECONDS)

    def _set(self, states: Mapping[int, RowState | None], header: tuple[str, ...]) -> None:
        """Put rows in place, or away, and check them."""
        self._changing = True
        try:
            self._put(states, header)
        finally:
            self._revision += 1
            self._changing = False

    def _put(self, states: Mapping[int, RowState | None], header: tuple[str, ...]) -> None:
        self._navigation.changed(states.keys())
        if header != self._header:
            self._take_header(header)
        for number in states:
            if number in self._rows:
                self._count(number, -1)
                self._problems.pop(number, None)
                del self._rows[number], self._states[number]
        there = {number: state for number, state in states.items() if state is not None}
        self._states |= there
        for number in states:
            self._left_out.discard(number)
            self._dirty.discard(number)
            state = there.get(number)
            if state is not None and state.left_out:
                self._left_out.add(number)
            if state != self._read.get(number):
                self._dirty.add(number)
        lines = tuple(Line(number, there[number].cells) for number in sorted(there))
        if lines:
            as_read = {number for number in there if self._is_as_read(number)}
            remarks = tuple(each for each in self._table.remarks if each.row in as_read)
            checked = check_table(
                replace(self._table, header=header, lines=lines, remarks=remarks),
                self._vocabulary,
                {number for number, state in there.items() if "prompt" in state.as_read},
                room=MOST_IN_GRIDS - self._totals.in_grids,
            )
            for problem in checked.problems:
                if problem.row in there and not self._is_note(problem) and not is_double(problem):
                    self._problems[problem.row] = (*self._problems.get(problem.row, ()), problem)
            for row in checked.rows:
                self._rows[row.number] = self._as_wished(row)
                self._count(row.number, 1)
            if (wider := _with_loras(header, checked)) != self._header:
                self._take_header(wider)
        if self._numbers and min(states) > self._numbers[-1]:
            self._numbers += sorted(there)
        elif states.keys() != there.keys():
            self._numbers = [number for number in self._numbers if number in self._states]
        elif any(number not in self._known_numbers(number) for number in there):
            self._numbers = sorted(self._states)

    def _is_as_read(self, number: int) -> bool:
        read = self._read.get(number)
        return read is not None and read.cells == self._states[number].cells

    def _known_numbers(self, number: int) -> Sequence[int]:
        at = bisect_left(self._numbers, number)
        return self._numbers[at : at + 1]

    def _as_wished(self, row: Row) -> Row:
        """With refused repairs taken back; without values if it is left out."""
        state = self._states[row.number]
        for column in state.as_read:
            row = self._without_repair(row, column)
        return replace(row, values=None, grid=()) if state.left_out else row

    def _without_repair(self, row: Row, column: str) -> Row:
        read = cell_text(cell_at(self._states[row.number].cells, self._at(column)))
        if COLUMN[column].kind is Kind.TEXT:
            keep: Callable[[Problem], Problem | None] = lambda _: None  # noqa: E731
            each = read_as(row, column, read)
        else:
            mended = row.cells.get(column, "")
            keep = lambda p: replace(  # noqa: E731
                p,
                severity=Severity.ERROR,
                message=f"{read} was kept as in the file, but is not valid.",
                suggestions=(mended,),
            )
            each = ()
        self._problems[row.number] = tuple(
            kept
            for p in self._problems.get(row.number, ())
            if (kept := keep(p) if p.column == column and _is_repair(p) else p)
        )
        return replace(
            row,
            cells={**row.cells, column: read},
            values=next(iter(each), None),
            grid=each if len(each) > 1 else (),
        )

    def _count(self, number: int, sign: int) -> None:
        """Add a row to the totals, or take it out."""
        state, row = self._states[number], self._rows[number]
        change = self._doubles.put if sign > 0 else self._doubles.take
        self._navigation.changed(change(number, row))
        self._totals.add(row, sign)
        if not state.left_out:
            for problem in self._problems.get(number, ()):
                self._counts[problem.severity] += sign


def _with_loras(header: tuple[str, ...], sheet: Sheet) -> tuple[str, ...]:
    """A header, with the column for LoRAs that prompts name, if it lacks one."""
    if any(_LORA in row.cells for row in sheet.rows) and not any(
        known_name(name) == _LORA for name in header
    ):
        return (*header, _LORA)
    return header


def cell_at(cells: Sequence[Cell], at: int | None) -> Cell:
    """The cell at a place of a row; blank where the row is shorter, or there is no such place."""
    return cells[at] if at is not None and at < len(cells) else ""


def put_cell(cells: tuple[Cell, ...], at: int, text: str, width: int) -> tuple[Cell, ...]:
    """The row, `width` cells wide, with `text` at a place."""
    padded = [*cells, *[""] * (width - len(cells))]
    padded[at] = text
    return tuple(padded)


def _is_repair(problem: Problem) -> bool:
    return problem.severity is Severity.REPAIRED


def _double(number: int, earlier: int) -> Problem:
    finding = doubled(earlier)
    return Problem(number, None, finding.severity, "", finding.message)
