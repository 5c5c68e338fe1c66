"""Rows of a sheet as they stand under the user's hands, checked. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.sheet.check import check_table
from engine.sheet.columns import COLUMN, Kind
from engine.sheet.cross_row_checks import is_double
from engine.sheet.grid_cells import MOST_IN_GRIDS
from engine.sheet.grids import read_as
from engine.sheet.headers import known_name
from engine.sheet.rows import Problem, Row, Severity, Sheet
from engine.sheet.table import Cell, Table, cell_text
from engine.sheet.vocabulary import Vocabulary

_LORA = "lora"


@dataclass(frozen=True, slots=True)
class RowState:
    """One row as it stands, or stood."""

    cells: tuple[Cell, ...]
    """As read, or as typed; may be shorter than the header."""
    left_out: bool = False
    as_read: frozenset[str] = frozenset()
    """Columns whose repair was refused."""


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """What some rows of a sheet read as."""

    rows: tuple[Row, ...]
    """Without values where a row has an error or is left out."""
    problems: Mapping[int, tuple[Problem, ...]]
    """Of each row that has any, but that it doubles another."""
    notes: tuple[Problem, ...]
    """Problems of the header, and of the file as a whole."""
    header: tuple[str, ...]
    """With the column for LoRAs that prompts name, if it lacks one."""


def check_rows(
    table: Table,
    vocabulary: Vocabulary,
    states: Mapping[int, RowState],
    places: Mapping[str, int],
    room: int = MOST_IN_GRIDS,
) -> CheckedRows:
    """Check rows as they stand.

    Args:
        table: the file, with these rows' cells, of which there is at least one.
        vocabulary: what its cells may refer to.
        states: each row's number → how it stands.
        places: where the columns stand.
        room: combinations that its grids may have in all.

    Raises:
        SheetError: as `check_table`.
    """
    plain = {number for number, state in states.items() if "prompt" in state.as_read}
    sheet = check_table(table, vocabulary, plain, room=room)
    problems: dict[int, tuple[Problem, ...]] = {}
    notes = []
    for problem in sheet.problems:
        if problem.row == table.header_row or problem.message in table.notes:
            notes.append(problem)
        elif problem.row in states and not is_double(problem):
            problems[problem.row] = (*problems.get(problem.row, ()), problem)
    rows = []
    for row in sheet.rows:
        state, wished = states[row.number], row
        for column in state.as_read:
            read = cell_text(cell_at(state.cells, places.get(column)))
            found = problems.get(row.number, ())
            wished, problems[row.number] = _without_repair(wished, column, read, found)
        rows.append(replace(wished, values=None, grid=()) if state.left_out else wished)
    return CheckedRows(tuple(rows), problems, tuple(notes), _with_loras(table.header, sheet))


def _without_repair(
    row: Row, column: str, read: str, problems: Sequence[Problem]
) -> tuple[Row, tuple[Problem, ...]]:
    """The row, and its problems, where a cell counts as it was read."""
    text = COLUMN[column].kind is Kind.TEXT
    refused = f"{read} was kept as in the file, but is not valid."
    mended = row.cells.get(column, "")
    kept = []
    for problem in problems:
        if problem.column != column or problem.severity is not Severity.REPAIRED:
            kept.append(problem)
        elif not text:
            kept.append(
                replace(problem, severity=Severity.ERROR, message=refused, suggestions=(mended,))
            )
    each = read_as(row, column, read) if text else ()
    row = replace(
        row,
        cells={**row.cells, column: read},
        values=next(iter(each), None),
        grid=each if len(each) > 1 else (),
    )
    return row, tuple(kept)


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
