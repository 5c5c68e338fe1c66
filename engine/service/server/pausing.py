"""When rendering must wait: a full disk, a library that cannot be written, models not at hand."""

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from engine.protocol.events import Paused
from engine.service import backoff

log = logging.getLogger(__name__)

_LONGEST_TROUBLE_SECONDS = 5.0
"""Once the library can be written again nobody waits for longer than twice this."""
_MIB = 1 << 20
_ASKED = "paused by you; `promptsheet engine resume`, or Pause in Jobs, lets it go on"


class Pausing:
    """Why nothing is rendered at the moment, and for how long to wait before looking again."""

    def __init__(
        self,
        library: Path,
        reserve_mib: int,
        publish: Callable[[Paused], None],
        closing: asyncio.Event,
    ) -> None:
        self.reason: str | None = None
        """What followers and the status are told; None while work goes on."""
        self.asked = False
        """Whether the user wants nothing to be rendered."""
        self.elsewhere: str | None = None
        """Why this host renders nothing, until someone asks."""
        self.seconds = backoff.FIRST_PAUSE_SECONDS
        """How long to wait before looking again."""
        self._library = library
        self._reserve_mib = reserve_mib
        self._publish = publish
        self._closing = closing
        self._trouble: str | None = None
        self._lack: str | None = None
        self._until = 0.0

    @property
    def off(self) -> bool:
        """Whether nothing is rendered until someone says so: no waiting helps."""
        return self.asked or self.elsewhere is not None

    def may_work(self) -> bool:
        """Whether work may go on: nobody asked for a pause, and the library can be written.

        Says so when that changes.
        """
        if self.asked:
            self._say(_ASKED)
            return False
        if self.elsewhere is not None:
            self._say(self.elsewhere)
            return False
        try:
            free = shutil.disk_usage(self._library).free // _MIB
        except FileNotFoundError:
            raise  # the library is gone, and nothing more can be done for it
        except OSError as error:  # a network disk that is away for a while
            self._say(f"the disk cannot be read: {error.strerror}")
            return False
        if free < self._reserve_mib:
            self._say(
                f"the disk has {free} MiB left; rendering goes on at {self._reserve_mib} MiB, the"
                " reserve"
            )
            return False
        self._say(self._trouble or self._lack)
        return time.monotonic() >= self._until

    def trouble(self, what: str) -> None:
        """The library cannot be read or written: wait longer each time until `over`.

        What is reported while that is waited for is the same event, seen by another attempt.
        """
        self._trouble = f"the library cannot be used: {what}"
        self._say(self._trouble)
        if (now := time.monotonic()) >= self._until:
            self.seconds = min(2 * self.seconds, _LONGEST_TROUBLE_SECONDS)
            self._until = now + self.seconds

    def over(self) -> None:
        """Something was saved: whatever the trouble was, it has passed."""
        self._trouble, self.seconds, self._until = None, backoff.FIRST_PAUSE_SECONDS, 0.0

    def lack(self, what: str | None) -> None:
        """All that is left to render waits for this; None: it does not, or no longer."""
        if what or self.reason == self._lack:
            self._say(what or self._trouble)
        self._lack = what

    async def rest(self) -> None:
        """Wait until it is time to try again, or until the engine process closes."""
        left = max(backoff.FIRST_PAUSE_SECONDS, self._until - time.monotonic())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), left)

    def _say(self, reason: str | None) -> None:
        if reason != self.reason:
            self.reason = reason
            not_here = self.elsewhere is not None and not self.asked
            self._publish(Paused(reason, by_user=self.asked, not_here=not_here))
            if reason:
                log.warning("paused: %s", reason)
