"""The jobs of a session as rows of a table: as much of each as there is room for."""

from collections.abc import Hashable, Sequence

from engine.api import Job, JobPages
from tui.screens.area import state_cell
from tui.widgets.background_source import BackgroundSource
from tui.widgets.table_layout import TableColumn
from tui.widgets.table_source import Cell, TableRow
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
_NOTE = TableColumn("note", "note", 20, share=3)


def job_columns(room: int, *, failed: bool) -> tuple[TableColumn, ...]:
    """The columns of a table of `room` cells; what has failed has a note, which says why."""
    some = tuple(column for least, column in _WITH_ROOM if room >= least)
    return (*_ALWAYS, *some, *((_NOTE,) if failed else ()))


class JobSource(BackgroundSource[Job]):
    """The jobs of a session, a page at a time."""

    def __init__(self, pages: JobPages, columns: Sequence[TableColumn] = ()) -> None:
        super().__init__(pages)
        self.columns = columns
        self._pages_of_jobs = pages

    def key_of(self, item: Job) -> Hashable:
        """Its row's number."""
        return item.row

    def index_of(self, key: Hashable) -> int | None:
        """Where the job of a row is."""
        return self._pages_of_jobs.position(key) if isinstance(key, int) else None

    def row_of(self, item: Job) -> TableRow:
        """A job with the columns there are now."""
        return TableRow(item.row, tuple(_cell(item, column.name) for column in self.columns))


def _cell(job: Job, column: str) -> Cell:
    match column:
        case "row":
            return Cell(str(job.row), "dim")
        case "state":
            return state_cell(job.state)
        case "images":
            return Cell(f"{job.done}/{job.images}")
        case "size":
            return Cell(f"{job.size[0]}×{job.size[1]}")
        case "note":
            return Cell(job.error or "", "error")
        case _:
            return Cell(str(getattr(job, column)))


class JobTable(VirtualTable):
    """A table of jobs, with the columns that it has room for."""

    def __init__(self, *, empty: str, id: str) -> None:  # noqa: A002
        self._failed = False
        super().__init__(job_columns(0, failed=False), empty=empty, id=id)

    def show_jobs(self, source: JobSource) -> None:
        """Show other jobs, from the top."""
        source.columns = self.columns
        self.source = source

    def fit_columns(self, *, failed: bool) -> None:
        """Have the columns that there is room for; `failed`: some jobs have a note."""
        self._failed = failed
        columns = job_columns(self.size.width, failed=failed)
        if columns != self.columns:
            self.columns = columns
            if isinstance(self.source, JobSource):
                self.source.columns = columns
            self.reload()

    def on_resize(self) -> None:
        """There may be room for more, or for less."""
        self.fit_columns(failed=self._failed)

    @property
    def error(self) -> tuple[int, str] | None:
        """The row under the cursor and why it failed; None if it did not."""
        index = self.cursor_index
        if index is None or not isinstance(self.source, JobSource):
            return None
        job = self.source.item(index)
        return (job.row, job.error) if job is not None and job.error else None
