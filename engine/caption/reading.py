"""A caption as a person wrote it: read, mended where its meaning is plain, or its faults named."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.caption.schema import (
    COLOUR,
    COMPOSITION,
    ELEMENTS,
    KEYS,
    OPTIONAL,
    PARTS,
    STYLE,
    TOP,
    Caption,
    Fault,
    faults_of,
    style_keys,
)

_START = re.compile(r"\s*(?:```\w*\s*)?\{")
_TELLING = re.compile(
    r"[\"“”„'](?:high_level_description|style_description|compositional_deconstruction)[\"“”']",
    re.IGNORECASE,
)
_FENCED = re.compile(r"\s*```\w*\s*(?P<body>\{.*\})\s*```\s*", re.DOTALL)
_LOOSE_COLOUR = re.compile(r"\s*#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\s*")
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("obj", "object", "objects"), "obj"),
    **dict.fromkeys(("text", "txt"), "text"),
}
_FEW = re.compile(r"\[\n\s*([^\[\]{}]*?)\n\s*\]")
"""A list of numbers or colours over several lines; no text holds a break of a line as it is."""
_CURLY = str.maketrans(dict.fromkeys("“”„‟", '"'))
_WHAT: Mapping[str, str] = {
    "Expecting ',' delimiter": "a comma is missing before this, or there is an extra quote mark",
    "Expecting ':' delimiter": "a colon is missing before this",
    "Expecting property name": "a key in quote marks is missing here",
    "Expecting value": "something is missing here",
    "Unterminated string": "the quote mark here is not closed",
    "Invalid \\escape": "a backslash is not needed here",
    "Invalid \\uXXXX": "a \\u needs four figures after it",
    "Extra data": "there is text after the last brace",
    "Illegal trailing comma": "there is an extra comma here",
}
_SPELLED = "written on one line without spaces between its parts, as the model was taught"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was made of a text that is to be a caption."""

    text: str
    """As the model gets it; as it was read where there are faults."""
    caption: Caption | None
    """None: it has faults."""
    repairs: tuple[str, ...] = ()
    """What was mended, in words."""
    faults: tuple[Fault, ...] = ()


class _TwiceError(ValueError):
    """A key stands twice in one object."""


def looks_like_caption(text: str) -> bool:
    """Whether a prompt is meant as a caption, well-formed or not; quick."""
    return "{" in text and bool(_START.match(text)) and bool(_TELLING.search(text))


def written(caption: Caption) -> str:
    """A caption as the model gets it: one line, nothing between its parts, letters as they are."""
    return json.dumps(caption, separators=(",", ":"), ensure_ascii=False)


def read(text: str) -> Reading:
    """Read a caption. Nothing raises; what is right already keeps every byte.

    Args:
        text: of a cell, or an answer of a language model.
    """
    repairs: list[str] = []
    try:
        body = _parsed(text, repairs)
    except ValueError as error:
        return Reading(text, None, faults=(Fault("", _why(error)),))
    except RecursionError:
        return Reading(text, None, faults=(Fault("", "has too many nested brackets"),))
    if isinstance(body, dict) and body.keys() == {"json_prompt"}:
        body = body["json_prompt"]
        repairs.append("removed json_prompt around it")
    if not isinstance(body, dict):
        return Reading(text, None, faults=tuple(faults_of(body)))
    try:
        mended = _Mender(repairs).caption(body)
        if faults := faults_of(mended):
            return Reading(text, None, faults=tuple(faults))
        told = written(mended)
    except RecursionError:
        return Reading(text, None, faults=(Fault("", "has too many nested brackets"),))
    if told != text and not repairs:
        repairs.append(_SPELLED)
    return Reading(told, mended, tuple(dict.fromkeys(repairs)))


def _parsed(text: str, repairs: list[str]) -> object:
    """The JSON of a text; of what fails, with those slips put right that have one meaning.

    Raises:
        ValueError: it is none.
    """
    try:
        return _loaded(text)
    except _TwiceError:
        raise
    except ValueError as error:
        first = error
    found = _FENCED.fullmatch(text)
    body, slips = (found["body"], ["removed the code fence around it"]) if found else (text, [])
    if '"' not in body and (straight := body.translate(_CURLY)) != body:
        body, slips = straight, [*slips, "made curly quote marks straight"]
    if (without := _without_spare_commas(body)) != body:
        body, slips = without, [*slips, "removed commas before closing brackets"]
    try:
        loaded = _loaded(body)
    except _TwiceError:
        raise
    except ValueError as error:
        raise first from error
    repairs += slips
    return loaded


def _loaded(text: str) -> object:
    return json.loads(text, strict=False, object_pairs_hook=_pairs, parse_constant=_no_number)


def _pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for at, key in enumerate(keys) if key in keys[:at])
        raise _TwiceError(f"“{twice[:40]}” appears twice in the same braces: remove one")
    return body


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _without_spare_commas(text: str) -> str:
    """A text without the commas before a closing bracket, those within quote marks kept."""
    kept: list[str] = []
    spare: int | None = None
    quoted = escaped = False
    for letter in text:
        if quoted:
            quoted = letter != '"' or escaped
            escaped = letter == "\\" and not escaped
        elif letter in "}]" and spare is not None:
            del kept[spare]
            spare = None
        elif letter == ",":
            spare = len(kept)
        elif not letter.isspace():
            spare = None
            quoted = letter == '"'
        kept.append(letter)
    return "".join(kept)


def _why(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        known = (words for start, words in _WHAT.items() if error.msg.startswith(start))
        what = next(known, error.msg)
        place = f"line {error.lineno}, " if "\n" in error.doc else ""
        near = error.doc[max(0, error.pos - 12) : error.pos + 12].replace("\n", " ")
        near = near.encode("utf-8", "replace").decode()
        return f"is not complete JSON: at {place}letter {error.colno}, {what} (“{near}”)"
    words = str(error).encode("utf-8", "replace").decode()
    return f"is not complete JSON: {words}"


class _Mender:
    """Puts right what has one meaning; what it cannot, it leaves for the schema to name."""

    def __init__(self, told: list[str]) -> None:
        """`told` gets what was mended, in words."""
        self._told = told

    def caption(self, body: Mapping[str, Any]) -> Caption:
        """A caption of the same meaning."""
        body = self._plain(body, TOP)
        if isinstance(style := body.get(STYLE), dict):
            body[STYLE] = self._style(style)
        if isinstance(composition := body.get(COMPOSITION), dict):
            body[COMPOSITION] = self._composition(composition)
        return body

    def _style(self, style: Mapping[str, Any]) -> Caption:
        style = self._plain(style, ())
        return self._coloured(self._plain(style, style_keys(style)), STYLE)

    def _composition(self, composition: Mapping[str, Any]) -> Caption:
        composition = self._plain(composition, PARTS)
        if isinstance(elements := composition.get("elements"), list):
            composition["elements"] = [
                self._element(each, f"elements[{at}]") if isinstance(each, dict) else each
                for at, each in enumerate(elements)
            ]
        return composition

    def _element(self, element: Mapping[str, Any], path: str) -> Caption:
        element = self._plain(element, ())
        kind = element.get("type")
        if isinstance(kind, str) and kind not in ELEMENTS:
            meant = _KINDS.get(kind.strip().casefold())
            if meant:
                self._told.append(f"{path}.type {kind.strip()[:20]} → {meant}")
                element["type"] = kind = meant
        order = ELEMENTS.get(kind, ()) if isinstance(kind, str) else ()
        element = self._plain(element, order)
        if isinstance(box := element.get("bbox"), list) and any(isinstance(n, float) for n in box):
            whole = [int(n) if isinstance(n, float) and n.is_integer() else n for n in box]
            if whole != box or list(map(type, whole)) != list(map(type, box)):
                self._told.append(f"{path}.bbox in whole numbers")
            element["bbox"] = whole
        return self._coloured(element, path)

    def _plain(self, held: Mapping[str, Any], order: Sequence[str]) -> dict[str, Any]:
        """Known keys as they are written, without those that say nothing, in their order."""
        body: dict[str, Any] = {}
        for key, value in held.items():
            name = self._key(key, held)
            if value is None and name in OPTIONAL:
                self._told.append(f"removed empty {name}")
                continue
            body[name] = value
        wanted = [key for key in order if key in body]
        if wanted != [key for key in body if key in order]:
            self._told.append(f"sorted keys in the order {', '.join(wanted)}")
            body = {key: body[key] for key in wanted} | body
        return body

    def _key(self, key: str, held: Mapping[str, Any]) -> str:
        name = re.sub(r"[\s-]+", "_", key.strip()).casefold()
        if key in KEYS or name not in KEYS or name in held:
            return key
        others = (other for other in held if other != key)
        if any(re.sub(r"[\s-]+", "_", other.strip()).casefold() == name for other in others):
            return key  # two of one meaning: the schema names them
        self._told.append(f"{key.strip()[:30]} → {name}")
        return name

    def _coloured(self, held: dict[str, Any], path: str) -> dict[str, Any]:
        """With each colour as the schema writes it."""
        if isinstance(palette := held.get("color_palette"), list):
            held["color_palette"] = list(self._colours(palette, f"{path}.color_palette"))
        return held

    def _colours(self, palette: Sequence[Any], path: str) -> Iterator[Any]:
        for at, colour in enumerate(palette):
            found = None
            if isinstance(colour, str) and not COLOUR.fullmatch(colour):
                found = _LOOSE_COLOUR.fullmatch(colour)
            if found is None:
                yield colour
                continue
            digits = found[1] if len(found[1]) == 6 else "".join(d * 2 for d in found[1])
            self._told.append(f"{path}[{at}] {colour.strip()} → #{digits.upper()}")
            yield f"#{digits.upper()}"


def read_caption(text: str) -> tuple[str, tuple[Fault, ...]]:
    """A text that a person wrote as a caption: as the model gets it, and what is wrong with it.

    A text that is not meant as one is what it is.
    """
    if not looks_like_caption(text):
        return text, ()
    found = read(text)
    return found.text, found.faults


def spread_out(text: str) -> str:
    """A caption over many lines, to be read and written by a person; what is none as it is."""
    if not looks_like_caption(text):
        return text
    try:
        body = read(text).caption or _loaded(text)  # with faults, as long as it is JSON
        told = json.dumps(body, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    return _FEW.sub(lambda each: f"[{' '.join(each[1].split())}]", told)
