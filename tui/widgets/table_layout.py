"""Pure: how wide the columns of a table are, and a text in exactly so many cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from rich.cells import cell_len, chop_cells

from tui.text import clean

GUTTER = 2
"""Cells left of the first column: the cursor's glyph and the mark's."""
GAP = 2
"""Cells after each column."""

_UNSETTLED = str.maketrans("", "", "\u200d\ufe0f")
"""Emoji joiner and emoji variant: terminals disagree on how wide what they make is, and every cell
after it would be off. Without them the parts stand side by side, equally wide everywhere."""

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column: `name` for messages, `title` for the header, sizes in cells.

    With a `share` above 0 it takes that part of the room left over, and `width` is its least.
    """

    name: str
    title: str
    width: int = 10
    share: int = 0
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Where each column starts and how wide it is, counted from the left edge of the whole line."""

    starts: tuple[int, ...]
    widths: tuple[int, ...]
    total: int

    def column_at(self, x: int) -> int | None:
        """The number of the column that cell `x`, or the gap at `x`, belongs to."""
        for number, (start, width) in enumerate(zip(self.starts, self.widths, strict=True)):
            if start <= x < start + width + GAP:
                return number
        return None


def least_width(columns: Sequence[TableColumn]) -> int:
    """The width under which the columns have to be scrolled."""
    return GUTTER + sum(column.width + GAP for column in columns)


def arrange(columns: Sequence[TableColumn], width: int) -> TableLayout:
    """Columns in `width` cells after the gutter; wider than that when their least widths are."""
    spare = max(0, width - least_width(columns))
    shares = sum(column.share for column in columns)
    # Shares are cut from the running total, so that the last cell is given out too.
    edges = [spare * sum_ // max(1, shares) for sum_ in accumulate(c.share for c in columns)]
    widths = tuple(
        column.width + edge - before
        for column, edge, before in zip(columns, edges, [0, *edges], strict=False)
    )
    starts = tuple(accumulate((w + GAP for w in widths[:-1]), initial=GUTTER))
    used = GUTTER + sum(widths) + GAP * len(widths)
    return TableLayout(starts[: len(widths)], widths, max(width, used))


def fit(text: str, width: int, align: Align = "left") -> str:
    """`text`, cleaned, in exactly `width` cells: padded, or cut with … between whole characters."""
    if width <= 0:
        return ""
    # No text is read further than it can show: a cell may hold a megabyte of combining marks.
    limit = 4 * width + 16
    shown = clean(text[:limit])
    if not shown.isascii():
        shown = shown.translate(_UNSETTLED)
    if len(text) > limit or cell_len(shown) > width:
        shown = (chop_cells(shown, width - 1)[0] if width > 1 else "") + "…"
    room = width - cell_len(shown)
    left = {"left": 0, "center": room // 2, "right": room}[align]
    return " " * left + shown + " " * (room - left)
