"""A sheet being mended: edits of cells and rows, each checked at once, undone and redone. Pure."""

import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Self, TypeVar

from engine.sheet.check import extra_names
from engine.sheet.checked_rows import RowState, cell_at, check_rows, put_cell
from engine.sheet.columns import CAPTION_COLUMNS, COLUMN, COLUMNS, PICTURE_COLUMNS, Kind
from engine.sheet.cross_row_checks import doubled
from engine.sheet.doubles import Doubles
from engine.sheet.foreign_options import foreign_options
from engine.sheet.grid_cells import MOST_IN_GRIDS
from engine.sheet.headers import map_header
from engine.sheet.history import Change, History
from engine.sheet.pasted import Pasted, pasted_prompts, pasted_rows
from engine.sheet.problem_navigation import WEIGHT, Place, ProblemNavigation
from engine.sheet.rows import Problem, Row, RowValues, Severity, Sheet
from engine.sheet.table import Cell, Line, Table, cell_text
from engine.sheet.totals import BlankCount, Totals
from engine.sheet.vocabulary import Vocabulary

T = TypeVar("T")

_CHANGE_SECONDS = 0.001


class Draft:
    """A sheet as it stands, every row checked, and what may be changed in it.

    Whatever is changed has its rows checked, and the rows that double them, and nothing else.
    Row numbers are the spreadsheet program's; rows added here come after the last.
    """

    def __init__(self, table: Table, vocabulary: Vocabulary) -> None:
        """A draft without changes.

        Raises:
            SheetError: as `check_table`.
        """
        self._table = table
        self._vocabulary = vocabulary
        self._states = {line.number: RowState(tuple(line.cells)) for line in table.lines}
        self._read = dict(self._states)
        checked = check_rows(table, vocabulary, self._states, {})
        self._numbers = [row.number for row in checked.rows]
        self._rows = {row.number: row for row in checked.rows}
        self._take_header(checked.header)
        self._first_header = self._header
        self._problems = dict(checked.problems)
        self.notes = checked.notes
        """Problems of the header, and of the file as a whole."""
        self._doubles = Doubles()
        self._counts: Counter[Severity] = Counter()
        self._totals = Totals()
        self._left_out: set[int] = set()
        self._dirty: set[int] = set()
        self._revision = 0
        self._changing = False
        self._navigation = self._navigated()
        self._history = History()
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
        copied._navigation, copied._history = copied._navigated(), self._history.copy()
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

    @property
    def rows_to_undo(self) -> int:
        """How many rows `undo` would change."""
        return self._history.rows_to_undo

    @property
    def rows_to_redo(self) -> int:
        """How many rows `redo` would change."""
        return self._history.rows_to_redo

    # ---------------------------------------------------------------- changing

    def edit(self, numbers: Iterable[int], column: str, text: str) -> int:
        """Write `text` into a column of some rows; how many rows changed.

        A known column that the sheet does not have is added to it.
        """
        return self._write(dict.fromkeys(numbers, text), column, f"{column}: {text or 'empty'}")

    def new_seeds(self, seeds: Mapping[int, int]) -> int:
        """Give rows these seeds; how many rows changed."""
        texts = {number: str(seed) for number, seed in seeds.items()}
        return self._write(texts, "seed_number", "new seeds")

    def same_seed(self, number: int, drawn: int) -> int:
        """The row once more, after the last, to be given another prompt; the copy's number.

        Args:
            number: the row. Without a seed of its own it gets one: both share it.
            drawn: that seed.
        """
        seed = self.text(number, "seed_number") or str(drawn)
        header, at = self._header_with("seed_number")
        assert at is not None, "a known column can always be written to"
        state, width = self._states[number], len(header)
        cells = put_cell(state.cells, at, seed, width)
        copied = cells
        if (final := self._places.get("final_prompt")) is not None:
            copied = put_cell(cells, final, "", width)
        copy = self._next_number
        pinned = {} if self.text(number, "seed_number") else {number: replace(state, cells=cells)}
        self._change("same seed, new prompt", {**pinned, copy: RowState(copied)}, header)
        return copy

    def _header_with(self, column: str) -> tuple[tuple[str, ...], int | None]:
        """The header with a known column that it may lack; where the column is, if there is one."""
        header = self._header
        if column in COLUMN and column not in self._columns:
            header = (*header, column)
        missing = None if header == self._header else len(header) - 1
        return header, self._places.get(column, missing)

    def _write(self, texts: Mapping[int, str], column: str, words: str) -> int:
        header, at = self._header_with(column)
        if at is None:
            return 0  # right of all headers: nothing of ours
        after = {
            number: replace(
                state,
                cells=put_cell(state.cells, at, text, len(header)),
                as_read=state.as_read - {column},
            )
            for number, text in texts.items()
            if (state := self._states.get(number))  # it may be gone meanwhile
            and (cell_text(cell_at(state.cells, at)) != text or column in state.as_read)
        }
        return self._change(words, after, header)

    def take(self, place: Place, suggestion: str, *, everywhere: bool = False) -> int:
        """Take a suggestion here, or in every cell of the column that reads alike; how many."""
        column, numbers = place.column, [place.row]
        if column is None:
            return 0
        if everywhere:
            at = self._at(column)
            read = cell_at(self._states[place.row].cells, at)
            numbers = [
                number
                for number in self._problems
                if cell_at(self._states[number].cells, at) == read
                and any(p.column == column for p in self._problems[number])
            ]
        if column == "prompt" and (moved := self._moved_options(numbers, suggestion)):
            return moved
        return self.edit(numbers, column, suggestion)

    def _moved_options(self, numbers: Iterable[int], prompt: str) -> int:
        """Give rows their prompt without other tools' options, which go to their columns.

        What stands in such a column already stays, and the option is gone with it in the prompt.
        """
        found = {n: each for n in numbers if (each := foreign_options(self.text(n, "prompt")))}
        found = {n: each for n, each in found.items() if each.prompt == prompt and each.cells}
        header, places = self._header, dict(self._places)
        for column in dict.fromkeys(name for each in found.values() for name in each.cells):
            if column not in places:
                places[column] = len(header)
                header = (*header, column)
        after = {}
        for number, each in found.items():
            cells = self._states[number].cells
            for column, text in {"prompt": each.prompt, **each.cells}.items():
                if column == "prompt" or not cell_text(cell_at(cells, places[column])).strip():
                    cells = put_cell(cells, places[column], text, len(header))
            after[number] = replace(self._states[number], cells=cells)
        return self._change("options moved to columns", after, header) if after else 0

    def keep_as_read(self, place: Place) -> int:
        """Undo a repair alone: the cell counts as it was read; 1 if there was one."""
        if not any(
            p.column == place.column and p.severity is Severity.REPAIRED
            for p in self._problems.get(place.row, ())
        ):
            return 0
        state = self._states[place.row]
        kept = state.as_read | {str(place.column)}
        return self._change("reverted to the file", {place.row: replace(state, as_read=kept)})

    def leave_out(self, numbers: Collection[int]) -> int:
        """Leave rows out; if all of them are already, take them in again. How many changed."""
        numbers = [number for number in numbers if number in self._states]
        out = not all(self._states[number].left_out for number in numbers)
        after = {
            number: replace(state, left_out=out)
            for number in numbers
            if (state := self._states[number]).left_out is not out
        }
        return self._change("rows left out" if out else "rows included again", after)

    def add(self, *prompts: str) -> int:
        """New rows after the last, one for each prompt; the first one's number."""
        at, width = self._places["prompt"], len(self._header)
        lines = [put_cell((), at, prompt, width) for prompt in prompts]
        return self._append(lines, "row added" if len(lines) == 1 else f"{len(lines)} rows added")

    def add_rows(self, rows: Sequence[Mapping[str, str]], words: str) -> int:
        """New rows after the last, in one step of undo; the first one's number.

        Known columns that the sheet does not have are added to it.

        Args:
            rows: each one's cells, by column.
            words: what undo calls it.
        """
        places, header = dict(self._places), self._header
        for column in dict.fromkeys(column for row in rows for column in row):
            if column not in places and column in COLUMN:
                places[column] = len(header)
                header = (*header, column)
        lines = []
        for row in rows:
            cells = [""] * len(header)
            for column, text in row.items():
                if column in places:
                    cells[places[column]] = text
            lines.append(tuple(cells))
        first = self._next_number
        self._change(words, dict(enumerate(map(RowState, lines), first)), header)
        return first

    def paste(self, text: str) -> Pasted:
        """New rows after the last, in one step of undo: prompts by line, or copied cells."""
        rows = pasted_rows(text) or [{"prompt": prompt} for prompt in pasted_prompts(text)]
        names = dict.fromkeys(name for row in rows for name in row)
        lost = tuple(name for name in names if name not in self.columns and name not in COLUMN)
        words = "row pasted" if len(rows) == 1 else f"{len(rows)} rows pasted"
        return Pasted(self.add_rows(rows, words), len(rows), lost)

    def looks_at_files(self, column: str | None = None) -> bool:
        """Whether the check of what is changed now, undone or done again looks at files.

        Args:
            column: one that is written to, which the sheet may lack.
        """
        columns = {column, *self._known.values()}
        columns.update(self._history.header_to_redo)
        return not columns.isdisjoint(PICTURE_COLUMNS)

    def duplicate(self, numbers: Iterable[int]) -> int:
        """The same rows again, after the last; the first one's number."""
        there = (self._states[number].cells for number in numbers if number in self._states)
        return self._append(list(there), "rows duplicated")

    def _append(self, lines: Sequence[tuple[Cell, ...]], words: str) -> int:
        first = self._next_number
        self._change(words, dict(enumerate(map(RowState, lines), first)))
        return first

    @property
    def _next_number(self) -> int:
        return (self._numbers[-1] if self._numbers else self._table.header_row) + 1

    def fill_down(self, numbers: Collection[int], column: str) -> int:
        """The topmost row's cell into the others; how many changed."""
        return self.edit(sorted(numbers)[1:], column, self.text(min(numbers), column))

    def undo(self) -> str | None:
        """Take back the last change; what it was, None if there is none."""
        if (change := self._history.back()) is None:
            return None
        self._set({n: before for n, (before, _) in change.rows.items()}, change.header[0])
        return change.words

    def redo(self) -> str | None:
        """Make the change again that was last taken back."""
        if (change := self._history.forth()) is None:
            return None
        self._set({n: after for n, (_, after) in change.rows.items()}, change.header[1])
        return change.words

    def _change(
        self, words: str, after: Mapping[int, RowState], header: tuple[str, ...] | None = None
    ) -> int:
        if not after:
            return 0
        header = header or self._header
        rows = {number: (self._states.get(number), state) for number, state in after.items()}
        self._history.add(Change(words, (self._header, header), rows))
        self._set(after, header)
        return len(after)

    # ---------------------------------------------------------------- the file

    def mended(self) -> dict[int, dict[str, str]]:
        """Row → column → text, where a copy of the file must differ: edits, repairs, new rows."""
        found: dict[int, dict[str, str]] = {}
        names = self._places
        for number in self._numbers:
            read = self._read.get(number)
            faulty = {p.column for p in self._problems.get(number, ())}
            if "prompt" in faulty and "lora" in self._rows[number].cells:
                faulty.add("lora")  # where what the prompt named went
            state = self._states[number]
            if state is read and not faulty:
                continue
            before = read.cells if read else ()
            texts = {
                name: self.text(number, name)
                for name, at in names.items()
                if name in faulty or cell_at(state.cells, at) != cell_at(before, at)
            }
            kept = {
                name: text
                for name, text in texts.items()
                if text != cell_text(cell_at(before, names[name]))
            }
            if kept:
                found[number] = kept
        return found

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
        after: dict[int, RowState] = {}
        lost, added = 0, []
        for number, state in list(self._states.items()):  # a key may change them meanwhile
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
        after |= dict(enumerate(added, draft._next_number))
        if after:
            draft._change("edits kept", after, self._header if same else None)
        return draft, len(after), lost

    def with_vocabulary(self, vocabulary: Vocabulary) -> "Draft":
        """The same sheet by another vocabulary, with all that can be undone and done again."""
        draft = Draft(self._table, vocabulary)
        states = list(self._states.items())  # a key may change them meanwhile
        if after := {n: state for n, state in states if state != self._read.get(n)}:
            draft._set(after, self._header)
        draft._history = self._history.copy()
        return draft

    def with_num_images(self, num_images: int) -> "Draft":
        """The same sheet, where a row that does not say makes this many images."""
        return self.with_vocabulary(replace(self.vocabulary, num_images=num_images))

    def offered_columns(self) -> list[str]:
        """Known columns that it does not have yet, and that some model has a use for."""
        captions = any(model.captions for model in self.vocabulary.models.values())
        offered = (c.name for c in COLUMNS if captions or c.name not in CAPTION_COLUMNS)
        return [name for name in offered if name not in self.columns]

    # ---------------------------------------------------------------- inside

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
            checked = check_rows(
                replace(self._table, header=header, lines=lines, remarks=remarks),
                self._vocabulary,
                there,
                self._places,
                MOST_IN_GRIDS - self._totals.in_grids,
            )
            self._problems |= checked.problems
            for row in checked.rows:
                self._rows[row.number] = row
                self._count(row.number, 1)
            if checked.header != self._header:
                self._take_header(checked.header)
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

    def _count(self, number: int, sign: int) -> None:
        """Add a row to the totals, or take it out."""
        state, row = self._states[number], self._rows[number]
        change = self._doubles.put if sign > 0 else self._doubles.take
        self._navigation.changed(change(number, row))
        self._totals.add(row, sign)
        if not state.left_out:
            for problem in self._problems.get(number, ()):
                self._counts[problem.severity] += sign


def _reading(cells: Sequence[Cell]) -> tuple[str, ...]:
    return tuple(map(cell_text, cells))


def _double(number: int, earlier: int) -> Problem:
    finding = doubled(earlier)
    return Problem(number, None, finding.severity, "", finding.message)
