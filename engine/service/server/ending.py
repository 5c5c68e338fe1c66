"""How an engine process ends that runs in the foreground, as a job of a job scheduler, say."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from signal import Signals

from engine.protocol.records import Tally
from engine.service.server.dispatcher import Dispatcher

_LOOK_SECONDS = 0.5
_STEADY_SECONDS = 120.0
"""Work that has gone on for so long without a pause, though no image came of it, is no trouble: a
large image takes long. A device that fails is tried once a minute."""

SIGNALS = (Signals.SIGTERM, Signals.SIGINT, Signals.SIGUSR1, Signals.SIGUSR2)
"""What ends an engine process cleanly. Job schedulers send the last two ahead of a time limit."""


@dataclass(frozen=True, slots=True)
class Foreground:
    """What is wanted by someone who runs an engine process and waits for its end."""

    exit_when_done: bool = False
    """Whether it ends as soon as nothing is left to render, or nothing can be rendered here."""
    tell: Callable[[Tally], object] = lambda _: None
    """Told of each session that comes to its end."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an engine process ended."""

    left: int | None = 0
    """Images that still wait to be rendered; None: the library does not say."""
    trouble: str | None = None
    """Why this machine cannot render them, if that ended it."""
    signal: Signals | None = None
    """What ended it, if that did; otherwise it was a command, or nothing was left to do."""


def waiting(tallies: Sequence[Tally]) -> int:
    """How many images are still to be rendered."""
    return sum(tally.waiting + tally.rendering for tally in tallies)


async def until_done(
    tallies: Callable[[], Awaitable[Sequence[Tally]]],
    dispatcher: Dispatcher,
    busy: Callable[[], bool],
    patience: float,
) -> str | None:
    """Wait until nothing is left to render; or why nothing of it can be rendered here.

    Stopped images are not waited for, nor are failed ones.

    Args:
        tallies: asks the library for the sessions with work left.
        dispatcher: renders them.
        busy: whether anything else has to come to its end: prompts that are rewritten, notices.
        patience: seconds for which it is waited while nothing can be rendered, whatever the reason.

    Raises:
        LibraryError: the database is gone.
    """
    # Who has paused the work, or forbidden it on this host, is not here to think again.
    patience = 0.0 if dispatcher.off else patience
    last, troubled, steady = -1, None, None
    while True:
        try:
            left, reason = waiting(await tallies()), dispatcher.paused
        except (OSError, sqlite3.OperationalError) as error:  # the disk is full, say
            left, reason = last, f"the library is not usable: {error}"
        if left == 0 and dispatcher.idle and not busy():
            return None
        now = time.monotonic()
        if left and reason:
            steady, troubled = None, now if troubled is None else troubled
            if now - troubled >= patience:
                return reason
        else:
            steady = now if steady is None else steady
            if now - steady >= _STEADY_SECONDS:
                troubled = None
        if left < last:
            troubled = None
        last = left
        await asyncio.sleep(_LOOK_SECONDS)
