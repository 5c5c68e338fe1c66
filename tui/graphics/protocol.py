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
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from tui.graphics.blocks import MORE, why_blocks
from tui.graphics.tmux import Client, client
from tui.text import clean

Protocol = Literal["sixel", "kitty", "half-cells", "none"]
Wish = Literal["auto", "sixel", "kitty", "half-cells"]
Bandwidth = Literal["auto", "low", "full"]

_NAME = b"\x1b[>0q"
_KITTY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_SAYS_KITTY = b"\x1b_Gi=31;OK"
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
    heard: bytes = b""
    """What has come of its answers, while it still owes some."""
    why: str = ""
    """Why pictures are blocks of colour, in a few words, where they are."""


_HALF_CELLS = Terminal("half-cells", "", USUAL_CELL)
_current = _HALF_CELLS
_tell: Callable[[], object] | None = None
"""Told of answers that came late; None: nobody asked to be."""


def current() -> Terminal:
    """The terminal as `prepare_terminal` found it.

    Half-cells, with a cell of the usual size, until then: so for tests and for SVG pictures.
    """
    return _current


def pictures_words() -> str:
    """How pictures are shown, and why not better; with where to read more."""
    if _current.protocol != "half-cells":
        return f"real pictures ({_current.protocol})"
    return f"coloured blocks, because {_current.why}; {MORE}" if _current.why else "coloured blocks"


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

        begun = _UNFINISHED.search(terminal.heard)
        held = begun.group().decode(errors="replace") if begun else ""
        swallow_late_answers(held, partial(_take_late, wish, terminal.heard))
    return terminal


def tell_when_answered(tell: Callable[[], object]) -> None:
    """Have `tell` called, in any thread, when `current` is another one by answers that came late.

    That may be at once: they came before anyone asked.
    """
    global _tell
    _tell = tell
    if _current.answered and _current.heard:
        tell()


def _take_late(wish: Wish, heard: bytes, late: str) -> None:
    """Go by answers that nobody waited for any more."""
    global _current
    answer = heard + late.encode()
    found = _terminal(answer, wish)
    _current = replace(
        _current,
        protocol=found.protocol,
        name=found.name,
        cell=found.cell or _current.cell,
        answered=True,
        tells_focus=found.tells_focus,
        heard=answer,
        why=found.why,
    )
    if _tell is not None:
        _tell()


def detect(patience: float = _PATIENCE, wish: Wish = "auto") -> Terminal:
    """Ask the terminal. All questions go out at once, however far away it is: one round trip.

    Args:
        patience: seconds to wait for the answers.
        wish: a protocol the user insists on; then nothing is asked that is known without.
    """
    if not (_is_terminal(sys.__stdin__) and _is_terminal(sys.__stdout__)):
        return Terminal("none", "", None)
    told = _told_cell_size()
    if wish == "half-cells":
        return Terminal("half-cells", "", told, why="app.images says so")
    if os.environ.get("TERM") == "dumb":
        return Terminal("half-cells", "", told, why="TERM is dumb")
    around = client() if wish in ("auto", "kitty") and _in_multiplexer() else None
    if around is not None and around.passes_on and around.all_colours and _shows(around.name):
        why = "NO_COLOR is set" if _possible("kitty") == "half-cells" else ""
        name, cell = clean(around.name), told or around.cell
        return Terminal(_possible("kitty"), name, cell, tmux=True, why=why)
    if wish != "auto" and told:
        return Terminal(_possible(wish), "", told, tmux=_in_tmux())
    return _terminal(_ask(patience), wish, around)


def _terminal(answer: bytes, wish: Wish, around: Client | None = None) -> Terminal:
    """What a terminal's answers say of it; `around`: the one that tmux is shown in."""
    named = re.search(rb"\x1bP>\|([^\x1b]*)\x1b", answer)
    name = clean(named.group(1).decode(errors="replace")) if named else ""
    protocol = _possible(_protocol(answer, name) if wish == "auto" else wish)
    answered = _FENCE.search(answer) is not None
    terminal = Terminal(
        protocol,
        name,
        _told_cell_size() or _answered_cell_size(answer),
        answered=answered,
        tmux=_in_tmux(),
        tells_focus=_TELLS_FOCUS.search(answer) is not None,
        heard=b"" if answered else answer,
    )
    if protocol != "half-cells":
        return terminal
    inner = _SAYS_KITTY in answer and _shows(name)
    kitty = inner or (around is not None and _shows(around.name))
    why = why_blocks(name, answered=answered, kitty=kitty, around=around, in_tmux=terminal.tmux)
    return replace(terminal, why=why)


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
        if _FENCE.search(answer):  # else what comes now is awaited by the app
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
    return "kitty" if _SAYS_KITTY in answer and _shows(name) else "half-cells"


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
