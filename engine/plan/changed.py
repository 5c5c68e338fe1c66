"""An edited sheet held against the session it was rendered as: which rows are to be rendered."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SEED = "seed_number"


@dataclass(frozen=True, slots=True)
class RowThen:
    """A row as it was rendered."""

    number: int
    cells: Mapping[str, str]
    """Known column → text; blank ones left out."""
    seed: int
    """Of its first image: the sheet's, or drawn."""


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
    """For changed rows without a seed: the one that was drawn then, so that only what was edited
    changes."""
    columns: dict[int, tuple[str, ...]]
    """What is different in each changed row."""

    @property
    def to_render(self) -> list[int]:
        """Changed and added rows, in the order of the sheet."""
        return sorted([*self.changed, *self.added])


def changes_between(then: Sequence[RowThen], now: Sequence[RowNow]) -> Changes:
    """Match rows: first by their cells, then by their number; what is left is new or gone.

    Rows that moved are the same rows. Of equal rows the first belongs to the first. A blank seed
    is equal to a blank seed.

    Args:
        then: the session's rows.
        now: the sheet's rows that can be rendered.
    """
    waiting: dict[frozenset[tuple[str, str]], deque[RowThen]] = defaultdict(deque)
    for old in then:
        waiting[_key(old.cells)].append(old)
    same: dict[int, int] = {}
    taken: set[int] = set()
    # Where equal rows are many, one that stayed where it was is not swapped with another.
    by_number = {old.number: old for old in then}
    for row in now:
        old_here = by_number.get(row.number)
        if old_here is not None and _key(old_here.cells) == _key(row.cells):
            same[row.number] = old_here.number
            taken.add(old_here.number)
    for row in now:
        if row.number in same:
            continue
        candidates = waiting.get(_key(row.cells), deque())
        while candidates and candidates[0].number in taken:
            candidates.popleft()
        if candidates:
            found = candidates.popleft()
            same[row.number] = found.number
            taken.add(found.number)
    changed: dict[int, int] = {}
    seeds: dict[int, int] = {}
    columns: dict[int, tuple[str, ...]] = {}
    for row in now:
        old_here = by_number.get(row.number)
        if row.number in same or old_here is None or old_here.number in taken:
            continue
        changed[row.number] = old_here.number
        taken.add(old_here.number)
        columns[row.number] = _different(old_here.cells, row.cells)
        if not row.cells.get(_SEED) and not old_here.cells.get(_SEED):
            seeds[row.number] = old_here.seed
    added = tuple(r.number for r in now if r.number not in same and r.number not in changed)
    removed = tuple(old.number for old in then if old.number not in taken)
    return Changes(same, changed, added, removed, seeds, columns)


def _key(cells: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, text) for name, text in cells.items() if text)


def _different(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    names = dict.fromkeys([*now, *then])
    return tuple(name for name in names if then.get(name, "") != now.get(name, ""))
