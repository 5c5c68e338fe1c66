"""From one faulty cell to the next: their order, kept up to date as rows change."""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from engine.sheet.rows import Problem, Severity

_MANY = 2000
"""Rows that changed, above which all faults are sorted again."""
_Fault: TypeAlias = tuple[int, int, str]
"""Row, place of the column, column: sorts as the cells are walked."""
WEIGHT = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.REPAIRED: 2}


@dataclass(frozen=True, slots=True)
class Place:
    """A cell by its row's number and its column's name; None for the whole row."""

    row: int
    column: str | None


class FaultNavigation:
    """Every faulty cell in order: those with errors and warnings; without any, the repaired."""

    def __init__(
        self,
        problems_of: Callable[[int], Iterable[Problem]],
        rows_with_problems: Callable[[], Iterable[int]],
    ) -> None:
        """A walk over all cells.

        Args:
            problems_of: a row's problems as they are now; none for a row that is not walked.
            rows_with_problems: the numbers of all rows that may have any.
        """
        self._problems_of = problems_of
        self._rows_with_problems = rows_with_problems
        self._stale: set[int] = set()
        self._columns: tuple[str, ...] | None = None
        self._faults: tuple[list[_Fault], list[_Fault]] = [], []

    def changed(self, rows: Collection[int]) -> None:
        """The problems of these rows may be others."""
        self._stale.update(rows)

    def count(self, columns: tuple[str, ...]) -> int:
        """How many cells are walked."""
        return len(self._walked(columns))

    def next(
        self, here: Place, direction: int, columns: tuple[str, ...]
    ) -> tuple[Place, int] | None:
        """The next (1) or previous (-1) faulty cell and which it is, from 1; wraps.

        Args:
            here: where the walker stands.
            direction: 1 or -1.
            columns: all columns in order.
        """
        faults = self._walked(columns)
        if not faults:
            return None
        order = columns.index(here.column) if here.column in columns else -1
        at = bisect_left(faults, (here.row, order))
        if direction < 0:
            at -= 1
        elif at < len(faults) and faults[at][:2] == (here.row, order):
            at += 1
        at %= len(faults)
        row, _, column = faults[at]
        return Place(row, column or None), at + 1

    def _walked(self, columns: tuple[str, ...]) -> list[_Fault]:
        if columns != self._columns or len(self._stale) > _MANY:
            self._columns = columns
            self._faults = [], []
            for number in sorted(set(self._rows_with_problems())):
                for fault, severity in self._faults_of(number, columns):
                    self._faults[severity is Severity.REPAIRED].append(fault)
        else:
            for number in self._stale:
                for faults in self._faults:
                    del faults[bisect_left(faults, (number,)) : bisect_left(faults, (number + 1,))]
                for fault, severity in self._faults_of(number, columns):
                    insort(self._faults[severity is Severity.REPAIRED], fault)
        self._stale.clear()
        return self._faults[0] or self._faults[1]

    def _faults_of(self, number: int, columns: tuple[str, ...]) -> list[tuple[_Fault, Severity]]:
        """A row's faulty cells, each once, with the worst that is found there."""
        worst: dict[_Fault, Severity] = {}
        for problem in sorted(self._problems_of(number), key=lambda p: -WEIGHT[p.severity]):
            column = problem.column
            order = columns.index(column) if column in columns else -1
            worst[number, order, column or ""] = problem.severity
        return sorted(worst.items())
