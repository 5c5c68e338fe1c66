"""The last check before the terminal: text that no `clean` has seen, such as what was pasted."""

import unicodedata

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tui.text import HIDDEN, JOINERS

PLACEHOLDER = "\U0010eeee"
"""A cell of one of kitty's pictures; `clean` lets none through, so these are our own."""
_ALLOWED = JOINERS | {PLACEHOLDER}
_FIRST_STAND_IN, _LAST_STAND_IN = "\U000f0000", "\U000ffffd"
_STAND_INS = ord(_LAST_STAND_IN) + 1 - ord(_FIRST_STAND_IN)


def stand_in(number: int) -> str:
    """A cell of one of the sixel pictures, by its number. What is written there is a blank."""
    return chr(ord(_FIRST_STAND_IN) + number % _STAND_INS)


def is_stand_in(character: str) -> bool:
    """Whether it stands for sixels; so may one from outside, which is a blank then."""
    return _FIRST_STAND_IN <= character <= _LAST_STAND_IN and len(character) == 1


class EscapeFilter(LineFilter):
    """Keeps from every line what a terminal would obey, whichever widget drew it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same segments where nothing is wrong with them, as nearly always."""
        if all(control or _is_harmless(text) for text, _, control in segments):
            return segments
        return [
            Segment(text if control else _harmless(text), style, control)
            for text, style, control in segments
        ]


def _is_harmless(text: str) -> bool:
    return text.isprintable() or text.replace(PLACEHOLDER, "").isprintable() or _are_stand_ins(text)


def _are_stand_ins(text: str) -> bool:
    return is_stand_in(text[:1]) and text == text[0] * len(text)


def _harmless(text: str) -> str:
    """As wide as before: columns stay where they are."""
    return "".join(
        "\ufffd" * cell_len(character)
        if unicodedata.category(character) in HIDDEN
        and not (character in _ALLOWED or is_stand_in(character))
        else character
        for character in text
    )
