"""What the rows that can be rendered add up to, kept up to date row by row."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias

from engine.sheet.rows import Row, RowValues

_Costs: TypeAlias = tuple[object, ...]
_COSTLY = tuple(
    name
    for name in RowValues.__struct_fields__
    if name not in ("prompt", "negative_prompt", "final_prompt", "seed_number", "num_images")
)
_costs = attrgetter(*_COSTLY)
"""What decides the cost of an image: equal for rows whose images cost alike."""


@dataclass(frozen=True, slots=True, order=True)
class BlankCount:
    """What a blank `num_images` means in some rows that can be rendered."""

    on_a_picture: bool
    """Whether these are the rows that are drawn on one."""
    num_images: int
    """Images of each of them."""
    rows: int


class Totals:
    """Rows, images, and the work in them."""

    def __init__(self) -> None:
        self.ready = 0
        """Rows that can be rendered."""
        self.images = 0
        """Images of these."""
        self.in_grids = 0
        """Combinations of those of them that are grids."""
        self._work: Counter[_Costs] = Counter()
        self._blank: Counter[tuple[bool, int]] = Counter()

    def copy(self) -> "Totals":
        """The same rows."""
        copy = Totals()
        copy.ready, copy.images, copy.in_grids = self.ready, self.images, self.in_grids
        copy._work, copy._blank = self._work.copy(), self._blank.copy()
        return copy

    def add(self, row: Row, sign: int) -> None:
        """Add a row (1), or take it out (-1); one without values counts for nothing."""
        values = row.values
        if values is None:
            return
        if _takes_the_default(row):
            self._blank[values.image is not None, values.num_images] += sign
        self.ready += sign
        self.images += sign * row.images
        self.in_grids += sign * len(row.grid)
        for each in row.combinations:
            costs = _costs(each)
            self._work[costs] += sign * each.num_images
            if not self._work[costs]:
                del self._work[costs]

    @property
    def blank(self) -> tuple[BlankCount, ...]:
        """What a blank `num_images` means, where there is one."""
        return _blank_counts(self._blank)

    @property
    def work(self) -> list[RowValues]:
        """What the rows ask for, all that cost alike as one row."""
        named: list[tuple[dict[str, Any], int]] = [
            (dict(zip(_COSTLY, costs, strict=True)), images) for costs, images in self._work.items()
        ]
        return [
            RowValues(
                **costs,
                prompt="",
                negative_prompt="",
                seed_number=None,
                num_images=images,
            )
            for costs, images in named
        ]


def blank_counts(rows: Iterable[Row]) -> tuple[BlankCount, ...]:
    """What a blank `num_images` means in those rows that can be rendered and have one."""
    return _blank_counts(
        Counter(
            (row.values.image is not None, row.values.num_images)
            for row in rows
            if row.values is not None and _takes_the_default(row)
        )
    )


def _takes_the_default(row: Row) -> bool:
    """Whether a row makes as many images as one that does not say; a grid makes one of each."""
    return "num_images" not in row.cells and not row.grid


def _blank_counts(counted: Counter[tuple[bool, int]]) -> tuple[BlankCount, ...]:
    return tuple(sorted(BlankCount(*means, rows) for means, rows in counted.items() if rows > 0))
