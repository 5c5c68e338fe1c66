"""Lines of text on a picture, in any script: cut to a width, each letter in a font that has it.

Where no font of the machine has a letter, a box stands with the script's name. Needs raqm in Pillow
to draw what is written from right to left, or joined; without it, that is a box, too.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from engine.picture.fonts import AnyFont, Fonts, script_of

_JOINERS = "\u200c\u200d"
_ELLIPSIS = "…"
_NARROWEST = 5
"""No letter is taken for narrower than this part of an em, when it is guessed how many fit."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Letters that are drawn at once."""

    text: str
    font: AnyFont | None
    """None: none has them; a box is drawn, and `text` in the base font."""

    @property
    def is_backward(self) -> bool:
        """Whether it is read from right to left."""
        return _direction(self.text) == "R"


class Lettering:
    """Text at one size."""

    def __init__(self, size: int) -> None:
        """Args: size: pixels of an em."""
        self._size = size
        self._fonts = Fonts(size)
        self.height = round(size * 1.35)
        """Pixels from one line to the next."""
        self.without_font: set[str] = set()
        """Scripts of which some letter had no font."""

    def width(self, text: str) -> float:
        """Pixels that a text takes on one line."""
        return sum(self._width(run) for run in self._runs(text))

    def lines(self, text: str, width: int, most: int) -> list[str]:
        """A text cut to lines; what has no room is left out, with `…` in its place.

        Args:
            text: anything; control characters and what would turn it around are left out.
            width: pixels of a line.
            most: lines.
        """
        rest = _plain(text)
        lines: list[str] = []
        while rest and len(lines) < most:
            if len(rest) * self._size <= width * _NARROWEST and self.width(rest) <= width:
                return [*lines, rest]
            is_last = len(lines) == most - 1
            fit = self._fitting(rest, width, _ELLIPSIS if is_last else "")
            if is_last:
                return [*lines, rest[:fit].rstrip() + _ELLIPSIS]
            space = rest.rfind(" ", 0, fit + 1)
            at = space if space > fit // 3 else fit
            lines.append(rest[:at].rstrip())
            rest = rest[at:].lstrip()
        return lines

    def draw(
        self, draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, width: int, fill: str
    ) -> None:
        """Draw one line; what is read from right to left stands at the right.

        Args:
            draw: on what.
            place: left and top, in pixels.
            text: as `lines` gives it.
            width: pixels of the line.
            fill: its colour.
        """
        runs = self._runs(text)
        x, y = float(place[0]), place[1]
        if _direction(text) == "R":
            x += max(0.0, width - sum(self._width(run) for run in runs))
        for run in _in_sight_order(runs, backward=_direction(text) == "R"):
            # On one base line, whatever the font.
            at = (x, y + self._size)
            if run.font is None:
                side = self._size // 2
                box = (x + 1, at[1] - side - 2, x + side, at[1])
                draw.rectangle(box, outline=fill)
                at = (x + side + 2, at[1])
            font = run.font or self._fonts.base
            draw.text(at, run.text, fill=fill, font=font, anchor="ls")
            x += self._width(run)

    def _fitting(self, text: str, width: int, end: str) -> int:
        """How many characters of a text fit into a line before `end`; one at least."""
        low, high = 1, min(len(text), width * _NARROWEST // self._size + 1)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(text[:middle] + end) <= width:
                low = middle
            else:
                high = middle - 1
        while low > 1 and low < len(text) and _belongs_before(text[low]):
            low -= 1
        return low

    def _width(self, run: _Run) -> float:
        box = self._size // 2 + 4 if run.font is None else 0
        return box + (run.font or self._fonts.base).getlength(run.text)

    def _runs(self, text: str) -> list[_Run]:
        runs: list[_Run] = []
        letters, font = "", None
        scripts: list[str] = []

        def end() -> None:
            if font is None and scripts:
                self.without_font.update(scripts)
                runs.append(_Run(" ".join(dict.fromkeys(scripts)), None))
                # The word is for all letters; what parted it from the next is kept.
                if letters != letters.rstrip():
                    runs.append(_Run(" ", self._fonts.base))
            elif letters:
                runs.append(_Run(letters, font or self._fonts.base))

        for letter in text:
            if letters and (_belongs_before(letter) or letter == " "):
                letters += letter
                continue
            stays = font is not None and not letter.isalnum() and self._fonts.has(font, letter)
            wanted = font if stays else self._fonts.of(letter)
            if letters and wanted is not font:
                end()
                letters, scripts = "", []
            font = wanted
            letters += letter
            if wanted is None:
                scripts.append(script_of(letter))
        end()
        return runs


def _in_sight_order(runs: Sequence[_Run], *, backward: bool) -> list[_Run]:
    """Runs from left to right as they are seen: those against the line's direction are turned."""
    ordered = list(reversed(runs)) if backward else list(runs)
    found: list[_Run] = []
    against: list[_Run] = []
    for run in ordered:
        if run.is_backward != backward and _direction(run.text):
            against.insert(0, run)
        else:
            found += [*against, run]
            against = []
    return found + against


def _direction(text: str) -> str:
    """`L` or `R`, as its first letter with a direction is read; empty: it has none."""
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("L", "R", "AL"):
            return "L" if kind == "L" else "R"
    return ""


def _belongs_before(letter: str) -> bool:
    """Whether it is drawn with the letter before it: an accent, a joiner, a variant's mark."""
    return letter in _JOINERS or unicodedata.category(letter) in ("Mn", "Mc", "Me")


def _plain(text: str) -> str:
    kept = []
    for letter in text:
        kind = unicodedata.category(letter)
        if kind in ("Cc", "Zl", "Zp"):
            kept.append(" ")
        elif kind == "Cs":
            kept.append("\ufffd")
        elif kind != "Cf" or letter in _JOINERS:
            kept.append(letter)
    return " ".join("".join(kept).split())
