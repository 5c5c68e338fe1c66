"""Pictures on their way to the terminal: few bytes at once, so that a key's echo goes first."""

from collections.abc import Callable
from typing import Protocol

from tui.graphics.line import TerminalLine

_KEY_SECONDS = 0.1
_REST_SECONDS = 0.15
"""On a thin line nothing follows a key for so long, and no large picture."""


class Sending(Protocol):
    """A picture that is to be sent."""

    @property
    def large(self) -> bool:
        """Whether it waits for the others, and for a while without keys."""

    @property
    def has_begun(self) -> bool:
        """Whether no other may come between its pieces, of which one was sent."""

    @property
    def is_over(self) -> bool:
        """Whether all was sent, or is not wanted any more."""

    def piece(self) -> str:
        """What is to be sent next."""


class Pacer:
    """Sends the pieces of pictures as the line takes them.

    Each picture is asked for its next piece when there is room for it: what is not wanted any more
    by then is not sent.
    """

    def __init__(self, line: TerminalLine, write: Callable[[str], None]) -> None:
        """A pacer without pictures.

        Args:
            line: to the terminal.
            write: sends text to the terminal, and tells the line.
        """
        self.line = line
        self._write = write
        self._queue: list[Sending] = []
        self._key_at: float | None = None
        self._is_at_work = False

    def put(self, sending: Sending) -> None:
        """Send a picture when it is its turn; `pump` begins."""
        if not self.has(sending):
            self._queue.append(sending)

    def has(self, sending: Sending) -> bool:
        """Whether something of it is still to be sent."""
        return any(waiting is sending for waiting in self._queue) and not sending.is_over

    @property
    def is_busy(self) -> bool:
        """Whether pictures wait for the line."""
        return any(not sending.is_over for sending in self._queue)

    def rest(self, now: float) -> None:
        """A key was pressed."""
        self._key_at = now

    def pump(self, now: float) -> float:
        """Send what may be sent now; the seconds after which to ask again, 0: not of itself."""
        if self._is_at_work:  # a piece has led here
            return 0.0
        self._is_at_work = True
        try:
            return self._send(now)
        finally:
            self._is_at_work = False

    def _send(self, now: float) -> float:
        patience = self.line.waits(now)
        held = 0.0
        while self.line.has_room and (sending := self._next()) is not None:
            held = self._held(sending, now)
            if held > 0:
                break
            self._write(sending.piece())
            self._send_fence(now)
        self._send_fence(now)
        if held > 0:
            return held
        return (patience or self.line.waits(now)) if self._queue else 0.0

    def _next(self) -> Sending | None:
        self._queue = [sending for sending in self._queue if not sending.is_over]
        by_turns = sorted(self._queue, key=lambda sending: (not sending.has_begun, sending.large))
        return by_turns[0] if by_turns else None

    def _held(self, sending: Sending, now: float) -> float:
        """For how long a picture has to wait because of a key."""
        if self._key_at is None or not (self.line.is_paced and self.line.is_thin):
            return 0.0
        return self._key_at + (_REST_SECONDS if sending.large else _KEY_SECONDS) - now

    def _send_fence(self, now: float) -> None:
        if fence := self.line.fence(now):
            self._write(fence)
