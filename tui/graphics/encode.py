"""Pixels as a terminal takes them: sixels, kitty's placeholders, or half-cells."""

import io
import itertools
import random
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image
from rich.color import Color, ColorType
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.graphics.placeholders import diacritics
from tui.graphics.protocol import Protocol, current
from tui.terminal.escape_filter import PLACEHOLDER, stand_in

_COLOURS = {"sixel": 128, "kitty": 256}
"""Sixels cost bytes for every colour of a line, kitty's compressed pictures hardly."""
_FEW_COLOURS = {"sixel": 16, "kitty": 64}
_SHRINK = 2
"""Where the line is thin, pictures have this much less of detail each way."""
_COARSER = [level & 0xFC | level >> 6 for level in range(256)] * 3
"""Six bits a channel cannot be told from eight, and a shared colour is one object fewer."""
_CUBE = (0, 95, 135, 175, 215, 255)
"""Levels of a channel among the 256 colours that have a number."""
_COARSEST = [min(_CUBE, key=lambda known: abs(known - level)) for level in range(256)] * 3
"""A colour's number takes half the bytes of its three channels."""
_STRIP_PIXELS = 24_000
"""About so many, and bytes, in one piece of a picture in sixels: colours are named in each."""
_CHUNK = 4096
"""Bytes of a picture in one message, kitty's rule."""
_NUMBERS = itertools.count(random.randrange(1 << 23))
"""Other programs in the same window number pictures too."""
_STAND_INS = itertools.count()


@dataclass(frozen=True, slots=True)
class SixelStrip:
    """Some rows of a picture."""

    first: int
    """The row of cells that it begins with."""
    rows: int
    text: str
    stand_in: str
    """What its cells are until they are written, as blanks: `shown` tells by it what is there."""


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A picture in the terminal's own words. Compact, to be kept; `draw` makes rows of it."""

    columns: int
    rows: int
    pixels: int
    """How many there are, for what has to know how much memory a terminal gives to it."""
    halves: Image.Image | None = None
    """The upper and lower halves of the cells, one pixel each."""
    coarse: bool = False
    """Fewer bytes, for a thin line."""
    sixels: tuple["SixelStrip", ...] = ()
    """From top to bottom: between two of them something else can be sent."""
    number: int = 0
    """What kitty knows it by."""
    transmission: tuple[str, ...] = ()
    """What must have been sent once before kitty can show the placeholders, in messages."""
    shade: bytes = b""
    """Each row's mean colour, red, green, blue: what is left of it beneath a dialog."""

    @property
    def weight(self) -> int:
        """About how many bytes it occupies."""
        halves = 3 * self.halves.width * self.halves.height if self.halves else 0
        sixels = sum(len(strip.text) for strip in self.sixels)
        return sixels + sum(map(len, self.transmission)) + halves


def pixel_size(
    protocol: Protocol, cells: tuple[int, int], cell: tuple[int, int]
) -> tuple[int, int]:
    """The exact size in pixels of a picture that fills `cells` (columns, rows)."""
    columns, rows = cells
    if protocol in ("sixel", "kitty"):
        return columns * cell[0], rows * cell[1]
    return columns, rows * 2


def quantise(image: Image.Image, colours: int) -> Image.Image:
    """At most so many colours. The fast octree is as close as the median cut, but for very few."""
    octree = colours >= 64
    method = Image.Quantize.FASTOCTREE if octree else Image.Quantize.MEDIANCUT
    return image.quantize(colours, method=method, dither=Image.Dither.NONE)


def encode(
    image: Image.Image, protocol: Protocol, cells: tuple[int, int], *, low: bool = False
) -> EncodedPicture:
    """Encode an RGB picture of the size that `pixel_size` names.

    Args:
        image: the picture.
        protocol: how the terminal takes pictures.
        cells: columns and rows it fills.
        low: less detail and fewer colours, for a thin line: less than half the bytes.
    """
    columns, rows = cells
    shade = image.resize((1, rows), Image.Resampling.BOX).tobytes()
    if protocol not in ("sixel", "kitty"):
        pixels = image.width * image.height
        if low:  # two cells beside each other of the same colours are named once
            half = image.resize((-(-columns // _SHRINK), rows * 2), Image.Resampling.BOX)
            image = half.resize(image.size, Image.Resampling.NEAREST)
        return EncodedPicture(columns, rows, pixels, image, coarse=low, shade=shade)
    colours = (_FEW_COLOURS if low else _COLOURS)[protocol]
    reduced = quantise(image.reduce(_SHRINK) if low else image, colours)
    if protocol == "sixel":
        # Half-cells stand in while something covers a part of it.
        halves = image.resize((columns, rows * 2), Image.Resampling.BOX)
        drawn = _strips(reduced.resize(image.size, Image.Resampling.NEAREST), rows)
        pixels = image.width * image.height
        return EncodedPicture(columns, rows, pixels, halves, sixels=drawn, shade=shade)
    number = next(_NUMBERS) % 0xFFFFFF + 1
    sent = _transmission(reduced, number, columns, rows)
    pixels = reduced.width * reduced.height
    return EncodedPicture(
        columns, rows, pixels, coarse=low, number=number, transmission=sent, shade=shade
    )


def _strips(image: Image.Image, rows: int) -> tuple[SixelStrip, ...]:
    """The sixels of a picture, in strips of whole rows of cells."""
    from tui.graphics.sixels import sixels  # numpy, which other terminals need not wait for

    height = image.height // rows
    at_once = max(1, _STRIP_PIXELS // (image.width * height))
    return tuple(
        SixelStrip(first, count, sixels(image.crop(box)), stand_in(next(_STAND_INS)))
        for first in range(0, rows, at_once)
        for count in [min(at_once, rows - first)]
        for box in [(0, first * height, image.width, (first + count) * height)]
    )


def draw(picture: EncodedPicture) -> list[Strip]:
    """The rows of a picture: kitty's placeholders, or half-cells."""
    if picture.halves is None:
        return _placeholders(picture, tmux=current().tmux)
    return _half_cells(picture.halves, coarse=picture.coarse)


def shaded(picture: EncodedPicture) -> list[Strip]:
    """The rows of a picture beneath a dialog, a colour each: a line costs some twenty bytes."""
    shade, columns = picture.shade, picture.columns
    colours = (_colour(*shade[i : i + 3]) for i in range(0, len(shade), 3))
    return [
        Strip([Segment(" " * columns, Style.from_color(bgcolor=colour))], columns)
        for colour in colours
    ]


def forget(number: int) -> str:
    """What makes kitty free a picture."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"


def cut_short(number: int) -> str:
    """What ends a picture of which kitty has a part, and frees it."""
    return f"\x1b_Gq=2,m=0;\x1b\\{forget(number)}"


@lru_cache(1 << 14)
def _colour(red: int, green: int, blue: int) -> Color:
    return Color.from_rgb(red, green, blue)


@lru_cache(216)
def _numbered_colour(red: int, green: int, blue: int) -> Color:
    place = [_CUBE.index(level) for level in (red, green, blue)]
    number = 16 + 36 * place[0] + 6 * place[1] + place[2]
    # With its triplet, so that Textual leaves it as it is.
    triplet = ColorTriplet(red, green, blue)
    return Color(f"color({number})", ColorType.EIGHT_BIT, number, triplet)


def _half_cells(image: Image.Image, *, coarse: bool) -> list[Strip]:
    width = image.width
    flat = image.point(_COARSEST if coarse else _COARSER).tobytes()
    colour = _numbered_colour if coarse else _colour
    pixels = [colour(*flat[i : i + 3]) for i in range(0, len(flat), 3)]
    rows = (pixels[i : i + width] for i in range(0, len(pixels), width))
    return [
        Strip(
            [
                Segment("▀" * sum(1 for _ in run), Style.from_color(*halves))
                for halves, run in itertools.groupby(zip(upper, lower, strict=True))
            ],
            width,
        )
        for upper, lower in zip(rows, rows, strict=True)
    ]


def _placeholders(picture: EncodedPicture, *, tmux: bool) -> list[Strip]:
    columns, number = picture.columns, picture.number
    # A cell without marks continues the one left of it: half the bytes, but what lies over a part
    # of the picture breaks the row behind it. In the last column of a line tmux (3.3) puts marks
    # on the cell before.
    marked = 1 if picture.coarse else max(1, columns - tmux)
    style = Style(color=Color.from_rgb(number >> 16, number >> 8 & 255, number & 255))
    marks = diacritics()
    rest = PLACEHOLDER * (columns - marked)
    return [
        Strip(
            [Segment("".join(f"{PLACEHOLDER}{row}{at}" for at in marks[:marked]) + rest, style)],
            columns,
        )
        for row in marks[: picture.rows]
    ]


def _transmission(image: Image.Image, number: int, columns: int, rows: int) -> tuple[str, ...]:
    file = io.BytesIO()
    image.save(file, "png", compress_level=6)
    data = b64encode(file.getvalue()).decode("ascii")
    chunks = [data[i : i + _CHUNK] for i in range(0, len(data), _CHUNK)]
    first = f"a=T,U=1,f=100,i={number},c={columns},r={rows},q=2,"
    return tuple(
        f"\x1b_G{first if i == 0 else 'q=2,'}m={int(i < len(chunks) - 1)};{chunk}\x1b\\"
        for i, chunk in enumerate(chunks)
    )
