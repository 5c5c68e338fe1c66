"""A sheet being mended: edits of cells and rows, each checked at once, undone and redone. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from engine.sheet.checked_rows import CheckedRows, RowState, cell_at, put_cell
from engine.sheet.columns import CAPTION_COLUMNS, COLUMN, COLUMNS, PICTURE_COLUMNS
from engine.sheet.fault_navigation import Place
from engine.sheet.foreign_options import foreign_options
from engine.sheet.pasted import pasted_prompts, pasted_rows
from engine.sheet.rows import Severity
from engine.sheet.table import Cell, Table, cell_text
from engine.sheet.vocabulary import Vocabulary

_MOST_UNDONE = 1000


@dataclass(frozen=True, slots=True)
class Pasted:
    """Rows that were added from pasted text."""

    first: int
    """The first one's number."""
    rows: int
    lost: tuple[str, ...]
    """Columns of it that the sheet cannot have."""


@dataclass(frozen=True, slots=True)
class _Change:
    """One step of undo: rows before and after; None where there is no such row."""

    words: str
    header: tuple[tuple[str, ...], tuple[str, ...]]
    rows: dict[int, tuple[RowState | None, RowState | None]]


class Draft(CheckedRows):
    """A sheet, and what may be changed in it."""

    def __init__(self, table: Table, vocabulary: Vocabulary) -> None:
        """A draft without changes.

        Raises:
            SheetError: as `check_table`.
        """
        super().__init__(table, vocabulary)
        self._done: list[_Change] = []
        self._undone: list[_Change] = []

    def copy(self) -> Self:
        """The same rows, with all that can be undone and done again."""
        copied = super().copy()
        copied._done, copied._undone = list(self._done), list(self._undone)
        return copied

    @property
    def rows_to_undo(self) -> int:
        """How many rows `undo` would change."""
        return len(self._done[-1].rows) if self._done else 0

    @property
    def rows_to_redo(self) -> int:
        """How many rows `redo` would change."""
        return len(self._undone[-1].rows) if self._undone else 0

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
        for change in self._undone[-1:]:
            columns.update(change.header[1])
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

    def _change(
        self, words: str, after: Mapping[int, RowState], header: tuple[str, ...] | None = None
    ) -> int:
        if not after:
            return 0
        before = {number: self._states.get(number) for number in after}
        header = header or self._header
        rows: dict[int, tuple[RowState | None, RowState | None]] = {
            number: (before[number], state) for number, state in after.items()
        }
        self._done = [*self._done[1 - _MOST_UNDONE :], _Change(words, (self._header, header), rows)]
        self._undone.clear()
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
        draft._done, draft._undone = list(self._done), list(self._undone)
        return draft

    def with_num_images(self, num_images: int) -> "Draft":
        """The same sheet, where a row that does not say makes this many images."""
        return self.with_vocabulary(replace(self.vocabulary, num_images=num_images))

    def offered_columns(self) -> list[str]:
        """Known columns that it does not have yet, and that some model has a use for."""
        captions = any(model.captions for model in self.vocabulary.models.values())
        offered = (c.name for c in COLUMNS if captions or c.name not in CAPTION_COLUMNS)
        return [name for name in offered if name not in self.columns]


def _reading(cells: Sequence[Cell]) -> tuple[str, ...]:
    return tuple(map(cell_text, cells))
