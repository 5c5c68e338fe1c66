"""The sessions as rows of a table."""

import time
from collections.abc import Collection, Hashable, Sequence

from engine.api import SessionInfo, SessionPages
from tui.screens.area import state_cell
from tui.text import size_text
from tui.widgets.background_source import BackgroundSource
from tui.widgets.table_layout import TableColumn
from tui.widgets.table_source import Cell, TableRow

SESSION_COLUMNS = (
    TableColumn("name", "name", 16, share=3),
    TableColumn("when", "when", 16),
    TableColumn("state", "state", 11),
    TableColumn("done", "done", 9, align="right"),
    TableColumn("favourites", "★", 4, align="right"),
    TableColumn("size", "size", 8, align="right"),
    TableColumn("tags", "tags", 8, share=1),
    TableColumn("session", "id", 6),
)
NARROW_COLUMNS = ("name", "when", "state", "done", "favourites", "size")
"""The columns where there is little room."""


class SessionSource(BackgroundSource[SessionInfo]):
    """The sessions, a page at a time."""

    def __init__(self, pages: SessionPages) -> None:
        super().__init__(pages)
        self.columns: Sequence[TableColumn] = ()
        self.held: Collection[str] = ()
        """Sessions that wait until someone lets them go on."""
        self._pages_of_sessions = pages

    def key_of(self, item: SessionInfo) -> Hashable:
        """Its id."""
        return item.session

    def index_of(self, key: Hashable) -> int | None:
        """Where a session is."""
        return self._pages_of_sessions.position(key) if isinstance(key, str) else None

    def row_of(self, item: SessionInfo) -> TableRow:
        """A session with the columns there are now."""
        cells = _cells(item)
        if item.state == "waiting" and item.session in self.held:
            cells["state"] = state_cell("held")
        return TableRow(item.session, tuple(cells[column.name] for column in self.columns))


def _cells(info: SessionInfo) -> dict[str, Cell]:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(info.created))
    return {
        "name": Cell(info.name),
        "when": Cell(when, "dim"),
        "state": state_cell(info.state),
        "done": Cell(f"{info.done}/{info.images}"),
        "favourites": Cell(f"{info.favourites}" if info.favourites else "", "warning"),
        "size": Cell(size_text(info.bytes)),
        "tags": Cell(", ".join(info.tags), "dim"),
        "session": Cell(info.session, "dim"),
    }
