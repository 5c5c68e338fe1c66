"""The lines of a contact sheet around its pictures: the cursor's frame, captions, the position."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style

from tui.text import clean
from tui.widgets.table_layout import fit
from tui.widgets.tiles import Tile

Styles = Callable[[str], Style]
"""Gives the style of `caption`, `cursor`, `range`, `mark`, `favourite` and `failed`."""


class PlaceLook(NamedTuple):
    """What is drawn around one place."""

    tile: Tile | None
    here: bool
    """Whether the cursor is on it."""
    ranged: bool
    marked: bool


def frame_line(
    places: Iterable[PlaceLook], width: int, plain: Style, style: Styles
) -> Iterator[Segment]:
    """A line beside the pictures of a row of places, each `width` columns wide."""
    for place in places:
        left, right, colour = " ", " ", plain
        if place.tile is not None and place.ranged:
            left, right, colour = "│", "│", style("range")
        if place.tile is not None and place.here:
            left, right = "▐", "▌"
            colour = plain + Style(color=style("cursor").bgcolor)
        yield Segment(left, colour)
        yield Segment(" " * (width - 2), plain)
        yield Segment(right, colour)


def caption_line(
    places: Iterable[PlaceLook], width: int, plain: Style, style: Styles
) -> Iterator[Segment]:
    """The line under the pictures of a row of places: marks and captions."""
    for place in places:
        tile = place.tile
        if tile is None:
            yield Segment(" " * width, plain)
            continue
        over = style("cursor") if place.here else Style.null()
        yield Segment("●" if place.marked else " ", style("mark") + over)
        yield Segment("★" if tile.favourite else " ", style("favourite") + over)
        kind = "failed" if tile.failed else "caption"
        yield Segment(fit(clean(tile.label), width - 2, "left"), style(kind) + over)


def where_text(cursor: int, count: int, places: int, marks: Collection[str]) -> str:
    """`14/212 · page 1/5 · 3 marked`; nothing where nothing is."""
    if not count:
        return ""
    pages = -(-count // places)
    parts = [f"{cursor + 1:,}/{count:,}"]
    parts += [f"page {cursor // places + 1:,}/{pages:,}"] if pages > 1 else []
    parts += [f"{len(marks):,} marked"] if marks else []
    return " · ".join(parts)
