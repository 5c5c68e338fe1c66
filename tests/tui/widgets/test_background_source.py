"""Rows that come from a thread: which are read first, what is shown meanwhile, where one lands."""

import threading
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from textual.app import App
from textual.pilot import Pilot

from engine.api import LibraryError
from tests.support.screens import until
from tests.support.tables import COLUMNS, lines, shown, spy
from tui.widgets.background_source import BackgroundSource, LoadedPage
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import TableCell, TableRow
from tui.widgets.virtual_table import VirtualTable

SIZE = BackgroundSource.SIZE


@dataclass(frozen=True)
class Boat:
    number: int
    version: int = 0


class Disk:
    """Boats, by the page; it can be held up, and fail."""

    def __init__(self, count: int = 100_000) -> None:
        self.count = count
        self.asked: list[int] = []
        self.threads: set[int] = set()
        self.versions: dict[int, int] = {}
        self.gone: set[int] = set()
        self.fails = self.closed = False
        self.go_on, self.reached = threading.Event(), threading.Event()
        self.go_on.set()

    def __len__(self) -> int:
        return self.count

    def page(self, start: int, stop: int) -> Sequence[Boat]:
        assert not self.closed
        self.asked.append(start // SIZE)
        self.threads.add(threading.get_ident())
        found = [Boat(n, self.versions.get(n, 0)) for n in range(start, stop) if n not in self.gone]
        self.reached.set()
        assert self.go_on.wait(20)
        if self.fails:
            raise LibraryError("the disk is gone")
        return found

    def keys(self, start: int, stop: int) -> Sequence[int]:
        return range(start, min(stop, self.count))

    def close(self) -> None:
        self.closed = True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is answered meanwhile."""
        self.reached.clear()
        self.go_on.clear()
        try:
            yield
        finally:
            self.go_on.set()


class Boats(BackgroundSource[Boat]):
    def __init__(self, disk: Disk) -> None:
        super().__init__(disk)
        self.columns: Sequence[TableColumn] = COLUMNS

    def key_of(self, item: Boat) -> Hashable:
        return item.number

    def index_of(self, key: Hashable) -> int | None:
        return key if isinstance(key, int) and 0 <= key < self.count() else None

    def row_of(self, item: Boat) -> TableRow:
        cells = {"row": f"{item.number}", "prompt": "a boat", "state": f"v{item.version}"}
        return TableRow(item.number, tuple(TableCell(cells[c.name]) for c in self.columns))


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.go_on.set()


def loading(table: VirtualTable) -> int:
    return sum("…" in line for line in lines(table))


async def all_there(pilot: Pilot[None], table: VirtualTable) -> None:
    await until(pilot, lambda: not loading(table))


async def test_rows_are_painted_as_loading_and_come(disk: Disk) -> None:
    source = Boats(disk)
    with disk.held():
        table = VirtualTable(COLUMNS)
        async with shown(table) as (app, pilot):
            table.source = source
            await until(pilot, disk.reached.is_set)
            assert loading(table) == len(table.visible_rows)
            assert table.cursor_key is None
            await pilot.press("j", "j")
            disk.go_on.set()
            await all_there(pilot, table)
            assert table.cursor_key == 2
            heard = app.heard(VirtualTable.Highlighted)[-1]
            assert isinstance(heard, VirtualTable.Highlighted) and heard.key == 2
            assert len(disk.threads) == 1 and threading.get_ident() not in disk.threads
            source.close()
            await until(pilot, lambda: disk.closed)


async def test_only_the_rows_that_came_are_repainted(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, table = Boats(disk), VirtualTable(COLUMNS)
    async with shown(table) as (_, pilot):
        table.source = source
        table.go_to(SIZE - 3)
        await all_there(pilot, table)
        first = table.visible_rows.start
        asked = spy(table, monkeypatch)
        disk.versions = {first + 4: 1, first + 6: 1, 5000: 1}
        source.renew([first + 4, 5000])
        table.refresh_rows([first + 4, 5000])
        await until(pilot, lambda: "v1" in table.render_line(7).text)
        await pilot.pause()
        assert set(asked) - {7} == {5}, "all of a page is news; line 7 was looked at by the test"
        source.close()


async def test_a_jump_lands_at_once_and_what_was_asked_for_last_is_read_first(disk: Disk) -> None:
    source, table = Boats(disk), VirtualTable(COLUMNS)
    async with shown(table) as (_, pilot):
        table.source = source
        await all_there(pilot, table)
        with disk.held():
            table.go_to(30_000)
            await until(pilot, disk.reached.is_set)
            before = len(disk.asked)
            for key in range(31_000, 50_000, 1000):
                table.go_to(key)
                assert table.cursor_index == key and key in table.visible_rows
                await pilot.pause()
        await all_there(pilot, table)
        assert table.cursor_key == 49_000
        seen = {table.visible_rows.start // SIZE, (table.visible_rows.stop - 1) // SIZE}
        read = disk.asked[before:]
        assert set(read[: len(seen)]) == seen
        await until(pilot, lambda: {min(seen) - 1, max(seen) + 1} <= set(disk.asked))
        assert len(disk.asked[before:]) < 19, "overtaken ones are not read"
        await pilot.press("pagedown", "pageup", "pagedown")
        assert not loading(table), "the page beside was read in advance"
        source.close()


async def test_what_changes_while_it_is_read_is_read_again(disk: Disk) -> None:
    source, table = Boats(disk), VirtualTable(COLUMNS)
    async with shown(table) as (_, pilot):
        with disk.held():
            table.source = source
            await until(pilot, disk.reached.is_set)
            assert disk.asked == [0], "what is seen comes first"
            disk.versions = {0: 7}
            source.renew([0])
            table.refresh_rows([0])
        await until(pilot, lambda: "v7" in table.render_line(1).text)
        source.close()


async def test_rows_stay_as_they_were_until_they_come_and_other_columns_need_no_reading(
    disk: Disk,
) -> None:
    source, table = Boats(disk), VirtualTable(COLUMNS)
    async with shown(table) as (_, pilot):
        table.source = source
        await until(pilot, lambda: {0, 1} <= set(disk.asked))
        await all_there(pilot, table)
        with disk.held():
            disk.versions = dict.fromkeys(range(200), 1)
            source.renew()
            table.reload()
            await until(pilot, disk.reached.is_set)
            assert not loading(table) and "v0" in table.render_line(1).text
            table.columns = source.columns = COLUMNS[::-1]
            table.reload()
            assert not loading(table) and table.render_line(1).text.startswith("▌ v0")
        await until(pilot, lambda: table.render_line(1).text.startswith("▌ v1"))
        source.close()


async def test_a_page_is_read_in_advance_where_one_will_be_and_before_it_is_shown(
    disk: Disk,
) -> None:
    source, table = Boats(disk), VirtualTable(COLUMNS)
    source.prime(70_000)
    async with shown(table) as (_, pilot):
        with disk.held():
            table.source = source
            table.go_to(70_000)
            await pilot.pause()
            assert table.cursor_key == 70_000 and not loading(table)
        source.close()


async def test_what_was_deleted_or_cannot_be_read_breaks_nothing(disk: Disk) -> None:
    disk.gone = {1, 2}
    source, table = Boats(disk), VirtualTable(COLUMNS)
    async with shown(table) as (_, pilot):
        disk.fails = True
        table.source = source
        await until(pilot, lambda: 0 in disk.asked)
        assert loading(table) == len(table.visible_rows)
        disk.fails = False
        await pilot.press("j", "j", "j")  # looking at them asks again
        await until(pilot, lambda: loading(table) == 2)
        assert table.cursor_key == 3 and "3" in table.render_line(4).text, "in its own place"
        source.close()


async def test_pages_of_a_source_that_was_replaced_are_not_shown(disk: Disk) -> None:
    other = Disk(5)
    table = VirtualTable(COLUMNS)
    async with shown(table) as (app, pilot):
        with disk.held():
            old = Boats(disk)
            table.source = old
            await until(pilot, disk.reached.is_set)
            table.source = Boats(other)
            old.close()
        await until(pilot, lambda: disk.closed)
        await all_there(pilot, table)
        assert table.visible_rows == range(5) and table.cursor_key == 0
        assert isinstance(app, App)


def test_pages_that_are_overtaken_are_asked_for_again_when_looked_at(disk: Disk) -> None:
    came: list[LoadedPage[Boat]] = []
    source, ready = Boats(disk), threading.Semaphore(0)

    def take(page: LoadedPage[Boat]) -> None:
        came.append(page)
        ready.release()

    source.attach(take)
    with disk.held():
        source.page(0, 1)
        assert disk.reached.wait(20)
        for start in range(10 * SIZE, 40 * SIZE, 2 * SIZE):
            source.page(start, start + 1)
    while 36 not in (page.number for page in came):
        assert ready.acquire(timeout=20)
    last = disk.asked.index(38)
    assert set(disk.asked[last + 1 : last + 3]) == {37, 39}, "those beside the last come next"
    assert 10 not in disk.asked
    assert source.page(10 * SIZE, 10 * SIZE + 1) == [None]
    while 10 not in (page.number for page in came):
        assert ready.acquire(timeout=20)
    for page in came:
        source.take(page)
    assert source.item(10 * SIZE) == Boat(10 * SIZE)
    source.close()
