"""From one faulty cell to the next: their order, kept up to date as rows change."""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from engine.sheet.rows import Problem, Severity

_MANY = 2000
"""Rows that changed, above which all problems are sorted again."""
_ProblemPlace: TypeAlias = tuple[int, int, str]
"""Row, place of the column, column: sorts as the cells are walked."""
WEIGHT = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.REPAIRED: 2}


@dataclass(frozen=True, slots=True)
class Place:
    """A cell by its row's number and its column's name; None for the whole row."""

    row: int
    column: str | None


class ProblemNavigation:
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
        self._cells: tuple[list[_ProblemPlace], list[_ProblemPlace]] = [], []

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
        cells = self._walked(columns)
        if not cells:
            return None
        order = columns.index(here.column) if here.column in columns else -1
        at = bisect_left(cells, (here.row, order))
        if direction < 0:
            at -= 1
        elif at < len(cells) and cells[at][:2] == (here.row, order):
            at += 1
        at %= len(cells)
        row, _, column = cells[at]
        return Place(row, column or None), at + 1

    def _walked(self, columns: tuple[str, ...]) -> list[_ProblemPlace]:
        if columns != self._columns or len(self._stale) > _MANY:
            self._columns = columns
            self._cells = [], []
            for number in sorted(set(self._rows_with_problems())):
                for cell, severity in self._cells_of(number, columns):
                    self._cells[severity is Severity.REPAIRED].append(cell)
        else:
            for number in self._stale:
                for cells in self._cells:
                    del cells[bisect_left(cells, (number,)) : bisect_left(cells, (number + 1,))]
                for cell, severity in self._cells_of(number, columns):
                    insort(self._cells[severity is Severity.REPAIRED], cell)
        self._stale.clear()
        return self._cells[0] or self._cells[1]

    def _cells_of(
        self, number: int, columns: tuple[str, ...]
    ) -> list[tuple[_ProblemPlace, Severity]]:
        """A row's faulty cells, each once, with the worst that is found there."""
        worst: dict[_ProblemPlace, Severity] = {}
        for problem in sorted(self._problems_of(number), key=lambda p: -WEIGHT[p.severity]):
            column = problem.column
            order = columns.index(column) if column in columns else -1
            worst[number, order, column or ""] = problem.severity
        return sorted(worst.items())
