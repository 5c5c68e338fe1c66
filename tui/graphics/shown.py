"""Pure: what the terminal shows, cell by cell, so that only what becomes another is written.

Textual paints a widget, or the whole screen, where a digit has changed or a dialog was closed.
Where sixels are to be, its cells have a stand-in (`SixelStrip.stand_in`): as long as the terminal
shows them, nothing is written there, which would erase them; else blanks are.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat

from rich.cells import split_graphemes
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tui.terminal.escape_filter import PLACEHOLDER, is_stand_in

_ScreenCell = tuple[str, str]
"""Its character and its look, as SGR codes. The right half of a wide one has no character; sixels
have their stand-in, and no look."""
_UNKNOWN = ("?", "?")
_GAP = 8
"""Unchanged cells that are written all the same: to go past them costs as many bytes."""
_PLAIN = frozenset(map(chr, (*range(0x20, 0x7F), *range(0xA1, 0xAD), *range(0x2500, 0x25A0))))
"""A cell each, everywhere: letters, lines and blocks."""
_OTHERS = re.compile(
    "(?:.?[^{}]+(?:(?<=\u200d).)?)+".format(re.escape("".join(sorted(_PLAIN)))), re.DOTALL
)
"""What has to be measured: others, what they may be joined to, and what a joiner joins."""
_SHORT = 16
"""Longer texts are not remembered: rows of pictures are all different."""
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
        self._lines: dict[int, list[_ScreenCell]] = {}

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

    def put(self, region: Region, stand_in: str) -> None:
        """Sixels were drawn."""
        for y in region.line_range:
            self._line(y, region.right)[region.x : region.right] = [(stand_in, "")] * region.width

    def has(self, region: Region, stand_in: str) -> bool:
        """Whether sixels are shown whole."""
        whole = [(stand_in, "")] * region.width
        lines = (self._lines.get(y, []) for y in region.line_range)
        return all(line[region.x : region.right] == whole for line in lines)

    def _line(self, y: int, width: int) -> list[_ScreenCell]:
        line = self._lines.setdefault(y, [])
        line.extend(repeat(_UNKNOWN, width - len(line)))
        return line

    def _take(
        self, y: int, x: int, segments: Iterable[Segment], look: str, console: Console
    ) -> tuple[str, str]:
        """What is written for a part of a line while cells get `look`, and what they get then."""
        new, stand_ins = _cells(segments, console._color_system or ColorSystem.TRUECOLOR)
        end = x + len(new)
        line = self._line(y, end)
        old = line[x:end]
        for i in stand_ins:
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
                if character in _PLAIN:
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


def _cells(
    segments: Iterable[Segment], colours: ColorSystem
) -> tuple[list[_ScreenCell], list[int]]:
    """Cells, and which of them are stand-ins."""
    cells: list[_ScreenCell] = []
    stand_ins: list[int] = []
    for text, style, _ in segments:
        look = ""
        if style is not None:
            look = style._ansi if style._ansi is not None else Strip.render_ansi(style, colours)
        if _PLAIN.issuperset(text):
            cells += zip(text, repeat(look))
            continue
        at = 0
        for others in _OTHERS.finditer(text):
            cells += zip(text[at : others.start()], repeat(look))
            at = others.end()
            for character, width in _graphemes(others[0]):
                if is_stand_in(character):
                    stand_ins.append(len(cells))
                cells.append((character, look))
                cells += repeat(("", look), width - 1)
        cells += zip(text[at:], repeat(look))
    return cells, stand_ins


def _graphemes(text: str) -> Sequence[tuple[str, int]]:
    """What is shown of a text: each character with its marks, and how many cells wide it is."""
    return (_known_graphemes if len(text) < _SHORT else _known_graphemes.__wrapped__)(text)


@lru_cache(1 << 12)
def _known_graphemes(text: str) -> Sequence[tuple[str, int]]:
    spans, _ = split_graphemes(text)
    return [(text[start:end], width) for start, end, width in spans if width]


def _is_odd(character: str, width: int) -> bool:
    """Whether terminals do not agree how wide it is."""
    if len(character) > 1:
        return character[0] != PLACEHOLDER
    return width > 1 and not _FIRST_OF_LETTERS <= character < _FIRST_EMOJI


def _runs(old: list[_ScreenCell], new: list[_ScreenCell]) -> Iterator[tuple[int, int]]:
    """What is to be written, from and up to: words whole, and across short gaps."""
    first = last = -1
    for i, now in enumerate(new):
        if i < last or now == old[i]:
            continue
        if i != last:
            start = _reach(new, i, -1)
            is_near = last >= 0 and start <= last + _GAP
            if not (is_near and _is_alike(new[last:start], new[last - 1][1])):
                if last >= 0:
                    yield first, last
                first = start
        last = _reach(new, i, 1) + 1
        while last < len(new) and not new[last][0]:
            last += 1
    if last >= 0:
        yield first, last


def _is_alike(cells: list[_ScreenCell], look: str) -> bool:
    return all(cell[1] == look and cell[0] and not is_stand_in(cell[0]) for cell in cells)


def _reach(cells: list[_ScreenCell], i: int, step: int) -> int:
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
    front, found, ground = look.partition(";48;2;")
    if found and front.startswith("38;2;") and front.count(";") == ground.count(";") + 2 == 4:
        return "", front, f"48;2;{ground}"  # as nearly always: it need not be looked for
    parts = _LOOK.fullmatch(look)
    return (parts[1], parts[2] or "39", parts[3] or "49") if parts else (look, "", "")


def _turned(before: str, now: str) -> str:
    """What turns one look into another."""
    if not now:
        return "\x1b[m"
    (attributes, front, ground), (others, old_front, old_ground) = map(_look_parts, (now, before))
    if attributes != others:
        return f"\x1b[0;{now}m" if before else f"\x1b[{now}m"
    if ground == old_ground:
        return f"\x1b[{front}m"
    return f"\x1b[{ground}m" if front == old_front else f"\x1b[{front};{ground}m"
