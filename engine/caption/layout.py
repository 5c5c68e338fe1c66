"""Where things are in a picture, as a cell says it: `text_1: top; subject: 300 100 900 900`."""

import re
from typing import NamedTuple

from engine.caption.filling import SUBJECT, CaptionBox
from engine.caption.schema import FAR

_ACROSS = {"left": (50, 480), "center": (270, 730), "right": (520, 950)}
_DOWN = {"top": (50, 300), "middle": (350, 650), "bottom": (700, 950)}
_INNER = (50, 950)
_SYNONYMS = {"centre": "center", "upper": "top", "lower": "bottom", "whole": "full"}
_PARTS = re.compile(r"[;\n]+")
_NUMBERS = re.compile(r"[0-9]{1,4}%?(?:[ ,]+[0-9]{1,4}%?){3}")
_BETWEEN = re.compile(r"[\s,\-_]+")
PLACES = "top, middle, bottom, left, center, right, two of them, or full"
"""The words for places."""


class PlacedElement(NamedTuple):
    """What is where."""

    name: str
    """`text_1` …, `subject`, or what a thing is."""
    box: CaptionBox


class LayoutError(ValueError):
    """A layout that cannot be understood; the message says why and what to do."""


def read_layout(text: str) -> tuple[PlacedElement, ...]:
    """What a layout says.

    Raises:
        LayoutError: it is none.
    """
    found: dict[str, CaptionBox] = {}
    for part in _PARTS.split(text):
        if not part.strip():
            continue
        named, colon, place = part.rpartition(":")
        name = " ".join(named.split())
        if not colon or not name or not place.strip():
            raise LayoutError(
                f"“{part.strip()[:40]}” does not say what goes where: write text_1: top;"
                f" {SUBJECT}: bottom left."
            )
        name = name.casefold() if _is_ours(name) else name
        if name in found:
            raise LayoutError(f"{name[:40]} has two places: remove one.")
        found[name] = _box(place)
    return tuple(PlacedElement(name, box) for name, box in found.items())


def _is_ours(name: str) -> bool:
    return name.casefold() == SUBJECT or re.fullmatch(r"text_[0-9]+", name, re.I) is not None


def _box(place: str) -> CaptionBox:
    text = place.strip()
    if _NUMBERS.fullmatch(text):
        sides = [
            int(side.rstrip("%")) * (10 if side.endswith("%") else 1)
            for side in re.split(r"[ ,]+", text)
        ]
        top, left, bottom, right = sides
        if max(sides) > FAR or top >= bottom or left >= right:
            raise LayoutError(
                f"{text} is not a box: write top, left, bottom and right, each from 0 to {FAR} or"
                " in percent, with top and left the smaller ones."
            )
        return top, left, bottom, right
    words = [_SYNONYMS.get(word, word) for word in _BETWEEN.split(text.casefold()) if word]
    down = [word for word in words if word in _DOWN]
    across = [word for word in words if word in _ACROSS]
    if words == ["full"]:
        return 0, 0, FAR, FAR
    if len(words) != len(down) + len(across) or len(down) > 1 or len(across) > 1:
        raise LayoutError(
            f"“{text[:40]}” is not a place: write {PLACES}; or four numbers from 0 to {FAR}: top,"
            " left, bottom, right."
        )
    top, bottom = _DOWN[down[0]] if down else (_DOWN["middle"] if across == ["center"] else _INNER)
    left, right = _ACROSS[across[0]] if across else _INNER
    return top, left, bottom, right
