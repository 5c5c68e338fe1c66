"""Giving commands to whoever owns a library: by its socket, or by the spool from another host."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from engine.protocol.answers import Answer, Underway
from engine.protocol.commands import Command, Shutdown
from engine.service.client.connection import (
    EngineGoneError,
    HeldElsewhereError,
    connect_or_start,
    connect_running,
    wait_until_free,
)
from engine.service.client.detach import Detachment
from engine.service.client.elsewhere import ask_elsewhere

A = TypeVar("A", bound=Answer)


def _nothing(_: Underway) -> None:
    pass


def ask_or_start(
    library: Path,
    command: Command[A],
    *,
    asked: bool = False,
    underway: Callable[[Underway], object] = _nothing,
) -> tuple[A, Detachment | None]:
    """Give the engine process of `library` a command, started if need be.

    Args:
        library: whose.
        command: what is wanted.
        asked: whether it asks for work to be rendered.
        underway: as for `Connection.ask`.

    Returns:
        The answer, and how the engine process was detached if it was started now.

    Raises:
        EngineError: it cannot be started, or refuses.
    """
    try:
        connection, detachment = connect_or_start(library, asked=asked)
    except HeldElsewhereError as error:

        def start() -> None:
            connect_or_start(library, asked=asked)[0].close()

        return ask_elsewhere(library, error.holder, command, underway, start), None
    with connection:
        return connection.ask(command, underway), detachment


def ask(library: Path, command: Command[A], *, asked: bool = False) -> A:
    """As `ask_or_start`; the answer alone."""
    return ask_or_start(library, command, asked=asked)[0]


def stop_engine(library: Path) -> int | None:
    """Stop the engine process of `library` and wait until it has let go; work waiting is kept.

    Returns:
        Its process id, on its host; None if none was running.

    Raises:
        EngineError: it does not stop.
    """
    try:
        connection = connect_running(library)
    except HeldElsewhereError as error:
        pid = error.holder.pid
        with suppress(EngineGoneError):  # it has ended by itself meanwhile
            pid = ask_elsewhere(library, error.holder, Shutdown(), _nothing, None).pid
    else:
        if connection is None:
            return None
        with connection:
            pid = connection.ask(Shutdown()).pid
    wait_until_free(library, pid)
    return pid
