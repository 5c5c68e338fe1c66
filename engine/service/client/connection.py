"""Talking to the engine process of a library, and starting it where there is none."""

import os
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

import msgspec

from engine.protocol.answers import Answer, AnyAnswer, Greeting, Refused
from engine.protocol.commands import Command, Follow, Shutdown
from engine.protocol.events import AnyEvent
from engine.protocol.framing import FrameSocket, Unpacker, WireError
from engine.service.client.detach import READY_SECONDS, Detachment, StartError, start_detached
from engine.service.lock import is_locked, read_holder
from engine.service.socket_path import peer_uid, socket_path

A = TypeVar("A", bound=Answer)
T = TypeVar("T")

_CONNECT_SECONDS = 20.0
_STOP_SECONDS = 60.0
_REACH_SECONDS = 3.0
_ANSWER_SECONDS = 300.0


class EngineError(Exception):
    """The engine process refused a command, or cannot be used; the message says why."""


class EngineGoneError(EngineError):
    """The engine process ended while it was being talked to."""


class Connection:
    """One connection to an engine process. Not thread-safe."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(_ANSWER_SECONDS)
        self._connection = connection
        self._frames = FrameSocket(connection)
        self._answers: Unpacker[AnyAnswer] = Unpacker(AnyAnswer)
        self.greeting = self._greeting()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; the engine process goes on."""
        self._frames.close()

    def _greeting(self) -> Greeting:
        unpacker: Unpacker[Greeting] = Unpacker(Greeting)
        try:
            return self._receive(unpacker)
        except WireError as error:
            self.close()
            raise EngineError(
                "The engine process greets in a way this version does not know;"
                " stop it with the version that started it."
            ) from error

    def _receive(self, unpacker: Unpacker[T]) -> T:
        try:
            frame = self._frames.receive(unpacker)
        except TimeoutError:
            raise EngineError(
                f"The engine process did not answer in {_ANSWER_SECONDS:.0f} s."
            ) from None
        except OSError:
            frame = None
        if frame is None:
            raise EngineGoneError("The engine process has ended.")
        return frame.message

    def _send(self, message: msgspec.Struct) -> None:
        try:
            self._frames.send(message)
        except OSError:
            raise EngineGoneError("The engine process has ended.") from None

    def ask(self, command: Command[A]) -> A:
        """Give a command; its answer, which comes once the effect is committed.

        Raises:
            EngineError: it was refused, in the engine process's words.
        """
        self._send(command)
        try:
            answer = self._receive(self._answers)
        except WireError as error:
            raise EngineError(f"The engine process answers what is no answer: {error}.") from error
        if isinstance(answer, Refused):
            raise EngineError(answer.reason)
        if not isinstance(answer, command.answer):
            raise EngineError(f"The engine process answers something else: {answer!r}.")
        return cast(A, answer)

    def follow(self, *, previews: bool = False, every: bool = False) -> Iterator[AnyEvent]:
        """Events from now on, `Standing` first; the connection serves nothing else then.

        Args:
            previews: also what is being denoised, as small pictures.
            every: every single event as it happens, not a few times a second what is new.

        Raises:
            EngineGoneError: when the engine process ends; from the iterator too.
        """
        self._send(Follow(previews, every))
        self._connection.settimeout(None)
        return self._events()

    def _events(self) -> Iterator[AnyEvent]:
        unpacker: Unpacker[AnyEvent] = Unpacker(AnyEvent)
        while True:
            try:
                yield self._receive(unpacker)
            except WireError as error:
                raise EngineError(f"The engine process tells what is no event: {error}.") from error

    def want_previews(self, wanted: bool) -> None:
        """While following: hear previews from now on, or no more. From any thread.

        Raises:
            EngineGoneError: it has ended.
        """
        self._send(Follow(previews=wanted))


def connect(library: Path) -> Connection | None:
    """A connection to the engine process of `library`; None if none is running.

    Raises:
        EngineError: there is one, but it cannot be talked to.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(socket_path(library)))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise EngineError(f"The engine process cannot be reached: {error.strerror}.") from error
    if peer_uid(connection) != os.getuid():
        connection.close()
        raise EngineError("The engine process at this library's socket is another user's.")
    try:
        return Connection(connection)
    except EngineGoneError:
        return None


def connect_running(library: Path) -> Connection | None:
    """A connection to the engine process of `library`; None if none holds the library.

    Raises:
        EngineError: one holds it, but cannot be talked to.
    """
    deadline = time.monotonic() + _REACH_SECONDS
    while (connection := connect(library)) is None and is_locked(library):
        if time.monotonic() > deadline:  # it may have been just starting, or just leaving
            raise EngineError(_unreachable(library))
        time.sleep(0.05)
    return connection


def _may_be_starting(library: Path) -> bool:
    """Whether the library's holder is a process of ours that may not listen yet."""
    holder = read_holder(library)
    if holder is None or holder.listens or holder.host != socket.gethostname():
        return False
    try:
        os.kill(holder.pid, 0)
    except OSError:  # gone, or another user's
        return False
    return time.time() - holder.started < READY_SECONDS


def _unreachable(library: Path) -> str:
    holder = read_holder(library)
    if _may_be_starting(library):
        return (
            f"The engine process of {library} does not answer yet: {holder}. It is still starting;"
            " wait a minute, and look into engine.log there if it goes on."
        )
    return (
        f"The library {library} is held by an engine process that does not answer here:"
        f" {holder or 'unknown'}. It may have been started by another user or with another home"
        " folder; end it there, or with `kill` and its number."
    )


def connect_or_start(
    library: Path, devices: Sequence[str] = ()
) -> tuple[Connection, Detachment | None]:
    """A connection to the engine process of `library`, started if there is none.

    Args:
        library: whose.
        devices: to render on if it is started, instead of the settings'.

    Returns:
        The connection, and how the engine process was detached if it was started now.

    Raises:
        EngineError: it cannot be started, or is of another version.
    """
    detachment = None
    deadline = time.monotonic() + _CONNECT_SECONDS
    while (connection := connect(library)) is None:
        if is_locked(library):  # it is just starting, just leaving, or on another machine
            if time.monotonic() > deadline and not _may_be_starting(library):
                raise EngineError(_unreachable(library))
            time.sleep(0.05)
            continue
        if time.monotonic() > deadline:
            raise EngineError(_unreachable(library))
        try:
            detachment = start_detached(library, devices)
            deadline = time.monotonic() + _CONNECT_SECONDS
        except StartError as error:
            if not is_locked(library):  # else another starter was quicker
                raise EngineError(str(error)) from error
    if mismatch := connection.greeting.mismatch():
        connection.close()
        raise EngineError(mismatch)
    return connection, detachment


def stop_engine(library: Path) -> int | None:
    """Stop the engine process of `library` and wait until it has let go; work waiting is kept.

    Returns:
        Its process id; None if none was running.

    Raises:
        EngineError: it does not stop.
    """
    connection = connect_running(library)
    if connection is None:
        return None
    with connection:
        pid = connection.ask(Shutdown()).pid
    deadline = time.monotonic() + _STOP_SECONDS
    while is_locked(library):
        if time.monotonic() > deadline:
            raise EngineError(f"The engine process {pid} does not stop.")
        time.sleep(0.05)
    return pid
