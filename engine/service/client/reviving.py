"""Starting the engine process again for who looks on, as far as that is wanted."""

import time
from dataclasses import dataclass
from pathlib import Path

from engine.library.database import LibraryError, database_path
from engine.library.write.open_work import OpenWork, open_work
from engine.library_folder import writing_fault
from engine.service.backoff import next_pause
from engine.service.client.connection import Connection, EngineError, connect_or_start
from engine.service.hosts import this_host, why_not_here
from engine.service.lock import is_locked
from engine.settings import Settings

_MOST_ENDS = 5
"""How often in a row it is started again without one image more: then it is left alone."""
_HELD = "another engine process holds the library and cannot be reached from here"


@dataclass(frozen=True, slots=True)
class Revival:
    """What came of looking whether the engine process is to be started."""

    connection: Connection | None = None
    """To the one that was started now."""
    reason: str = ""
    """Why none was, where there is work; or why this one was."""


class Reviver:
    """Starts the engine process of a library again, for one that looks on.

    Looking on is not asking: nothing is started where nothing waits, where someone stopped or
    paused the work, or on a host where nobody has asked for it. One that ends again and again is
    left alone, with growing pauses before.
    """

    def __init__(self, settings: Settings) -> None:
        """Args: settings: whose library, and which hosts may render."""
        self._library = settings.library
        self._render_on = settings.engine.render_on
        self._ends = 0
        self._pause: float | None = None
        self._not_before = 0.0
        self._fault = ""

    def lives(self) -> None:
        """An image came: whatever made it end before has passed."""
        self._ends, self._pause, self._fault = 0, None, ""

    def ended(self) -> None:
        """It was there, and is no more."""
        self._ends += 1
        self._rest()

    def _rest(self) -> None:
        # The first time at once: a process that was killed is most often the only one.
        if self._ends > 1:
            self._pause = next_pause(self._pause)
            self._not_before = time.monotonic() + self._pause

    def look(self) -> Revival:
        """Start it if that is wanted, and time for it."""
        try:
            found = open_work(self._library)
        except (LibraryError, OSError) as error:
            if not _is_hot(self._library):
                return Revival(reason=str(error))
            found = None  # who may only read it can do so once one that writes has put it right
        if found is not None and not found.images:
            return Revival()
        if reason := self._forbidden(found):
            return Revival(reason=reason)
        if is_locked(self._library):
            return Revival(reason=_HELD)
        if self._ends > _MOST_ENDS:
            return Revival(
                reason=f"the engine process ended {self._ends} times in a row without a new"
                f" image: see {self._library / 'engine.log'}; Resume in Jobs, or"
                " `promptsheet engine start`, tries again"
            )
        if time.monotonic() < self._not_before:
            return Revival(reason=self._fault or "the engine process restarts in a moment")
        try:
            connection, _ = connect_or_start(self._library)
        except EngineError as error:
            self._fault = str(error)
            self._ends = max(self._ends, 2)  # a disk that is full stays so for a while
            self._rest()
            return Revival(reason=self._fault)
        self._fault = ""
        return Revival(connection, self._why(found))

    def _why(self, found: OpenWork | None) -> str:
        if self._ends:
            return "The engine process had stopped and was restarted."
        if found is None:
            return "The engine process was started; the last one was interrupted while writing."
        what = "1 image is waiting" if found.images == 1 else f"{found.images:,} images are waiting"
        return f"{what}: the engine process was started and continues the work."

    def _forbidden(self, found: OpenWork | None) -> str:
        """Why nothing is to be started, though something waits; empty: it may be."""
        if found is None:  # the engine process itself knows where it may render
            return writing_fault(self._library) or ""
        if found.paused:
            return "paused by you; `promptsheet engine resume`, or Continue in Jobs, continues"
        if fault := writing_fault(self._library):
            return fault
        if why := why_not_here(self._render_on, found.hosts, this_host(), self._library):
            return why
        if found.stopped:
            return (
                "the engine process was stopped; Resume in Jobs, or `promptsheet engine start`,"
                " continues the work"
            )
        return ""


def _is_hot(library: Path) -> bool:
    """Whether an engine process was cut off amid a change, on a network file system."""
    path = database_path(library)
    try:
        return path.with_name(f"{path.name}-journal").stat().st_size > 0
    except OSError:
        return False
