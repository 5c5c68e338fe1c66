"""Pure: what the terminal shows, cell by cell, so that only what becomes another is written.

Textual paints a widget, or the whole screen, where a digit has changed or a dialog was closed.
Where sixels are, its cells have their mark (`SixelStrip.mark`): as long as the terminal shows them,
nothing is written there, which would erase them.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import repeat

from rich.cells import split_graphemes
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tui.terminal.escape_filter import PLACEHOLDER, is_mark

_Cell = tuple[str, str]
"""Its character and its look, as SGR codes. The right half of a wide one has no character; sixels
have their mark, and no look."""
_UNKNOWN = ("?", "?")
_GAP = 8
"""Unchanged cells that are written all the same: to go past them costs as many bytes."""
_FIRST_EMOJI = "\U0001f000"
_FIRST_OF_LETTERS = "\u1100"
"""Of wide ones, that all terminals know as such; those before it are signs."""
_LOOK = re.compile(
    r"((?:\d(?:;|\Z))*)(?:(38;2;\d+;\d+;\d+|38;5;\d+|[39]\d)(?:;|\Z))?"
    r"(48;2;\d+;\d+;\d+|48;5;\d+|4\d|10\d)?"
)


class Shown:
    """What every cell of the terminal shows, as far as it is known."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._lines: dict[int, list[_Cell]] = {}

    def forget(self) -> None:
        """Take nothing for known: all that comes is written."""
        self._lines.clear()

    def changes(self, update: CompositorUpdate, console: Console) -> str:
        """What makes the terminal show a frame; empty: it does."""
        written, look = [], ""
        for y, x, segments in _parts(update):
            text, look = self._take(y, x, segments, look, console)
            written.append(text)
        if look:
            written.append("\x1b[m")
        return "".join(written)

    def put(self, region: Region, mark: str) -> None:
        """Sixels were drawn."""
        for y in region.line_range:
            self._line(y, region.right)[region.x : region.right] = [(mark, "")] * region.width

    def has(self, region: Region, mark: str) -> bool:
        """Whether sixels are shown whole."""
        whole = [(mark, "")] * region.width
        lines = (self._lines.get(y, []) for y in region.line_range)
        return all(line[region.x : region.right] == whole for line in lines)

    def _line(self, y: int, width: int) -> list[_Cell]:
        line = self._lines.setdefault(y, [])
        line.extend(repeat(_UNKNOWN, width - len(line)))
        return line

    def _take(
        self, y: int, x: int, segments: Iterable[Segment], look: str, console: Console
    ) -> tuple[str, str]:
        """What is written for a part of a line while cells get `look`, and what they get then."""
        new = _cells(segments, console._color_system or ColorSystem.TRUECOLOR)
        end = x + len(new)
        line = self._line(y, end)
        old = line[x:end]
        if new == old:
            return "", look
        for i in [i for i, cell in enumerate(new) if is_mark(cell[0])]:
            new[i] = old[i] if old[i][0] == new[i][0] else (" ", new[i][1])
        if new == old:
            return "", look
        line[x:end] = new
        if x and old[0][0] == "" != new[0][0]:
            line[x - 1] = _UNKNOWN  # of a wide character the half that was left
        written: list[str] = []
        for first, last in _runs(old, new):
            written.append(f"\x1b[{y + 1};{x + first + 1}H")
            for i in range(first, last):
                character, wanted = new[i]
                if not character:
                    continue
                if wanted != look:
                    written.append(_turned(look, wanted))
                    look = wanted
                if character.isascii():
                    written.append(character)
                    continue
                behind = next((n for n in range(i + 1, last) if new[n][0]), last)
                if not _is_odd(character, behind - i):
                    written.append(character)
                    continue
                # Wherever the terminal goes on by itself, the next one is in its place.
                here, there = (f"\x1b[{y + 1};{x + n + 1}H" for n in (i, behind))
                written += [" " * (behind - i), here, character, there if behind < last else ""]
        return "".join(written), look


def _parts(update: CompositorUpdate) -> Iterator[tuple[int, int, Iterable[Segment]]]:
    """The parts of lines that Textual would write: line, column, what it would."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            yield y, update.region.x, [segment for strip in strips for segment in strip]
    elif isinstance(update, ChopsUpdate):
        for y, left, right in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is not None and x < right and end > left:
                    yield y, x, strip.crop(0, min(end, right) - x)


def _cells(segments: Iterable[Segment], colours: ColorSystem) -> list[_Cell]:
    cells: list[_Cell] = []
    for text, style, _ in segments:
        look = ""
        if style is not None:
            look = style._ansi if style._ansi is not None else Strip.render_ansi(style, colours)
        if text.isascii():
            cells += zip(text, repeat(look))
            continue
        for start, end, width in split_graphemes(text)[0]:
            if width:
                cells.append((text[start:end], look))
                cells += repeat(("", look), width - 1)
    return cells


def _is_odd(character: str, width: int) -> bool:
    """Whether terminals do not agree how wide it is."""
    if len(character) > 1:
        return character[0] != PLACEHOLDER
    return width > 1 and not _FIRST_OF_LETTERS <= character < _FIRST_EMOJI


def _runs(old: list[_Cell], new: list[_Cell]) -> Iterator[tuple[int, int]]:
    """What is to be written, from and up to: words whole, and across short gaps."""
    first = last = -1
    for i, (before, now) in enumerate(zip(old, new, strict=True)):
        if before == now:
            continue
        if i < last:
            continue
        start = _reach(new, i, -1)
        if first >= 0 and start - last <= _GAP and _is_alike(new[last:start], new[last - 1][1]):
            start = first
        elif first >= 0:
            yield first, last
        first, last = start, _reach(new, i, 1) + 1
        while last < len(new) and not new[last][0]:
            last += 1
    if first >= 0:
        yield first, last


def _is_alike(cells: list[_Cell], look: str) -> bool:
    return all(cell[1] == look and cell[0] and not is_mark(cell[0]) for cell in cells)


def _reach(cells: list[_Cell], i: int, step: int) -> int:
    """The first or the last cell of the word around one."""
    look = cells[i][1]
    while 0 <= i + step < len(cells):
        character, its = cells[i + step]
        if its != look or not ("!" <= character <= "~" and "!" <= cells[i][0] <= "~"):
            break
        i += step
    return i


@lru_cache(1 << 14)
def _look_parts(look: str) -> tuple[str, str, str]:
    """Attributes, front and ground; all of it as attributes where that is not how it is made."""
    found = _LOOK.fullmatch(look)
    return (found[1], found[2] or "39", found[3] or "49") if found else (look, "", "")


def _turned(before: str, now: str) -> str:
    """What turns one look into another."""
    if not now:
        return "\x1b[m"
    (old, *olds), (new, *news) = _look_parts(before), _look_parts(now)
    if old != new:
        return f"\x1b[0;{now}m" if before else f"\x1b[{now}m"
    turned = ";".join(code for code, was in zip(news, olds, strict=True) if code != was)
    return f"\x1b[{turned}m"
