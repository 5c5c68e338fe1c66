"""Which rows make the same images as an earlier one, kept up to date row by row."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from operator import attrgetter

from engine.sheet.rows import Row, RowValues

_key = attrgetter(*(name for name in RowValues.__struct_fields__ if name != "num_images"))
"""Equal for rows that make the same images, however many."""


def _key_of(row: Row) -> Hashable:
    """The same of a row; None: it has an error, or no seed."""
    if row.values is None or row.values.seed_number is None:
        return None
    return tuple(map(_key, row.grid)) if row.grid else _key(row.values)


class Doubles:
    """Rows with a seed of their own, grouped by all that decides their first image."""

    def __init__(self) -> None:
        self._groups: defaultdict[Hashable, list[int]] = defaultdict(list)
        self._members = 0

    def copy(self) -> "Doubles":
        """The same rows."""
        copy = Doubles()
        copy._groups.update((key, list(group)) for key, group in self._groups.items())
        copy._members = self._members
        return copy

    def put(self, number: int, row: Row) -> Sequence[int]:
        """A row is there; the numbers of those that make the same images."""
        if (key := _key_of(row)) is None:
            return ()
        group = self._groups[key]
        insort(group, number)
        self._members += 1
        return group

    def take(self, number: int, row: Row) -> Sequence[int]:
        """A row is gone; the numbers of those left that make the same images."""
        if (key := _key_of(row)) is None:
            return ()
        group = self._groups[key]
        del group[bisect_left(group, number)]
        self._members -= 1
        if not group:
            del self._groups[key]
        return group

    def earlier(self, number: int, row: Row) -> int | None:
        """The first row that makes the same images, if it is another."""
        if (key := _key_of(row)) is None:
            return None
        first = self._groups[key][0]
        return None if first == number else first

    @property
    def count(self) -> int:
        """How many rows have an earlier one."""
        return self._members - len(self._groups)

    def __iter__(self) -> Iterator[int]:
        """Every row that has an earlier one."""
        return (number for group in self._groups.values() for number in group[1:])
