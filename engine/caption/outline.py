"""A caption as a person reads it: a line for each of its parts, and its boxes as parts of 1."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.caption.reading import looks_like_caption, read
from engine.caption.schema import COMPOSITION, DESCRIPTION, FAR, STYLE, Caption, style_keys


@dataclass(frozen=True, slots=True)
class OutlineLine:
    """One part of a caption."""

    label: str
    """`background`, `text 2` …; empty: what the whole shows."""
    words: str
    colours: tuple[str, ...] = ()
    """`#RRGGBB`."""


@dataclass(frozen=True, slots=True)
class ElementBox:
    """Where an element is, from the top left corner, each 0 … 1."""

    number: int
    """Of its element, from 1, as in the outline."""
    is_text: bool
    top: float
    left: float
    bottom: float
    right: float


@dataclass(frozen=True, slots=True)
class Outline:
    """A caption in parts."""

    lines: tuple[OutlineLine, ...]
    boxes: tuple[ElementBox, ...]


def outline_of(text: str) -> Outline | None:
    """The outline of a prompt that is a caption; None: it is none."""
    caption = read(text).caption if looks_like_caption(text) else None
    return Outline(tuple(outline(caption)), tuple(boxes(caption))) if caption is not None else None


def gist(text: str) -> str:
    """What a prompt is about, to be named by: of a caption what its whole, or its first, shows."""
    caption = read(text).caption if looks_like_caption(text) else None
    if caption is None:
        return text
    composition = caption[COMPOSITION]
    first = (element["desc"] for element in composition["elements"])
    said = (caption.get(DESCRIPTION, ""), *first, composition["background"])
    return next((words for words in said if words.strip()), text)


def outline(caption: Caption) -> list[OutlineLine]:
    """The parts of a caption of the schema, in its order."""
    return list(_lines(caption))


def boxes(caption: Caption) -> list[ElementBox]:
    """The boxes of a caption of the schema, in the order of its elements."""
    found = []
    for number, element in enumerate(caption[COMPOSITION]["elements"], start=1):
        if (box := element.get("bbox")) is not None:
            parts = (side / FAR for side in box)
            found.append(ElementBox(number, element["type"] == "text", *parts))
    return found


def _lines(caption: Caption) -> Iterator[OutlineLine]:
    if words := caption.get(DESCRIPTION):
        yield OutlineLine("", words)
    if (style := caption.get(STYLE)) is not None:
        told = [style[key] for key in style_keys(style) if key != "color_palette" and style[key]]
        yield OutlineLine("style", " · ".join(told), tuple(style.get("color_palette", ())))
    yield OutlineLine("background", caption[COMPOSITION]["background"])
    for number, element in enumerate(caption[COMPOSITION]["elements"], start=1):
        colours = tuple(element.get("color_palette", ()))
        if element["type"] == "text":
            said = " / ".join(element["text"].splitlines())
            yield OutlineLine(f"{number} text", f"“{said}” {element['desc']}".strip(), colours)
        else:
            yield OutlineLine(f"{number}", element["desc"], colours)
