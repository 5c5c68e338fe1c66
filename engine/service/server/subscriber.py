"""Events on their way to one client: what is overtaken is left out, counts never are."""

import asyncio
import itertools

import msgspec

from engine.protocol.events import AnyEvent, Computed, Counted, Curated, Previewed, Stepped

_PAUSE_SECONDS = 0.2
_FILES_KEPT = 100


class Subscriber:
    """A client that follows events, a few times a second at most, however busy the engine is.

    A newer step or preview of a device takes the place of an older one; changes of a session's
    counts are put together into one.
    """

    def __init__(
        self, *, previews: bool = False, every: bool = False, seen: bool | None = None
    ) -> None:
        """A client that has just come.

        Args:
            previews: whether it wants them.
            every: every event as it comes (benchmarks do).
            seen: whether someone looks at it; None: its terminal does not tell.
        """
        self.previews = previews
        self.seen = seen
        self._every = every
        self._numbers = itertools.count()
        self._waiting: dict[object, AnyEvent] = {}
        self._news = asyncio.Event()

    def offer(self, event: AnyEvent) -> None:
        """Put an event into the next batch of them, if this client wants it."""
        if self._every:
            self._waiting[next(self._numbers)] = event
            self._news.set()
            return
        match event:
            case Counted():
                key: object = (Counted, event.tally.session)
                older = self._waiting.get(key)
                both = _together(older, event) if isinstance(older, Counted) else event
                self._waiting[key] = both
            case Curated():
                before = self._waiting.get(Curated)
                sessions = before.sessions if isinstance(before, Curated) else []
                self._waiting[Curated] = Curated(sorted({*sessions, *event.sessions}))
            case Computed():
                return
            case Previewed() if not self.previews:
                return
            case Stepped() | Previewed():
                self._waiting[type(event), event.device] = event
            case _:
                self._waiting[type(event)] = event
        self._news.set()

    async def take(self) -> list[AnyEvent]:
        """Wait for events; all there are."""
        await self._news.wait()
        events = list(self._waiting.values())
        self._waiting = {}
        self._news.clear()
        return events

    async def rest(self) -> None:
        """Let some more gather before the next batch of events."""
        if not self._every:
            await asyncio.sleep(_PAUSE_SECONDS)


def _together(older: Counted, newer: Counted) -> Counted:
    """Two changes of a session's counts as one."""
    rows = None if older.rows is None or newer.rows is None else sorted({*older.rows, *newer.rows})
    finished = [*older.finished, *newer.finished][-_FILES_KEPT:]
    return msgspec.structs.replace(newer, rows=rows, finished=finished)
