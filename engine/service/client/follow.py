"""Following a session from another process, whatever becomes of the engine process meanwhile."""

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.library.read.reader import find_session
from engine.protocol.answers import Load
from engine.protocol.events import (
    Absent,
    Alive,
    AnyEvent,
    Counted,
    Gone,
    Loading,
    Mismatched,
    Paused,
    Revived,
    Silent,
    Standing,
    Stepped,
)
from engine.protocol.records import Tally
from engine.service.client.connection import (
    Connection,
    EngineError,
    EngineGoneError,
    EngineSilentError,
    connect,
)
from engine.service.client.looking_on import LookingOn
from engine.service.client.reviving import Reviver
from engine.service.lock import Holder, held_elsewhere
from engine.settings import Settings

_LOOK_SECONDS = 0.5
_REVIVE_SECONDS = 2.0
_GREETING_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class FollowProgress:
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
    waits: str = ""
    """Why nothing is rendered at the moment; empty while work goes on."""
    given_up: bool = False
    """Nothing could be rendered for so long that this is the last report; the work waits on."""
    said: str = ""
    """What has just happened to the engine process, for once."""


class _Patience:
    """How long it is still waited for what is paused."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._since: float | None = None

    def heard(self, waits: str) -> None:
        """Whether work is paused, as of now."""
        self._since = (self._since or time.monotonic()) if waits else None

    def left(self) -> float | None:
        """Seconds; None while work goes on, or for ever."""
        if self._since is None or self._seconds is None:
            return None
        return max(0.0, self._since + self._seconds - time.monotonic())


def follow_session(
    session: str, settings: Settings, patience: float | None = None
) -> Iterator[FollowProgress]:
    """Where a session stands, again and again until it has settled.

    An engine process that ends meanwhile is started again, and the work resumes by itself, as far
    as `Reviver` does that.

    Args:
        session: its id.
        settings: whose library, and which hosts may render.
        patience: seconds for which it is waited while nothing can be rendered, whatever the
            reason; the last report has `given_up` then. None: for ever.

    Raises:
        EngineError: the engine process cannot be talked to.
        LibraryError: there is no such session any more.
    """
    library = settings.library
    reviver, waited = Reviver(settings), _Patience(patience)
    done: int | None = None
    while True:
        for progress in _follow_once(session, library, reviver):
            waited.heard(progress.waits)
            if waited.left() == 0:
                yield replace(progress, given_up=True)
                return
            if done is not None and progress.done > done:
                reviver.lives()
            done = progress.done
            yield progress
            if progress.settled:
                return


def _follow_once(session: str, library: Path, reviver: Reviver) -> Iterator[FollowProgress]:
    try:
        connection = connect(library, _GREETING_SECONDS)
    except EngineSilentError as error:
        yield _unserved(session, library, str(error))
        return
    said = ""
    if connection is None:
        if (holder := held_elsewhere(library)) is not None:
            yield from _reports_elsewhere(session, library, holder)
            return
        revived = reviver.look()
        if revived.connection is None:
            yield _unserved(session, library, revived.reason)
            time.sleep(_LOOK_SECONDS)
            return
        connection, said = revived.connection, revived.reason
    with connection:
        if mismatch := connection.greeting.mismatch():
            raise EngineError(mismatch)
        try:
            for progress in _reports(session, library, connection):
                yield replace(progress, said=said)
                said = ""
        except EngineGoneError:
            reviver.ended()


def _reports_elsewhere(session: str, library: Path, holder: Holder) -> Iterator[FollowProgress]:
    """Where a session stands while another host has the library."""
    for progress in _told(session, library, LookingOn(library, holder)):
        on = f"on {holder.host}"
        yield replace(progress, now=f"{on}: {progress.now}" if progress.now else on)


def _unserved(session: str, library: Path, reason: str) -> FollowProgress:
    """Where a session stands by the library alone."""
    info = find_session(library, session)
    settled = not (info.waiting or info.rendering)
    waits = "" if settled else reason
    return FollowProgress(
        session, info.images, info.done, info.failed, info.stopped, settled, False, waits, waits
    )


def _reports(session: str, library: Path, connection: Connection) -> Iterator[FollowProgress]:
    """Where a session stands after each event."""
    return _told(session, library, connection.follow())


def _told(session: str, library: Path, events: Iterable[AnyEvent]) -> Iterator[FollowProgress]:
    now = waits = ""
    silent = held = False
    tally: Tally | None = None
    for event in events:
        if silent and not isinstance(event, Silent):
            return  # it answers again: where it stands, it says at the beginning
        match event:
            case Standing(status):
                # From the database: a session that has settled is not among those with work.
                working = {work.session: work for work in status.work}
                tally = working.get(session) or find_session(library, session).tally
                held = session in status.held
                waits = status.paused or ""
                now = waits or load_words(status.loading)
            case Paused(reason):
                now = waits = reason or ""
            case Loading(loads) if not waits:
                now = load_words(loads)
            case Silent(reason):
                now = waits = reason
                silent = True
            case Stepped(device=device, step=step, steps=steps) if event.session == session:
                now, waits = f"{device}: step {step}/{steps}", ""
            case Counted(counts) if counts.session == session:
                tally, held = counts, event.held
            case Alive():
                pass
            case _:
                continue
        if tally is None:
            continue
        if tally.waiting and tally.rewriting and not waits:
            now = f"rewriting the prompts of {tally.rewriting:,} images"
        is_held = held and not tally.settled
        hold = f"held: `promptsheet resume {session}` continues it" if is_held else ""
        yield FollowProgress(
            session=session,
            images=tally.images,
            done=tally.done,
            failed=tally.failed,
            stopped=tally.stopped,
            settled=tally.settled,
            held=is_held,
            now=hold or now,
            waits="" if tally.settled else hold or waits,
        )


def load_words(loads: Sequence[Load]) -> str:
    """`cuda:0: loading sdxl`; empty where nothing is being loaded."""
    return ", ".join(
        f"{load.device}: loading {load.model}" if load.model else f"{load.device}: starting"
        for load in loads
    )


class EngineFeed:
    """What happens in the engine process of a library, for ever.

    Where there is none it is started, as far as `Reviver` does that. Iterate over it in one
    thread. Begins with `Standing`, or with `Absent` where none runs and the reason if something
    waits; again after each change of that. `Gone` comes as soon as one is gone; `Revived` says
    why another was started; `Silent`, that it does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        """Args: settings: whose library, and which hosts may render."""
        self._library = settings.library
        self._how: tuple[bool, bool | None] = (False, None)
        self._connection: Connection | None = None
        self._turn = threading.Lock()
        self._reviver = Reviver(settings)

    def follow_as(self, *, previews: bool, seen: bool | None) -> None:
        """How it follows from now on. From any thread.

        Args:
            previews: also hear `Previewed`: what is being denoised, as small pictures.
            seen: whether someone looks at what is made of the events; None: unknown.
        """
        with self._turn:
            if (previews, seen) != self._how:
                self._how = previews, seen
                if self._connection is not None:
                    with contextlib.suppress(EngineError):
                        self._connection.follow_as(previews=previews, seen=seen)

    def __iter__(self) -> Iterator[AnyEvent]:
        """Events as they come."""
        said: AnyEvent | None = None
        event: AnyEvent
        looked = 0.0
        while True:
            try:
                connection = connect(self._library, _GREETING_SECONDS)
                if connection is None:
                    if (holder := held_elsewhere(self._library)) is not None:
                        said = None
                        yield from LookingOn(self._library, holder)
                        yield Gone()
                        continue
                    if said and time.monotonic() - looked < _REVIVE_SECONDS:
                        time.sleep(_LOOK_SECONDS)
                        continue
                    event = self._look()
                    looked = time.monotonic()
                elif mismatch := connection.greeting.mismatch():
                    connection.close()
                    event = Mismatched(mismatch)
                else:
                    said = None
                    with connection:
                        yield from self._events(connection)
                    continue
            except EngineGoneError:
                self._reviver.ended()
                yield Gone()
                continue
            except EngineSilentError as error:
                event = Silent(str(error))
            except EngineError as error:
                event = Absent(str(error))
            if event != said:
                said = event
                yield event
            if not isinstance(event, Revived):
                time.sleep(_LOOK_SECONDS)

    def _look(self) -> Absent | Revived:
        """None runs: whether one was started, or why not."""
        revived = self._reviver.look()
        if revived.connection is None:
            return Absent(revived.reason)
        revived.connection.close()
        return Revived(revived.reason)

    def _events(self, connection: Connection) -> Iterator[AnyEvent]:
        with self._turn:
            previews, seen = self._how
            events = connection.follow(previews=previews, seen=seen)
            self._connection = connection
        silent = False
        try:
            for event in events:
                if silent and not isinstance(event, Silent):
                    return  # it answers again: how things stand, it says at the beginning
                silent = isinstance(event, Silent)
                if isinstance(event, Counted) and event.finished:
                    self._reviver.lives()
                yield event
        finally:
            self._connection = None
