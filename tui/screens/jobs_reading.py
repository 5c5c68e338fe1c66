"""What Jobs reads from the library, in threads: sessions, jobs, and how they get on."""

import time
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from textual.screen import Screen

from engine.api import STATES, Library, LibraryError, Pace, SessionInfo
from tui.widgets.job_table import JobSource
from tui.workers import hand_over, hand_to, work


@dataclass(frozen=True, slots=True)
class ReadQueue:
    """The sessions in the queue."""

    sessions: Sequence[SessionInfo]
    began: float
    """When they began to be read, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class InHand:
    """A session to take in hand, its newest image, and the queue around it."""

    info: SessionInfo | None
    queue: ReadQueue
    newest: Path | None = None


@dataclass(frozen=True, slots=True)
class ReadPaces:
    """How sessions with work left get on, by their ids."""

    paces: Mapping[str, Pace]


@dataclass(frozen=True, slots=True)
class ReadJobs:
    """The jobs of the session in hand; whoever takes them closes them."""

    source: JobSource


class JobsTaker(Protocol):
    """Who takes what was read."""

    def take_in_hand(self, found: InHand) -> None:
        """A session, or that there is none."""

    def take_queue(self, queue: ReadQueue) -> None:
        """The queue."""

    def take_paces(self, read: ReadPaces) -> None:
        """How those with work left get on."""

    def take_jobs(self, read: ReadJobs) -> None:
        """The jobs of the session in hand."""


class JobsReading:
    """Reads; of two readings of one kind the newer is taken."""

    def __init__(self, node: Screen[None], reader: JobsTaker, library: Library) -> None:
        self.node = node
        self._reader = reader
        self._library = library

    @work(thread=True, exclusive=True, group="session")
    def session(self, session: str | None) -> None:
        """A session, by its id; None: the last."""
        library, began = self._library, time.monotonic()
        try:
            queue = ReadQueue(library.sessions.queue(), began)
            info = library.sessions.find(session or "last")
            newest = library.images.newest(info.session)
        except LibraryError:
            hand_over(self._reader.take_in_hand, InHand(None, ReadQueue((), began)))
        else:
            hand_over(self._reader.take_in_hand, InHand(info, queue, newest))

    @work(thread=True, exclusive=True, group="queue")
    def queue(self) -> None:
        """The queue."""
        began = time.monotonic()
        try:
            queue = self._library.sessions.queue()
        except LibraryError:
            return
        hand_to(self.node, self._reader.take_queue, ReadQueue(queue, began))

    @work(thread=True, exclusive=True, group="pace")
    def paces(self, held: Collection[str]) -> None:
        """How those with work left get on; nothing waits for those that are held."""
        try:
            found = self._library.sessions.paces(held)
        except LibraryError:
            return
        hand_to(self.node, self._reader.take_paces, ReadPaces(found))

    @work(thread=True, exclusive=True, group="pages")
    def jobs(
        self, session: str, text: str, order: str, first: Hashable | None, *, failed: bool
    ) -> None:
        """The jobs of a session.

        Args:
            session: its id.
            text: in one of the row's cells.
            order: one of `ORDERS`.
            first: the row that is seen first; None: the first of all.
            failed: only those that failed.
        """
        states = ("failed",) if failed else STATES
        try:
            pages = self._library.sessions.job_pages(session, text=text, states=states, order=order)
        except LibraryError:
            return
        source = JobSource(pages)
        source.prime(first)
        if not hand_over(self._reader.take_jobs, ReadJobs(source)):
            source.close()
