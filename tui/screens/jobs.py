"""Jobs: the live table of the session in hand, and its newest image."""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from engine.api import (
    STATES,
    EngineError,
    Job,
    JobPages,
    LibraryError,
    SessionInfo,
    Settings,
    find_session,
    newest_image,
    resume_session,
    retry_session,
    stop_session,
)
from tui.glyphs import GLYPHS
from tui.keys import bind
from tui.screens.area import Area, state_cell
from tui.text import clean, count_text, time_text
from tui.watch import News
from tui.widgets.image_pane import ImagePane
from tui.widgets.table_layout import Column
from tui.widgets.table_source import Cell, TableRow
from tui.widgets.virtual_table import VirtualTable

_COLUMNS = (
    Column("row", "row", 4, align="right"),
    Column("state", "state", 11),
    Column("images", "images", 6, align="right"),
    Column("prompt", "prompt", 20, share=3),
    Column("size", "size", 9),
    Column("steps", "steps", 5, align="right"),
    Column("model", "model", 8),
    Column("note", "note", 10, share=2),
)
_EMPTY = "No session in hand. 1 is where one starts, 4 lists those there are."
_BAR = 24


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
            Cell(job.error or "", "error" if job.error else ""),
        ),
    )


class JobsScreen(Area):
    """What the session in hand is doing."""

    AREA = "jobs"
    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("jobs.stop", "s", "change('stop')", "Stop"),
        bind("jobs.resume", "r", "change('resume')", "Resume"),
        bind("jobs.retry", "t", "change('retry')", "Try failed again"),
        bind("jobs.filter", "slash", "filter", "Filter"),
        bind("jobs.errors", "e", "errors", "Errors only"),
    ]
    DEFAULT_CSS = """
    JobsScreen #jobs-title { height: 1; padding: 0 1; text-wrap: nowrap; }
    JobsScreen #filter { display: none; height: 1; border: none; padding: 0 1; }
    JobsScreen #filter.-open { display: block; }
    JobsScreen #jobs { width: 2fr; }
    JobsScreen #newest { width: 1fr; border-left: solid $panel; }
    JobsScreen.-wide #newest { width: 28; }
    JobsScreen.-narrow #newest { display: none; }
    """
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (110, "-wide"),
        (150, "-huge"),
    ]

    info: SessionInfo | None = None
    _source: JobSource | None = None
    _text = ""
    _errors_only = False

    def compose_area(self) -> ComposeResult:
        """Progress, filter, table, newest image."""
        yield Static(_EMPTY, id="jobs-title", markup=False)
        yield Input(
            placeholder="filter by prompt; enter keeps it, esc drops it", id="filter", disabled=True
        )
        with Horizontal():
            yield VirtualTable(_COLUMNS, empty=_EMPTY, markable=False, id="jobs")
            yield ImagePane(id="newest")

    def on_mount(self) -> None:
        """Show the session in hand, or the last."""
        self._load(self.desk.memory.session)

    def show_session(self, session: str | None) -> None:
        """Take a session in hand."""
        self._text, self._errors_only = "", False
        self._load(session)

    @work(thread=True, exclusive=True, group="session")
    def _load(self, session: str | None) -> None:
        library = self.desk.library
        try:
            info = find_session(library, session or "last")
            newest = newest_image(library, info.session)
        except LibraryError:
            self.app.call_from_thread(self._show, None, None)
        else:
            self.app.call_from_thread(self._show, info, newest)

    def _show(self, info: SessionInfo | None, newest: Path | None) -> None:
        self.info = info
        self._open_pages()
        self._show_newest(newest)
        self._show_title(self._counts())
        self.refresh_bindings()

    def _open_pages(self) -> None:
        """The jobs that match the filter; a page is read in well under a millisecond."""
        table = self.query_one(VirtualTable)
        if self._source is not None:
            self._source.pages.close()
            self._source = None
        if self.info is None:
            return
        states = ("failed",) if self._errors_only else STATES
        pages = JobPages(
            self.desk.library,
            self.info.session,
            text=self._text,
            states=states,
        )
        key = table.cursor_key
        self._source = JobSource(pages)
        table.empty = "No job matches the filter." if self._text or self._errors_only else _EMPTY
        table.source = self._source
        if key is not None:
            table.go_to(key)
        else:
            # Until the cursor is moved it stays with the work.
            table.follow(next(iter(pages.numbers(0, 1)), None))

    def _counts(self) -> dict[str, Any]:
        if self.info is None:
            return {}
        return {
            name: getattr(self.info, name)
            for name in ("images", "done", "failed", "stopped", "waiting", "rendering")
        }

    def _show_title(self, counts: dict[str, Any]) -> None:
        title = self.query_one("#jobs-title", Static)
        if self.info is None:
            title.update(_EMPTY)
            return
        settled = counts["done"] + counts["failed"]
        filled = round(_BAR * settled / max(1, counts["images"]))
        parts = [f"{counts['done']}/{counts['images']}"]
        parts += [
            f"{GLYPHS[state]} {counts[state]} {state}"
            for state in ("failed", "stopped", "waiting")
            if counts[state]
        ]
        if not counts["waiting"] and not counts["rendering"] and self.info.seconds:
            parts.append(f"in {time_text(self.info.seconds)}")
        bar = ("█" * filled, "$accent"), ("░" * (_BAR - filled), "$panel-lighten-2")
        name = clean(self.info.name)
        title.update(Content.assemble(f"{name}  ", *bar, f"  {'   '.join(parts)}"))

    def _show_newest(self, path: Path | None) -> None:
        self.query_one(ImagePane).show(path, path.stem if path else "")

    def tell(self, news: News) -> None:
        """Repaint what changed, and nothing else."""
        super().tell(news)
        if self.info is None:
            return
        session = self.info.session
        if session in news.tallies:
            self._show_title(news.tallies[session])
        if session in news.rows:
            changed, table = news.rows[session], self.query_one(VirtualTable)
            if self._errors_only:
                self._open_pages()
            elif changed is None:
                table.reload()
                table.refresh()
            else:
                table.refresh_rows(changed)
                if table.following is not None:
                    table.follow(min(changed))
        if session in news.finished:
            self._show_newest(news.finished[session])
        if session in news.settled:
            self._load(session)

    @on(VirtualTable.Selected)
    def _chosen(self) -> None:
        """The images are where enter leads."""
        self.app.switch_mode("review")

    # ---------------------------------------------------------------- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Without a session there is nothing to do."""
        if action in ("change", "filter", "errors"):
            return True if self.info else None
        return True

    def action_change(self, what: str) -> None:
        """Stop, resume or retry the session in hand."""
        commands: dict[str, Callable[[str, Settings], None]] = {
            "stop": stop_session,
            "resume": resume_session,
            "retry": retry_session,
        }
        if self.info is not None:
            self._change(commands[what], self.info.session)

    @work(thread=True, group="change")
    def _change(self, command: Callable[[str, Settings], None], session: str) -> None:
        try:
            command(session, self.desk.settings)
        except (EngineError, LibraryError) as error:
            self.app.call_from_thread(
                self.notify, clean(str(error)), severity="error", markup=False
            )

    def action_filter(self) -> None:
        """Type a filter."""
        box = self.query_one("#filter", Input)
        box.add_class("-open")
        box.disabled = False
        box.focus()

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        self._text = event.value
        self._open_pages()

    @on(Input.Submitted, "#filter")
    def _kept(self) -> None:
        self.query_one(VirtualTable).focus()

    def key_escape(self) -> None:
        """Leave the filter."""
        box = self.query_one("#filter", Input)
        if box.has_class("-open"):
            box.value = ""
            box.remove_class("-open")
            box.disabled = True
            self.query_one(VirtualTable).focus()

    def action_errors(self) -> None:
        """Only failed jobs, or all again."""
        self._errors_only = not self._errors_only
        self._open_pages()
        count = len(self._source.pages) if self._source else 0
        if self._errors_only:
            self.notify(f"{count_text(count, 'failed job')}; e shows all again", markup=False)

    def on_unmount(self) -> None:
        """Let go of the database."""
        if self._source is not None:
            self._source.pages.close()
