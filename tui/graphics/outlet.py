"""The app's one way to its terminal: everything that is written is counted, pictures are paced.

Beside the frames, which Textual writes, pictures go through here; begin with `outlet_of`.
"""

import asyncio
import time
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, proxy

from textual._compositor import CompositorUpdate
from textual.app import App
from textual.events import CursorPosition
from textual.timer import Timer

from tui.graphics.line import TerminalLine
from tui.graphics.pacer import Pacer, Sending
from tui.graphics.protocol import current
from tui.graphics.shown import Shown

_FRAME_SECONDS, _SPARED_SECONDS = 1.0, 2.0
"""Between two frames on a line measured as thin, and on one that the user wants spared; after a key
they are free for the first of them."""
_AGAIN_SECONDS = 0.05
"""After which to look again whether the line takes another frame."""
_LEAVING_SECONDS = 2.0
"""For answers that would be typed into the shell."""


class Outlet:
    """Knows the line to the terminal of one app, and when to write what."""

    def __init__(self, app: App[Any]) -> None:
        self._app: App[Any] = proxy(app)
        self.line = TerminalLine()
        self.pacer = Pacer(self.line, self.write)
        self.shown = Shown()
        self.views: WeakSet[Any] = WeakSet()
        """Those with pictures, which are told of frames."""
        self._timer: Timer | None = None
        self._frame_at = self._free_until = 0.0

    def begin(self) -> None:
        """The terminal is there: count what is written, and ask it what has arrived."""
        driver = self._app._driver
        if self._app.is_headless or driver is None:
            return
        self.line.has_fences = True
        write, wrote = driver.write, self.line.wrote

        def counted(text: str) -> None:
            write(text)
            wrote(len(text.encode(errors="replace")))

        driver.write = counted  # type: ignore[assignment, method-assign]

    async def end(self) -> None:
        """Ask nothing any more, and wait for the answers."""
        end, self.line.has_fences = time.monotonic() + _LEAVING_SECONDS, False
        while self.line.awaits_answers and time.monotonic() < end:
            await asyncio.sleep(_AGAIN_SECONDS / 5)

    def write(self, text: str) -> None:
        """Send text, in order with the frames."""
        # The driver's own thread writes it, while the app runs.
        if self._app._driver is not None and not self._app._exit:
            self._app._driver.write(text)

    def send(self, sending: Sending) -> None:
        """Send a picture, as soon as the line takes it."""
        self.pacer.put(sending)
        self.pump()

    def pump(self) -> None:
        """Send what may be sent."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if wait := self.pacer.pump(time.monotonic()):
            self._timer = self._app.set_timer(wait, self.pump)

    def answered(self, event: CursorPosition) -> None:
        """The terminal says where its cursor is."""
        if self.line.answered((event.y + 1, event.x + 1), event.time):
            self.pump()

    def typed(self) -> None:
        """A key is being obeyed, however long ago it was pressed: what it leads to goes first."""
        now = time.monotonic()
        self.pacer.rest(now)
        self._free_until = now + _FRAME_SECONDS

    def picture_came(self) -> None:
        """The next frame is awaited."""
        self._free_until = max(self._free_until, time.monotonic() + _AGAIN_SECONDS)

    @property
    def is_spared(self) -> bool:
        """Whether as little as can be is to be sent."""
        bandwidth = current().bandwidth
        return bandwidth == "low" or (bandwidth == "auto" and self.line.is_thin)

    def frame_in(self, now: float) -> float:
        """Seconds after which the line takes another frame; 0: now."""
        if now < self._free_until or current().bandwidth == "full":
            return 0.0
        self.line.waits(now)  # no picture may be there to give up answers that never come
        # A terminal that has not answered yet may never do so.
        if self.line.round_trip and not (self.line.has_room or self.pacer.is_busy):
            return _AGAIN_SECONDS
        if not self.is_spared:
            return 0.0
        apart = _SPARED_SECONDS if current().bandwidth == "low" else _FRAME_SECONDS
        return self._frame_at + apart - now

    def changes(self, frame: CompositorUpdate) -> str:
        """What is to be written of a frame, which is taken for written."""
        return self.shown.changes(frame, self._app.console)

    def painted(self, *, wrote: bool) -> None:
        """The terminal shows a frame."""
        if wrote:
            self._frame_at = time.monotonic()
        for view in list(self.views):
            view.was_painted()
        self.pump()


_outlets: WeakKeyDictionary[App[Any], Outlet] = WeakKeyDictionary()


def outlet_of(app: App[Any]) -> Outlet:
    """The app's, made when it is first asked for."""
    if app not in _outlets:
        _outlets[app] = Outlet(app)
    return _outlets[app]
