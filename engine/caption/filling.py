"""A caption made of plain words, and one that is there filled in with what columns ask for."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.caption.schema import (
    COMPOSITION,
    DESCRIPTION,
    MOST_COLOURS,
    STYLE,
    Caption,
    style_keys,
)

CaptionBox = tuple[int, int, int, int]
"""Top, left, bottom, right, each 0 … 1000."""
SUBJECT = "subject"
"""What a place is for if it is for what the prompt describes."""

_QUOTED = re.compile(r"[\"“„]([^\"“”„]{1,80})[\"”]")
_BACKDROPS: Mapping[str, str] = {
    "graphic_design": "The design's own plain backdrop, filling the whole frame.",
}
_BACKDROP = "The surroundings of what is described, filling the whole frame."
_MEDIA: Sequence[tuple[str, str]] = (
    (
        "graphic_design",
        r"poster|logo|flyer|leaflet|banner|sticker|packaging|icon|infographic|menu"
        r"|business card|(?:book|album|magazine) cover|wordmark|typography|lettering"
        r"|graphic design",
    ),
    ("3d_render", r"3d|render|rendering|claymation|low poly|isometric"),
    ("painting", r"painting|painted|watercolou?r|oils?|gouache|acrylic|fresco|ink wash"),
    (
        "illustration",
        r"illustration|drawing|sketch|cartoon|comic|anime|manga|vector|pixel art|line art|doodle",
    ),
)
"""What of a prompt's words tells its medium; the first that fits. Else it is a photograph, as the
model's own enhancer takes it."""
_STYLES: Mapping[str, Mapping[str, str]] = {
    "photograph": {
        "aesthetics": "natural, true to life",
        "lighting": "natural light",
        "photo": "eye level, sharp focus",
    },
    "graphic_design": {
        "aesthetics": "clean, balanced",
        "lighting": "flat, even",
        "art_style": "flat graphic design, clear shapes and lettering",
    },
    "3d_render": {
        "aesthetics": "clear, tangible",
        "lighting": "soft studio light",
        "art_style": "3D render with physically based materials",
    },
    "painting": {
        "aesthetics": "painterly, balanced",
        "lighting": "soft, natural",
        "art_style": "painting with visible strokes",
    },
    "illustration": {
        "aesthetics": "clear, balanced",
        "lighting": "even",
        "art_style": "illustration with clean lines",
    },
}
"""What is said of a medium where a palette needs a style description, and no column gives one."""


class WordsToShow(NamedTuple):
    """Words that are to stand in the picture."""

    column: str
    """Where they are from."""
    text: str


class Clash(NamedTuple):
    """What a column asks for beside a caption that says otherwise."""

    column: str
    words: str
    """What holds, for a person."""


BY_WORDS = Clash(
    "style", "this style adds words to a prompt, and your own caption has no place for them"
)
"""A style that no style description says."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the columns of a row ask of its caption."""

    style: Mapping[str, str] = field(default_factory=dict)
    """A style description without its palette; empty: none is asked for."""
    palette: tuple[str, ...] = ()
    """`#RRGGBB`, what counts most first."""
    words: tuple[WordsToShow, ...] = ()
    places: Mapping[str, CaptionBox] = field(default_factory=dict)
    """Column of words, `subject`, or what a thing is → its box."""

    def __bool__(self) -> bool:
        return bool(self.style or self.palette or self.words or self.places)


NOTHING = Wishes()


def plain_caption(idea: str, wishes: Wishes = NOTHING) -> Caption:
    """A caption of a plain prompt, always the same: what it says, whole, and what columns ask for.

    Words between quote marks are taken for words that stand in the picture.
    """
    medium = medium_of(idea)
    quoted = [WordsToShow("prompt", each.strip()) for each in _QUOTED.findall(idea) if each.strip()]
    elements: list[dict[str, Any]] = [{"type": "obj", "desc": idea}]
    caption: Caption = {
        DESCRIPTION: idea,
        COMPOSITION: {"background": _BACKDROPS.get(medium, _BACKDROP), "elements": elements},
    }
    for words in quoted:
        _add_words(elements, words)
    return filled(caption, wishes)[0]


def filled(
    caption: Caption, wishes: Wishes, *, own: bool = False
) -> tuple[Caption, tuple[Clash, ...]]:
    """A caption with what it leaves out as columns ask for it, and where they ask for other things.

    Args:
        caption: of the schema; it is left as it is.
        wishes: of the columns.
        own: whether a person wrote it: then words that it has are all that stand in the picture.
    """
    clashes: list[Clash] = []
    body: Caption = dict(caption)
    composition = dict(body[COMPOSITION])
    elements = [dict(element) for element in composition["elements"]]
    style = _styled(body, wishes, clashes)
    _worded(elements, wishes, clashes, own=own)
    _placed(elements, wishes, clashes)
    composition["elements"] = elements
    parts = {DESCRIPTION: body.get(DESCRIPTION), STYLE: style, COMPOSITION: composition}
    return {key: part for key, part in parts.items() if part is not None}, tuple(clashes)


def medium_of(idea: str) -> str:
    """The medium that a prompt's words tell of."""
    for medium, words in _MEDIA:
        if re.search(rf"(?<!\w)(?:{words})s?(?!\w)", idea, re.IGNORECASE):
            return medium
    return "photograph"


def ordered_palette(colours: Iterable[str]) -> tuple[str, ...]:
    """The colours of a palette, `#RRGGBB` or `#RRGGBB:weight`, as a caption has them.

    A caption has no weights: what weighs most comes first, what weighs nothing not at all.
    """
    split = [colour.upper().partition(":") for colour in colours]
    weighed = [(name, float(weight) if weight else 1.0) for name, _, weight in split]
    kept = sorted((each for each in weighed if each[1] > 0), key=lambda each: -each[1])
    return tuple(dict.fromkeys(name for name, _ in kept))[:MOST_COLOURS]


def _styled(body: Caption, wishes: Wishes, clashes: list[Clash]) -> dict[str, Any] | None:
    there = body.get(STYLE)
    if there is None:
        if not (wishes.style or wishes.palette):
            return None
        medium = medium_of(str(body.get(DESCRIPTION, "")))
        style: dict[str, Any] = dict(wishes.style) or {**_STYLES[medium], "medium": medium}
    else:
        style = dict(there)
        if wishes.style and any(style.get(key) != words for key, words in wishes.style.items()):
            clashes.append(Clash("style", f"the caption already sets a style: {_told(style)}"))
    if wishes.palette:
        own = style.get("color_palette")
        if not own:
            style["color_palette"] = list(wishes.palette)
        elif own != list(wishes.palette):
            told = f"the caption already sets a palette: {' '.join(own)}"
            clashes.append(Clash("color_palette", told))
    return {key: style[key] for key in style_keys(style) if key in style}


def _told(style: Mapping[str, Any]) -> str:
    return str(style.get("medium") or style.get("photo") or style.get("art_style"))


def _worded(
    elements: list[dict[str, Any]], wishes: Wishes, clashes: list[Clash], *, own: bool
) -> None:
    there = {_folded(str(element["text"])) for element in elements if element["type"] == "text"}
    for words in wishes.words:
        if _folded(words.text) in there:
            continue
        if own and there:
            told = "the caption has its own texts, so these are not written in the picture"
            clashes.append(Clash(words.column, told))
        else:
            _add_words(elements, words)


def _add_words(elements: list[dict[str, Any]], words: WordsToShow) -> None:
    taken = (str(each.get("text", "")) for each in elements)
    if _folded(words.text) in {_folded(text) for text in taken if text}:
        return
    first = not any(element["type"] == "text" for element in elements)
    size = "Large" if first else "Smaller"
    desc = f"{size}, clearly legible lettering that suits the picture, spelled exactly so."
    elements.append({"type": "text", "text": words.text, "desc": desc})


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _placed(elements: list[dict[str, Any]], wishes: Wishes, clashes: list[Clash]) -> None:
    """Give boxes to what has none yet; what a place names and nothing shows becomes an element."""
    texts = {words.column: _folded(words.text) for words in wishes.words}
    for name, box in wishes.places.items():
        if name in texts:
            found = _first(e for e in elements if _folded(str(e.get("text", ""))) == texts[name])
        elif name == SUBJECT:
            found = _first(e for e in elements if e["type"] == "obj")
        else:
            found = _first(e for e in elements if _folded(str(e["desc"])) == _folded(name))
            if found is None:
                found = {"type": "obj", "desc": name}
                elements.append(found)
        if found is None:
            continue
        if "bbox" in found and found["bbox"] != list(box):
            told = f"the caption already places {name}: {found['bbox']}"
            clashes.append(Clash("layout", told))
            continue
        rest = {key: value for key, value in found.items() if key not in ("type", "bbox")}
        kind = found["type"]
        found.clear()
        found |= {"type": kind, "bbox": list(box), **rest}


def _first(found: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
    return next(found, None)
