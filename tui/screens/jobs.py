"""Jobs: the queue of sessions, the live table of the one in hand, and what is being drawn."""

import time
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Input, Static

from engine.api import (
    ORDERS,
    ImageInfo,
    Places,
    SessionInfo,
    Stepped,
    Tally,
)
from tui.app_state import AppState, RowToReview, TakeInHand
from tui.engine_status import Doing, EngineStatus
from tui.engine_watch import News
from tui.keys import bind, key_of
from tui.passing import passing
from tui.queue_state import QueueState
from tui.screens.area import AreaScreen
from tui.screens.changed_models import changed_words
from tui.screens.job_commands import JobCommands, pause_word
from tui.screens.job_pictures import JobPictures
from tui.screens.jobs_reading import InHand, JobsReading, ReadJobs, ReadPaces, ReadQueue
from tui.text import clean, count_text
from tui.widgets.job_table import JobSource, JobTable
from tui.widgets.live_pane import LivePane
from tui.widgets.node_devices import NodeDevices
from tui.widgets.progress_line import ProgressLine, SessionProgress
from tui.widgets.session_queue import SessionQueue
from tui.widgets.virtual_table import VirtualTable

_DROP = "Clear filter"
_SHOW_ALL = "Show all rows"
_PACE_SECONDS = 2.0
_CLOCK_SECONDS = 1.0
_REST_SECONDS = 0.15
"""For so long the cursor must rest on a session before it is taken in hand."""


class AskedLine(Static):
    """What the session in hand waits to be told; there while it does."""

    DEFAULT_CSS = """
    AskedLine { display: none; height: 2; padding: 0 1; color: $text-error; }
    AskedLine.-asked { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)

    def show(self, asked: str) -> None:
        """Show what is asked; nothing, if that is empty."""
        self.set_class(bool(asked), "-asked")
        goes_on = key_of("jobs.resume")
        self.update(clean(f"■ {asked} · {goes_on} asks how to continue") if asked else "")


class WhyLine(Static):
    """Why nothing of the session in hand is rendered, in full; there while that is so."""

    DEFAULT_CSS = """
    WhyLine { display: none; height: auto; max-height: 5; padding: 0 1; color: $text-warning; }
    WhyLine.-told { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = ""

    def show(self, why: str) -> None:
        """Say it; nothing, if that is empty."""
        if why != self._shown:
            self._shown = why
            self.set_class(bool(why), "-told")
            self.update(clean(why))


def _no_session() -> str:
    starts, lists = key_of("app.sheet"), key_of("app.sessions")
    return f"No session selected. Press {starts} to start one, {lists} to see past sessions."


class JobsScreen(AreaScreen):
    """The queue, and what the session in hand is doing."""

    AREA = "jobs"
    AUTO_FOCUS = "#jobs"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("jobs.stop", "change('stop')", "Stop"),
        bind("jobs.resume", "change('resume')", "Resume"),
        bind("jobs.retry", "change('retry')", "Retry"),
        bind("jobs.pause", "pause('Pause')", "Pause"),
        bind("jobs.pause", "pause('Continue')", "Continue"),
        bind("jobs.pause", "pause('Start')", "Start"),
        bind("jobs.watch", "watch", "Follow"),
        bind("jobs.next_session", "other(1)", "Next session"),
        bind("jobs.previous_session", "other(-1)", "Previous session", show=False),
        bind("jobs.find", "filter", "Filter"),
        bind("jobs.failed", "errors", "Show failed only"),
        bind("jobs.order", "sort", "Change order"),
        bind("jobs.stop_all", "everything('stop')", "Stop all sessions", show=False),
        bind("jobs.resume_all", "everything('resume')", "Resume all sessions", show=False),
        bind("jobs.sooner", "move('up')", "Move session up"),
        bind("jobs.later", "move('down')", "Move session down"),
        bind("jobs.leave", "leave", "Back to rows"),
    ]
    KEY_LINE: ClassVar[Sequence[str]] = (
        *("table.range", "jobs.resume", "jobs.retry", "jobs.stop", "jobs.pause", "table.open"),
        *("table.leave", "table.mark", "jobs.watch", "jobs.find", "jobs.failed", "jobs.order"),
    )
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
    _wanted: str | None = None
    """The session that is in hand, or is about to be."""
    _source: JobSource | None = None
    _paged: str | None = None  # whose jobs the table shows
    _status = EngineStatus()  # as the screen says
    _text = ""
    _order = ORDERS[0]
    _errors_only = False
    _resting: Timer | None = None
    """Runs while the cursor is on another session than the one in hand."""
    _goal: int | None = None
    """The row that the cursor is to go to, once the jobs are there."""
    _is_moved = False
    """Whether the cursor was moved away from the work."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._marks: dict[str, Collection[Hashable]] = {}
        """Session → its marked rows."""
        self._queue = QueueState()
        self._steps: Mapping[str, Stepped] = {}
        self._table = JobTable(empty=_no_session(), id="jobs")
        self._sessions = SessionQueue(id="queue")
        self._pane = LivePane(id="live")
        self._pictures = JobPictures(self, self._pane, app_state.library)
        self._commands = JobCommands(self, app_state.library)
        self._reading = JobsReading(self, self, app_state.library)

    def compose_area(self) -> ComposeResult:
        """The queue, the progress of the one in hand, filter, table, what is being drawn."""
        yield self._sessions
        yield ProgressLine("No session selected", id="jobs-title")
        yield WhyLine()
        drops = key_of("app.leave")
        words = f"filter by prompt; enter keeps it, {drops} clears it"
        yield Input(placeholder=words, id="filter", disabled=True)
        with Horizontal():
            yield self._table
            yield self._pane
        yield NodeDevices()
        yield AskedLine()

    def on_mount(self) -> None:
        """Show the session in hand, or the last."""
        self._wanted = self.app_state.memory.session
        self._reading.session(self._wanted)
        self.set_interval(_PACE_SECONDS, self._measure)
        self.set_interval(_CLOCK_SECONDS, self._tick)

    def show_session(self, session: str | None, at: ImageInfo | None = None) -> None:
        """Take a session in hand; the cursor goes to the row of an image."""
        self._goal = at.row if at is not None else None
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        self._wanted, self._errors_only = session, False
        self._close_filter()
        passing(self).end(_SHOW_ALL)
        self._reading.session(session)

    # ---------------------------------------------------------------- from the library

    def _measure(self) -> None:
        """Pace and time left, while someone looks and something is to come."""
        if self.is_current and self._queue.working:
            self._reading.paces(self.app_state.held)

    def take_paces(self, read: ReadPaces) -> None:
        """Show how sessions get on."""
        self._queue.paces = read.paces
        self._show_title()
        self._show_queue()

    def _open_pages(self) -> None:
        """The jobs that match the filter, in their order."""
        if self.info is not None:
            self._reading.jobs(
                self.info.session,
                self._text,
                self._order,
                self._table.cursor_key,
                failed=self._errors_only,
            )

    # ---------------------------------------------------------------- onto the screen

    @property
    def _counts(self) -> Tally | None:
        return None if self.info is None else self._queue.counts(self.info)

    def take_in_hand(self, found: InHand) -> None:
        """Show a session."""
        self.info = info = found.info
        if info is not None:
            self._wanted = info.session
            self._queue.read([info], found.queue.began)
        self._show_status()
        self._open_pages()
        self._pictures.take_session(self._wanted, found.newest)
        self.take_queue(found.queue)
        self._show_title()
        self.query_one(AskedLine).show(changed_words(info) if info else "")

    def take_queue(self, queue: ReadQueue) -> None:
        """Show the queue."""
        self._queue.sessions = queue.sessions
        self._queue.read(queue.sessions, queue.began)
        self._show_queue()
        self.refresh_bindings()
        if self.info is not None and self.info.session not in self._queue.paces:
            self._measure()

    def _show_queue(self) -> None:
        app_state, now = self.app_state, time.monotonic()
        lines = self._queue.lines(self.info, app_state.status, app_state.held, now)
        self._sessions.show_lines(lines, self._wanted if self._resting is None else None)

    def take_jobs(self, read: ReadJobs) -> None:
        """Show jobs; the cursor stays on its row, or with the work."""
        if self.info is None:
            return
        table, source = self._table, read.source
        old, same = self._source, self._paged == self.info.session
        key, follows = table.cursor_key if same else None, not same or table.following is not None
        if self._paged is not None:
            self._marks[self._paged] = table.marks
        filtered = self._text or self._errors_only
        table.empty = "No rows match the filter." if filtered else _no_session()
        table.show_jobs(source)
        self._source, self._paged = source, self.info.session
        table.set_marks(self._marks.get(self._paged, ()))
        if self._goal is not None and self.info.session == self._wanted:
            table.follow(None)
            table.go_to(self._goal)
            self._goal = None
        elif key is not None and not follows:
            table.go_to(key)
        else:
            # Until the cursor is moved it stays with the work.
            table.follow(key or next(iter(source.keys(0, 1)), None))
            self._follow()
        if old is not None:
            old.close()
        self._show_title()
        self._look()

    def _follow(self, changed: Collection[int] = ()) -> None:
        """Take the cursor to what is drawn now, or has just been, unless it was moved."""
        if self._table.following is None or self.info is None:
            return
        steps = [step for step in self._steps.values() if step.session == self.info.session]
        first = min(steps, key=lambda step: step.row, default=None)
        if first is not None:
            self._table.follow(first.row, below=first.images - 1)
        elif changed:
            self._table.follow(min(changed))

    @on(VirtualTable.Highlighted, "#jobs")
    @on(VirtualTable.RowsCame, "#jobs")
    def _look(self) -> None:
        """The picture is of the row under the cursor, once that was moved."""
        table = self._table
        table.fit_columns(failed=bool(self._counts and self._counts.failed))
        self.refresh_keys(table)
        row = table.cursor_key if table.following is None else None
        why = table.job.error if row and table.job and table.job.state == "failed" else ""
        self._pictures.look_at(row if isinstance(row, int) else None, why or "")
        if self._is_moved != (table.following is None):
            self._is_moved = not self._is_moved
            self.refresh_bindings()

    def _show_status(self) -> bool:
        """What hangs on the engine process is there, and what a key does; whether it changed."""
        status = self.app_state.status
        if status == self._status:
            return False
        before, self._status = self._status, status
        self._table.show_served(status.doing is not Doing.OFF)
        if (status.doing, pause_word(status)) != (before.doing, pause_word(before)):
            self.refresh_bindings()
        return True

    def _tick(self) -> None:
        """Seconds are counted though nothing new is told."""
        if self.is_current and self._counts is not None and not self._counts.settled:
            self._show_title()

    def keys_changed(self) -> None:
        """Also what stands where there is nothing, and the hint."""
        super().keys_changed()
        if self.info is None:
            self.query_one(JobTable).empty = _no_session()
        self._show_title()

    def _show_title(self) -> None:
        self.refresh_keys(self._table)
        line = self.query_one(ProgressLine)
        if self.info is None or self._counts is None:
            line.show(None)
            self.query_one(WhyLine).show("")
            return
        marked = len(self._table.marks)
        what = count_text(marked, "marked row") if marked else "it"
        hint = f"■ {key_of('jobs.stop')} stops {what}" if not self._counts.settled else ""
        if self._errors_only:
            hint = f"failed rows only · {key_of('jobs.failed')} shows all"
        held = self.info.session in self.app_state.held
        status = self.app_state.status
        off = status.doing in (Doing.OFF, Doing.SILENT)
        if off and not self._counts.settled and not marked:
            hint = f"{key_of('jobs.resume')} resumes it" if status.resume_helps else ""
        pace = self._queue.paces.get(self.info.session)
        line.show(SessionProgress(self.info, self._counts, pace, held, status, hint))
        self.query_one(WhyLine).show(status.why_still if line.is_cut else "")

    def tell(self, news: News) -> None:
        """Repaint what changed, and nothing else."""
        super().tell(news)
        self._queue.tell(news.tallies, time.monotonic())
        self._steps = news.steps
        if self.is_current:
            self.query_one(NodeDevices).show(news.devices, news.steps)
        changed = self._show_status()
        if news.order or news.settled or news.curated:
            self._reading.queue()
        if self.info is None:
            if news.order:
                self._reading.session(self._wanted)
            return
        if news.tallies or changed:
            self._show_queue()
        session = self.info.session
        if session in news.tallies or changed:
            self._show_title()
        rows = news.rows.get(session, set())
        if session in news.rows:
            self._repaint(rows)
        self._follow(rows or ())
        drawn = any(step.session == session for step in news.steps.values())
        if news.preview is not None and self.is_current:
            name = self._queue.name(news.preview.session)
            self._pictures.show_preview(news.preview, news.steps, name)
        if session in news.rows:
            self._pictures.changed(rows, news.finished.get(session), drawn=drawn)
        # A tally does not tell of models whose files have changed.
        if session in news.settled or (session in news.tallies and self.info.changed_models):
            self._reading.session(session)

    def _repaint(self, changed: set[int] | None) -> None:
        if self._errors_only:
            self._open_pages()
            return
        if self._source is not None:
            self._source.renew(changed)
        self._table.refresh_rows(range(self._table.source.count()) if changed is None else changed)
        self._look()

    @on(VirtualTable.Selected, "#jobs")
    def _chosen(self) -> None:
        """Why it failed, in full; else its images are where enter leads."""
        job, info = self._table.job, self.info
        if job is None or info is None:
            self.app.switch_mode("review")
            return
        look = RowToReview(info.session, job.row)
        if job.state == "failed" and job.error:
            self._commands.tell_of_failure(info.session, job, lambda: self.post_message(look))
        else:
            self.post_message(look)

    @on(VirtualTable.MarksChanged, "#jobs")
    def _marked(self) -> None:
        self._show_title()

    @on(VirtualTable.Selected, "#queue")
    def _to_rows(self) -> None:
        """From the queue to the rows of the one in hand."""
        self._table.focus()

    @on(VirtualTable.Highlighted, "#queue")
    def _session_under_cursor(self, event: VirtualTable.Highlighted) -> None:
        """Take it in hand, once the cursor rests on it."""
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        if event.key is not None and event.key != self._wanted:
            self._resting = self.set_timer(_REST_SECONDS, self._take_in_hand)

    def _take_in_hand(self) -> None:
        self._resting = None
        session = self._sessions.cursor_key
        if isinstance(session, str) and session != self._wanted:
            self._wanted = session
            self.post_message(TakeInHand(session, "jobs"))

    # ---------------------------------------------------------------- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a session there is nothing to do."""
        match action:
            case "leave":
                return self._sessions.has_focus
            case "pause":
                status = self.app_state.status
                idle = status.doing is Doing.OFF and not self._queue.working
                return not idle and parameters == (pause_word(status),)
            case "watch":
                return self._is_moved and self._counts is not None and not self._counts.settled
            case "other":
                return self._sessions.display
            case "move":
                waits = self._counts is not None and not self._counts.settled
                return waits and len(self._queue.working) > 1
            case "change" | "filter" | "errors" | "sort":
                return True if self.info else None
        return True

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are; those that would do nothing are called nothing."""
        counts, info = self._counts, self.info
        match name:
            case "jobs.stop":
                return None if counts and counts.waiting + counts.rendering else ""
            case "jobs.resume":
                waits = self.app_state.status.resume_helps
                if info is not None and not waits:
                    waits = info.session in self.app_state.held or bool(changed_words(info))
                return None if counts and (counts.stopped or waits) else ""
            case "jobs.retry":
                return None if counts and counts.failed else ""
            case "jobs.failed" if self._errors_only:
                return "All rows"
            case "jobs.failed":
                return None if counts and counts.failed else ""
            case _:
                return None

    def action_change(self, what: str) -> None:
        """Stop, resume or retry the marked rows, or the session in hand if none is marked."""
        if self.info is not None:
            rows = sorted(key for key in self._table.marks if isinstance(key, int))
            self._commands.change(what, self.info, rows)

    def action_everything(self, what: str) -> None:
        """Stop or resume every session."""
        self._commands.everything(what, self._queue.working)

    def action_move(self, to: Places) -> None:
        """Have the session in hand rendered sooner or later than others."""
        if self.info is not None:
            self._commands.move(self.info.session, to)

    def action_pause(self, _: str) -> None:
        """Render nothing and free the devices, for whoever needs them; or go on, or start."""
        self._commands.pause_or_go_on()

    def action_watch(self) -> None:
        """Back to what is drawn now: the cursor stays with the work again."""
        self._table.follow(self._table.cursor_key)
        self._follow()
        self._look()

    def action_other(self, step: int) -> None:
        """Take the next or the previous session of the queue in hand."""
        session = self._sessions.neighbour(step)
        if session is not None:
            self._sessions.go_to(session)

    def action_filter(self) -> None:
        """Type a filter."""
        box = self.query_one("#filter", Input)
        box.add_class("-open")
        box.disabled = False
        box.focus()
        passing(self).begin(_DROP, self._drop_filter)

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        if event.value != self._text:
            self._text = event.value
            self._open_pages()

    @on(Input.Submitted, "#filter")
    def _kept(self) -> None:
        self._table.focus()

    def _close_filter(self) -> None:
        box = self.query_one("#filter", Input)
        box.value = ""
        box.remove_class("-open")
        box.disabled = True
        passing(self).end(_DROP)

    def _drop_filter(self) -> None:
        """Show all rows again; the marks stay until the next time."""
        self._close_filter()
        self._table.focus()

    def action_leave(self) -> None:
        """From the queue back to the rows."""
        self._table.focus()

    def action_errors(self) -> None:
        """Only failed jobs, or all again."""
        self._errors_only = not self._errors_only
        passing(self).note(_SHOW_ALL, self.action_errors, is_open=self._errors_only)
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
