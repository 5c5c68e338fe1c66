"""Rows that are grids, in words: what they vary, and how many images that is."""

from collections.abc import Iterable

from engine.api import Axis, Grid, ImageInfo, Row, grid_of
from tui.text import clean, count_text, shorten

_MOST = 24
"""Characters of a value among others."""


def axis_name(axis: Axis) -> str:
    """What people call it: `negative prompt`."""
    return clean(axis.title)


def value_words(value: str, most: int = _MOST) -> str:
    """One value of an axis; a list may have nothing as one."""
    return shorten(clean(value), most) or "nothing"


def product_words(grid: Grid) -> str:
    """`steps (3) × guidance (4) = 12 images`."""
    parts = [f"{axis_name(axis)} ({len(axis.values)})" for axis in grid.axes]
    parts += [f"{grid.each} of each"] if grid.each > 1 else []
    return f"{' × '.join(parts)} = {count_text(grid.own, 'image')}"


def place_in_grid(grid: Grid, image: ImageInfo) -> str:
    """`steps 20 · guidance 4`, and which image of that."""
    parts = [
        f"{axis_name(axis)} {value_words(axis.values[at])}"
        for axis, at in zip(grid.axes, grid.place(image.variation), strict=True)
    ]
    parts += [f"image {grid.within(image.variation)}"] if grid.each > 1 else []
    parts += ["larger"] if grid.is_enlarged(image.variation) else []
    return " · ".join(parts)


def grids_words(rows: Iterable[Row]) -> str:
    """`2 grid rows with 24 combinations`; empty: there are none."""
    counts = [len(row.grid) for row in rows if row.grid]
    if not counts:
        return ""
    return f"{count_text(len(counts), 'grid row')} with {sum(counts):,} combinations"


def grid_line(row: Row) -> str:
    """`row 12 is a grid: steps (3) × guidance (4) = 12 images`; empty: it is none."""
    grid = grid_of(row)
    return f"row {row.number} is a grid: {product_words(grid)}" if grid else ""
