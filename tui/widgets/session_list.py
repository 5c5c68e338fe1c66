"""The sessions that have work left, in the order in which they are rendered."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from engine.api import SessionInfo
from tui.glyphs import GLYPHS
from tui.text import shorten

_MOST = 4
_NAME = 40


class SessionList(Static):
    """A line a session; hidden while there is nothing to choose from."""

    DEFAULT_CSS = """
    SessionList { display: none; height: auto; max-height: 5; padding: 0 1; color: $text-muted;
                  border-bottom: solid $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    SessionList.-several { display: block; }
    """

    @dataclass
    class Chosen(Message):
        """A line was clicked."""

        session: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id, markup=False)
        self.sessions: Sequence[SessionInfo] = ()
        self._first = 0

    def show(self, sessions: Sequence[SessionInfo], here: str | None) -> None:
        """Show the sessions with work left; `here` is the one in hand."""
        self.sessions = sessions
        self.set_class(len(sessions) > 1, "-several")
        place = next((i for i, info in enumerate(sessions) if info.session == here), 0)
        self._first = max(0, min(place - 1, len(sessions) - _MOST))
        shown = sessions[self._first : self._first + _MOST]
        lines = [self._line(info, info.session == here) for info in shown]
        self.update(Content("\n").join(lines))

    def _line(self, info: SessionInfo, here: bool) -> Content:
        mark = "▸" if here else " "
        words = (
            f"{mark} {GLYPHS[info.state]} {shorten(info.name, _NAME)}  {info.done}/{info.images}"
        )
        more = len(self.sessions) - _MOST
        note = f"   and {more} more" if here and more > 0 else ""
        return Content.assemble((words, "$text" if here else ""), (note, "dim"))

    def neighbour(self, here: str | None, step: int) -> str | None:
        """The session `step` lines below (above, if negative) the one in hand."""
        keys = [info.session for info in self.sessions]
        if not keys:
            return None
        place = keys.index(here) if here in keys else -1
        return keys[(place + step) % len(keys)]

    def on_click(self, event: Click) -> None:
        """Take it in hand."""
        line = self._first + event.y
        if 0 <= line < len(self.sessions):
            self.post_message(self.Chosen(self.sessions[line].session))
