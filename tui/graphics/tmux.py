"""What tmux knows of the terminal around it, and what it passes on to it."""

import os
import re
import subprocess
from dataclasses import dataclass

_ASKED = (
    "#{client_termtype}",
    "#{client_termname}",
    "#{client_termfeatures}",
    "#{client_cell_width}",
    "#{client_cell_height}",
)
_PATIENCE = 1.0
_COMMAND = re.compile(r"\x1b[_\]].*?\x1b\\", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Client:
    """The terminal that tmux is shown in."""

    name: str
    """As it answers when it is asked, `kitty(0.41.1)`; else what it is called in TERM."""
    all_colours: bool
    """Whether tmux sends it colours of 24 bits."""
    cell: tuple[int, int] | None
    """Width and height of a cell in pixels, if tmux knows."""
    passes_on: bool
    """Whether tmux hands on what programs send to the terminal past it (allow-passthrough)."""


def client() -> Client | None:
    """The terminal around the tmux that this program runs in; None outside tmux."""
    pane = os.environ.get("TMUX_PANE", "")
    if not os.environ.get("TMUX"):
        return None
    where = ("-t", pane) if pane else ()
    told = _tmux("display-message", "-p", *where, "\t".join(_ASKED))
    passing = _tmux("show-options", "-A", "-p", "-v", *where, "allow-passthrough")
    parts = told.split("\t")
    if len(parts) != len(_ASKED):
        return None
    kind, name, features, width, height = parts
    known = width.isdecimal() and height.isdecimal() and int(width) > 1 and int(height) > 1
    return Client(
        name=kind or name,
        all_colours="RGB" in features.split(","),
        cell=(int(width), int(height)) if known else None,
        passes_on=passing in ("on", "all"),
    )


def _tmux(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["tmux", *arguments], capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return done.stdout.rstrip("\n")


def passed_on(sequences: str) -> str:
    """Escape sequences (OSC, APC) as tmux passes them on to the terminal around it."""
    return _COMMAND.sub(lambda found: _wrapped(found.group()), sequences)


def _wrapped(sequence: str) -> str:
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"
