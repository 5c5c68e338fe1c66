"""What a terminal with sixels would show of the app, as a picture: its cells, and its pictures."""

import re
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.app import App

from tui.graphics.view import PictureView
from tui.terminal.escape_filter import is_stand_in

CELL = (9, 18)
"""Width and height of a cell in pixels."""
_FONT_SIZE = 15
_FONTS = {
    (False, False): "DejaVuSansMono.ttf",
    (True, False): "DejaVuSansMono-Bold.ttf",
    (False, True): "DejaVuSansMono-Oblique.ttf",
    (True, True): "DejaVuSansMono-BoldOblique.ttf",
}
_RGB = tuple[int, int, int]
_FOREGROUND, _BACKGROUND = (224, 224, 224), (18, 18, 18)
_LOWER, _LEFT = "▁▂▃▄▅▆▇█", "▏▎▍▌▋▊▉"
_SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}
_QUARTERS = {"▘": 1, "▝": 2, "▖": 4, "▗": 8, "▚": 9, "▞": 6, "▛": 7, "▜": 11, "▙": 13, "▟": 14}
_LIGHT = {
    "─": "lr",
    "│": "ud",
    "┌": "rd",
    "┐": "ld",
    "└": "ru",
    "┘": "lu",
    "├": "udr",
    "┤": "udl",
    "┬": "lrd",
    "┴": "lru",
    "┼": "lrud",
}
"""Thin lines: which edges of its cell each of them reaches."""
_SIXELS = re.compile(r"\x1b\[(\d+);(\d+)H\x1bP0;0;0q(.*?)\x1b\\", re.DOTALL)
_TOKEN = re.compile(r'"1;1;(\d+);(\d+)|#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)(.)|([$-])|([?-~])')


@lru_cache
def font(bold: bool = False, italic: bool = False) -> ImageFont.FreeTypeFont:
    """The font of the cells.

    Raises:
        SystemExit: it is not installed.
    """
    name = _FONTS[bold, italic]
    try:
        return ImageFont.truetype(name, _FONT_SIZE)
    except OSError as error:
        raise SystemExit(
            f"There is no font {name}: install DejaVu Sans Mono (Debian: fonts-dejavu-core)."
        ) from error


def painted(app: App[Any]) -> Image.Image:
    """The screen of a running app, whose terminal is taken for one with sixels."""
    width, height = app.size
    canvas = Image.new("RGB", (width * CELL[0], height * CELL[1]), _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        x = 0
        for segment in strip:
            x = _paint(draw, segment, x, y)
    views = [view for screen in app.screen_stack for view in screen.query(PictureView)]
    for view in views:
        for piece in view.sixels_on_screen():
            for found in _SIXELS.finditer(piece):
                line, column, sixels = found.groups()
                at = (int(column) - 1) * CELL[0], (int(line) - 1) * CELL[1]
                canvas.paste(_picture(sixels), at)
    return canvas


def _paint(draw: ImageDraw.ImageDraw, segment: Segment, x: int, y: int) -> int:
    """Draw a segment from column `x` of line `y`; the column behind it."""
    style = segment.style or Style.null()
    front, back = _colours(style)
    for character in segment.text:
        character = " " if is_stand_in(character) else character
        cells = cell_len(character)
        left, top = x * CELL[0], y * CELL[1]
        right, bottom = left + cells * CELL[0] - 1, top + CELL[1] - 1
        if cells:
            draw.rectangle((left, top, right, bottom), fill=back)
        if character != " " and not _shape(draw, character, (left, top), front, back):
            face = font(bool(style.bold), bool(style.italic))
            draw.text((left, top), character, fill=front, font=face)
        if cells and style.underline:
            draw.line((left, bottom - 1, right, bottom - 1), fill=front)
        if cells and style.strike:
            draw.line((left, top + CELL[1] // 2, right, top + CELL[1] // 2), fill=front)
        x += cells
    return x


def _colours(style: Style) -> tuple[_RGB, _RGB]:
    front, back = _rgb(style.color, _FOREGROUND), _rgb(style.bgcolor, _BACKGROUND)
    if style.reverse:
        front, back = back, front
    return (_mixed(front, back, 0.6) if style.dim else front), back


def _rgb(colour: Color | None, default: _RGB) -> _RGB:
    if colour is None or colour.is_default:
        return default
    return tuple(colour.get_truecolor())  # type: ignore[return-value]


def _mixed(front: _RGB, back: _RGB, share: float) -> _RGB:
    mixed = (round(f * share + b * (1 - share)) for f, b in zip(front, back, strict=True))
    return tuple(mixed)  # type: ignore[return-value]


def _shape(
    draw: ImageDraw.ImageDraw, character: str, at: tuple[int, int], front: _RGB, back: _RGB
) -> bool:
    """Blocks and thin lines, which join over the edges of their cells; whether it was one."""
    (x, y), (width, height) = at, CELL
    middle_x, middle_y = x + width // 2, y + height // 2
    half = width - width // 2, height // 2

    def fill(left: float, top: float, wide: float, high: float, colour: _RGB = front) -> None:
        if round(wide) > 0 and round(high) > 0:
            left, top = round(left), round(top)
            draw.rectangle((left, top, left + round(wide) - 1, top + round(high) - 1), fill=colour)

    if character in _LOWER:
        high = height * (_LOWER.index(character) + 1) / 8
        fill(x, y + height - round(high), width, high)
    elif character in _LEFT:
        fill(x, y, max(1, width * (_LEFT.index(character) + 1) / 8), height)
    elif character in "▀▔":
        fill(x, y, width, height / (2 if character == "▀" else 8))
    elif character in "▐▕":
        wide = width // 2 if character == "▐" else max(1, width // 8)
        fill(x + width - wide, y, wide, height)
    elif character in _SHADES:
        fill(x, y, width, height, _mixed(front, back, _SHADES[character]))
    elif character in _QUARTERS:
        for bit, (left, top) in enumerate(
            ((x, y), (middle_x, y), (x, middle_y), (middle_x, middle_y))
        ):
            if _QUARTERS[character] >> bit & 1:
                fill(left, top, half[0], half[1])
    elif character in _LIGHT:
        for edge in _LIGHT[character]:
            if edge in "lr":
                left = x if edge == "l" else middle_x
                fill(left, middle_y, middle_x + 1 - x if edge == "l" else half[0], 1)
            else:
                top = y if edge == "u" else middle_y
                fill(middle_x, top, 1, middle_y + 1 - y if edge == "u" else height - height // 2)
    else:
        return False
    return True


@lru_cache(512)
def _picture(sixels: str) -> Image.Image:
    """The picture that a terminal makes of sixels."""
    pixels = np.zeros((0, 0, 3), np.uint8)
    palette: dict[int, _RGB] = {}
    colour, x, y = (0, 0, 0), 0, 0
    for token in _TOKEN.finditer(sixels):
        width, height, defined, red, green, blue, chosen, times, many, move, one = token.groups()
        if width:
            # Whole bands of six rows are drawn, also where the picture ends within one.
            pixels = np.zeros((-(-int(height) // 6) * 6, int(width), 3), np.uint8)
            size = int(width), int(height)
        elif defined:
            percents = (int(red), int(green), int(blue))
            palette[int(defined)] = tuple(round(p * 2.55) for p in percents)  # type: ignore[assignment]
        elif chosen:
            colour = palette[int(chosen)]
        elif move:
            x, y = 0, y + 6 * (move == "-")
        else:
            count, bits = int(times or 1), ord(many or one) - 63
            for row in range(6):
                if bits >> row & 1:
                    pixels[y + row, x : x + count] = colour
            x += count
    return Image.fromarray(pixels).crop((0, 0, *size))
