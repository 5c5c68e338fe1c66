"""Which pictures this terminal can show: one question, before anything else is on the screen.

Nothing here imports textual: what is found out decides how it is set up.
"""

import fcntl
import os
import re
import select
import struct
import sys
import termios
import time
import tty
from dataclasses import dataclass, replace
from typing import Literal

from tui.graphics.tmux import client
from tui.text import clean

Protocol = Literal["sixel", "kitty", "half-cells", "none"]
Wish = Literal["auto", "sixel", "kitty", "half-cells"]
Bandwidth = Literal["auto", "low", "full"]

_NAME = b"\x1b[>0q"
_KITTY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_CELL = b"\x1b[16t"
_FOCUS = b"\x1b[?1004$p"
_ATTRIBUTES = b"\x1b[c"
"""Asked last: every terminal answers it, so its answer ends the wait for all the others."""
_FENCE = re.compile(rb"\x1b\[\?[\d;]*c")
_TELLS_FOCUS = re.compile(rb"\x1b\[\?1004;[123]\$y")
_UNFINISHED = re.compile(rb"\x1b(\[[\d;?]*\$?|[P_](?:[^\x1b]|\x1b(?!\\))*)?$")
_PATIENCE = 2.0
_TAIL_PATIENCE = 0.1
"""Seconds to wait for the rest of an answer that has begun after the fence."""
_SIXEL = b"4"
_KITTY_PLACEHOLDERS = (0, 28)
"""kitty before this answers yes, but shows boxes."""
USUAL_CELL = (10, 20)
"""Width and height in pixels taken where nobody knows better."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the terminal says of itself."""

    protocol: Protocol
    """`none` where there is no terminal."""
    name: str
    cell: tuple[int, int] | None
    """Width and height of a character cell in pixels, if known."""
    answered: bool = True
    """Whether nothing more is to come: false if the terminal still owes answers."""
    bandwidth: Bandwidth = "auto"
    """What the user says of the line to it: with "low", pictures should cost few bytes."""
    tmux: bool = False
    """Whether tmux is between, so that it has to pass on what is not text."""
    tells_focus: bool = False
    """Whether it is known to tell when it gets and loses the focus. Others may: tmux says nothing
    of it before it does."""


_HALF_CELLS = Terminal("half-cells", "", USUAL_CELL)
_current = _HALF_CELLS


def current() -> Terminal:
    """The terminal as `prepare_terminal` found it.

    Half-cells, with a cell of the usual size, until then: so for tests and for SVG pictures.
    """
    return _current


def cell_size() -> tuple[int, int]:
    """Width and height of a character cell in pixels, now: a terminal's font can change."""
    if _current == replace(_HALF_CELLS, bandwidth=_current.bandwidth):
        return USUAL_CELL
    return _told_cell_size() or _current.cell or USUAL_CELL


def take_bandwidth(bandwidth: Bandwidth) -> None:
    """From now on the line is spared, or used as it is."""
    global _current
    _current = replace(_current, bandwidth=bandwidth)


def prepare_terminal(wish: Wish = "auto", patience: float = _PATIENCE) -> Terminal:
    """Decide how pictures are shown. Call it once, before the first import of textual.

    Args:
        wish: a protocol the user insists on.
        patience: seconds to wait for the terminal's answers.
    """
    global _current
    terminal = detect(patience, wish)
    _current = terminal if terminal.protocol != "none" else _HALF_CELLS
    if terminal.protocol == "kitty":
        # The picture's number travels as a 24-bit colour, and ssh does not pass COLORTERM on.
        os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
    if not terminal.answered:
        from tui.graphics.late import swallow_late_answers

        swallow_late_answers()
    return terminal


def detect(patience: float = _PATIENCE, wish: Wish = "auto") -> Terminal:
    """Ask the terminal. All questions go out at once, however far away it is: one round trip.

    Args:
        patience: seconds to wait for the answers.
        wish: a protocol the user insists on; then nothing is asked that is known without.
    """
    if not (_is_terminal(sys.__stdin__) and _is_terminal(sys.__stdout__)):
        return Terminal("none", "", None)
    told = _told_cell_size()
    if wish == "half-cells" or os.environ.get("TERM") == "dumb":
        return Terminal("half-cells", "", told)
    around = client() if wish in ("auto", "kitty") and _in_multiplexer() else None
    if around is not None and around.passes_on and around.all_colours and _shows(around.name):
        return Terminal(_possible("kitty"), clean(around.name), told or around.cell, tmux=True)
    if wish != "auto" and told:
        return Terminal(_possible(wish), "", told, tmux=_in_tmux())
    answer = _ask(patience)
    named = re.search(rb"\x1bP>\|([^\x1b]*)\x1b", answer)
    name = clean(named.group(1).decode(errors="replace")) if named else ""
    protocol = _protocol(answer, name) if wish == "auto" else wish
    answered = _FENCE.search(answer) is not None
    terminal = Terminal(_possible(protocol), name, told or _answered_cell_size(answer))
    tells = _TELLS_FOCUS.search(answer) is not None
    return replace(terminal, answered=answered, tmux=_in_tmux(), tells_focus=tells)


def _is_terminal(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)
    return isatty is not None and bool(isatty())


def _possible(protocol: Protocol) -> Protocol:
    # Without colours kitty's pictures lose their numbers.
    return "half-cells" if protocol == "kitty" and os.environ.get("NO_COLOR") else protocol


def _in_tmux() -> bool:
    return _in_multiplexer() and not os.environ.get("STY")


def _in_multiplexer() -> bool:
    term = os.environ.get("TERM", "")
    if term.startswith(("tmux", "screen")):
        return True
    # tmux can call itself xterm; a kitty started from inside tmux inherits its variables.
    inherited = "kitty" in term or "ghostty" in term
    return not inherited and bool(os.environ.get("TMUX") or os.environ.get("STY"))


def _ask(patience: float) -> bytes:
    # tmux and screen would take kitty's question for a window title.
    asked = (_CELL,) if _in_multiplexer() else (_NAME, _KITTY, _CELL, _FOCUS)
    source = sys.__stdin__.fileno()  # type: ignore[union-attr]
    before = termios.tcgetattr(source)
    answer = b""
    deadline = time.monotonic() + patience
    try:
        tty.setcbreak(source, termios.TCSANOW)
        os.write(sys.__stdout__.fileno(), b"".join(asked) + _ATTRIBUTES)  # type: ignore[union-attr]
        while not _FENCE.search(answer) and (more := _read(source, deadline)):
            answer += more
        # What comes behind the fence must not be left for the app to take for keys.
        deadline = time.monotonic() + _TAIL_PATIENCE
        while more := _read(source, deadline if _UNFINISHED.search(answer) else 0):
            answer += more
        termios.tcflush(source, termios.TCIFLUSH)
    finally:
        termios.tcsetattr(source, termios.TCSANOW, before)
    return answer


def _read(source: int, deadline: float) -> bytes:
    left = max(0.0, deadline - time.monotonic())
    return os.read(source, 4096) if select.select([source], [], [], left)[0] else b""


def _protocol(answer: bytes, name: str) -> Protocol:
    attributes = re.search(rb"\x1b\[\?([\d;]*)c", answer)
    if attributes and _SIXEL in attributes.group(1).split(b";"):
        return "sixel"
    return "kitty" if b"\x1b_Gi=31;OK" in answer and _shows(name) else "half-cells"


def _shows(name: str) -> bool:
    """Whether the terminal of this name shows kitty's pictures in placeholder cells."""
    version = re.match(r"kitty\((\d+)\.(\d+)", name)
    recent = version is not None and tuple(map(int, version.groups())) >= _KITTY_PLACEHOLDERS
    return recent or name.startswith("ghostty")


def _told_cell_size() -> tuple[int, int] | None:
    """The kernel's word, if the terminal has told it: it takes no round trip."""
    try:
        told = fcntl.ioctl(sys.__stdout__.fileno(), termios.TIOCGWINSZ, b"\0" * 8)  # type: ignore[union-attr]
    except OSError:
        return None
    rows, columns, width, height = struct.unpack("4H", told)
    if not (rows and columns):
        return None
    return _plausible(width // columns, height // rows)


def _answered_cell_size(answer: bytes) -> tuple[int, int] | None:
    size = re.search(rb"\x1b\[6;(\d{1,4});(\d{1,4})t", answer)
    return _plausible(int(size.group(2)), int(size.group(1))) if size else None


def _plausible(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if 1 < width < 200 and 2 < height < 400 else None
