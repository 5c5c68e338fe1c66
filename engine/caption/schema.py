"""What a caption may hold: every key, its place, and what stands there."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Caption = dict[str, Any]
"""A JSON object, its keys in order."""

DESCRIPTION, STYLE, COMPOSITION = (
    "high_level_description",
    "style_description",
    "compositional_deconstruction",
)
TOP = (DESCRIPTION, STYLE, COMPOSITION)
PHOTO_STYLE = ("aesthetics", "lighting", "photo", "medium", "color_palette")
OTHER_STYLE = ("aesthetics", "lighting", "medium", "art_style", "color_palette")
PARTS = ("background", "elements")
ELEMENTS: Mapping[str, tuple[str, ...]] = {
    "obj": ("type", "bbox", "desc", "color_palette"),
    "text": ("type", "bbox", "text", "desc", "color_palette"),
}
"""Type of an element → its keys in order."""
OPTIONAL = frozenset({DESCRIPTION, STYLE, "bbox", "color_palette"})
"""Keys that may be left out."""
KEYS = frozenset((*TOP, *PHOTO_STYLE, *OTHER_STYLE, *PARTS, *ELEMENTS["text"]))
MOST_COLOURS = 16
"""Of a whole caption."""
MOST_COLOURS_EACH = 5
"""Of one element."""
FAR = 1000
"""Boxes are measured from 0 to this, across and down."""
COLOUR = re.compile(r"#[0-9A-F]{6}")

_SHOWN = 40


class Fault(NamedTuple):
    """What is wrong with a caption, and where in it."""

    path: str
    """`elements[2].bbox`, elements counted from 0; empty: the whole."""
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def faults_of(caption: object) -> list[Fault]:
    """All that the schema does not allow, in the caption's order; empty: it is a caption."""
    return list(_of_caption(caption))


def style_keys(style: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of a style description in their order: of a photograph's, or of another's."""
    return PHOTO_STYLE if "photo" in style else OTHER_STYLE


def _of_caption(caption: object) -> Iterator[Fault]:
    if not isinstance(caption, dict):
        yield Fault("", f"A caption is one JSON object, in braces; this is {_kind(caption)}.")
        return
    yield from _of_keys(caption, TOP, "")
    if DESCRIPTION in caption:
        yield from _of_text(caption[DESCRIPTION], DESCRIPTION)
    if STYLE in caption:
        yield from _of_style(caption[STYLE])
    if COMPOSITION in caption:
        yield from _of_composition(caption[COMPOSITION])


def _of_style(style: object) -> Iterator[Fault]:
    if not isinstance(style, dict):
        yield Fault(STYLE, f"{{…}} with aesthetics, lighting and so on, not {_kind(style)}")
        return
    if "photo" in style and "art_style" in style:
        yield Fault(
            STYLE, "photo is for photographs, art_style for everything else: remove one of them"
        )
        return
    if "photo" not in style and "art_style" not in style:
        needs = "needs photo (camera and lens) for a photograph, or art_style for everything else"
        yield Fault(STYLE, needs)
        return
    yield from _of_keys(style, style_keys(style), STYLE)
    for key in ("aesthetics", "lighting", "photo", "medium", "art_style"):
        if key in style:
            yield from _of_text(style[key], f"{STYLE}.{key}")
    if "color_palette" in style:
        yield from _of_palette(style["color_palette"], f"{STYLE}.color_palette", MOST_COLOURS)


def _of_composition(composition: object) -> Iterator[Fault]:
    if not isinstance(composition, dict):
        kind = _kind(composition)
        yield Fault(COMPOSITION, f"{{…}} with background and elements, not {kind}")
        return
    yield from _of_keys(composition, PARTS, COMPOSITION)
    if "background" in composition:
        yield from _of_text(composition["background"], "background")
    if "elements" not in composition:
        return
    elements = composition["elements"]
    if not isinstance(elements, list):
        yield Fault("elements", f"a list of elements, in square brackets, not {_kind(elements)}")
        return
    for at, element in enumerate(elements):
        yield from _of_element(element, f"elements[{at}]")


def _of_element(element: object, path: str) -> Iterator[Fault]:
    if not isinstance(element, dict):
        yield Fault(path, f"{{…}} with type and desc, not {_kind(element)}")
        return
    if "type" not in element:
        yield Fault(path, 'type is missing: "obj" for a thing, "text" for words in the picture')
        return
    kind = element["type"]
    if not isinstance(kind, str) or kind not in ELEMENTS:
        yield Fault(f"{path}.type", f'"obj" or "text", not {_shown(kind)}')
        return
    if kind == "obj" and "text" in element:
        message = f'{path} has the type obj, which has no text: change it to "type":"text"'
        yield Fault(f"{path}.text", message)
        return
    yield from _of_keys(element, ELEMENTS[kind], path)
    for key in ("text", "desc"):
        if key in element:
            yield from _of_text(element[key], f"{path}.{key}")
    if "bbox" in element:
        yield from _of_box(element["bbox"], f"{path}.bbox")
    if "color_palette" in element:
        palette = element["color_palette"]
        yield from _of_palette(palette, f"{path}.color_palette", MOST_COLOURS_EACH)


def _of_keys(held: Mapping[str, Any], order: Sequence[str], path: str) -> Iterator[Fault]:
    """Keys that are unknown here, missing, or in another order."""
    within = f"{path}." if path and path != COMPOSITION else ""
    for key in held:
        if key not in order:
            yield Fault(f"{within}{_shown(key, quoted=False)}", _unknown(key, order))
    for key in order:
        if key not in held and key not in OPTIONAL:
            yield Fault(f"{within}{key}", "is missing")
    present = [key for key in held if key in order]
    wanted = [key for key in order if key in held]
    if present != wanted:
        yield Fault(path, f"keys must be in the order {', '.join(wanted)}")


def _unknown(key: str, order: Sequence[str]) -> str:
    if key == "aspect_ratio":
        return "does not belong in a caption: use the column aspect_ratio"
    near = difflib.get_close_matches(key[:40], order, n=1, cutoff=0.7)
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"is not a key here: use {', '.join(order)}{meant}"


def _of_text(value: object, path: str) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield Fault(path, f"words in quote marks, not {_kind(value)}")
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        yield Fault(path, "holds half a letter (a lone \\ud8…): type it again")


def _of_palette(palette: object, path: str, most: int) -> Iterator[Fault]:
    if not isinstance(palette, list):
        yield Fault(path, f'a list of colours like ["#1B3A6B"], not {_kind(palette)}')
        return
    if len(palette) > most:
        yield Fault(path, f"at most {most} colours, not {len(palette)}")
    for at, colour in enumerate(palette):
        if not isinstance(colour, str) or not COLOUR.fullmatch(colour):
            yield Fault(f"{path}[{at}]", f"a colour like #1B3A6B, not {_shown(colour)}")


def _of_box(box: object, path: str) -> Iterator[Fault]:
    whole = isinstance(box, list) and len(box) == 4 and all(map(_is_whole, box))
    if not (isinstance(box, list) and whole and all(0 <= each <= FAR for each in box)):
        message = f"four whole numbers from 0 to {FAR}: top, left, bottom, right"
        yield Fault(path, message)
        return
    top, left, bottom, right = box
    if top > bottom:
        yield Fault(
            path, f"the top ({top}) is below the bottom ({bottom}): top, left, bottom, right"
        )
    if left > right:
        message = f"the left ({left}) is beyond the right ({right}): top, left, bottom, right"
        yield Fault(path, message)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _kind(value: object) -> str:
    """What a JSON value is, to a person."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true or false"
    kinds: Mapping[type, str] = {
        **dict.fromkeys((int, float), "a number"),
        str: "words",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), "something else")


def _shown(value: object, *, quoted: bool = True) -> str:
    """A value short enough to stand in a sentence."""
    if not isinstance(value, str):
        return _kind(value)
    text = value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
    text = text.encode("utf-8", "replace").decode()
    return f"“{text}”" if quoted else text
