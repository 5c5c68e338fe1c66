import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from textual.color import Color

from tui.terminal.escape_filter import EscapeFilter, is_stand_in
from tui.text import HIDDEN, JOINERS, clean, count_text, shorten, size_text, time_text


@given(st.text())
def test_nothing_that_a_terminal_obeys_gets_through(text: str) -> None:
    cleaned = clean(text)
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in cleaned)
    assert not set(cleaned) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
    )
    assert not set(cleaned) & set("\u2028\u2029\ufeff")
    assert len(cleaned) == len(text), "something vanished instead of being shown"


@pytest.mark.parametrize(
    "text", ["a red boat", "日本の船", "قارب أحمر", "👩\u200d🚀 café", "[red]x[/]"]
)
def test_prompts_of_all_languages_are_left_alone(text: str) -> None:
    assert clean(text) == text


def test_a_line_break_stays_visible_and_a_tab_is_a_space() -> None:
    assert clean("a\nb\tc\x1b[31m") == "a↵b c␛[31m"


def test_amounts_read_as_people_say_them() -> None:
    assert [size_text(n) for n in (0, 999, 2400, 24000, 1.9e9, 3e13)] == [
        "0 bytes",
        "999 bytes",
        "2.4 kB",
        "24 kB",
        "1.9 GB",
        "30000 GB",
    ]
    assert [time_text(n) for n in (3.2, 89, 600, 12000)] == [
        "3 s",
        "89 s",
        "about 10 min",
        "about 3 h 20 min",
    ]
    assert [count_text(n, "image") for n in (0, 1, 2000)] == ["0 images", "1 image", "2,000 images"]
    assert shorten("a long prompt", 6) == "a lon…"


@given(st.text())
def test_the_last_wall_lets_nothing_through_and_keeps_the_width(text: str) -> None:
    wall, black = EscapeFilter(), Color(0, 0, 0)
    (shown,) = wall.apply([Segment(text)], black)
    seen = [c for c in shown.text if c not in JOINERS and not is_stand_in(c)]  # that is a blank
    assert not {unicodedata.category(c) for c in seen} & HIDDEN
    assert cell_len(shown.text) == cell_len(text)


def test_the_last_wall_leaves_sixels_alone() -> None:
    control = Segment("\x1bPq...", None, ((ControlType.CURSOR_FORWARD, 0),))
    assert EscapeFilter().apply([control, Segment("\x1b")], Color(0, 0, 0))[0] == control


def test_no_text_gets_through_the_last_wall_by_looking_like_a_picture() -> None:
    (shown,) = EscapeFilter().apply([Segment("\U0010eeee\x1b]0;owned\x07")], Color(0, 0, 0))
    assert "\x1b" not in shown.text
    assert "\x07" not in shown.text
