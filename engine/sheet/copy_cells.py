"""What is to be written into a copy."""

from bisect import bisect_left
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from engine.sheet.columns import COLUMN, Kind
from engine.sheet.rows import SheetError
from engine.sheet.table import CellRange

Spot: TypeAlias = tuple[int, int]
"""A row, from 1, and a column, from 0."""
_MOST_DIGITS = 15
"""A spreadsheet program keeps no more of a number."""


class Write(NamedTuple):
    """A cell to be written."""

    row: int
    """From 1."""
    at: int
    """The column, from 0."""
    column: str
    text: str

    @property
    def number(self) -> int | None:
        """As a number, where the column holds numbers and a spreadsheet can hold this one."""
        whole = self.column in COLUMN and COLUMN[self.column].kind is Kind.WHOLE
        digits = self.text.lstrip("-")
        return (
            int(self.text) if whole and digits.isdecimal() and len(digits) <= _MOST_DIGITS else None
        )


class Spots:
    """Places of cells, to be asked which of them lie in an area."""

    def __init__(self, spots: Iterable[Spot]) -> None:
        """Args: spots: where."""
        self._spots = sorted(spots)

    def within(self, area: CellRange) -> list[Spot]:
        """Those in an area."""
        first = bisect_left(self._spots, (area.top, 0))
        end = bisect_left(self._spots, (area.bottom + 1, 0))
        return [each for each in self._spots[first:end] if area.left <= each[1] + 1 <= area.right]


@dataclass(frozen=True, slots=True)
class CopyJob:
    """A worksheet's cells that are written, and its rows that are emptied."""

    sheet: str
    writes: Collection[Write]
    cleared: Collection[int]
    """Their numbers; a row keeps its place, so that what refers to others still does."""
    above: bool = False
    """Whether a row is put in first, above all others, to be written to."""

    def no_room_above(self) -> SheetError:
        """That it cannot be put in."""
        return SheetError(
            "This worksheet has no row of column names, and adding one would break its formulas,"
            " pictures, notes or lists. Add a row with the word `prompt` in a spreadsheet"
            " program, or choose a name ending in .csv."
        )


def filled_note(area: str) -> str:
    """That cells which one formula filled hold values now, in a sentence."""
    return f"The formula that fills {area} is replaced with its results."
