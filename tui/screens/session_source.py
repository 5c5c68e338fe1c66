"""The sessions as rows of a table."""

import time
from collections.abc import Collection, Hashable, Sequence

from engine.api import SessionInfo, SessionPages
from tui.screens.area import state_cell
from tui.text import size_text
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


class SessionSource:
    """The sessions, straight from the database, a page at a time."""

    def __init__(
        self, pages: SessionPages, columns: Sequence[TableColumn], held: Collection[str] = ()
    ) -> None:
        self.pages = pages
        self.held = held
        """Sessions that wait until someone lets them go on."""
        self._columns = [column.name for column in columns]

    def count(self) -> int:
        """How many there are."""
        return len(self.pages)

    def page(self, start: int, stop: int) -> Sequence[TableRow]:
        """Sessions `start` up to `stop`."""
        return [self._table_row(info) for info in self.pages.page(start, stop)]

    def _table_row(self, info: SessionInfo) -> TableRow:
        cells = _cells(info)
        if info.state == "waiting" and info.session in self.held:
            cells["state"] = state_cell("held")
        return TableRow(info.session, tuple(cells[name] for name in self._columns))

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """Their ids."""
        return self.pages.keys(start, stop)

    def index_of(self, key: Hashable) -> int | None:
        """Where a session is."""
        return self.pages.position(key) if isinstance(key, str) else None


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
