"""Captions made of words, and filled in by columns; outlines of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.caption.filling import Wishes, WordsToShow, filled, ordered_palette, plain_caption
from engine.caption.outline import boxes, gist, outline
from engine.caption.reading import read, written
from engine.caption.schema import Caption, faults_of
from tests.engine.caption.captions import BOXES, CAPTIONS, COLOURS, JAZZ, WORDS

STYLE = {"aesthetics": "a", "lighting": "b", "photo": "c", "medium": "photograph"}
WISHES = st.builds(
    Wishes,
    style=st.sampled_from([{}, STYLE]),
    palette=st.lists(COLOURS, max_size=5, unique=True).map(tuple),
    words=st.lists(st.builds(WordsToShow, st.just("text_1"), WORDS), max_size=2).map(tuple),
    places=st.dictionaries(st.sampled_from(["text_1", "subject", "a hat"]), BOXES.map(tuple)),
)


@pytest.mark.slow
@given(WORDS, WISHES)
def test_any_prompt_makes_a_caption_of_the_schema(idea: str, wishes: Any) -> None:
    caption = plain_caption(idea, wishes)
    assert faults_of(caption) == []
    assert read(written(caption)).text == written(caption)


@pytest.mark.slow
@given(CAPTIONS, WISHES, st.booleans())
def test_a_filled_caption_is_one_and_keeps_all_that_was_there(
    caption: Caption, wishes: Any, own: bool
) -> None:
    before = json.dumps(caption)
    made, _ = filled(caption, wishes, own=own)
    assert json.dumps(caption) == before, "the one that was given is left alone"
    assert faults_of(made) == []
    assert [line.label for line in outline(made)] and len(boxes(made)) <= len(
        made["compositional_deconstruction"]["elements"]
    )
    mine, there = made["compositional_deconstruction"], caption["compositional_deconstruction"]
    for old, new in zip(there["elements"], mine["elements"], strict=False):
        assert old.items() <= new.items()
    style, kept = made.get("style_description", {}), caption.get("style_description", {})
    assert all(style[key] == value for key, value in kept.items() if value)


def test_columns_fill_what_a_caption_leaves_out_and_clash_with_what_it_says() -> None:
    bare: Caption = {"compositional_deconstruction": {"background": "x", "elements": []}}
    wishes = Wishes(
        STYLE, ("#112233",), (WordsToShow("text_1", "SALE"),), {"text_1": (0, 0, 200, 1000)}
    )
    made, clashes = filled(bare, wishes, own=True)
    assert clashes == ()
    assert made["style_description"] == {**STYLE, "color_palette": ["#112233"]}
    [text] = made["compositional_deconstruction"]["elements"]
    assert (text["text"], text["bbox"]) == ("SALE", [0, 0, 200, 1000])
    assert list(made) == ["style_description", "compositional_deconstruction"]

    same, clashes = filled(JAZZ, wishes, own=True)
    assert same == JAZZ
    assert [clash.column for clash in clashes] == ["style", "color_palette", "text_1"]
    _, clashes = filled(JAZZ, Wishes(words=(WordsToShow("text_1", "jazz jam"),)), own=True)
    assert clashes == (), "the same words are no clash"


def test_a_palette_is_in_the_order_of_its_weights() -> None:
    asked = ("#aa0000:1", "#00BB00:3", "#0000CC", "#DDDDDD:0")
    assert ordered_palette(asked) == ("#00BB00", "#AA0000", "#0000CC")


def test_a_plain_prompts_caption_has_its_words_and_what_it_quotes() -> None:
    made = plain_caption('a poster that says "OPEN LATE" in neon', Wishes(palette=("#FF00FF",)))
    assert made["style_description"]["medium"] == "graphic_design"
    assert made["style_description"]["color_palette"] == ["#FF00FF"]
    kinds = [e.get("text", e["desc"]) for e in made["compositional_deconstruction"]["elements"]]
    assert kinds == [made["high_level_description"], "OPEN LATE"]
    assert plain_caption("a red boat") == plain_caption("a red boat")
    assert "style_description" not in plain_caption("a red boat")
    boat = plain_caption("a red boat", Wishes(palette=("#FF00FF",)))
    assert boat["style_description"]["medium"] == "photograph"


def test_an_outline_has_a_line_for_each_part_and_boxes_as_parts_of_the_picture() -> None:
    lines = outline(JAZZ)
    assert [line.label for line in lines] == ["", "style", "background", "1", "2 text"]
    assert lines[1].colours == ("#0B3C49", "#E3B23C")
    assert lines[4].words == "“JAZZ / JAM” Bold."
    first, second = boxes(JAZZ)
    assert (first.top, first.left, first.bottom, first.right) == (0.1, 0.2, 0.6, 0.8)
    assert (second.number, second.is_text) == (2, True)


def test_a_caption_is_named_by_what_it_shows() -> None:
    assert gist(written(JAZZ)) == JAZZ["high_level_description"]
    bare = {"compositional_deconstruction": JAZZ["compositional_deconstruction"]}
    assert gist(written(bare)) == "A flat saxophone."
    assert gist("a red boat") == "a red boat" and gist('{"a":1}') == '{"a":1}'
