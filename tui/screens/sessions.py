"""Sessions: everything made so far."""

import time
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from engine.api import LibraryError, SessionInfo, list_sessions, newest_image
from tui.desk import TakeInHand
from tui.keys import bind
from tui.screens.area import Area, state_cell
from tui.text import clean, count_text, size_text
from tui.watch import News
from tui.widgets.image_pane import ImagePane
from tui.widgets.table_layout import Column
from tui.widgets.table_source import Cell, ListSource, TableRow
from tui.widgets.virtual_table import VirtualTable

_COLUMNS = (
    Column("name", "name", 20, share=1),
    Column("when", "when", 16),
    Column("state", "state", 11),
    Column("done", "done", 11, align="right"),
    Column("size", "size", 8, align="right"),
    Column("session", "id", 6),
)
_EMPTY = "Nothing made yet. 1 is where it starts."


class SessionsScreen(Area):
    """A list of sessions, newest first; enter opens one."""

    AREA = "sessions"
    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sessions.review", "enter", "open('review')", "Review"),
        bind("sessions.jobs", "j", "open('jobs')", "Jobs", show=False),
    ]
    DEFAULT_CSS = """
    SessionsScreen #sessions-title { height: 1; padding: 0 1; }
    SessionsScreen #sessions { width: 2fr; }
    SessionsScreen #glance { width: 1fr; min-width: 24; border-left: solid $panel; }
    SessionsScreen.-narrow #glance { display: none; }
    """
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (110, "-wide"),
    ]

    def compose_area(self) -> ComposeResult:
        """Totals, table, a glance at the selected one."""
        yield Static("", id="sessions-title", markup=False)
        with Horizontal():
            yield VirtualTable(_COLUMNS, empty=_EMPTY, markable=False, id="sessions")
            yield ImagePane(id="glance")

    def on_mount(self) -> None:
        """Read the list."""
        self._load()

    def on_screen_resume(self) -> None:
        """Read it again: it may be long since."""
        self._load()

    @work(thread=True, exclusive=True, group="list")
    def _load(self) -> None:
        try:
            sessions = list_sessions(self.desk.library)
        except LibraryError as error:
            self.app.call_from_thread(
                self.notify, clean(str(error)), severity="error", markup=False
            )
        else:
            self.app.call_from_thread(self._show, sessions)

    def _show(self, sessions: list[SessionInfo]) -> None:
        table = self.query_one(VirtualTable)
        key = table.cursor_key
        table.source = ListSource(map(_table_row, sessions))
        if key is not None:
            table.go_to(key)
        size = size_text(sum(info.bytes for info in sessions))
        images = count_text(sum(info.done for info in sessions), "image")
        title = f"{count_text(len(sessions), 'session')} · {images} · {size}"
        self.query_one("#sessions-title", Static).update(Content(title))

    def tell(self, news: News) -> None:
        """A session that changed is read anew; others are left."""
        super().tell(news)
        if news.tallies and self.is_current:
            self._load()

    @on(VirtualTable.Highlighted)
    def _glance(self, event: VirtualTable.Highlighted) -> None:
        if isinstance(event.key, str):
            self._find_newest(event.key)

    @work(thread=True, exclusive=True, group="glance")
    def _find_newest(self, session: str) -> None:
        path = newest_image(self.desk.library, session)
        self.app.call_from_thread(self._show_glance, path)

    def _show_glance(self, path: Path | None) -> None:
        self.query_one(ImagePane).show(path, path.stem if path else "")

    @on(VirtualTable.Selected)
    def _selected(self) -> None:
        self.action_open("review")

    def action_open(self, area: str) -> None:
        """Take the session under the cursor in hand."""
        key = self.query_one(VirtualTable).cursor_key
        if isinstance(key, str):
            self.post_message(TakeInHand(key, area))


def _table_row(info: SessionInfo) -> TableRow:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(info.created))
    return TableRow(
        info.session,
        (
            Cell(info.name),
            Cell(when, "dim"),
            state_cell(info.state),
            Cell(f"{info.done}/{info.images}"),
            Cell(size_text(info.bytes)),
            Cell(info.session, "dim"),
        ),
    )
