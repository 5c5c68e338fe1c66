"""What the rows that can be rendered add up to, kept up to date row by row."""

from collections import Counter
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeAlias

from engine.sheet.rows import RowValues

_Costs: TypeAlias = tuple[object, ...]
_COSTLY = tuple(
    field.name
    for field in fields(RowValues)
    if field.name not in ("prompt", "negative_prompt", "final_prompt", "seed_number", "num_images")
)
_costs = attrgetter(*_COSTLY)
"""What decides the cost of an image: equal for rows whose images cost alike."""


class Totals:
    """Rows, images, and the work in them."""

    def __init__(self) -> None:
        self.ready = 0
        """Rows that can be rendered."""
        self.images = 0
        """Images of these."""
        self._work: Counter[_Costs] = Counter()

    def copy(self) -> "Totals":
        """The same rows."""
        copy = Totals()
        copy.ready, copy.images = self.ready, self.images
        copy._work = self._work.copy()
        return copy

    def add(self, values: RowValues | None, sign: int) -> None:
        """Add a row (1), or take it out (-1); one without values counts for nothing."""
        if values is None:
            return
        self.ready += sign
        self.images += sign * values.num_images
        costs = _costs(values)
        self._work[costs] += sign * values.num_images
        if not self._work[costs]:
            del self._work[costs]

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
