"""Captions are read and mended: what is right keeps every byte, what was mended checks clean."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.caption.reading import looks_like_caption, read, read_caption, spread_out, written
from engine.caption.schema import Caption, faults_of
from tests.engine.caption.captions import CAPTIONS, JAZZ

KEYS = st.sampled_from(
    [
        *("high_level_description", "style_description", "compositional_deconstruction", "Photo"),
        *("background", "elements", "type", "bbox", "BBox", "desc", "text", "color_palette"),
        *("aesthetics", "lighting", "medium", "art style", "photo", "other"),
    ]
)
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=8,
)


@pytest.mark.slow
@given(CAPTIONS)
def test_a_valid_caption_stays_byte_equal(caption: Caption) -> None:
    text = json.dumps(caption, separators=(",", ":"), ensure_ascii=False)
    reading = read(text)
    assert reading.faults == () and reading.repairs == ()
    assert reading.text == text and reading.caption == caption
    assert spread_out(text[:-1]) == text[:-1] and spread_out(text[:-1] + ',"x":1}') != text
    spread = spread_out(text)
    assert read_caption(spread) == (text, ()) and "\n" in spread


@pytest.mark.slow
@given(CAPTIONS, st.randoms(use_true_random=False))
def test_what_is_mended_means_the_same_checks_clean_and_is_told(
    caption: Caption, random: Any
) -> None:
    def slipped(value: Any) -> Any:
        if isinstance(value, dict):
            pairs = [(key, slipped(each)) for key, each in value.items()]
            random.shuffle(pairs)
            return {key.upper() if random.random() < 0.2 else key: each for key, each in pairs}
        if isinstance(value, list):
            loose = [slipped(each) for each in value]
            return [float(n) if type(n) is int and random.random() < 0.3 else n for n in loose]
        if isinstance(value, str) and len(value) == 7 and value[0] == "#" and value[1:].isalnum():
            return random.choice([value, value.lower(), value[1:]])
        return value

    text = json.dumps(slipped(caption), indent=random.choice([None, 2]), ensure_ascii=True)
    reading = read(text)
    assert reading.faults == ()
    assert reading.repairs or reading.text == text
    again = read(reading.text)
    assert (again.repairs, again.faults, again.text) == ((), (), reading.text)
    assert reading.caption is not None and faults_of(reading.caption) == []
    assert len(reading.text) <= len(text)


@pytest.mark.slow
@given(st.one_of(ANY_JSON.map(json.dumps), st.text(max_size=60), CAPTIONS.map(str)))
def test_nothing_that_is_read_raises_and_what_is_no_caption_has_faults(text: str) -> None:
    looks_like_caption(text)
    reading = read(text)
    assert (reading.caption is None) is bool(reading.faults)
    for fault in reading.faults:
        assert str(fault).encode()
    assert reading.faults == () or reading.text == text
    if reading.caption is not None:
        assert read(written(reading.caption)).repairs == ()


@pytest.mark.slow
@given(st.text(max_size=30), st.integers(0, 400))
def test_a_caption_cut_or_torn_anywhere_is_told_of(put: str, at: int) -> None:
    text = written(JAZZ)
    reading = read(text[:at] + put + text[at + len(put) :])
    assert reading.caption is None or faults_of(reading.caption) == []


def put(path: str, value: Any) -> str:
    """The poster's caption with something else in a place."""
    body = json.loads(written(JAZZ))
    *above, last = path.split(".")
    held = body
    for part in above:
        held = held[int(part) if part.isdigit() else part]
    held[last] = value
    return written(body)


_FIRST = "compositional_deconstruction.elements.0"


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (f"{_FIRST}.bbox", [0, 0, 10], "elements[0].bbox: four whole numbers from 0 to 1000"),
        (f"{_FIRST}.bbox", [0, 0, 10, 1001], "elements[0].bbox: four whole numbers from 0"),
        (f"{_FIRST}.bbox", [0, 0, 0.5, 1], "elements[0].bbox: four whole numbers"),
        (f"{_FIRST}.bbox", [9, 0, 3, 1], "elements[0].bbox: the top (9) is below the bottom (3)"),
        (f"{_FIRST}.type", "thing", 'elements[0].type: "obj" or "text", not “thing”'),
        (f"{_FIRST}.text", "x", "elements[0].text: elements[0] has the type obj"),
        (f"{_FIRST}.colour", "x", "elements[0].colour: is not a key here"),
        (f"{_FIRST}.desc", 3, "elements[0].desc: words in quote marks, not a number"),
        ("style_description.photo", "35mm", "style_description: photo is for photographs"),
        ("style_description.color_palette", ["red"], "style_description.color_palette[0]: a colou"),
        ("style_description.color_palette", ["#000000"] * 17, "at most 16 colours, not 17"),
        ("style_description", {"photo": "x"}, "style_description.aesthetics: is missing"),
        ("compositional_deconstruction", {}, "background: is missing"),
        ("aspect_ratio", "3:2", "aspect_ratio: does not belong in a caption"),
        ("high_level_descripton", "x", "; did you mean high_level_description?"),
    ],
)
def test_a_fault_is_named_by_its_path(path: str, value: Any, fault: str) -> None:
    reading = read(put(path, value))
    assert reading.caption is None
    assert any(fault in str(each) for each in reading.faults), reading.faults


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"#0B3C49"', '"#0b3c49"', "color_palette[0] #0b3c49 → #0B3C49"),
        ('"#0B3C49"', '"036"', "color_palette[0] 036 → #003366"),
        ('"lighting":"flat",', '"Lighting":"flat",', "Lighting → lighting"),
        ("[100,200,600,800]", "[100.0,200,600,800]", "elements[0].bbox in whole numbers"),
        ('"type":"obj"', '"type":"Object"', "elements[0].type Object → obj"),
        ("]}}", "],}}", "removed commas before closing brackets"),
        ('{"high', '{"style_description":null,"high', "appears twice"),
        ("}}", "} }", "one line without spaces"),
    ],
)
def test_slips_of_one_meaning_are_mended_and_told(before: str, after: str, told: str) -> None:
    text = written(JAZZ)
    assert before in text
    reading = read(text.replace(before, after, 1))
    if told == "appears twice":
        assert told in str(reading.faults[0])
        return
    assert reading.faults == () and told in "; ".join(reading.repairs)
    assert read(reading.text).repairs == ()


def test_a_whole_answer_with_fence_and_curly_quotes_is_read() -> None:
    curly = written(JAZZ).replace('"', "”")
    reading = read(f"```json\n{curly}\n```")
    assert reading.caption == JAZZ
    assert read(f'{{"json_prompt": {written(JAZZ)}}}').caption == JAZZ


def test_broken_json_says_where_in_plain_words() -> None:
    [fault] = read(written(JAZZ).replace('","bbox"', '" "bbox"', 1)).faults
    assert "a comma is missing" in fault.message and "letter" in fault.message
    assert (
        read('{"a":' * 100_000).faults[0].message.endswith(("nested brackets", "missing here (“”)"))
    )


def test_only_what_has_a_captions_keys_is_taken_for_one() -> None:
    assert looks_like_caption(written(JAZZ)) and looks_like_caption(written(JAZZ)[:-9])
    for words in ('{"a": "cat"}', "a {red|blue} boat", "high_level_description", ""):
        assert not looks_like_caption(words)
