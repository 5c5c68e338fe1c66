"""Which pictures this terminal can show: one question, before anything else is on the screen."""

import fcntl
import os
import re
import select
import struct
import sys
import termios
import time
import tty
from dataclasses import dataclass

_NAME = b"\x1b[>0q"
_KITTY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_CELL = b"\x1b[16t"
_ATTRIBUTES = b"\x1b[c"
"""Asked last: every terminal answers it, so its answer ends the wait for all the others."""
_PATIENCE = 2.0
_SIXEL = b"4"
_KITTY_PLACEHOLDERS = (0, 28)
"""kitty before this answers yes, but shows boxes."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the terminal says of itself."""

    protocol: str
    """`sixel`, `kitty`, `half-cells`, or `none` where there is no terminal."""
    name: str
    cell: tuple[int, int] | None
    """Width and height of a character cell in pixels, if known."""


def detect(patience: float = _PATIENCE) -> Terminal:
    """Ask the terminal. All questions go out at once, however far away it is: one round trip.

    Args:
        patience: seconds to wait for the answers.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return Terminal("none", "", None)
    answer = b"" if os.environ.get("TERM") == "dumb" else _ask(patience)
    named = re.search(rb"\x1bP>\|([^\x1b]*)\x1b", answer)
    name = named.group(1).decode(errors="replace") if named else ""
    return Terminal(_protocol(answer, name), name, _cell_size(answer))


def _ask(patience: float) -> bytes:
    # tmux and screen would take kitty's question for a window title.
    inside = os.environ.get("TERM", "").startswith(("tmux", "screen"))
    questions = _CELL + _ATTRIBUTES if inside else _NAME + _KITTY + _CELL + _ATTRIBUTES
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    answer = b""
    deadline = time.monotonic() + patience
    try:
        tty.setcbreak(terminal, termios.TCSANOW)
        os.write(sys.stdout.fileno(), questions)
        while not re.search(rb"\x1b\[\?[\d;]*c", answer):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([terminal], [], [], left)[0]:
                break
            answer += os.read(terminal, 4096)
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
    return answer


def _protocol(answer: bytes, name: str) -> str:
    attributes = re.search(rb"\x1b\[\?([\d;]*)c", answer)
    if attributes and _SIXEL in attributes.group(1).split(b";"):
        return "sixel"
    version = re.match(r"kitty\((\d+)\.(\d+)", name)
    recent = version is not None and tuple(map(int, version.groups())) >= _KITTY_PLACEHOLDERS
    placeholders = recent or name.startswith("ghostty")
    # The protocol carries a picture's number as a 24-bit colour.
    if b"\x1b_Gi=31;OK" in answer and placeholders and not os.environ.get("NO_COLOR"):
        return "kitty"
    return "half-cells"


def _cell_size(answer: bytes) -> tuple[int, int] | None:
    try:
        told = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns, width, height = struct.unpack("4H", told)
    except OSError:
        rows = columns = width = height = 0
    if rows and columns and width and height:
        return width // columns, height // rows
    size = re.search(rb"\x1b\[6;(\d+);(\d+)t", answer)
    return (int(size.group(2)), int(size.group(1))) if size else None
