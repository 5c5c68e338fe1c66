"""Calls side by side on one device: as many as its threads allow, all with the same number."""

import threading
from collections.abc import Callable


class Lanes:
    """How many threads of a device are taken.

    Pixels hang on the threads of a call. Some libraries count them for the whole process, so calls
    with different numbers of threads never run side by side.
    """

    def __init__(self, threads: int) -> None:
        """Args: threads: how many the device has."""
        self.threads = threads
        self._free = threads
        self._each: int | None = None
        self._running = 0
        self._entered = 0
        self._changed = threading.Condition()

    def _share(self, threads: int) -> int:
        return min(threads, self.threads)

    def agree(self, threads: int, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Wait until no call with another number of threads runs; False if given up before."""
        with self._changed:
            self._changed.wait_for(lambda: given_up() or self._each in (None, threads))
            return self._each in (None, threads)

    def enter(self, threads: int, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Wait until a call with `threads` threads may run, and count it in.

        Args:
            threads: of the call.
            given_up: looked at after every `nudge`, too.

        Returns:
            Whether it was counted in, and must `leave`; False if it was given up.
        """
        with self._changed:
            self._changed.wait_for(lambda: given_up() or self._has_room(threads))
            if given_up():
                return False
            self._each = threads
            self._free -= self._share(threads)
            self._running += 1
            self._entered += 1
            return True

    def _has_room(self, threads: int) -> bool:
        return self._each in (None, threads) and self._free >= self._share(threads)

    def nudge(self) -> None:
        """Something may have been given up: have those who wait look again."""
        with self._changed:
            self._changed.notify_all()

    def leave(self, threads: int) -> None:
        """A call has ended."""
        with self._changed:
            self._free += self._share(threads)
            self._running -= 1
            if self._free == self.threads:
                self._each = None
            self._changed.notify_all()

    def look(self) -> Callable[[], bool]:
        """What tells later whether the only call that runs now has had no other beside it.

        To be called inside a lane, when its call begins.
        """
        with self._changed:
            alone, entered = self._running == 1, self._entered
        return lambda: alone and self._entered == entered

    def wait_empty(self) -> None:
        """Wait until no call runs."""
        with self._changed:
            self._changed.wait_for(lambda: self._free == self.threads)
