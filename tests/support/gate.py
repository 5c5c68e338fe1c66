"""A function that waits until a test lets it go on."""

import threading
from collections.abc import Callable
from typing import Any


class Gate:
    """Work that waits, done, until it is let through."""

    def __init__(self, work: Callable[..., Any], *, first_only: bool = True) -> None:
        self._work, self._first_only = work, first_only
        self.calls = 0
        self.reached, self.left = threading.Event(), threading.Event()
        self._open = threading.Event()

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.calls += 1
        first = self.calls == 1 or not self._first_only
        result = self._work(*args, **options)
        if first:
            self.reached.set()
            assert self._open.wait(20)
            self.left.set()
        return result

    def open(self) -> None:
        self._open.set()
