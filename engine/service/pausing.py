"""When rendering must wait: the disk is nearly full, or the library cannot be written."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_MIB = 1 << 20


class Pausing:
    """Why nothing is rendered at the moment, and for how long to wait before looking again."""

    def __init__(
        self,
        library: Path,
        reserve_mib: int,
        publish: Callable[[dict[str, Any]], None],
        closing: asyncio.Event,
    ) -> None:
        self.reason: str | None = None
        """What followers and the status are told; None while work goes on."""
        self._library = library
        self._reserve_mib = reserve_mib
        self._publish = publish
        self._closing = closing
        self._trouble: str | None = None
        self._seconds = _PAUSE_SECONDS

    def has_room(self) -> bool:
        """Whether the library's disk has its reserve left; says so when that changes."""
        free = shutil.disk_usage(self._library).free // _MIB
        if free >= self._reserve_mib:
            self._say(self._trouble)
            return True
        self._say(
            f"the disk has {free} MiB left, under the reserve of {self._reserve_mib} MiB;"
            " rendering goes on when there is room"
        )
        return False

    def trouble(self, what: str) -> None:
        """The library cannot be read or written: wait longer each time until `over`."""
        self._trouble = f"the library cannot be used: {what}"
        self._say(self._trouble)
        self._seconds = min(2 * self._seconds, _LONGEST_PAUSE_SECONDS)

    def over(self) -> None:
        """Something was saved: whatever the trouble was, it has passed."""
        self._trouble, self._seconds = None, _PAUSE_SECONDS

    async def rest(self) -> None:
        """Wait a while, or until the engine process closes."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), self._seconds)

    def _say(self, reason: str | None) -> None:
        if reason != self.reason:
            self.reason = reason
            self._publish({"event": "paused", "reason": reason})
            if reason:
                log.warning("paused: %s", reason)
