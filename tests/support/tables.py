"""Tables without a screen around."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip

from tui.widgets.table_lines import TableColumn
from tui.widgets.virtual_table import VirtualTable

SIZE = (80, 24)


COLUMNS = [
    TableColumn("row", "row", 8, align="right"),
    TableColumn("prompt", "prompt", 20, share=1),
    TableColumn("state", "state", 12),
]


class TableApp(App[None]):
    def __init__(self, table: VirtualTable) -> None:
        super().__init__()
        self.table = table
        self.said: list[Message] = []
        self.escaped = 0

    BINDINGS = [("escape", "escaped", "Escaped")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield self.table

    def action_escaped(self) -> None:
        self.escaped += 1

    @on(VirtualTable.Highlighted)
    @on(VirtualTable.Selected)
    @on(VirtualTable.MarksChanged)
    @on(VirtualTable.SortRequested)
    def hear(self, message: Message) -> None:
        self.said.append(message)

    def heard(self, kind: type[Message]) -> list[Message]:
        return [message for message in self.said if isinstance(message, kind)]


@asynccontextmanager
async def shown(
    table: VirtualTable, size: tuple[int, int] = SIZE
) -> AsyncIterator[tuple[TableApp, Pilot[None]]]:
    app = TableApp(table)
    async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
        table.focus()
        await pilot.pause()
        yield app, pilot


def strips(table: VirtualTable) -> list[Strip]:
    """What is seen; the cells under the scrollbars are not."""
    return [table.render_line(y) for y in range(table.scrollable_content_region.height)]


def lines(table: VirtualTable) -> list[str]:
    return [strip.text for strip in strips(table)]


def spy(table: VirtualTable, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lines that render_line is asked for from now on."""
    asked: list[int] = []
    draw = table.render_line

    def noting(y: int) -> Strip:
        asked.append(y)
        return draw(y)

    monkeypatch.setattr(table, "render_line", noting)
    return asked
