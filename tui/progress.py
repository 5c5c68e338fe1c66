"""Following a session from the command line: a progress bar on a terminal, quiet in a pipe."""

import collections
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)

from engine.api import Progress, Settings, follow_session
from tui.text import clean


def follow(session: str, name: str, settings: Settings) -> Progress | None:
    """Wait until the session has settled; where it stands then.

    On a terminal a bar on stderr shows the way there. Ctrl-C ends the waiting, not the session:
    the result is None then.
    """
    try:
        if not sys.stderr.isatty():
            return _last(follow_session(session, settings.library))
        with _bar(name) as (bar, task):
            last = None
            for last in follow_session(session, settings.library):
                settled = last.done + last.failed + last.stopped
                failed = f" · ✗ {last.failed} failed" if last.failed else ""
                bar.update(
                    task,
                    total=last.images,
                    completed=settled,
                    note=clean("" if last.settled else last.now) + failed,
                )
            return last
    except KeyboardInterrupt:
        return None


def _last(reports: Iterator[Progress]) -> Progress | None:
    return next(iter(collections.deque(reports, maxlen=1)), None)


@contextmanager
def _bar(name: str) -> Iterator[tuple[Bar, TaskID]]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True), refresh_per_second=5) as bar:
        yield bar, bar.add_task(clean(name), total=None, note="starting")


@contextmanager
def exporting() -> Iterator[Callable[[int, int], None]]:
    """What an export reports to: a bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _, __: None
        return
    with _bar("export") as (bar, task):
        yield lambda done, total: bar.update(task, completed=done, total=total, note="")
