"""Pure: an even grid of places for pictures, and the lines drawn around these."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from engine.api import ImageInfo
from tui.glyphs import GLYPHS
from tui.text import clean, rating_sign
from tui.widgets.table_lines import fit

SIZES = ((6, 3), (8, 4), (10, 6), (14, 8), (20, 10), (28, 14), (42, 20))
"""Columns and rows of a place, at least: its picture, what frames it, and its label."""
USUAL = 3
_TIGHT = 5
"""Rows of a place up to which the frame's upper edge and the label above share a line."""
MOST = 320
"""Places in a grid."""
_EDGES = {"cursor": (*"╭─╮╰╯",), "range": (*"┌ ┐└┘",)}

PictureStyles = Callable[[str], Style]
"""Gives the style of `caption`, `cursor`, `range`, `mark`, `favourite` and `failed`."""


@dataclass(frozen=True, slots=True)
class Tile:
    """What stands at one place."""

    key: str
    path: Path | None
    """The picture; None while there is none."""
    label: str
    favourite: bool = False
    rating: int = 0
    words: str = ""
    """In place of a picture: why there is none."""
    failed: bool = False
    trashed: bool = False


def tile_of(image: ImageInfo, library: Path, *, of_all: bool = False) -> Tile:
    """An image as a contact sheet shows it; among those of all sessions, by its session's name."""
    words = ""
    if image.trashed:
        words = "in the trash"
    elif image.file is None:
        words = f"{GLYPHS[image.state]} {image.state}"
    return Tile(
        key=image.image,
        path=library / image.file if image.file and not image.trashed else None,
        label=image.session_name if of_all else f"{image.row}·{image.variation}",
        favourite=image.favourite,
        rating=image.rating,
        words=words,
        failed=image.state == "failed",
        trashed=bool(image.trashed),
    )


class PlaceLook(NamedTuple):
    """What is drawn around one place."""

    tile: Tile | None
    here: bool
    """Whether the cursor is on it."""
    ranged: bool
    marked: bool

    @property
    def frame(self) -> str:
        """What frames it; empty: nothing."""
        if self.tile is None:
            return ""
        return "cursor" if self.here else "range" if self.ranged else ""


NO_PLACE = PlaceLook(None, here=False, ranged=False, marked=False)


class Box(NamedTuple):
    """A part of the grid, in cells."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PictureGrid:
    """Places side by side; each has a line above its picture, and its label right below."""

    columns: int = 0
    rows: int = 0
    width: int = 1
    """Of a place."""
    height: int = 1
    """Of a place; the next one begins so many lines below."""
    tight: bool = False
    """Whether the line above a picture is the one with the label of the picture above it."""

    @property
    def places(self) -> int:
        """How many there are."""
        return max(1, self.columns * self.rows)

    @property
    def picture(self) -> tuple[int, int]:
        """Columns and rows that a picture has."""
        return self.width - 2, self.height - 2 + self.tight

    def corner(self, number: int) -> tuple[int, int]:
        """Where the picture of a place is."""
        row, column = divmod(number, self.columns)
        return column * self.width + 1, row * self.height + 1

    def around(self, number: int) -> Sequence[Box]:
        """All of a place but its picture."""
        x, y = self.corner(number)
        columns, rows = self.picture
        return (
            Box(x - 1, y - 1, columns + 2, 1),
            Box(x - 1, y, 1, rows),
            Box(x + columns, y, 1, rows),
            Box(x - 1, y + rows, columns + 2, 1),
        )

    def at(self, x: int, y: int) -> int | None:
        """The number of the place that has a cell."""
        row, column = y // self.height, x // self.width
        return row * self.columns + column if column < self.columns and row < self.rows else None

    def line(
        self, y: int, look: Callable[[int], PlaceLook], plain: Style, style: PictureStyles
    ) -> Iterator[Segment]:
        """What is drawn on a line, where there is no picture.

        Args:
            y: the line.
            look: of a place, by its number; also of those below the last row.
            plain: the ground's.
            style: of what is drawn.
        """
        row, inside = divmod(y, self.height)
        for column in range(self.columns):
            here = look(row * self.columns + column) if row < self.rows else NO_PLACE
            above = look((row - 1) * self.columns + column) if row and self.tight else NO_PLACE
            if inside == 0 and (here.frame or above.tile is None):
                yield from _edge(here, self.width, plain, style)
            elif inside == 0:
                yield from _label(above, self.width, plain, style)
            elif inside == self.height - 1 and not self.tight:
                yield from _label(here, self.width, plain, style)
            else:
                yield from _sides(here, self.width, plain, style)


def grid_for(area: tuple[int, int], zoom: int) -> PictureGrid:
    """The grid that fills an area with places of a size.

    Args:
        area: its columns and rows.
        zoom: which of `SIZES`.
    """
    least = SIZES[zoom]
    tight = least[1] <= _TIGHT
    height = area[1] - tight
    columns, rows = max(1, area[0] // least[0]), max(1, height // least[1])
    while columns * rows > MOST:
        columns, rows = (columns - 1, rows) if columns > rows else (columns, rows - 1)
    return PictureGrid(
        columns, rows, max(3, area[0] // columns), max(3 - tight, height // rows), tight
    )


def zoom_for(area: tuple[int, int], count: int, least: int) -> int:
    """The largest size, up to the usual one, at which so many pictures are seen at once.

    Args:
        area: columns and rows of it.
        count: of the pictures.
        least: the smallest size that shows anything. If all are too many even then: the usual one.
    """
    zooms = range(USUAL, least - 1, -1)
    return next((zoom for zoom in zooms if grid_for(area, zoom).places >= count), USUAL)


def _edge(place: PlaceLook, width: int, plain: Style, style: PictureStyles) -> Iterator[Segment]:
    if not place.frame:
        yield Segment(" " * width, plain)
        return
    left, line, right, *_ = _EDGES[place.frame]
    yield Segment(left + line * (width - 2) + right, plain + style(place.frame))


def _sides(place: PlaceLook, width: int, plain: Style, style: PictureStyles) -> Iterator[Segment]:
    side = Segment("│", plain + style(place.frame)) if place.frame else Segment(" ", plain)
    yield side
    yield Segment(" " * (width - 2), plain)
    yield side


def _label(place: PlaceLook, width: int, plain: Style, style: PictureStyles) -> Iterator[Segment]:
    """Marks and label, in the middle; of the cursor's place, in its frame."""
    tile = place.tile
    if tile is None:
        yield Segment(" " * width, plain)
        return
    left, right, filling = " ", " ", " "
    if place.frame:
        _, filling, _, left, right = _EDGES[place.frame]
    around = plain + style(place.frame) if place.frame else plain
    star = rating_sign(tile.rating, favourite=tile.favourite)
    signs = ("●" if place.marked else "") + star
    label, room = clean(tile.label), width - 2 - len(signs)
    words = fit(label, min(cell_len(label), room)) if room > 0 else ""
    gap = " " if signs and cell_len(words) < room else ""
    spare = width - 2 - len(signs) - len(gap) - cell_len(words)
    airy = " " if filling.strip() and spare >= 2 else ""
    spare -= 2 * len(airy)
    yield Segment(left + filling * (spare // 2) + airy, around)
    if place.marked:
        yield Segment("●", plain + style("mark"))
    if star:
        yield Segment(star, plain + style("favourite"))
    kind = "failed" if tile.failed else "label" if place.here else "caption"
    yield Segment(gap + words, plain + style(kind))
    yield Segment(airy + filling * (spare - spare // 2) + right, around)


def where_text(cursor: int, count: int, places: int, marks: Collection[str]) -> str:
    """`14/212 · page 1/5 · 3 marked`; nothing where nothing is."""
    if not count:
        return ""
    pages = -(-count // places)
    parts = [f"{cursor + 1:,}/{count:,}"]
    parts += [f"page {cursor // places + 1:,}/{pages:,}"] if pages > 1 else []
    parts += [f"{len(marks):,} marked"] if marks else []
    return " · ".join(parts)
