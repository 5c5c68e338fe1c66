"""Rows with lists in their cells, spread over plain lines to be checked, and put together again.

A combination of a grid's values is checked as the plain row it stands for, so that every rule holds
for it, and what comes of it is what such a row would give. Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from math import prod
from typing import Any

from msgspec import structs

from engine.sheet.cell_findings import CellFindings, Finding, shown
from engine.sheet.columns import COLUMN, MOST_COMBINATIONS, Column, Kind
from engine.sheet.found import At, Judged, ProblemsAt
from engine.sheet.grid_cells import (
    MOST_IN_GRIDS,
    Axis,
    GridError,
    Pieces,
    axes_of,
    can_vary,
    combinations,
    has_braces,
    may_have_list,
    meant_as_list,
    pieces_of,
)
from engine.sheet.loras import tags_in, without_tags
from engine.sheet.rows import Row, RowValues, Severity
from engine.sheet.table import Cell, Line, Table, cell_text

Judge = Callable[[Cell], CellFindings[Any]]


@dataclass(frozen=True, slots=True)
class _GridLine:
    """A line of the table that is a grid."""

    cells: Mapping[str, Pieces]
    """Of the columns that have lists."""
    axes: tuple[Axis, ...]
    verdicts: Mapping[str, CellFindings[Any]]
    """Of prompts with lists, each judged as a whole."""
    written: Mapping[str, str]
    """The cells with lists as they read after repairs."""
    combined: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Spread:
    """A table in which every combination of a grid has a line of its own."""

    table: Table
    spans: Sequence[range] | None = None
    """Of each line of the table as it was, its lines here; None: there is no grid, they are the
    same."""
    grids: Mapping[int, _GridLine] = field(default_factory=dict)
    """By index of the line as it was."""
    faults: Mapping[int, Sequence[At]] = field(default_factory=dict)
    """Of lines as they were: lists that cannot be used."""
    unread: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """Of lines as they were: columns whose cells have a list that it is not spread by, so that
    what is found of them as one value says nothing."""
    places: Mapping[str, int] = field(default_factory=dict)
    """Column → its index."""

    def found(self, found: ProblemsAt, columns: Mapping[str, Judged]) -> ProblemsAt:
        """What was found, by the lines as they were."""
        if self.spans is None:
            return found
        whole: ProblemsAt = defaultdict(list)
        for line, span in enumerate(self.spans):
            grid, unread = self.grids.get(line), self.unread.get(line, frozenset())
            ats: Iterable[At] = found.get(span.start, ())
            if grid is not None:
                ats = self._of_grid(grid, span, found, columns)
            ats = [*(at for at in ats if at.name not in unread), *self.faults.get(line, ())]
            if ats:
                whole[line] = ats
        return whole

    def _of_grid(
        self, grid: _GridLine, span: range, found: ProblemsAt, columns: Mapping[str, Judged]
    ) -> Iterator[At]:
        where: dict[At, list[int]] = {}
        for number, line in enumerate(span):
            for at in found.get(line, ()):
                where.setdefault(at, []).append(number)
        for name, verdict in grid.verdicts.items():
            yield from (At(self.places[name], name, each) for each in verdict.findings)
        for at, numbers in where.items():
            if at.name in grid.verdicts and not at.is_error and _is_judged(at, columns, span):
                continue  # the whole cell's verdict says it
            yield self._as_of_grid(at, grid, numbers, len(span))

    def _as_of_grid(self, at: At, grid: _GridLine, numbers: Sequence[int], count: int) -> At:
        finding = at.finding
        if at.name is not None and at.name in grid.cells:
            finding = finding._replace(suggestions=_within(grid, at.name, finding, numbers))
        if len(numbers) < count and (which := _which(grid, numbers, at.name)):
            finding = finding._replace(message=f"With {which}: {finding.message}")
        return at._replace(finding=finding)

    def rows(self, rows: Sequence[Row], columns: Mapping[str, Judged]) -> tuple[Row, ...]:
        """The rows as they were, those that are grids with all their combinations."""
        if self.spans is None:
            return tuple(rows)
        whole = []
        for line, span in enumerate(self.spans):
            row = rows[span.start]
            if (grid := self.grids.get(line)) is not None:
                row = self._grid_row(grid, rows[span.start : span.stop], columns, span)
            whole.append(row)
        return tuple(whole)

    def _grid_row(
        self, grid: _GridLine, rows: Sequence[Row], columns: Mapping[str, Judged], span: range
    ) -> Row:
        cells = {**rows[0].cells, **grid.written}
        if "lora" in grid.written and "prompt" in columns:  # also those that the prompt names
            prompt = cell_text(self.table.lines[span.start].cells[self.places["prompt"]])
            if without_tags(prompt) == columns["prompt"].texts[span.start]:
                cells["lora"] = ", ".join(filter(None, (cells["lora"], *tags_in(prompt))))
        ready = [row.values for row in rows if row.values is not None]
        if len(ready) < len(rows):
            return replace(rows[0], cells=cells, values=None)
        if not cells.get("num_images"):
            # Many images are wanted already: one of each, unless the row says otherwise.
            ready = [structs.replace(values, num_images=1) for values in ready]
        return replace(rows[0], cells=cells, values=ready[0], grid=tuple(ready))


def read_as(row: Row, column: str, read: str) -> tuple[RowValues, ...]:
    """The combinations of a row, one of whose prompts is taken as it was read, unrepaired."""
    try:
        pieces = pieces_of(read, COLUMN[column], {}) if row.grid else None
    except GridError:
        return ()
    if pieces is None:
        text: dict[str, Any] = {column: read}
        return tuple(structs.replace(values, **text) for values in row.combinations)
    # A repaired text has the same lists, one for one, and each value its own place among them.
    places: dict[str, int] = {}
    alone = combinations({column: pieces})
    found = []
    for values in row.combinations:
        at = places.setdefault(getattr(values, column), len(places))
        text = {column: alone[min(at, len(alone) - 1)][column]}
        found.append(structs.replace(values, **text))
    return tuple(found)


def _is_judged(at: At, columns: Mapping[str, Judged], span: range) -> bool:
    """Whether something was found by looking at that cell alone."""
    judged = columns[str(at.name)].found
    return any(at.finding in judged.get(line, ()) for line in span)


def _which(grid: _GridLine, numbers: Sequence[int], column: str | None) -> str:
    """By what the combinations with these numbers differ from the others, of other columns.

    Empty: by nothing that is worth a word.
    """
    places = [_place(grid, number) for number in numbers]
    words = []
    for at, axis in enumerate(grid.axes):
        had = {place[at] for place in places}
        if axis.column != column and len(had) < len(axis.values):
            values = " or ".join(shown(axis.values[one] or "nothing", 30) for one in sorted(had))
            words.append(f"{axis.title} {values}")
    return ", ".join(words)


def _place(grid: _GridLine, number: int) -> tuple[int, ...]:
    place = []
    for axis in reversed(grid.axes):
        number, at = divmod(number, len(axis.values))
        place.append(at)
    return tuple(reversed(place))


def _within(
    grid: _GridLine, name: str, finding: Finding, numbers: Sequence[int]
) -> tuple[str, ...]:
    """Suggestions for one value of a list as the whole cell; none where it is not one value's."""
    pieces = grid.cells[name]
    at = next((n for n, axis in enumerate(grid.axes) if axis.column == name), None)
    if at is None or len(pieces) != 1 or isinstance(pieces[0], str):
        return ()
    wrong = {_place(grid, number)[at] for number in numbers}
    if len(wrong) != 1:
        return ()
    values = pieces[0]
    found = []
    for suggestion in finding.suggestions:
        mended = [suggestion if n in wrong else value for n, value in enumerate(values)]
        kept = list(dict.fromkeys(filter(None, mended)))
        text = " | ".join(kept)
        found.append(f"{{all: {text}}}" if _in_braces(grid, name) and len(kept) > 1 else text)
    return tuple(dict.fromkeys(found))


def _in_braces(grid: _GridLine, name: str) -> bool:
    return has_braces(grid.written[name])


def spread(
    table: Table,
    known: Mapping[int, str],
    judge_of: Callable[[str], Judge],
    choices: Mapping[str, Sequence[str]],
    room: int = MOST_IN_GRIDS,
) -> Spread:
    """Give every combination of every grid a line of its own; a table without grids stays as it is.

    Args:
        table: as it was read.
        known: index → column, of those that are ours.
        judge_of: gives what reads the cells of a column, by its name.
        choices: of wildcards, by name.
        room: combinations of all grids together.
    """
    places = {name: at for at, name in known.items()}
    grids: dict[int, _GridLine] = {}
    faults: dict[int, list[At]] = defaultdict(list)
    unread: dict[int, frozenset[str]] = {}
    for line, listed in _candidates(table, places, judge_of):
        read = _GridReading(faults[line])
        for name in listed:
            text = cell_text(table.lines[line].cells[places[name]]).strip()
            read.cell(places[name], COLUMN[name], text, judge_of(name), choices)
        axes = axes_of(read.cells)
        if (count := prod(len(axis.values) for axis in axes)) > min(room, MOST_COMBINATIONS):
            last = axes[-1].column
            read.faults.append(At(places[last], last, _too_many(axes, room)))
            read.unread |= read.cells.keys()
        elif axes:
            room -= count
            combined = combinations(read.cells)
            grids[line] = _GridLine(read.cells, axes, read.verdicts, read.written, combined)
        if read.unread:
            unread[line] = frozenset(read.unread)
    if not grids and not any(faults.values()):
        return Spread(table)
    lines, spans = _spread(table, places, grids)
    return Spread(replace(table, lines=tuple(lines)), spans, grids, faults, unread, places)


class _GridReading:
    """The cells of one line that have a list, or were meant to."""

    def __init__(self, faults: list[At]) -> None:
        """Args: faults: where those go."""
        self.faults = faults
        self.unread: set[str] = set()
        self.cells: dict[str, Pieces] = {}
        self.verdicts: dict[str, CellFindings[Any]] = {}
        self.written: dict[str, str] = {}

    def cell(
        self,
        at: int,
        column: Column,
        text: str,
        judge: Judge,
        choices: Mapping[str, Sequence[str]],
    ) -> None:
        """Read one of them."""
        name = column.name
        try:
            found = pieces_of(text, column, choices)
            if found is None:
                if likely := _likely(At(at, name, judge(text).findings[0]), text, judge):
                    self._fault(likely)
                return
            written = text
            if column.kind is Kind.TEXT:
                verdict = judge(text)
                wrong = [each for each in verdict.findings if each.severity is Severity.ERROR]
                if wrong:
                    self._fault(*(At(at, name, each) for each in wrong))
                    return
                self.verdicts[name], written = verdict, verdict.text
            else:
                written = _written(text, found, judge)
        except GridError as fault:
            self._fault(At(at, name, Finding(Severity.ERROR, str(fault), fault.suggestions)))
            return
        self.cells[name], self.written[name] = found, written

    def _fault(self, *found: At) -> None:
        self.faults += found
        self.unread |= {str(at.name) for at in found}


def _spread(
    table: Table, places: Mapping[str, int], grids: Mapping[int, _GridLine]
) -> tuple[list[Line], list[range]]:
    """Its lines, those of grids once for each combination; and of each line those it has now."""
    lines: list[Line] = []
    spans = []
    for number, line in enumerate(table.lines):
        start = len(lines)
        if (grid := grids.get(number)) is None:
            lines.append(line)
        for chosen in grid.combined if grid else ():
            cells = list(line.cells)
            for name, text in chosen.items():
                cells[places[name]] = text
            lines.append(Line(line.number, tuple(cells)))
        spans.append(range(start, len(lines)))
    return lines, spans


def _candidates(
    table: Table, places: Mapping[str, int], judge_of: Callable[[str], Judge]
) -> Iterator[tuple[int, list[str]]]:
    """Lines that have a list, or may have been meant to, and in which columns; in order."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    columns = list(zip_longest(*(cells for _, cells in table.lines), fillvalue=""))
    for name, column in COLUMN.items():
        at = places.get(name, len(columns))
        if at >= len(columns) or not can_vary(column):
            continue
        judge, in_braces = judge_of(name), column.kind in (Kind.TEXT, Kind.LORAS)
        lists = {
            cell
            for cell in set(columns[at])
            if type(cell) is str
            and ("{" in cell if in_braces else not cell.isalnum())
            and _is_list(cell, column, judge)
        }
        for line, cell in enumerate(columns[at]) if lists else ():
            if type(cell) is str and cell in lists:
                found[line].append(name)
    return iter(sorted(found.items()))


def _is_list(text: str, column: Column, judge: Judge) -> bool:
    """Whether a cell is to be taken for a list: whatever is one value as a whole is none."""
    if may_have_list(text, column):
        if has_braces(text):
            return True
        if column.kind is Kind.TEXT or column.kind is Kind.LORAS:
            return False
    elif not meant_as_list(text, column):
        return False
    return any(each.severity is Severity.ERROR for each in judge(text).findings)


def _likely(at: At, text: str, judge: Judge) -> At | None:
    """What was found of a cell that is no list, if it is one elsewhere: with what was meant."""
    meant = meant_as_list(text, COLUMN[str(at.name)])
    parts = [part.strip() for part in meant.split("|")]
    if not meant or (len(parts) > 1 and any(judge(part).value is None for part in parts)):
        return None
    message = f"{at.finding.message} To render several values, write {meant}."
    offered = tuple(dict.fromkeys((meant, *at.finding.suggestions)))
    return at._replace(finding=at.finding._replace(message=message, suggestions=offered))


def _written(text: str, pieces: Pieces, judge: Judge) -> str:
    """A cell with lists as it reads once its values are repaired.

    Raises:
        GridError: two values are the same then.
    """
    (values,) = pieces if len(pieces) == 1 else ((),)
    if isinstance(values, str) or not values:
        return text
    mended = [judge(value).text for value in values]
    if twice := next((each for each in mended if mended.count(each) > 1), None):
        raise GridError(
            f"{shown(twice)} is in the list twice. Name each value once.",
            " | ".join(dict.fromkeys(mended)),
        )
    return text if has_braces(text) or mended == list(values) else " | ".join(mended)


def _too_many(axes: Sequence[Axis], room: int) -> Finding:
    """What is said of a row with more combinations than can be."""
    each = " × ".join(f"{axis.title} ({len(axis.values)})" for axis in axes)
    count = prod(len(axis.values) for axis in axes)
    sum_up = f"{each} = {count:,}" if len(axes) > 1 else each
    if count > MOST_COMBINATIONS:
        message = (
            f"{sum_up} combinations: a row can have up to {MOST_COMBINATIONS:,}. Use fewer values,"
            " or several rows."
        )
    else:
        message = (
            f"{sum_up} combinations are too many here: all such rows of a sheet can have"
            f" {MOST_IN_GRIDS:,} together, and {max(0, room):,} are left. Use fewer values, or a"
            " second sheet."
        )
    return Finding(Severity.ERROR, message)
