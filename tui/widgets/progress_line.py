"""How far a session is: a bar, counts, pace, and when it will be done."""

import time
from dataclasses import dataclass

from textual.content import Content
from textual.widgets import Static

from engine.api import Pace, SessionInfo, Tally
from tui.engine_status import Doing, EngineStatus
from tui.glyphs import GLYPHS
from tui.keys import key_of
from tui.state_words import bar
from tui.text import clean, count_text, shorten, time_text

_BAR = 20
_SHORT_BAR = 10
_NARROW = 90
_NAME = 32


@dataclass(frozen=True, slots=True)
class SessionProgress:
    """Where a session stands."""

    info: SessionInfo
    counts: Tally
    pace: Pace | None
    held: bool
    """Whether it waits until someone lets it go on."""
    status: EngineStatus
    """What the engine does: time left is only known while it renders."""
    hint: str
    """What can be done about it; the first to go where room is short."""


def end_words(counts: Tally, seconds: float) -> list[str]:
    """What came of a session at its end: `833/836 made`, `✗ 3 failed`, `took about 41 min`.

    Args:
        counts: of its images.
        seconds: how long it took; 0 where nothing was made.
    """
    words = [f"{counts.done:,}/{counts.images:,} made"]
    words += [f"{GLYPHS['failed']} {counts.failed:,} failed"] if counts.failed else []
    return [*words, f"took {time_text(seconds)}"] if seconds else words


class ProgressLine(Static):
    """One line."""

    DEFAULT_CSS = """
    ProgressLine { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, empty: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(empty, id=id, markup=False)
        self._empty = empty
        self._standing: SessionProgress | None = None
        self._shown: Content | None = None
        self.is_cut = False
        """Whether there is no room for why nothing is rendered."""

    def show(self, standing: SessionProgress | None) -> None:
        """Show where a session stands; None: there is none."""
        self._standing = standing
        line = Content(self._empty) if standing is None else self._line(standing)
        if line != self._shown:
            self._shown = line
            self.update(line, layout=False)

    def on_resize(self) -> None:
        """What does not fit is left out."""
        if self._standing is not None:
            self.show(self._standing)

    def _line(self, standing: SessionProgress) -> Content:
        self.is_cut = False
        counts, room = standing.counts, self.content_size.width
        width = _BAR if room >= _NARROW else _SHORT_BAR
        over, rest = bar(counts, width)
        if counts.settled and not counts.stopped:
            parts = end_words(counts, standing.info.seconds)
        else:
            parts = [f"{counts.done:,}/{counts.images:,}"]
            states = {"failed": counts.failed, "stopped": counts.stopped, "waiting": counts.waiting}
            parts += [f"{GLYPHS[state]} {n:,} {state}" for state, n in states.items() if n]
        if counts.waiting and counts.rewriting:
            parts.insert(
                1,
                (
                    f"{GLYPHS['rewriting']} rewriting prompts of"
                    f" {count_text(counts.rewriting, 'image')}"
                ),
            )
        working = not counts.settled
        status, now = standing.status, time.monotonic()
        if working and not standing.held and status.doing not in (Doing.RENDERING, Doing.IDLE):
            # That nothing is rendered goes before all counts; why, as far as there is room.
            fits = room - width - len(parts[0]) - _NAME // 2
            parts.insert(1, status.fitting(fits, now))
            self.is_cut = clean(status.why_still) not in parts[1]
        elif working and not standing.held:
            parts[1:1] = status.pace_words(standing.pace, now)
        if standing.held:
            parts.insert(1, f"{GLYPHS['held']} held: {key_of('jobs.resume')} resumes it")
        while len(parts) > 1 and len("   ".join(parts)) + width + 12 > room:
            parts.pop()
        text = "   ".join(parts)
        left = room - width - len(text) - 4
        name = shorten(clean(standing.info.name), max(8, min(_NAME, left)))
        line = Content.assemble(
            f"{name}  ", (over, "$text-primary"), (rest, "$foreground 30%"), f"  {text}"
        )
        gap = room - line.cell_length - len(standing.hint)
        return line if gap < 2 else Content.assemble(line, " " * gap, (standing.hint, "dim"))
