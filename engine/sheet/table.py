"""A sheet as it was read, unchecked: typed cells under the spreadsheet's own row numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from engine.sheet.rows import Severity

MIB = 2**20


class Moment(NamedTuple):
    """A cell that the spreadsheet program holds as a time or a date."""

    text: str
    """`HH:MM:SS` (hours may pass 24), or `YYYY-MM-DD`, or both with a space between."""
    seconds: int | None
    """A time of day or a duration in seconds; None: a real date, or not whole seconds."""


class Broken(NamedTuple):
    """A cell that shows a spreadsheet error instead of a value."""

    code: str
    """Such as `#REF!`; empty: a formula whose result was never saved."""


Cell: TypeAlias = str | int | float | bool | Moment | Broken
"""Blank: text that is empty or only white space."""


class Line(NamedTuple):
    """One row as read."""

    number: int
    """The number the spreadsheet program shows."""
    cells: Sequence[Cell]
    """In the header's order; may be shorter or longer than the header."""


class Remark(NamedTuple):
    """What the person should know of how one row was read."""

    row: int
    severity: Severity
    message: str


class CellRange(NamedTuple):
    """A rectangle of cells; rows and columns from 1, both ends within."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class Table:
    """One worksheet or text file as it was read."""

    file: str
    """The file's name, without its folder; empty: typed, not from a file."""
    sheet: str | None
    """The worksheet's name; None for a text file."""
    header: tuple[str, ...]
    lines: tuple[Line, ...]
    """Wholly blank rows are left out; the numbers of the others stay."""
    header_row: int = 1
    """The header's row number; above 1 where blank rows come first; 0: a list of prompts
    without a header."""
    sheets: tuple[str, ...] = ()
    """All worksheets of the file that can be asked for, hidden ones included."""
    notes: tuple[str, ...] = ()
    """What the person should know about how the file was read."""
    remarks: tuple[Remark, ...] = ()
    """What they should know of single rows, for as long as these stay as they were read."""
    delimiter: str = ","
    """What separates the cells of a text file."""
    encoding: str | None = None
    """What a person said that a text file is written in."""
    is_unicode: bool = True
    """Whether it is in no older encoding, which a person may know better."""
    own: frozenset[int] = frozenset()
    """Indexes of columns that are the user's own whatever they are called."""
    merged: tuple[CellRange, ...] = ()
    """Cells merged downwards, whose value counts for each of their rows."""
    uncopied: tuple[str, ...] = ()
    """What a corrected copy of the file could not keep, in sentences."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a sheet may hold and reading it may take; more is refused, saying which."""

    file_bytes: int = 64 * MIB
    unpacked_bytes: int = 100 * MIB
    """What an xlsx or ods file says it unpacks to."""
    rows: int = 100_000
    """Rows under the header that are not blank."""
    cells: int = 5_000_000
    """Rows times columns, up to the last used cell."""
    columns: int = 1_000
    """Up to the last used cell of the widest row."""
    memory_bytes: int = 1024 * MIB
    """Address space of the reading process."""
    seconds: float = 15.0
    """Of a processor's time that reading may take."""


def cell_text(cell: Cell) -> str:
    """A cell as a person would read it. What UTF-8 cannot hold becomes `?`."""
    match cell:
        case str():
            return cell if cell.isascii() else cell.encode("utf-8", "replace").decode()
        case bool():
            return "TRUE" if cell else "FALSE"
        case float():
            return str(int(cell)) if cell.is_integer() else repr(cell)
        case int():
            return str(cell) if abs(cell) < 10**300 else "a huge number"
        case Moment():
            return cell.text
        case Broken():
            return cell.code or "a formula without a result"
