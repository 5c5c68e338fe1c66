"""Sixels: a picture of at most 256 colours as the text that a sixel terminal draws.

https://vt100.net/docs/vt3xx-gp/chapter14.html. Each band of six rows is drawn once for every
colour in it; equal columns beside each other are written once, with their number. Everything is
done in arrays: some ten times as fast as a loop over columns.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

_BAND = 6
_EMPTY = 63
"""The character of a column with no pixel; the others count up from it."""
_DIGITS = 4
_Bytes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]


def sixels(image: Image.Image) -> str:
    """The escape sequence that draws an image of mode P where the cursor is."""
    pixels = np.asarray(image)
    height, width = pixels.shape
    palette = image.getpalette() or []
    used = np.unique(pixels).tolist()
    colours = "".join(
        f"#{colour};2;" + ";".join(str(round(c * 100 / 255)) for c in palette[colour * 3 :][:3])
        for colour in used
    )
    body = _bands(pixels, int(pixels.max()) + 1).tobytes().decode("ascii")
    return f'\x1bP0;0;0q"1;1;{width};{height}{colours}{body}-\x1b\\'


def _bands(pixels: npt.NDArray[np.uint8], colours: int) -> _Bytes:
    """The bands' text: for each run of equal columns its colour's name if new, a gap, itself."""
    line, first, value = _columns(pixels, colours)
    begins = np.empty(len(line), bool)
    begins[0] = True
    begins[1:] = (line[1:] != line[:-1]) | (first[1:] != first[:-1] + 1) | (value[1:] != value[:-1])
    starts = np.flatnonzero(begins)
    length = np.diff(starts, append=len(line))
    line, first, value = line[starts], first[starts], value[starts]
    new_line = np.empty(len(line), bool)
    new_line[0] = True
    new_line[1:] = line[1:] != line[:-1]
    band = line // colours
    new_band = np.zeros(len(line), bool)
    new_band[1:] = band[1:] != band[:-1]
    back = new_line & ~new_band
    back[0] = False
    end = first + length
    gap = first.copy()
    gap[1:] -= np.where(new_line[1:], 0, end[:-1])

    text = np.zeros((len(line), 2 + 3 + 2 * (1 + _DIGITS + 1)), np.uint8)
    text[:, 0] = np.where(new_band, ord("-"), np.where(back, ord("$"), 0))
    text[new_line, 1] = ord("#")
    text[new_line, 2:5] = _decimal(line[new_line] % colours, 3)
    text[:, 5:11] = _repeated(np.full(len(line), _EMPTY, np.uint8), gap)
    text[:, 11:17] = _repeated((value + _EMPTY).astype(np.uint8), length)
    return np.extract(text, text).astype(np.uint8)


def _columns(pixels: npt.NDArray[np.uint8], colours: int) -> tuple[_Ints, _Ints, _Bytes]:
    """Every column of a band that has a pixel of a colour: its line, where it is, its pixels.

    A line is one colour's pass over one band; lines count by band, then by colour.
    """
    height, width = pixels.shape
    bands = -(-height // _BAND)
    drawn = np.zeros(bands * colours * width, np.uint8)
    across = np.arange(width)
    for row in range(_BAND):
        rows = pixels[row::_BAND].astype(np.int64)
        lines = np.arange(len(rows))[:, None] * colours + rows
        drawn[(lines * width + across).ravel()] |= 1 << row
    where = np.flatnonzero(drawn)
    return where // width, where % width, drawn[where]


def _repeated(character: _Bytes, times: _Ints) -> _Bytes:
    """Each character so many times: up to three times as it is, beyond that with a number."""
    text = np.zeros((len(character), 1 + _DIGITS + 1), np.uint8)
    for place in range(3):
        text[:, place] = np.where(times > place, character, 0)
    many = times > 3
    text[many, 0] = ord("!")
    text[many, 1 : 1 + _DIGITS] = _decimal(times[many], _DIGITS)
    text[many, 1 + _DIGITS] = character[many]
    return text


def _decimal(numbers: _Ints, digits: int) -> _Bytes:
    """Each number's digits, those before the first left out as zero bytes."""
    text = np.zeros((len(numbers), digits), np.uint8)
    for place in range(digits):
        power = 10 ** (digits - 1 - place)
        shown = numbers >= power if power > 1 else np.ones(len(numbers), bool)
        text[:, place] = np.where(shown, numbers // power % 10 + ord("0"), 0)
    return text
