"""Waiting for what other processes do."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from engine.api import EngineEvent


def wait_for(condition: Callable[[], Any], seconds: float = 120) -> Any:
    """Wait until `condition` gives something true; that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def next_event(events: Iterator[EngineEvent], *kinds: Any) -> Any:
    """The next event that is of one of these kinds."""
    return next(event for event in events if isinstance(event, kinds))
