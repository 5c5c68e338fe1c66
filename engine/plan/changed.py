"""An edited sheet held against the session it was rendered as: which rows are to be rendered."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_SEED = "seed_number"


@dataclass(frozen=True, slots=True)
class RowThen:
    """A row as it was rendered."""

    number: int
    cells: Mapping[str, str]
    """Known column → text; blank ones left out."""
    seed: int
    """Of its first image: the sheet's, or drawn."""
    failed: bool = False
    """Whether any of its images failed: then it is to be rendered again."""


@dataclass(frozen=True, slots=True)
class RowNow:
    """A row of the edited sheet."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Changes:
    """Row numbers are the edited sheet's, those of `removed` the session's."""

    same: dict[int, int]
    """Rows that ask for what was rendered already → the row that was rendered."""
    changed: dict[int, int]
    """Rows that ask for something else than the row they were."""
    added: tuple[int, ...]
    removed: tuple[int, ...]
    seeds: dict[int, int]
    """For changed and failed rows without a seed: the one that was drawn then, so that only what
    was edited changes."""
    columns: dict[int, tuple[str, ...]]
    """What is different in each changed row."""
    failed: dict[int, int]
    """Rows that ask for what was asked for then and failed → the row that failed."""

    @property
    def to_render(self) -> list[int]:
        """Changed, added and failed rows, in the order of the sheet."""
        return sorted([*self.changed, *self.added, *self.failed])


def changes_between(then: Sequence[RowThen], now: Sequence[RowNow]) -> Changes:
    """Match rows: first by their cells, then by their place; what is left is new or gone.

    A place is a number, or being next to the same row as before. Rows that moved are the same
    rows. Of equal rows the first belongs to the first. A blank seed is equal to a blank seed.

    Args:
        then: the session's rows.
        now: the sheet's rows that can be rendered.
    """
    keys_then = {old.number: _key(old.cells) for old in then}
    keys_now = {row.number: _key(row.cells) for row in now}
    same: dict[int, int] = {}
    taken: set[int] = set()
    # Where equal rows are many, one that stayed where it was is not swapped with another.
    for number, key in keys_now.items():
        if keys_then.get(number) == key:
            same[number] = number
            taken.add(number)
    waiting: dict[frozenset[tuple[str, str]], deque[int]] = defaultdict(deque)
    for number, key in keys_then.items():
        if number not in taken:
            waiting[key].append(number)
    for number, key in keys_now.items():
        if number not in same and waiting.get(key):
            same[number] = waiting[key].popleft()
            taken.add(same[number])
    changed = _by_place(then, now, same, taken)
    by_number = {old.number: old for old in then}
    cells = {row.number: row.cells for row in now}
    seeds: dict[int, int] = {}
    columns: dict[int, tuple[str, ...]] = {}
    for number, old_number in changed.items():
        old = by_number[old_number]
        columns[number] = _different(old.cells, cells[number])
        if not cells[number].get(_SEED) and not old.cells.get(_SEED):
            seeds[number] = old.seed
    failed = {number: old for number, old in same.items() if by_number[old].failed}
    for number, old_number in failed.items():
        del same[number]
        if not cells[number].get(_SEED):
            seeds[number] = by_number[old_number].seed
    added = tuple(
        r.number
        for r in now
        if r.number not in same and r.number not in changed and r.number not in failed
    )
    removed = tuple(old.number for old in then if old.number not in taken)
    return Changes(same, changed, added, removed, seeds, columns, failed)


def _by_place(
    then: Sequence[RowThen], now: Sequence[RowNow], same: Mapping[int, int], taken: set[int]
) -> dict[int, int]:
    """Rows that are none of the same → the row that stood there; those are taken then, too."""
    numbers = [old.number for old in then]
    there = set(numbers)
    following = dict(pairwise(numbers))
    changed: dict[int, int] = {}

    def match(number: int, old: int | None) -> None:
        if old is not None and old in there and old not in taken:
            changed[number] = old
            taken.add(old)

    rest = [row.number for row in now if row.number not in same]
    for number in rest:
        match(number, number)
    above: int | None = None
    for row in now:
        if row.number not in same and row.number not in changed and above is not None:
            match(row.number, following.get(above))
        above = same.get(row.number, changed.get(row.number))
    return changed


def _key(cells: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, text) for name, text in cells.items() if text)


def _different(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    names = dict.fromkeys([*now, *then])
    return tuple(name for name in names if then.get(name, "") != now.get(name, ""))
