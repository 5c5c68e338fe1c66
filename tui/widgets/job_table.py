"""The rows of a session at work: a table with as many columns as there is room for."""

from collections.abc import Hashable, Sequence

from engine.api import Job, JobPages, gist
from tui.state_words import short_reason, state_cell
from tui.widgets.background_source import BackgroundSource
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import TableCell, TableRow
from tui.widgets.virtual_table import VirtualTable

_ALWAYS = (
    TableColumn("row", "row", 4, align="right"),
    TableColumn("state", "state", 11),
    TableColumn("images", "images", 6, align="right"),
    TableColumn("prompt", "prompt", 20, share=2),
)
_WITH_ROOM = (
    (90, TableColumn("model", "model", 10)),
    (104, TableColumn("size", "size", 9)),
    (112, TableColumn("steps", "steps", 5, align="right")),
)
"""From how many cells of the whole table on there is a column."""
_NOTE = TableColumn("note", "why", 20, share=3)


def _job_columns(room: int, *, failed: bool) -> tuple[TableColumn, ...]:
    """The columns of a table of `room` cells; what has failed has a note, which says why."""
    some = tuple(column for least, column in _WITH_ROOM if room >= least)
    return (*_ALWAYS, *some, *((_NOTE,) if failed else ()))


class JobSource(BackgroundSource[Job]):
    """The jobs of a session, a page at a time."""

    def __init__(self, pages: JobPages, columns: Sequence[TableColumn] = ()) -> None:
        super().__init__(pages)
        self.columns = columns
        self.served = True
        """Whether an engine process may be at work: else nothing is being rendered, whatever the
        library says of the moment when the last one ended."""
        self._pages_of_jobs = pages

    def key_of(self, item: Job) -> Hashable:
        """Its row's number."""
        return item.row

    def index_of(self, key: Hashable) -> int | None:
        """Where the job of a row is."""
        return self._pages_of_jobs.position(key) if isinstance(key, int) else None

    def row_of(self, item: Job) -> TableRow:
        """A job with the columns there are now."""
        cells = tuple(self._cell(item, column.name) for column in self.columns)
        return TableRow(item.row, cells)

    def _cell(self, job: Job, column: str) -> TableCell:
        match column:
            case "row":
                return TableCell(str(job.row), "dim")
            case "state":
                cut_off = job.state == "rendering" and not self.served
                return state_cell("waiting" if cut_off else job.state)
            case "images":
                return TableCell(f"{job.done}/{job.images}")
            case "size":
                return TableCell(f"{job.size[0]}×{job.size[1]}")
            case "note":
                return TableCell(short_reason(job.error) if job.error else "", "error")
            case "prompt":
                return TableCell(gist(job.prompt))
            case _:
                return TableCell(str(getattr(job, column)))


class JobTable(VirtualTable):
    """A table of jobs, with the columns that it has room for."""

    def __init__(self, *, empty: str, id: str) -> None:  # noqa: A002
        self._failed = False
        self._served = True
        super().__init__(_job_columns(0, failed=False), empty=empty, id=id)

    def show_jobs(self, source: JobSource) -> None:
        """Show other jobs, from the top."""
        source.columns, source.served = self.columns, self._served
        self.source = source

    def fit_columns(self, *, failed: bool) -> None:
        """Have the columns that there is room for; `failed`: some jobs have a note."""
        self._failed = failed
        columns = _job_columns(self.size.width, failed=failed)
        if columns != self.columns:
            self.columns = columns
            if isinstance(self.source, JobSource):
                self.source.columns = columns
            self.reload()

    def show_served(self, served: bool) -> None:
        """Whether an engine process may be at work."""
        if served != self._served:
            self._served = served
            if isinstance(self.source, JobSource):
                self.source.served = served
            self.reload()

    def on_resize(self) -> None:
        """There may be room for more, or for less."""
        self.fit_columns(failed=self._failed)

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are."""
        words = super().now_called(name)
        if name != "table.open" or words is not None:
            return words
        return "Why it failed" if self.job and self.job.state == "failed" else "Images"

    @property
    def job(self) -> Job | None:
        """The job under the cursor; None while there is none, or it is loading."""
        index = self.cursor_index
        if index is None or not isinstance(self.source, JobSource):
            return None
        return self.source.item(index)
