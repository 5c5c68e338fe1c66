"""The jobs of a session as rows of a table."""

from collections.abc import Hashable, Sequence

from engine.api import Job, JobPages
from tui.screens.area import state_cell
from tui.widgets.table_layout import Column
from tui.widgets.table_source import Cell, TableRow

JOB_COLUMNS = (
    Column("row", "row", 4, align="right"),
    Column("state", "state", 11),
    Column("images", "images", 6, align="right"),
    Column("prompt", "prompt", 20, share=3),
    Column("size", "size", 9),
    Column("steps", "steps", 5, align="right"),
    Column("model", "model", 8),
    Column("note", "note", 10, share=2),
)


class JobSource:
    """The jobs of a session, straight from the database, a page at a time."""

    def __init__(self, pages: JobPages) -> None:
        self.pages = pages

    def count(self) -> int:
        """How many jobs match."""
        return len(self.pages)

    def page(self, start: int, stop: int) -> Sequence[TableRow]:
        """Jobs `start` up to `stop`."""
        return [_table_row(job) for job in self.pages.page(start, stop)]

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """Their row numbers."""
        return self.pages.numbers(start, stop)

    def index_of(self, key: Hashable) -> int | None:
        """Where the job of a row is."""
        return self.pages.position(key) if isinstance(key, int) else None


def _table_row(job: Job) -> TableRow:
    note = f"{job.error} · t tries again" if job.error else ""
    return TableRow(
        job.row,
        (
            Cell(str(job.row), "dim"),
            state_cell(job.state),
            Cell(f"{job.done}/{job.images}"),
            Cell(job.prompt),
            Cell(f"{job.size[0]}×{job.size[1]}"),
            Cell(str(job.steps)),
            Cell(job.model),
            Cell(note, "error" if job.error else ""),
        ),
    )
