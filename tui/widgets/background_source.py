"""Rows that are read by the page in a thread: what is there is shown at once, the rest comes."""

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from engine.api import LibraryError
from tui.widgets.table_source import TableRow

Item = TypeVar("Item")
Read = TypeVar("Read", covariant=True)

_MOST_WANTED = 8
"""Pages asked for and not read yet; what was asked for before them is out of sight by now."""


class SlowPages(Protocol[Read]):
    """What is shown, by position. Only `page` and `close` take their time, and need a thread."""

    def __len__(self) -> int:
        """How many there are."""

    def page(self, start: int, stop: int) -> Sequence[Read]:
        """Those from `start` up to `stop` that are still there."""

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """Their keys, also of those that are not there any more."""

    def close(self) -> None:
        """Let go of the database."""


@dataclass(frozen=True, slots=True)
class LoadedPage(Generic[Item]):
    """What the thread has read."""

    number: int
    items: tuple[Item | None, ...]
    """None for what is not there any more."""

    @property
    def rows(self) -> range:
        """The indexes of its rows."""
        first = self.number * BackgroundSource.SIZE
        return range(first, first + len(self.items))


class BackgroundSource(ABC, Generic[Item]):
    """A `Source` over pages that are slow to read.

    It belongs to the event loop, where nothing of it waits. Pages that are looked at and not there
    are read in its one thread, the last asked for first; `VirtualTable` takes them in with `take`
    and repaints their rows. The pages beside them are read in advance.
    """

    SIZE = 64
    KEPT = 32

    def __init__(self, pages: SlowPages[Item]) -> None:
        self._slow = pages
        self._pages: OrderedDict[int, LoadedPage[Item]] = OrderedDict()
        self._stale: set[int] = set()
        self._reader = _PageReader(self._read, pages.close)

    @abstractmethod
    def key_of(self, item: Item) -> Hashable:
        """The key of what was read."""

    @abstractmethod
    def row_of(self, item: Item) -> TableRow:
        """What was read, as a row of the table."""

    @abstractmethod
    def index_of(self, key: Hashable) -> int | None:
        """Where the row with this key is, None when it is not among the rows."""

    def count(self) -> int:
        """How many rows there are."""
        return len(self._slow)

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """All keys of rows `start` up to `stop`."""
        return self._slow.keys(start, stop)

    def page(self, start: int, stop: int) -> Sequence[TableRow | None]:
        """Rows `start` up to `stop`, as far as they are there; the others come."""
        rows = range(start, min(stop, self.count()))
        if not rows:
            return ()
        self._look_at(range(rows[0] // self.SIZE, rows[-1] // self.SIZE + 1))
        items = map(self.item, rows)
        return [None if item is None else self.row_of(item) for item in items]

    def item(self, index: int) -> Item | None:
        """What row `index` is made of; None while it is not there."""
        number, place = divmod(index, self.SIZE)
        page = self._pages.get(number)
        return None if page is None or place >= len(page.items) else page.items[place]

    # ---------------------------------------------------------------- what has come

    def prime(self, key: Hashable | None) -> None:
        """In the thread that opens the pages, before they are shown: read what is seen first."""
        index = None if key is None else self.index_of(key)
        here = (index or 0) // self.SIZE
        with suppress(LibraryError):  # what is not there comes later
            for number in (here, here + 1, here - 1):
                if 0 <= number * self.SIZE < self.count():
                    self._pages[number] = self._read(number)

    def attach(self, came: Callable[[LoadedPage[Any]], object]) -> None:
        """Say who is told, in the source's thread, of each page that was read."""
        self._reader.came = came

    def take(self, page: LoadedPage[Any]) -> range | list[Hashable]:
        """Take in a page that was read; the indexes, or keys, of the rows that are others now."""
        before = self._pages.get(page.number)
        self._pages[page.number] = page
        self._pages.move_to_end(page.number)
        while len(self._pages) > self.KEPT:
            self._pages.popitem(last=False)
        if before is None:
            return page.rows
        pairs = zip(before.items, page.items, strict=True)
        changed = [now if now is not None else was for was, now in pairs if now != was]
        return [self.key_of(item) for item in changed if item is not None]

    def renew(self, keys: Iterable[Hashable] | None = None) -> None:
        """Read these rows again (None: all) when they are next looked at; till then they stay."""
        if keys is None:
            self._stale.update(range(-(-self.count() // self.SIZE)))
        else:
            found = (self.index_of(key) for key in keys)
            self._stale.update(index // self.SIZE for index in found if index is not None)

    def close(self) -> None:
        """Let go of the database, once what is being read has been."""
        self._reader.close()

    def _look_at(self, seen: range) -> None:
        """Have what is not there read: the pages beside those seen, and before them those seen."""
        beside = (seen.stop, seen.start - 1)
        wanted = [n for n in beside if n not in self._pages and 0 <= n * self.SIZE < self.count()]
        wanted += (n for n in seen if n not in self._pages or n in self._stale)
        again = self._stale.intersection(seen)
        self._stale -= again
        for number in self._pages.keys() & set(seen):
            self._pages.move_to_end(number)
        for dropped in self._reader.want(wanted, again):
            self._pages.pop(dropped, None)  # as it was before: it is asked for when looked at

    def _read(self, number: int) -> LoadedPage[Item]:
        start = number * self.SIZE
        stop = min(start + self.SIZE, len(self._slow))
        found = {self.key_of(item): item for item in self._slow.page(start, stop)}
        return LoadedPage(number, tuple(map(found.get, self._slow.keys(start, stop))))


class _PageReader:
    """A thread that reads one page after the other."""

    def __init__(self, read: Callable[[int], LoadedPage[Any]], close: Callable[[], None]) -> None:
        self.came: Callable[[LoadedPage[Any]], object] = lambda _: None
        self._read = read
        self._close = close
        self._thread = ThreadPoolExecutor(1, "pages")
        self._lock = threading.Lock()
        self._wanted: list[int] = []
        """The last is the next."""
        self._reading: int | None = None
        self._works = self._closed = False

    def want(self, numbers: Iterable[int], again: Container[int]) -> Sequence[int]:
        """Have pages read; the numbers of those that are not, because they are overtaken.

        Args:
            numbers: the pages', the most urgent last: all before what was asked for earlier.
            again: those to read even if they are just being read: that may be what they were.
        """
        with self._lock:
            if self._closed:
                return ()
            for number in numbers:
                if number in self._wanted:
                    self._wanted.remove(number)
                elif number == self._reading and number not in again:
                    continue
                self._wanted.append(number)
            dropped = self._wanted[:-_MOST_WANTED]
            del self._wanted[:-_MOST_WANTED]
            if self._wanted and not self._works:
                self._works = True
                self._thread.submit(self._work)
            return dropped

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._wanted.clear()
            self._thread.submit(self._close)
            self._thread.shutdown(wait=False)

    def _work(self) -> None:
        while True:
            with self._lock:
                self._works = bool(self._wanted)
                self._reading = self._wanted.pop() if self._wanted else None
                if self._reading is None:
                    return
                number = self._reading
            with suppress(LibraryError):  # its place stays empty, and is asked for again
                self.came(self._read(number))
