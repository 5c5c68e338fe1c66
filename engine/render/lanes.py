"""Calls side by side on one device: as many as its threads allow, all under the same terms."""

import threading
from collections.abc import Callable, Hashable
from typing import NamedTuple


class Terms(NamedTuple):
    """What calls that run side by side have in common."""

    threads: int
    """Of each call. Pixels hang on them, and some libraries count them for the whole process."""
    loras: Hashable = ()
    """What is put on the model, whose layers all its calls share."""


class Lanes:
    """How many threads of a device are taken, and under which terms."""

    def __init__(self, threads: int) -> None:
        """Args: threads: how many the device has."""
        self.threads = threads
        self._free = threads
        self._terms: Terms | None = None
        self._running = 0
        self._entered = 0
        self._changed = threading.Condition()

    def _share(self, threads: int) -> int:
        return min(threads, self.threads)

    def agree(self, terms: Terms, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Wait until no call under other terms runs; False if given up before."""
        with self._changed:
            self._changed.wait_for(lambda: given_up() or self._terms in (None, terms))
            return self._terms in (None, terms)

    def enter(self, terms: Terms, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Wait until a call may run under `terms`, and count it in.

        Args:
            terms: of the call.
            given_up: looked at after every `nudge`, too.

        Returns:
            Whether it was counted in, and must `leave`; False if it was given up.
        """
        with self._changed:
            self._changed.wait_for(lambda: given_up() or self._has_room(terms))
            if given_up():
                return False
            self._terms = terms
            self._free -= self._share(terms.threads)
            self._running += 1
            self._entered += 1
            return True

    def _has_room(self, terms: Terms) -> bool:
        return self._terms in (None, terms) and self._free >= self._share(terms.threads)

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
                self._terms = None
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
