"""Clients that have given a command and wait for its answer."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.protocol.answers import Underway


@dataclass
class WaitingClient:
    """One of them: what it is told meanwhile, and whether it still waits."""

    has_left: Callable[[], bool] = lambda: False
    """From any thread."""
    underway: Callable[[], Underway] = Underway
    """How far its command is."""
