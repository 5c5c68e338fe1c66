"""The end of a session, told to the terminal in its own way and in no other."""

import re

import pytest

from tui.terminal.notice import notification

EVIL = "a\x1b]0;owned\x07;b\x9c\x1b\\ name"


@pytest.mark.parametrize(
    ("term", "begins"),
    [
        ("foot", "\x1b]777;notify;Promptsheet;"),
        ("rxvt-unicode-256color", "\x1b]777;notify;Promptsheet;"),
        ("xterm-kitty", "\x1b]9;"),
        ("xterm-256color", "\x1b]9;"),
        ("tmux-256color", "\x1bPtmux;\x1b\x1b]9;"),
        ("", "\x1b]9;"),
    ],
)
def test_each_terminal_gets_one_sequence_and_the_bell(term: str, begins: str) -> None:
    told = notification("done", {"TERM": term})
    assert told.startswith(begins)
    assert told.endswith("\x1b\\\a")
    assert told.count("done") == 1


@pytest.mark.parametrize("term", ["foot", "xterm", "tmux"])
def test_a_hostile_name_ends_no_sequence_early(term: str) -> None:
    harmless = notification("x", {"TERM": term})
    told = notification(EVIL, {"TERM": term})
    controls = re.compile(r"[\x00-\x1f\x7f-\x9f]")
    assert controls.findall(told) == controls.findall(harmless)
