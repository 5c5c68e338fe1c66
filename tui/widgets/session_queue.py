"""The queue: a line a session that has work left or was stopped, in the order of rendering."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.api import SessionInfo, Tally
from tui.state_words import bar, state_cell
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import ListSource, TableCell, TableRow
from tui.widgets.virtual_table import VirtualTable

_BAR, _SHORT_BAR = 20, 10
_NARROW = 100
_LEAST, _SHARE = 3, 5
"""So many lines are seen at least; and at most that part of the screen."""


@dataclass(frozen=True, slots=True)
class QueueLine:
    """Where a session stands in the queue."""

    info: SessionInfo
    counts: Tally
    state: str
    """As `session_state` has it."""
    place: int | None = None
    """How many-th it is rendered; None: it is not, unless someone asks."""
    left: str = ""
    """How long until its last image; empty while that is not known."""


def queue_columns(room: int, lines: Sequence[QueueLine]) -> tuple[TableColumn, ...]:
    """The columns for these lines in a table of `room` cells; no failures, no column of them."""
    counts = max((len(_count(line.counts)) for line in lines), default=0)
    failures = max((len(_failures(line.counts)) for line in lines), default=0)
    columns = [
        TableColumn("place", "", 3, align="right"),
        TableColumn("state", "state", 11),
        TableColumn("name", "session", 10, share=1),
        TableColumn("bar", "", _BAR if room >= _NARROW else _SHORT_BAR),
        TableColumn("images", "images", max(6, counts), align="right"),
        TableColumn("failed", "failed", max(6, failures), align="right"),
        TableColumn("left", "left", 8, align="right"),
    ]
    without = set() if failures else {"failed"}
    without |= set() if any(line.left for line in lines) else {"left"}
    return tuple(column for column in columns if column.name not in without)


def queue_row(line: QueueLine, columns: Sequence[TableColumn]) -> TableRow:
    """A line of the queue with these columns."""
    cells = [_cell(line, column) for column in columns]
    return TableRow(line.info.session, tuple(cells))


def _cell(line: QueueLine, column: TableColumn) -> TableCell:
    counts = line.counts
    match column.name:
        case "place":
            return TableCell("" if line.place is None else f"{line.place}", "dim")
        case "state":
            return state_cell(line.state)
        case "name":
            return TableCell(line.info.name)
        case "bar":
            over, rest = bar(counts, column.width)
            return TableCell(over, "busy", rest=rest)
        case "images":
            return TableCell(_count(counts))
        case "failed":
            return TableCell(_failures(counts), "error")
        case _:
            return TableCell(line.left)


def _count(counts: Tally) -> str:
    return f"{counts.done:,}/{counts.images:,}"


def _failures(counts: Tally) -> str:
    return f"✗ {counts.failed:,}" if counts.failed else ""


class SessionQueue(VirtualTable):
    """The sessions; hidden while there is nothing to choose from. The cursor is on one in hand."""

    DEFAULT_CSS = """
    SessionQueue { display: none; border-bottom: solid $panel; }
    SessionQueue.-several { display: block; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        self._listed = ListSource()
        self._lines: Sequence[QueueLine] = ()
        super().__init__(queue_columns(0, ()), self._listed, markable=False, id=id)

    def show_lines(self, lines: Sequence[QueueLine], here: str | None) -> None:
        """Show the queue; `here` is the session that the cursor is on."""
        self._lines = lines
        self.set_class(len(lines) > 1, "-several")
        self._fit_height()
        self._draw(here)

    def _draw(self, here: str | None) -> None:
        columns = queue_columns(self.size.width, self._lines)
        self._listed.rows = [queue_row(line, columns) for line in self._lines]
        if columns != self.columns:
            self.columns = columns
        self.reload()
        if here is not None and here != self.cursor_key:
            self.go_to(here)

    def _fit_height(self) -> None:
        most = max(_LEAST, self.screen.size.height // _SHARE)
        height = min(len(self._lines), most) + 2  # its header, and the line below it
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height

    def on_resize(self) -> None:
        """There may be room for more, or for less."""
        self._fit_height()
        self._draw(None)

    def neighbour(self, step: int) -> str | None:
        """The session so many lines below (above) the cursor; the last is before the first."""
        keys = [line.info.session for line in self._lines]
        here = self.cursor_key
        return keys[(keys.index(here) + step) % len(keys)] if here in keys else None
