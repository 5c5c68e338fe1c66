"""What is said to the guarded children that read a sheet and write its copy, and what they answer.

As JSON of the standard library, since text of a damaged file may hold what UTF-8 cannot; each is
checked where it is read, and has no field that is not known.
"""

import json
from typing import Any, TypeAlias, cast

import msgspec

from engine.sheet.table import CellRange, Limits, Remark


class ToRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Read a file."""

    path: str
    sheet: str | None
    """A worksheet's name; None: the first visible one."""
    encoding: str | None
    """What a text file is written in; None: to be found out."""
    limits: Limits


class FromReader(msgspec.Struct, frozen=True, tag_field="tells", forbid_unknown_fields=True):
    """From the child that reads."""


class WasRead(FromReader, frozen=True, tag="read"):
    """What is to be said of the file; the cells of its rows come beside it."""

    numbers: list[int]
    """Of the rows that are not blank."""
    sheet: str | None = None
    """The worksheet's name; None: it is a text file."""
    sheets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    delimiter: str = ","
    is_unicode: bool = True
    merged: tuple[CellRange, ...] = ()
    uncopied: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    odd: list[int] = []
    """Indexes of rows in which a cell is a list: a `Moment`, or of one value a `Broken`."""


class NoSheet(FromReader, frozen=True, tag="refused"):
    """It cannot be used as a sheet."""

    reason: str
    encodings: tuple[str, ...] | None = None
    """What it may be written in, which a person must say; None: that is not what is amiss."""


class MachineFailed(FromReader, frozen=True, tag="machine"):
    """It is not the file that is at fault."""

    reason: str


class TooMuchMemory(FromReader, frozen=True, tag="memory"):
    """Reading it takes more than there may be."""


AnyFromReader: TypeAlias = WasRead | NoSheet | MachineFailed | TooMuchMemory


class ToCopy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Write a corrected copy of a file."""

    source: str
    target: str
    sheet: str | None
    """The worksheet's name; None: it is a text file."""
    encoding: str | None
    header_row: int
    """Its number; 0: there is none."""
    first_row: int
    """Number of the first row below it."""
    new_headers: dict[int, str]
    """Column, from 0 → its header, of columns that have another or none yet."""
    cells: list[tuple[int, int, str, str]]
    """Row, column from 0, the column's name, and the text, of each cell that is written."""
    dropped: list[int]
    """Numbers of rows that are left out."""


class FromCopier(msgspec.Struct, frozen=True, tag_field="tells", forbid_unknown_fields=True):
    """From the child that writes a copy."""


class CopyWritten(FromCopier, frozen=True, tag="copied"):
    """The copy is on the disk."""

    notes: tuple[str, ...]
    """What it could not keep, in words."""


class CopyRefused(FromCopier, frozen=True, tag="refused"):
    """It could not be written."""

    reason: str


AnyFromCopier: TypeAlias = CopyWritten | CopyRefused


def as_json(message: msgspec.Struct, *beside: Any) -> str:
    """A message as text; with plain values beside it, as a list of all."""
    plain = msgspec.to_builtins(message, str_keys=True)
    return json.dumps([plain, *beside] if beside else plain)


def understood(plain: Any, kinds: object) -> Any:
    """A message of certain kinds, a structure or several, from the plain values that JSON gave.

    Raises:
        msgspec.ValidationError: it is none of `kinds`, or not as it should be.
    """
    return msgspec.convert(plain, cast(type[Any], kinds), str_keys=True)
