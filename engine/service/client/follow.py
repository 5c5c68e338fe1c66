"""Following a session from another process, whatever becomes of the engine process meanwhile."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.library.read.reader import find_session
from engine.protocol.events import (
    Absent,
    AnyEvent,
    Counted,
    Mismatched,
    Paused,
    Standing,
    Stepped,
)
from engine.protocol.records import Tally
from engine.service.client.connection import (
    Connection,
    EngineError,
    EngineGoneError,
    connect,
    connect_or_start,
)

_RESTARTS = 10
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a session stands."""

    session: str
    images: int
    done: int
    failed: int
    stopped: int
    settled: bool
    """Nothing of it will be rendered unless someone asks."""
    held: bool
    """It waits until someone lets it go on."""
    now: str
    """What happens at the moment, in a few words; may be empty."""


def follow_session(session: str, library: Path) -> Iterator[Progress]:
    """Where a session stands, again and again until it has settled.

    An engine process that ends meanwhile is started again: the work resumes by itself.

    Args:
        session: its id.
        library: whose.

    Raises:
        EngineError: the engine process ended ten times in a row, or cannot be started.
    """
    ended = 0
    while True:
        try:
            for progress in _follow_once(session, library):
                if progress.now:
                    ended = 0
                yield progress
                if progress.settled:
                    return
        except EngineGoneError:
            ended += 1
            if ended > _RESTARTS:
                raise
            time.sleep(0.2)


def _follow_once(session: str, library: Path) -> Iterator[Progress]:
    connection, _ = connect_or_start(library)
    with connection:
        now, held = "", False
        tally: Tally | None = None
        for event in connection.follow():
            match event:
                case Standing(status):
                    # From the database: a session that has settled is not among those with work.
                    info = find_session(library, session)
                    working = {work.session: work for work in status.work}
                    tally = working.get(session, info.tally)
                    held = session in status.held
                    now = status.paused or ""
                case Paused(reason):
                    now = reason or ""
                case Stepped(session=stepped, device=device, step=step, steps=steps):
                    if stepped != session:
                        continue
                    now = f"{device}: step {step}/{steps}"
                case Counted(tally=counts) if counts.session == session:
                    tally, held = counts, event.held
                case _:
                    continue
            if tally is None:
                continue
            if tally.waiting and tally.rewriting:
                now = f"prompts of {tally.rewriting} images are being rewritten"
            waits = held and not tally.settled
            yield Progress(
                session=session,
                images=tally.images,
                done=tally.done,
                failed=tally.failed,
                stopped=tally.stopped,
                settled=tally.settled,
                held=waits,
                now=f"waits: `promptsheet resume {session}` lets it go on" if waits else now,
            )


class EngineFeed:
    """What happens in the engine process of a library, for ever; it is not started.

    Iterate over it in one thread. Begins with `Standing`, or with `Absent` where none runs; again
    after each change of that.
    """

    def __init__(self, library: Path) -> None:
        """Args: library: whose."""
        self._library = library
        self._previews = False
        self._connection: Connection | None = None
        self._turn = threading.Lock()

    def want_previews(self, wanted: bool) -> None:
        """Also hear `Previewed`: what is being denoised, as small pictures. From any thread."""
        with self._turn:
            if wanted != self._previews:
                self._previews = wanted
                if self._connection is not None:
                    with contextlib.suppress(EngineError):
                        self._connection.want_previews(wanted)

    def __iter__(self) -> Iterator[AnyEvent]:
        """Events as they come."""
        absent = False
        while True:
            try:
                connection = connect(self._library)
                if connection is not None:
                    absent = False
                    with connection:
                        yield from self._events(connection)
            except EngineError:
                pass  # it has ended, or is ending: look again
            if not absent:
                absent = True
                yield Absent()
            time.sleep(_LOOK_SECONDS)

    def _events(self, connection: Connection) -> Iterator[AnyEvent]:
        if mismatch := connection.greeting.mismatch():
            yield Mismatched(mismatch)
            time.sleep(_LOOK_SECONDS)
            return
        with self._turn:
            events = connection.follow(previews=self._previews)
            self._connection = connection
        try:
            yield from events
        finally:
            self._connection = None
