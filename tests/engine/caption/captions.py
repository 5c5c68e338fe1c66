"""Captions for the tests: one by hand, and any that hypothesis makes."""

from typing import Any

from hypothesis import strategies as st

from engine.caption.schema import MOST_COLOURS, MOST_COLOURS_EACH, Caption

JAZZ: Caption = {
    "high_level_description": "A minimalist jazz poster.",
    "style_description": {
        "aesthetics": "minimal, bold",
        "lighting": "flat",
        "medium": "graphic_design",
        "art_style": "flat vector",
        "color_palette": ["#0B3C49", "#E3B23C"],
    },
    "compositional_deconstruction": {
        "background": "Solid deep teal.",
        "elements": [
            {"type": "obj", "bbox": [100, 200, 600, 800], "desc": "A flat saxophone."},
            {"type": "text", "bbox": [620, 100, 800, 900], "text": "JAZZ\nJAM", "desc": "Bold."},
        ],
    },
}

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06X}")
_SIDES = st.lists(st.integers(0, 1000), min_size=2, max_size=2).map(sorted)
BOXES = st.tuples(_SIDES, _SIDES).map(lambda s: [s[0][0], s[1][0], s[0][1], s[1][1]])


def _objects(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects with these keys, in this order."""
    return st.tuples(*parts.values()).map(lambda values: dict(zip(parts, values, strict=True)))


def _element(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    says = {"text": WORDS, "desc": WORDS} if kind == "text" else {"desc": WORDS}
    colours = {"color_palette": st.lists(COLOURS, max_size=MOST_COLOURS_EACH)}
    made = [
        _objects(type=st.just(kind), **box, **says, **more)
        for box in ({}, {"bbox": BOXES})
        for more in ({}, colours)
    ]
    return st.one_of(made)


def _style(*keys: str) -> st.SearchStrategy[dict[str, Any]]:
    said = dict.fromkeys(keys, WORDS)
    palette = st.lists(COLOURS, max_size=MOST_COLOURS)
    return st.one_of(_objects(**said), _objects(**said, color_palette=palette))


_COMPOSITIONS = _objects(
    background=WORDS,
    elements=st.lists(st.one_of(_element("obj"), _element("text")), max_size=4),
)
_STYLES = st.one_of(
    _style("aesthetics", "lighting", "photo", "medium"),
    _style("aesthetics", "lighting", "medium", "art_style"),
)
CAPTIONS: st.SearchStrategy[Caption] = st.one_of(
    [
        _objects(**described, **styled, compositional_deconstruction=_COMPOSITIONS)
        for described in ({}, {"high_level_description": WORDS})
        for styled in ({}, {"style_description": _STYLES})
    ]
)
"""All that the schema allows."""
