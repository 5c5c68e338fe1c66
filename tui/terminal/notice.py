"""Telling the person at the terminal that a session has come to its end."""

import os
from collections.abc import Mapping

from tui.graphics.tmux import passed_on
from tui.text import clean

_BY_777 = ("foot", "rxvt")
_IN_TMUX = ("tmux", "screen")


def notification(words: str, environment: Mapping[str, str] = os.environ) -> str:
    """The bell, and the escape sequence for a desktop notification that this terminal may know.

    OSC 777 for foot and urxvt; OSC 9 for kitty, iTerm2, WezTerm, Ghostty and Windows Terminal,
    which most others pass over; through tmux where it lets such things pass.

    Args:
        words: what to say; nothing in it reaches the terminal as a command.
        environment: TERM tells which terminal it is, also over ssh.
    """
    term = environment.get("TERM", "")
    text = clean(words).replace(";", ",")
    if term.startswith(_BY_777):
        return f"\x1b]777;notify;Promptsheet;{text}\x1b\\\a"
    sequence = f"\x1b]9;{text}\x1b\\"
    if term.startswith(_IN_TMUX):
        sequence = passed_on(sequence)
    return f"{sequence}\a"
