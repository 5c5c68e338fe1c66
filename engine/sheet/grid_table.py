"""A grid as a table: one list across, one down, the others a page each. Pure."""

from dataclasses import dataclass
from itertools import permutations
from math import prod

from engine.sheet.grid_cells import Axis, Grid

_IMAGE = "image"
_VERSION = "version"
_VERSIONS = ("as drawn", "larger")


@dataclass(frozen=True, slots=True)
class GridTable:
    """Which image of a grid is where in a table of it, as it is looked at now."""

    grid: Grid
    axes: tuple[Axis, ...]
    """The row's lists; then, where there are several of each combination, which image it is, and
    where those were enlarged, whether it is the larger one."""
    across: int
    """Position of the axis whose values are the columns; -1: there is one column."""
    down: int
    """The same, of the rows."""

    @classmethod
    def of(cls, grid: Grid, *, enlarged: bool = False) -> "GridTable":
        """As it is shown first: of the last two lists the longer one across, the other down.

        Args:
            grid: of a row.
            enlarged: whether its images have larger versions.
        """
        axes = grid.axes
        lists = len(axes)
        if grid.each > 1:
            axes += (Axis(_IMAGE, "", tuple(map(str, range(1, grid.each + 1)))),)
        if enlarged:
            axes += (Axis(_VERSION, "", _VERSIONS),)
        if lists > 1:
            one, last = lists - 2, lists - 1
            longer = len(axes[one].values) > len(axes[last].values)
            return cls(grid, axes, one, last) if longer else cls(grid, axes, last, one)
        return cls(grid, axes, 0, 1 if len(axes) > 1 else -1)

    def arranged(self, across: str, down: str) -> "GridTable":
        """With these axes across and down; an empty name leaves what it is, or what is left.

        Raises:
            ValueError: there is no such axis, or it is the same; says which there are.
        """
        names = [axis.title for axis in self.axes]

        def at(name: str) -> int:
            wanted = name.casefold().replace("_", " ").strip()
            if wanted not in names:
                raise ValueError(f"This row has no list {name}: it has {', '.join(names)}.")
            return names.index(wanted)

        across_at = at(across) if across else -1
        down_at = at(down) if down else -1
        if across and across_at == down_at:
            raise ValueError(f"{across} cannot be both across and down.")
        free = [n for n in (self.across, self.down, *range(len(names))) if n >= 0]
        if not across:
            across_at = next((n for n in free if n != down_at), -1)
        if not down:
            down_at = next((n for n in free if n != across_at), -1)
        return GridTable(self.grid, self.axes, across_at, down_at)

    @property
    def turned(self) -> "GridTable":
        """The next way to look at it: other axes across and down, in a round."""
        count = len(self.axes)
        ways = list(permutations(range(count), 2)) if count > 1 else [(0, -1), (-1, 0)]
        now = (self.across, self.down)
        across, down = ways[(ways.index(now) + 1) % len(ways)]
        return GridTable(self.grid, self.axes, across, down)

    @property
    def columns(self) -> tuple[str, ...]:
        """What stands above each column."""
        return self.axes[self.across].values if self.across >= 0 else ("",)

    @property
    def rows(self) -> tuple[str, ...]:
        """What stands beside each row."""
        return self.axes[self.down].values if self.down >= 0 else ("",)

    @property
    def others(self) -> tuple[int, ...]:
        """Positions of the axes that are neither across nor down."""
        return tuple(n for n in range(len(self.axes)) if n not in (self.across, self.down))

    @property
    def pages(self) -> int:
        """How many tables there are: one for each combination of the others."""
        return prod(len(self.axes[n].values) for n in self.others)

    def page_values(self, page: int) -> list[tuple[Axis, str]]:
        """The others' values on a page, from 0."""
        place = self._page_place(page)
        return [(self.axes[n], self.axes[n].values[place[n]]) for n in self.others]

    def variation(self, page: int, row: int, column: int) -> int:
        """The variation of the image at a place of a page; all from 0."""
        place = self._page_place(page)
        if self.across >= 0:
            place[self.across] = column
        if self.down >= 0:
            place[self.down] = row
        lists = len(self.grid.axes)
        combination = 0
        for at in range(lists):
            combination = combination * len(self.axes[at].values) + place[at]
        further = {axis.name: place[at] for at, axis in enumerate(self.axes) if at >= lists}
        own = combination * self.grid.each + further.get(_IMAGE, 0) + 1
        return own + self.grid.own * further.get(_VERSION, 0)

    def where(self, variation: int) -> tuple[int, int, int]:
        """Page, row and column of a variation; the reverse of `variation`."""
        place = list(self.grid.place(variation))
        for axis in self.axes[len(place) :]:
            larger = self.grid.is_enlarged(variation)
            place.append(int(larger) if axis.name == _VERSION else self.grid.within(variation) - 1)
        page = 0
        for at in self.others:
            page = page * len(self.axes[at].values) + place[at]
        row = place[self.down] if self.down >= 0 else 0
        return page, row, place[self.across] if self.across >= 0 else 0

    def _page_place(self, page: int) -> list[int]:
        place = [0] * len(self.axes)
        for at in reversed(self.others):
            page, place[at] = divmod(page, len(self.axes[at].values))
        return place
