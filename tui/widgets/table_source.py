"""What a table shows: rows by the page, from a source that it does not own."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

CellStyle = Literal["", "busy", "dim", "error", "own", "repaired", "success", "warning"]
"""What a cell or row means; how that looks is the table's business. `own`: the user wrote it."""


@dataclass(frozen=True, slots=True)
class TableCell:
    """Plain text, what it means, and the glyph before it that says so without colour."""

    text: str
    style: CellStyle = ""
    glyph: str = ""
    swatches: tuple[str, ...] = ()
    """Colours shown before the text, `#RRGGBB`."""
    rest: str = ""
    """What comes right after the text, and stands back."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row; `key` stays its own in every order, `style` is for cells without one."""

    key: Hashable
    cells: tuple[TableCell, ...]
    style: CellStyle = ""


class Source(Protocol):
    """The rows behind a table, as sorted and filtered now. Every answer comes at once.

    A source that loads in the background (`BackgroundSource`) answers with what it has, and has the
    rows repainted when more has come.
    """

    def count(self) -> int:
        """How many rows there are."""

    def page(self, start: int, stop: int) -> Sequence[TableRow | None]:
        """Rows `start` up to `stop`; None, or nothing at the end, for those not loaded yet."""

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """All keys of rows `start` up to `stop`, loaded or not; asked when a range is marked."""

    def index_of(self, key: Hashable) -> int | None:
        """Where the row with this key is now, None when it is not among the rows."""


class ListSource:
    """Rows held in memory, for short lists: replacing `rows` goes through all of them."""

    def __init__(self, rows: Iterable[TableRow] = ()) -> None:
        self.rows = rows

    @property
    def rows(self) -> Sequence[TableRow]:
        """All rows, in order."""
        return self._rows

    @rows.setter
    def rows(self, rows: Iterable[TableRow]) -> None:
        self._rows = tuple(rows)
        self._where = {row.key: index for index, row in enumerate(self._rows)}

    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def page(self, start: int, stop: int) -> Sequence[TableRow | None]:
        """Rows `start` up to `stop`."""
        return self._rows[start:stop]

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """Their keys."""
        return [row.key for row in self._rows[start:stop]]

    def index_of(self, key: Hashable) -> int | None:
        """Where the row with this key is."""
        return self._where.get(key)


class Pages:
    """The pages of a source looked at last, so that drawing a line does not ask again."""

    SIZE = 64
    KEPT = 32

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pages: OrderedDict[int, list[TableRow | None]] = OrderedDict()
        self._where: dict[Hashable, int] = {}
        self._stale: set[int] = set()

    def __len__(self) -> int:
        return len(self._pages)

    def row(self, index: int) -> TableRow | None:
        """The row at `index`, None while it is not loaded."""
        number, place = divmod(index, self.SIZE)
        if index in self._stale or number not in self._pages:
            self._load(number)
        else:
            self._pages.move_to_end(number)
            if self._pages[number][place] is None:
                self.fetch(index)
        return self._pages[number][place]

    def peek(self, index: int) -> TableRow | None:
        """The row at `index` as it was when last asked for; the source is not asked."""
        number, place = divmod(index, self.SIZE)
        page = self._pages.get(number)
        return None if page is None else page[place]

    def where(self, key: Hashable) -> int | None:
        """The index of a key that is held."""
        return self._where.get(key)

    def within(self, rows: range) -> list[int]:
        """The held indexes that are in `rows`, a range of step 1."""
        held: list[int] = []
        for number in self._pages:
            first = number * self.SIZE
            held += range(max(first, rows.start), min(first + self.SIZE, rows.stop))
        return held

    def fetch(self, index: int) -> None:
        """Ask the source for one held row again."""
        number, place = divmod(index, self.SIZE)
        fresh = self._source.page(index, index + 1)
        self._put(number, place, fresh[0] if fresh else None)

    def forget(self, index: int) -> None:
        """Ask for this row again, but only when it is next looked at."""
        self._stale.add(index)

    def _load(self, number: int) -> None:
        first = number * self.SIZE
        self._drop(number)
        self._pages[number] = [None] * self.SIZE
        for place, row in enumerate(self._source.page(first, first + self.SIZE)):
            self._put(number, place, row)
        while len(self._pages) > self.KEPT:
            self._drop(next(iter(self._pages)))

    def _put(self, number: int, place: int, row: TableRow | None) -> None:
        page, index = self._pages[number], number * self.SIZE + place
        self._release(page[place], index)
        page[place] = row
        if row is not None:
            self._where[row.key] = index
        self._stale.discard(index)

    def _drop(self, number: int) -> None:
        for index, row in enumerate(self._pages.pop(number, ()), number * self.SIZE):
            self._release(row, index)
            self._stale.discard(index)

    def _release(self, row: TableRow | None, index: int) -> None:
        if row is not None and self._where.get(row.key) == index:
            del self._where[row.key]
