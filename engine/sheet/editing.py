"""A sheet being mended: edits of cells and rows, each checked at once, undone and redone. Pure."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, TypeAlias

from engine.sheet.across import doubled
from engine.sheet.check import check_table, extra_names
from engine.sheet.columns import COLUMN, COLUMNS, Kind
from engine.sheet.doubles import Doubles
from engine.sheet.headers import map_header
from engine.sheet.rows import Problem, Row, RowValues, Severity, Sheet
from engine.sheet.table import Cell, Line, Table, cell_text
from engine.sheet.vocabulary import Vocabulary
from engine.sheet.walking import WEIGHT, Place, Walk

_MOST_UNDONE = 1000
_Costs: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _State:
    """One row as it stands, or stood."""

    cells: tuple[Cell, ...]
    """As read, or as typed; may be shorter than the header."""
    left_out: bool = False
    as_read: frozenset[str] = frozenset()
    """Columns whose repair was refused."""


@dataclass(frozen=True, slots=True)
class _Change:
    """One step of undo: rows before and after; None where there is no such row."""

    words: str
    header: tuple[tuple[str, ...], tuple[str, ...]]
    rows: Mapping[int, tuple[_State | None, _State | None]]


class Draft:
    """The rows of a sheet with what was changed, and the problems as they are now.

    Every change checks the rows it touches, and the rows that double them, and nothing else. Row
    numbers are the spreadsheet program's; rows added here come after the last.
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
        self._states = {line.number: _State(tuple(line.cells)) for line in table.lines}
        self._read = dict(self._states)
        self._rows = {row.number: row for row in sheet.rows}
        self._take_header(table.header)
        self._problems: dict[int, tuple[Problem, ...]] = {}
        self.notes = tuple(p for p in sheet.problems if self._is_note(p))
        """Problems of the header, and of the file as a whole."""
        for problem in sheet.problems:
            if not self._is_note(problem) and not _is_double(problem):
                self._problems[problem.row] = (*self._problems.get(problem.row, ()), problem)
        self._doubles = Doubles()
        self._counts: Counter[Severity] = Counter()
        self._ready = self._images = 0
        self._done: list[_Change] = []
        self._undone: list[_Change] = []
        self._work: Counter[_Costs] = Counter()
        self._left_out: set[int] = set()
        self._dirty: set[int] = set()
        self._walk = Walk(self._walked_problems, lambda: (*self._problems, *self._doubles))
        for number in self._numbers:
            self._count(number, 1)

    # ---------------------------------------------------------------- what stands there

    @property
    def file(self) -> str:
        """The file's name; empty: typed."""
        return self._table.file

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
        return self._ready

    @property
    def images(self) -> int:
        """Images of the rows that can be rendered."""
        return self._images

    @property
    def changed(self) -> bool:
        """Whether anything differs from the file."""
        return bool(self._dirty) or self._header != self._table.header

    @property
    def left_out(self) -> int:
        """Rows that the user leaves out."""
        return len(self._left_out)

    @property
    def work(self) -> list[RowValues]:
        """What the rows that can be rendered ask for, all that cost alike as one row."""
        named: list[tuple[dict[str, Any], int]] = [
            (dict(zip(_COSTLY, costs, strict=True)), images) for costs, images in self._work.items()
        ]
        return [
            RowValues(
                **costs,
                prompt="",
                negative_prompt="",
                seed_number=None,
                num_images=images,
            )
            for costs, images in named
        ]

    @property
    def vocabulary(self) -> Vocabulary:
        """What its cells may refer to."""
        return self._vocabulary

    def choices(self, column: str) -> tuple[str, ...]:
        """What is offered for a column; other text may be right, too."""
        known = COLUMN.get(column)
        if known is None:
            return ()
        return tuple(self._vocabulary.models) if known.kind is Kind.MODEL else known.choices

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
        return _cell(read.cells, at) != _cell(self._states[number].cells, at)

    def text(self, number: int, column: str) -> str:
        """A cell for the user to edit: as it reads after repairs, else as it was read."""
        row = self._rows[number]
        if found := row.cells.get(column) or row.extra.get(column):
            return found
        return cell_text(_cell(self._states[number].cells, self._at(column))).strip()

    def problems(self, number: int) -> tuple[Problem, ...]:
        """A row's problems, in the order of its columns."""
        own = self._problems.get(number, ())
        earlier = self._doubles.earlier(number, self._rows[number].values)
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
        return self._walk.count(self._columns)

    def next_problem(self, here: Place, direction: int) -> tuple[Place, int] | None:
        """The next (1) or previous (-1) faulty cell and which it is, from 1; wraps.

        Cells with errors and warnings are walked; when none is left, those that were repaired.
        """
        return self._walk.next(here, direction, self._columns)

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

    # ---------------------------------------------------------------- changing

    def edit(self, numbers: Iterable[int], column: str, text: str) -> int:
        """Write `text` into a column of some rows; how many rows changed.

        A known column that the sheet does not have is added to it.
        """
        header = self._header
        if column in COLUMN and column not in self._columns:
            header = (*header, column)
        at = self._places.get(column, len(header) - 1)
        if column not in self._places and header == self._header:
            return 0  # right of all headers: nothing of ours
        after = {
            number: replace(
                state,
                cells=_put(state.cells, at, text, len(header)),
                as_read=state.as_read - {column},
            )
            for number in numbers
            if cell_text(_cell((state := self._states[number]).cells, at)) != text
            or column in state.as_read
        }
        return self._change(f"{column}: {text or 'empty'}", after, header)

    def take(self, place: Place, suggestion: str, *, everywhere: bool = False) -> int:
        """Take a suggestion here, or in every cell of the column that reads alike; how many."""
        column, numbers = place.column, [place.row]
        if column is None:
            return 0
        if everywhere:
            at = self._at(column)
            read = _cell(self._states[place.row].cells, at)
            numbers = [
                number
                for number in self._problems
                if _cell(self._states[number].cells, at) == read
                and any(p.column == column for p in self._problems[number])
            ]
        return self.edit(numbers, column, suggestion)

    def keep_as_read(self, place: Place) -> int:
        """Undo a repair alone: the cell counts as it was read; 1 if there was one."""
        if not any(
            p.column == place.column and p.severity is Severity.REPAIRED
            for p in self._problems.get(place.row, ())
        ):
            return 0
        state = self._states[place.row]
        kept = state.as_read | {str(place.column)}
        return self._change("no repair", {place.row: replace(state, as_read=kept)})

    def leave_out(self, numbers: Collection[int]) -> int:
        """Leave rows out; if all of them are already, take them in again. How many changed."""
        out = not all(self._states[number].left_out for number in numbers)
        after = {
            number: replace(state, left_out=out)
            for number in numbers
            if (state := self._states[number]).left_out is not out
        }
        return self._change("rows left out" if out else "rows taken in again", after)

    def add(self, *prompts: str) -> int:
        """New rows after the last, one for each prompt; the first one's number."""
        at, width = self._places["prompt"], len(self._header)
        lines = [_put((), at, prompt, width) for prompt in prompts]
        return self._append(lines, "row added" if len(lines) == 1 else f"{len(lines)} rows added")

    def duplicate(self, numbers: Iterable[int]) -> int:
        """The same rows again, after the last; the first one's number."""
        return self._append([self._states[number].cells for number in numbers], "rows duplicated")

    def _append(self, lines: Sequence[tuple[Cell, ...]], words: str) -> int:
        first = (self._numbers[-1] if self._numbers else self._table.header_row) + 1
        self._change(words, dict(enumerate(map(_State, lines), first)))
        return first

    def fill_down(self, numbers: Collection[int], column: str) -> int:
        """The topmost row's cell into the others; how many changed."""
        return self.edit(sorted(numbers)[1:], column, self.text(min(numbers), column))

    def undo(self) -> str | None:
        """Take back the last change; what it was, None if there is none."""
        if not self._done:
            return None
        change = self._done.pop()
        self._undone.append(change)
        self._set({n: before for n, (before, _) in change.rows.items()}, change.header[0])
        return change.words

    def redo(self) -> str | None:
        """Make the change again that was last taken back."""
        if not self._undone:
            return None
        change = self._undone.pop()
        self._done.append(change)
        self._set({n: after for n, (_, after) in change.rows.items()}, change.header[1])
        return change.words

    # ---------------------------------------------------------------- the file

    def mended(self) -> dict[int, dict[str, str]]:
        """Row → column → text, where a copy of the file must differ: edits, repairs, new rows."""
        found: dict[int, dict[str, str]] = {}
        names = self._places
        for number in self._numbers:
            read = self._read.get(number)
            faulty = {p.column for p in self._problems.get(number, ())}
            state = self._states[number]
            if state is read and not faulty:
                continue
            before = read.cells if read else ()
            texts = {
                name: self.text(number, name)
                for name, at in names.items()
                if name in faulty or _cell(state.cells, at) != _cell(before, at)
            }
            kept = {
                name: text
                for name, text in texts.items()
                if text != cell_text(_cell(before, names[name]))
            }
            if kept:
                found[number] = kept
        return found

    @property
    def table(self) -> Table:
        """The file as it was read."""
        return self._table

    def place_of(self, column: str) -> int:
        """The index of a column that can be written to."""
        return self._places[column]

    @property
    def header(self) -> tuple[str, ...]:
        """The column names, those added here last."""
        return self._header

    def on(self, table: Table, vocabulary: Vocabulary | None = None) -> tuple["Draft", int, int]:
        """The same mends on the file as it is now, or with another vocabulary.

        A mend fits where its row still reads as it did: under the same number, or if the row has
        moved, where exactly one row reads so.

        Returns:
            The new draft, how many rows kept their mends, and how many could not.

        Raises:
            SheetError: as `check_table`.
        """
        draft = Draft(table, vocabulary or self._vocabulary)
        same = self._table.header == table.header
        where: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, state in draft._states.items():
            where[_reading(state.cells)].append(number)
        after: dict[int, _State] = {}
        lost, added = 0, []
        for number, state in self._states.items():
            read = self._read.get(number)
            if read is None:
                added.append(state)
            elif state != read:
                places = where[_reading(read.cells)] if same else []
                target = number if number in places else places[0] if len(places) == 1 else None
                if target is None:
                    lost += 1
                else:
                    after[target] = state
        if not same:
            lost, added = lost + len(added), []
        first = (draft._numbers[-1] if draft._numbers else table.header_row) + 1
        after |= dict(enumerate(added, first))
        if after:
            draft._change("mends kept", after, self._header if same else None)
        return draft, len(after), lost

    # ---------------------------------------------------------------- inside

    def _is_note(self, problem: Problem) -> bool:
        return problem.row == self._table.header_row or problem.message in self._table.notes

    def _take_header(self, header: tuple[str, ...]) -> None:
        self._header = header
        self._known = map_header(header, self._table.header_row)[0]
        extras = extra_names(header, self._known)
        self._places = {name: at for at, name in (*self._known.items(), *extras)}
        """Where the columns stand that can be written to."""
        used = {name: None for row in self._rows.values() for name in row.extra}
        known = [self._known[at] for at in sorted(self._known)]
        self._columns = (*known, *used)

    def _at(self, column: str | None) -> int | None:
        """The index of a column in the header; None right of all headers."""
        return self._places.get(column or "")

    def _change(
        self, words: str, after: Mapping[int, _State], header: tuple[str, ...] | None = None
    ) -> int:
        if not after:
            return 0
        before = {number: self._states.get(number) for number in after}
        header = header or self._header
        rows = {number: (before[number], state) for number, state in after.items()}
        self._done = [*self._done[1 - _MOST_UNDONE :], _Change(words, (self._header, header), rows)]
        self._undone.clear()
        self._set(after, header)
        return len(after)

    def _set(self, states: Mapping[int, _State | None], header: tuple[str, ...]) -> None:
        """Put rows in place, or away, and check them."""
        self._walk.changed(states.keys())
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
            checked = check_table(
                replace(self._table, header=header, lines=lines), self._vocabulary
            )
            for problem in checked.problems:
                if problem.row in there and not self._is_note(problem) and not _is_double(problem):
                    self._problems[problem.row] = (*self._problems.get(problem.row, ()), problem)
            for row in checked.rows:
                self._rows[row.number] = self._as_wished(row)
                self._count(row.number, 1)
        if self._numbers and min(states) > self._numbers[-1]:
            self._numbers += sorted(there)
        elif states.keys() != there.keys():
            self._numbers = [number for number in self._numbers if number in self._states]
        elif any(number not in self._known_numbers(number) for number in there):
            self._numbers = sorted(self._states)

    def _known_numbers(self, number: int) -> Sequence[int]:
        at = bisect_left(self._numbers, number)
        return self._numbers[at : at + 1]

    def _as_wished(self, row: Row) -> Row:
        """With refused repairs taken back; without values if it is left out."""
        state = self._states[row.number]
        for column in state.as_read:
            row = self._without_repair(row, column)
        return replace(row, values=None) if state.left_out else row

    def _without_repair(self, row: Row, column: str) -> Row:
        read = cell_text(_cell(self._states[row.number].cells, self._at(column)))
        if COLUMN[column].kind is Kind.TEXT:
            keep: Callable[[Problem], Problem | None] = lambda _: None  # noqa: E731
            text: dict[str, Any] = {column: read}
            values = row.values and replace(row.values, **text)
        else:
            mended = row.cells.get(column, "")
            keep = lambda p: replace(  # noqa: E731
                p,
                severity=Severity.ERROR,
                message=f"{read} is kept as it was read, but cannot be used so.",
                suggestions=(mended,),
            )
            values = None
        self._problems[row.number] = tuple(
            kept
            for p in self._problems.get(row.number, ())
            if (kept := keep(p) if p.column == column and _is_repair(p) else p)
        )
        return replace(row, cells={**row.cells, column: read}, values=values)

    def _count(self, number: int, sign: int) -> None:
        """Add a row to the totals, or take it out."""
        state, values = self._states[number], self._rows[number].values
        change = self._doubles.put if sign > 0 else self._doubles.take
        self._walk.changed(change(number, values))
        if values is not None:
            self._ready += sign
            self._images += sign * values.num_images
            costs = _costs(values)
            self._work[costs] += sign * values.num_images
            if not self._work[costs]:
                del self._work[costs]
        if not state.left_out:
            for problem in self._problems.get(number, ()):
                self._counts[problem.severity] += sign


def offered_columns(draft: Draft) -> list[str]:
    """Known columns that the draft does not have yet."""
    return [column.name for column in COLUMNS if column.name not in draft.columns]


def _cell(cells: Sequence[Cell], at: int | None) -> Cell:
    return cells[at] if at is not None and at < len(cells) else ""


def _put(cells: tuple[Cell, ...], at: int, text: str, width: int) -> tuple[Cell, ...]:
    padded = [*cells, *[""] * (width - len(cells))]
    padded[at] = text
    return tuple(padded)


def _reading(cells: Sequence[Cell]) -> tuple[str, ...]:
    return tuple(map(cell_text, cells))


_COSTLY = tuple(
    field.name
    for field in fields(RowValues)
    if field.name not in ("prompt", "negative_prompt", "seed_number", "num_images")
)
_costs = attrgetter(*_COSTLY)
"""What decides the cost of an image: equal for rows whose images cost alike."""


def _is_repair(problem: Problem) -> bool:
    return problem.severity is Severity.REPAIRED


def _is_double(problem: Problem) -> bool:
    """Only doubled rows are warned of as a whole; who doubles whom changes with every edit."""
    return problem.column is None and problem.severity is Severity.WARNING


def _double(number: int, earlier: int) -> Problem:
    finding = doubled(earlier)
    return Problem(number, None, finding.severity, "", finding.message)
