"""Jobs: the live table of the session in hand, and what is being drawn."""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from engine.api import (
    ORDERS,
    STATES,
    Job,
    JobPages,
    LibraryError,
    Pace,
    Places,
    Previewed,
    PromptsheetError,
    SessionInfo,
    Tally,
    image_place,
)
from tui.app_state import AppState, TakeInHand
from tui.changed_models import changed_words, resume_asking
from tui.engine_status import Doing, EngineStatus
from tui.engine_watch import News
from tui.graphics.beneath import Beneath, beneath
from tui.keys import bind, key_of
from tui.screens.area import AreaScreen, state_cell
from tui.text import clean, count_text
from tui.widgets.background_source import BackgroundSource
from tui.widgets.live_pane import LivePane
from tui.widgets.progress_line import ProgressLine, SessionProgress
from tui.widgets.session_list import SessionList
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import Cell, TableRow
from tui.widgets.virtual_table import VirtualTable
from tui.workers import hand_over, hand_to, work

_PACE_SECONDS = 2.0
_MOST_BENEATH = 1000
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
_DONE = {"stop": "stopped", "resume": "resumed", "retry": "tried again"}


def _job_columns(room: int, *, failed: bool) -> tuple[TableColumn, ...]:
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
        return TableRow(item.row, tuple(_job_cell(item, column.name) for column in self.columns))


def _job_cell(job: Job, column: str) -> Cell:
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
        super().__init__(_job_columns(0, failed=False), empty=empty, id=id)

    def show_jobs(self, source: JobSource) -> None:
        """Show other jobs, from the top."""
        source.columns = self.columns
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


class CauseLine(Static):
    """Why the job under the cursor failed, in full; or what the session waits to be told.

    Two lines, there while anything has failed or is asked: so the table keeps its place.
    """

    DEFAULT_CSS = """
    CauseLine { display: none; height: 2; padding: 0 1; color: $text-error; }
    CauseLine.-failed { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = ""

    def show(self, error: tuple[int, str] | None, *, failed: bool, asked: str = "") -> None:
        """Show why a row failed.

        Args:
            error: the row's number, and why; None: it did not fail.
            failed: whether any row has.
            asked: what the session waits to be told; comes first.
        """
        self.set_class(failed or bool(asked), "-failed")
        again, goes_on = key_of("jobs.retry"), key_of("jobs.resume")
        text = clean(f"✗ row {error[0]}: {error[1]} · {again} tries again") if error else ""
        text = clean(f"■ {asked} · {goes_on} asks how to go on") if asked else text
        if text != self._shown:
            self._shown = text
            self.update(text, layout=False)


@dataclass(frozen=True, slots=True)
class _InHand:
    info: SessionInfo | None
    newest: Path | None = None
    others: Sequence[SessionInfo] = ()


@dataclass(frozen=True, slots=True)
class _Paced:
    session: str
    pace: Pace


@dataclass(frozen=True, slots=True)
class _FoundBeneath:
    place: tuple[str, int]
    beneath: Beneath


def _no_session() -> str:
    starts, lists = key_of("app.sheet"), key_of("app.sessions")
    return f"No session in hand. {starts} is where one starts, {lists} lists those there are."


class JobsScreen(AreaScreen):
    """What the session in hand is doing."""

    AREA = "jobs"
    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("jobs.stop", "change('stop')", "Stop"),
        bind("jobs.resume", "change('resume')", "Resume"),
        bind("jobs.retry", "change('retry')", "Retry"),
        bind("jobs.find", "filter", "Filter"),
        bind("jobs.failed", "errors", "Failed only"),
        bind("jobs.order", "sort", "Order"),
        bind("jobs.pause", "pause", "Pause"),
        bind("jobs.stop_all", "everything('stop')", "Stop every session", show=False),
        bind("jobs.resume_all", "everything('resume')", "Resume every session", show=False),
        bind("jobs.next_session", "other(1)", "Next session", show=False),
        bind("jobs.previous_session", "other(-1)", "Previous session", show=False),
        bind("jobs.sooner", "move('up')", "Render session sooner", show=False),
        bind("jobs.later", "move('down')", "Render session later", show=False),
        bind("jobs.leave", "leave", "Leave the filter", show=False, first=True),
    ]
    DEFAULT_CSS = """
    JobsScreen #filter { display: none; height: 1; border: none; padding: 0 1; }
    JobsScreen #filter.-open { display: block; }
    JobsScreen #jobs { width: 2fr; }
    JobsScreen #live { width: 1fr; border-left: solid $panel; }
    JobsScreen.-wide #live { width: 28; }
    JobsScreen.-narrow #live { display: none; }
    """
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (110, "-wide"),
        (150, "-huge"),
    ]

    info: SessionInfo | None = None
    _counts: Tally | None = None
    _pace: Pace | None = None
    _source: JobSource | None = None
    _paged: str | None = None  # whose jobs the table shows
    _status = EngineStatus()  # as the title says
    _text = ""
    _order = ORDERS[0]
    _errors_only = False

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._marks: dict[str, Collection[Hashable]] = {}
        """Session → its marked rows."""
        self._beneath: dict[tuple[str, int], Beneath | None] = {}
        """Session and row → what it is drawn on; None: on nothing, or not known yet."""
        self._newest: Path | None = None
        """The image that is shown; None: a preview is."""

    def compose_area(self) -> ComposeResult:
        """Progress, other sessions, filter, table, what is being drawn."""
        yield ProgressLine("No session in hand", id="jobs-title")
        yield SessionList(id="sessions-open")
        drops = key_of("jobs.leave")
        words = f"filter by prompt; enter keeps it, {drops} drops it"
        yield Input(placeholder=words, id="filter", disabled=True)
        with Horizontal():
            yield JobTable(empty=_no_session(), id="jobs")
            yield LivePane(id="live")
        yield CauseLine()

    def on_mount(self) -> None:
        """Show the session in hand, or the last."""
        self._load(self.app_state.memory.session)
        self.set_interval(_PACE_SECONDS, self._measure)

    def show_session(self, session: str | None) -> None:
        """Take a session in hand."""
        self._text, self._errors_only, self._pace = "", False, None
        self._load(session)

    # ---------------------------------------------------------------- from the library, in threads

    @work(thread=True, exclusive=True, group="session")
    def _load(self, session: str | None) -> None:
        library = self.app_state.library
        try:
            info = library.sessions.find(session or "last")
            newest = library.images.newest(info.session)
            others = library.sessions.unfinished()
        except LibraryError:
            hand_over(self._show, _InHand(None))
        else:
            hand_over(self._show, _InHand(info, newest, others))

    @work(thread=True, exclusive=True, group="order")
    def _list_sessions(self) -> None:
        try:
            others = self.app_state.library.sessions.unfinished()
        except LibraryError:
            return
        hand_to(self, self._show_sessions, others)

    def _measure(self) -> None:
        """Pace and time left, while someone looks and something is to come."""
        if self.is_current and self.info and self._counts and not self._counts.settled:
            self._read_pace(self.info.session)

    @work(thread=True, exclusive=True, group="pace")
    def _read_pace(self, session: str) -> None:
        try:
            found = self.app_state.library.sessions.pace(session)
        except LibraryError:
            return
        hand_to(self, self._take_pace, _Paced(session, found))

    def _take_pace(self, paced: _Paced) -> None:
        if self.info is not None and self.info.session == paced.session:
            self._pace = paced.pace
            self._show_title()

    @work(thread=True, exclusive=True, group="pages")
    def _open_pages(self) -> None:
        """The jobs that match the filter, in their order."""
        if self.info is None:
            hand_over(self._take_pages, None)
            return
        try:
            source = JobSource(
                self.app_state.library.sessions.job_pages(
                    self.info.session,
                    text=self._text,
                    states=("failed",) if self._errors_only else STATES,
                    order=self._order,
                )
            )
        except LibraryError:
            return
        tables = self.query(JobTable)  # none: the app ends
        source.prime(tables.first().cursor_key if tables else None)
        if not hand_over(self._take_pages, source):
            source.close()

    # ---------------------------------------------------------------- onto the screen

    def _show(self, found: _InHand) -> None:
        self.info = info = found.info
        self._counts = None if info is None else info.tally
        self._open_pages()
        self._show_newest(found.newest)
        self._show_title()
        self._show_sessions(found.others)
        self.refresh_bindings()
        self._measure()

    def _take_pages(self, source: JobSource | None) -> None:
        if source is None or self.info is None:
            return
        table = self.query_one(JobTable)
        old, same = self._source, self._paged == self.info.session
        key = table.cursor_key if same else None
        if self._paged is not None:
            self._marks[self._paged] = table.marks
        filtered = self._text or self._errors_only
        table.empty = "No job matches the filter." if filtered else _no_session()
        table.show_jobs(source)
        self._source, self._paged = source, self.info.session
        table.set_marks(self._marks.get(self._paged, ()))
        if key is not None:
            table.go_to(key)
        else:
            # Until the cursor is moved it stays with the work.
            table.follow(next(iter(source.keys(0, 1)), None))
        if old is not None:
            old.close()
        self._show_title()
        self._show_cause()

    @on(VirtualTable.Highlighted)
    @on(VirtualTable.RowsCame)
    def _show_cause(self) -> None:
        """Why the row under the cursor failed, in full."""
        table, failed = self.query_one(JobTable), bool(self._counts and self._counts.failed)
        table.fit_columns(failed=failed)
        asked = changed_words(self.info) if self.info else ""
        error = table.error if failed else None
        self.query_one(CauseLine).show(error, failed=failed, asked=asked)

    def keys_changed(self) -> None:
        """Also what stands where there is nothing, and the hint."""
        super().keys_changed()
        if self.info is None:
            self.query_one(JobTable).empty = _no_session()
        self._show_title()

    def _show_title(self) -> None:
        line = self.query_one(ProgressLine)
        if self.info is None or self._counts is None:
            line.show(None)
            return
        marked = len(self.query_one(VirtualTable).marks)
        what = count_text(marked, "marked row") if marked else "all"
        hint = f"■ {key_of('jobs.stop')} stop {what}" if not self._counts.settled else ""
        if self._errors_only:
            hint = f"only what failed · {key_of('jobs.failed')} shows all"
        held = self.info.session in self.app_state.held
        status = self.app_state.status
        off = status.doing in (Doing.OFF, Doing.SILENT)
        if off and not self._counts.settled and not marked:
            helps = "Resume in Jobs" in status.reason
            hint = f"{key_of('jobs.resume')} lets it go on" if helps else ""
        line.show(SessionProgress(self.info, self._counts, self._pace, held, status, hint))

    def _show_sessions(self, others: Sequence[SessionInfo]) -> None:
        here = self.info.session if self.info else None
        self.query_one(SessionList).show(others, here)

    def _show_newest(self, path: Path | None) -> None:
        self._newest = path
        place = image_place(path.name) if path is not None else None
        if path is None or place is None or self.info is None:
            self.query_one(LivePane).show(path, path.stem if path else "")
            return
        row, variation = place
        under = self._beneath_row(self.info.session, row)
        caption = f"row {row}, image {variation}"
        self.query_one(LivePane).show(path, caption, beneath=under)

    def tell(self, news: News) -> None:
        """Repaint what changed, and nothing else."""
        super().tell(news)
        if news.order or news.settled:
            self._list_sessions()
        if self.info is None:
            if news.order:
                self._load(self.app_state.memory.session)
            return
        session = self.info.session
        if session in news.tallies:
            self._counts = news.tallies[session]
        if session in news.tallies or news.status != self._status:
            self._status = news.status
            self._show_title()
        if session in news.rows:
            self._repaint(news.rows[session])
        if news.preview is not None and news.preview.session == session and self.is_current:
            self._show_preview(news.preview, news)
        elif session in news.finished and not news.steps:
            self._show_newest(news.finished[session])
        # A tally does not tell of models whose files have changed.
        if session in news.settled or (session in news.tallies and self.info.changed_models):
            self._load(session)

    def _repaint(self, changed: set[int] | None) -> None:
        table = self.query_one(VirtualTable)
        if self._errors_only:
            self._open_pages()
            return
        if self._source is not None:
            self._source.renew(changed)
        table.refresh_rows(range(table.source.count()) if changed is None else changed)
        if changed is not None and table.following is not None:
            table.follow(min(changed))
        self._show_cause()

    def _show_preview(self, preview: Previewed, news: News) -> None:
        self._newest = None
        step = news.steps.get(preview.device)
        where = f"{preview.device}: row {preview.row}, image {preview.variation}"
        how_far = f", step {step.step}/{step.steps}" if step else ""
        beneath = self._beneath_row(preview.session, preview.row)
        self.query_one(LivePane).show_preview(preview, where + how_far, beneath)

    def _beneath_row(self, session: str, row: int) -> Beneath | None:
        """What a row is drawn on, once that is known: it is looked for when it is first shown."""
        place = session, row
        if place not in self._beneath:
            if len(self._beneath) > _MOST_BENEATH:
                self._beneath.clear()
            self._beneath[place] = None
            self._find_beneath(*place)
        return self._beneath[place]

    @work(thread=True, group="beneath")
    def _find_beneath(self, session: str, row: int) -> None:
        library = self.app_state.library
        try:
            recipe = library.sessions.recipe_of(session, row)
        except LibraryError:
            return
        if recipe and (found := beneath(recipe, library.path)):
            hand_to(self, self._take_beneath, _FoundBeneath((session, row), found))

    def _take_beneath(self, found: _FoundBeneath) -> None:
        self._beneath[found.place] = found.beneath
        if self._newest is not None:
            self._show_newest(self._newest)

    @on(VirtualTable.Selected)
    def _chosen(self) -> None:
        """The images are where enter leads."""
        self.app.switch_mode("review")

    @on(VirtualTable.MarksChanged)
    def _marked(self) -> None:
        self._show_title()

    @on(SessionList.Chosen)
    def _session_chosen(self, event: SessionList.Chosen) -> None:
        self.post_message(TakeInHand(event.session, "jobs"))

    # ---------------------------------------------------------------- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Without a session there is nothing to do; without a filter, none to leave."""
        if action == "leave":
            return self.ready and self.query_one("#filter").has_class("-open")
        if action in ("change", "filter", "errors", "sort", "move"):
            return True if self.info else None
        return True

    def action_change(self, what: str) -> None:
        """Stop, resume or retry the marked rows, or the session in hand if none is marked."""
        if self.info is None:
            return
        rows = sorted(key for key in self.query_one(VirtualTable).marks if isinstance(key, int))
        command = partial(self._to_sessions(what), self.info.session, rows or None)
        done = f"{count_text(len(rows), 'row')} {_DONE[what]}" if rows else ""

        def resume(new_files: bool) -> None:
            self._command(partial(command, new_files=new_files), done)

        if what == "resume":
            resume_asking(self.app, self.info, resume)
        else:
            self._command(command, done)

    def _to_sessions(self, what: str) -> Callable[..., None]:
        sessions = self.app_state.library.sessions
        return {"stop": sessions.stop, "resume": sessions.resume, "retry": sessions.retry}[what]

    def action_everything(self, what: str) -> None:
        """Stop or resume every session."""
        self._command(partial(self._to_sessions(what), None), f"every session {_DONE[what]}")

    def action_move(self, to: Places) -> None:
        """Have the session in hand rendered sooner or later than others."""
        if self.info is not None:
            self._command(partial(self.app_state.library.sessions.move, self.info.session, to), "")

    @work(thread=True, group="change")
    def action_pause(self) -> None:
        """Render nothing and free the devices, for whoever needs them; or go on."""
        engine = self.app_state.library.engine
        try:
            status = engine.status()
            if status and status["paused_by_user"]:
                engine.resume()
            else:
                engine.pause()
        except PromptsheetError as error:
            hand_over(self._complain, str(error))

    @work(thread=True, group="change")
    def _command(self, command: "partial[None]", done: str) -> None:
        try:
            command()
        except PromptsheetError as error:
            hand_over(self._complain, str(error))
        else:
            if done:
                hand_over(self._say, done)

    def _say(self, words: str) -> None:
        self.notify(words, markup=False)

    def _complain(self, words: str) -> None:
        self.notify(clean(words), severity="error", markup=False)

    def action_other(self, step: int) -> None:
        """Take the next or the previous session with work left in hand."""
        here = self.info.session if self.info else None
        session = self.query_one(SessionList).neighbour(here, step)
        if session is not None and session != here:
            self.post_message(TakeInHand(session, "jobs"))

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

    def action_leave(self) -> None:
        """Leave the filter; the marks stay until the next time."""
        box = self.query_one("#filter", Input)
        box.value = ""
        box.remove_class("-open")
        box.disabled = True
        self.query_one(VirtualTable).focus()

    def action_errors(self) -> None:
        """Only failed jobs, or all again."""
        self._errors_only = not self._errors_only
        self._open_pages()
        self._show_title()

    def action_sort(self) -> None:
        """By row, by state, or newest first."""
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self._open_pages()
        words = {"sheet": "as in the sheet", "state": "by state", "newest": "newest image first"}
        self.notify(f"Order: {words[self._order]}", markup=False)

    def on_unmount(self) -> None:
        """Let go of the database."""
        if self._source is not None:
            self._source.close()
