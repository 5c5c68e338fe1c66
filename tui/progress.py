"""Following a session from the command line: a progress bar on a terminal, quiet in a pipe."""

import collections
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import (
    Progress as Bar,
)
from rich.text import Text

from engine.api import FollowProgress, Library, PullProgress
from tui.pull_words import pace_words
from tui.terminal.notice import notification
from tui.text import clean, clock_text

_PACE_SECONDS = 2.0


def follow(session: str, name: str, library: Library, wait_minutes: float) -> FollowProgress | None:
    """Wait until the session has settled; where it stands then.

    On a terminal a bar on stderr shows the way there. Ctrl-C ends the waiting, not the session:
    the result is None then.

    Args:
        session: its id.
        name: what people call it.
        library: whose it is.
        wait_minutes: how long to wait while nothing can be rendered; the result has `given_up`
            after that.
    """
    reports = library.sessions.follow(session, wait_minutes * 60)
    try:
        if not sys.stderr.isatty():
            return _last(_saying(reports))
        with _bar(name) as (bar, task):
            last, known = None, _Known()
            for last in reports:
                settled = last.done + last.failed + last.stopped
                pace = "" if last.settled or last.waits else known.pace(session, library)
                parts = [] if last.settled else [pace, clean(last.now)]
                parts += [f"✗ {last.failed:,} failed"] if last.failed else []
                note = " · ".join(part for part in parts if part)
                bar.update(task, total=last.images, completed=settled, note=note)
                if last.said:
                    bar.console.print(clean(last.said), markup=False)
        if library.settings.app.bell and last is not None:
            words = f"{name}: {last.done:,} of {last.images:,} images done"
            print(notification(words), end="", file=sys.stderr, flush=True)
        return last
    except KeyboardInterrupt:
        return None


class _Known:
    """The pace as it was last looked up: not at every event."""

    def __init__(self) -> None:
        self._words = ""
        self._until = 0.0

    def pace(self, session: str, library: Library) -> str:
        """`1.7 img/s, ETA 00:04:10`; nothing while nothing is known."""
        now = time.monotonic()
        if now >= self._until:
            self._until = now + _PACE_SECONDS
            found = library.sessions.pace(session)
            if found.images_per_second and found.seconds_left is not None:
                left = clock_text(found.seconds_left)
                self._words = f"{found.images_per_second:.1f} img/s, ETA {left}"
        return self._words


def _saying(reports: Iterator[FollowProgress]) -> Iterator[FollowProgress]:
    """The same; that it waits, and what for, must be said even where progress is not."""
    waits = ""
    for report in reports:
        if report.said:
            print(clean(report.said), file=sys.stderr, flush=True)
        if report.waits and report.waits != waits:
            print(clean(report.waits), file=sys.stderr, flush=True)
        waits = report.waits
        yield report


def _last(reports: Iterator[FollowProgress]) -> FollowProgress | None:
    return next(iter(collections.deque(reports, maxlen=1)), None)


class _CountColumn(ProgressColumn):
    """`120/2,000`."""

    def render(self, task: Task) -> Text:
        total = "?" if task.total is None else f"{task.total:,.0f}"
        return Text(f"{task.completed:>{len(total)},.0f}/{total}", "progress.download")


@contextmanager
def _bar(name: str) -> Iterator[tuple[Bar, TaskID]]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _CountColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True), refresh_per_second=5) as bar:
        yield bar, bar.add_task(clean(name), total=None, note="starting")


_SAID_SECONDS = 5.0


@contextmanager
def looking() -> Iterator[Callable[[int, int], None]]:
    """What looking at pictures reports to: a bar on stderr, or a line there now and then."""
    if sys.stderr.isatty():
        with _bar("checking pictures") as (bar, task):
            yield lambda done, total: bar.update(task, completed=done, total=total, note="")
        return
    said = time.monotonic()

    def say(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _SAID_SECONDS:
            said = time.monotonic()
            print(f"checked {done:,} of {total:,} pictures", file=sys.stderr, flush=True)

    yield say


@contextmanager
def copying(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """What the start of a session reports to: a bar on stderr as soon as pictures are copied.

    Args:
        shown: whether there is to be one, if stderr is a terminal.
    """
    with ExitStack() as until_accepted:
        bars: list[tuple[Bar, TaskID]] = []

        def show(done: int, total: int) -> None:
            if total and shown and sys.stderr.isatty():
                if not bars:
                    bars.append(until_accepted.enter_context(_bar("copying pictures")))
                ((bar, task),) = bars
                bar.update(task, completed=done, total=total, note="")

        yield show


@contextmanager
def exporting() -> Iterator[Callable[[int, int], None]]:
    """What an export reports to: a bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _, __: None
        return
    with _bar("export") as (bar, task):
        yield lambda done, total: bar.update(task, completed=done, total=total, note="")


_TOLD_SECONDS = 1.0


@contextmanager
def pulling(name: str, *, as_json: bool) -> Iterator[Callable[[PullProgress], None]]:
    """What pulling a model reports to: a bar on stderr where that is a terminal.

    Args:
        name: of the model.
        as_json: whether stdout gets lines of JSON instead, one a second.
    """
    if as_json:
        yield _told_in_json()
        return
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[pace]}", markup=False),
        TextColumn("{task.fields[file]}", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True), refresh_per_second=5) as bar:
        task = bar.add_task(clean(name), total=None, pace="", file="")

        def show(step: PullProgress) -> None:
            bar.update(
                task,
                completed=step.done,
                total=step.total,
                pace=pace_words(step),
                file=clean(step.file),
            )

        yield show


def _told_in_json() -> Callable[[PullProgress], None]:
    told = 0.0

    def tell(step: PullProgress) -> None:
        nonlocal told
        if step.done == step.total or time.monotonic() - told >= _TOLD_SECONDS:
            told = time.monotonic()
            body = {
                "done_bytes": step.done,
                "bytes": step.total,
                "bytes_per_second": round(step.bytes_per_second),
                "file": step.file,
            }
            print(json.dumps({"progress": body}), flush=True)

    return tell
