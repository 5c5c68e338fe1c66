"""Where things are in a picture, as a cell says it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.caption.filling import Wishes, WordsToShow, plain_caption
from engine.caption.layout import LayoutError, read_layout
from engine.caption.schema import faults_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("text_1: top", {"text_1": (50, 50, 300, 950)}),
        ("Text_1 : Bottom Left\n", {"text_1": (700, 50, 950, 480)}),
        ("subject: center", {"subject": (350, 270, 650, 730)}),
        ("text_2: full", {"text_2": (0, 0, 1000, 1000)}),
        ("a red balloon: 100 700 300 900", {"a red balloon": (100, 700, 300, 900)}),
        ("subject: 10% 20%, 50%, 90%;;", {"subject": (100, 200, 500, 900)}),
        ("subject: left", {"subject": (50, 50, 950, 480)}),
        ("  ", {}),
    ],
)
def test_places_are_words_or_four_numbers(text: str, found: dict[str, object]) -> None:
    assert dict(read_layout(text)) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("landscape", "does not say what goes where"),
        ("text_1: nowhere", "is not a place"),
        ("text_1: top bottom", "is not a place"),
        ("text_1: 300 0 100 50", "is not a box"),
        ("text_1: 0 0 1001 50", "is not a box"),
        ("text_1: top; TEXT_1: left", "has two places"),
        (": top", "does not say what goes where"),
    ],
)
def test_what_is_no_layout_says_why(text: str, told: str) -> None:
    with pytest.raises(LayoutError, match=told):
        read_layout(text)


@given(st.text("abt_1:; 0123%top left\n,", max_size=40))
def test_any_layout_is_refused_or_makes_boxes_of_the_schema(text: str) -> None:
    try:
        places = dict(read_layout(text))
    except LayoutError:
        return
    words = (WordsToShow("text_1", "A"), WordsToShow("text_2", "B"))
    assert faults_of(plain_caption("a boat", Wishes(words=words, places=places))) == []
