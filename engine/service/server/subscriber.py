"""Events on their way to one client: what is overtaken is left out, counts never are."""

import asyncio
import itertools
from typing import Any

_PAUSE_SECONDS = 0.2
_FILES_KEPT = 100

Event = dict[str, Any]


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
        self._waiting: dict[object, Event] = {}
        self._news = asyncio.Event()

    def offer(self, event: Event) -> None:
        """Put an event into the next batch of them, if this client wants it."""
        kind = event["event"]
        if self._every:
            self._waiting[next(self._numbers)] = event
        elif kind == "tally":
            key = (kind, event["session"])
            older = self._waiting.get(key)
            self._waiting[key] = event if older is None else _together(older, event)
        elif kind == "curated":
            older = self._waiting.get(kind, {"sessions": []})
            sessions = sorted({*older["sessions"], *event["sessions"]})
            self._waiting[kind] = event | {"sessions": sessions}
        elif (kind == "preview" and not self.previews) or kind == "computed":
            return
        else:
            self._waiting[kind, event.get("device")] = event
        self._news.set()

    async def take(self) -> list[Event]:
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


def _together(older: Event, newer: Event) -> Event:
    """Two changes of a session's counts as one."""
    rows = (
        None
        if older["rows"] is None or newer["rows"] is None
        else sorted({*older["rows"], *newer["rows"]})
    )
    finished = [*older["finished"], *newer["finished"]][-_FILES_KEPT:]
    return newer | {"rows": rows, "finished": finished}
