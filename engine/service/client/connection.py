"""Talking to the engine process of a library, and starting it where there is none."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

import msgspec
import psutil

from engine.errors import PromptsheetError
from engine.library_folder import writing_fault
from engine.protocol.answers import Answer, AnyAnswer, Blame, Greeting, Refused, Underway
from engine.protocol.commands import Command, Follow
from engine.protocol.events import ALIVE_SECONDS, AnyEvent, Silent
from engine.protocol.framing import FrameSocket, Unpacker, WireError
from engine.schema import is_older
from engine.service.client.detach import (
    READY_SECONDS,
    AlreadyHeldError,
    Detachment,
    StartError,
    start_detached,
)
from engine.service.lock import Holder, elsewhere, held_elsewhere, is_locked, read_holder
from engine.service.socket_path import address_of, peer_pid, peer_uid, socket_path

A = TypeVar("A", bound=Answer)
T = TypeVar("T")

_CONNECT_SECONDS = 20.0
_STOP_SECONDS = 60.0
_REACH_SECONDS = 3.0
_ANSWER_SECONDS = 300.0
_GREETING_SECONDS = 60.0
"""The longest that one waits for an engine process that has much to do; not where it is stopped."""
_GIVEN_UP_SECONDS = 10.0
"""The longest that one waits for the end of what was given up."""
_LOOK_SECONDS = 1.0
_SILENT_SECONDS = ALIVE_SECONDS + 2.5


class EngineError(PromptsheetError):
    """The engine process refused a command, or cannot be used; the message says why."""

    def __init__(self, message: str, blame: Blame | None = None) -> None:
        super().__init__(message)
        self.blame = blame
        """Whose doing it is that it refused; None: it did not, it cannot be used."""


class EngineGoneError(EngineError):
    """The engine process ended while it was being talked to."""


class EngineSilentError(EngineError):
    """There is an engine process, but it does not answer."""


class HeldElsewhereError(EngineError):
    """An engine process on another host has the library; `service.client.route` reaches it."""

    def __init__(self, library: Path, holder: Holder) -> None:
        super().__init__(elsewhere(library, holder))
        self.holder = holder


class Connection:
    """One connection to an engine process. Not thread-safe."""

    def __init__(self, connection: socket.socket, patience: float) -> None:
        """Args: patience: seconds to wait for the greeting."""
        self._connection = connection
        self._frames = FrameSocket(connection)
        self._answers: Unpacker[AnyAnswer] = Unpacker(AnyAnswer)
        self._pid = peer_pid(connection)
        greetings: Unpacker[Greeting] = Unpacker(Greeting)
        try:
            self.greeting = self._receive(greetings, patience)
        except WireError as error:
            raise EngineError(
                "The engine process belongs to an unknown version of Promptsheet; stop it with"
                " the version that started it."
            ) from error

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

    def _receive(self, unpacker: Unpacker[T], patience: float = _ANSWER_SECONDS) -> T:
        """The next message.

        Raises:
            EngineSilentError: none came in time, or it is stopped and none can come.
            EngineGoneError: it has ended.
            WireError: it says something else.
        """
        began = time.monotonic()
        while True:
            self._connection.settimeout(min(_LOOK_SECONDS, patience))
            try:
                frame = self._frames.receive(unpacker)
            except TimeoutError:
                waited = time.monotonic() - began
                if waited >= patience or (waited >= _LOOK_SECONDS and _is_stopped(self._pid)):
                    raise EngineSilentError(_silent(self._pid, waited)) from None
                continue
            except OSError:
                frame = None
            if frame is None:
                raise EngineGoneError("The engine process has ended.")
            return frame.message

    def _send(self, message: msgspec.Struct) -> None:
        try:
            self._frames.send(message)
        except TimeoutError:
            raise EngineSilentError(_silent(self._pid, _ANSWER_SECONDS)) from None
        except OSError:
            raise EngineGoneError("The engine process has ended.") from None

    def ask(
        self, command: Command[A], underway: Callable[[Underway], object] = lambda _: None
    ) -> A:
        """Give a command; its answer, which comes once the effect is committed.

        Args:
            command: what is to be done.
            underway: told again and again how far it is. What it raises, or an interrupt, while
                pictures are copied gives the command up, unless it was just carried out.

        Raises:
            EngineError: it was refused, in the engine process's words.
        """
        self._connection.settimeout(_ANSWER_SECONDS)
        self._send(command)
        try:
            answer = self._answer(underway)
        except WireError as error:
            raise EngineError(f"The engine process sent an invalid answer: {error}.") from error
        if isinstance(answer, Refused):
            raise EngineError(answer.reason, answer.blame)
        if not isinstance(answer, command.answer):
            raise EngineError(f"The engine process sent an unexpected answer: {answer!r}.")
        return cast(A, answer)

    def _answer(self, underway: Callable[[Underway], object]) -> AnyAnswer:
        """What comes of a command, told on the way there."""
        copies = False
        while True:
            try:
                answer = self._receive(self._answers)
                if not isinstance(answer, Underway):
                    return answer
                copies = 0 < answer.of > answer.copied
                underway(answer)
            except (EngineError, WireError):
                raise
            except BaseException:
                last = self._last_word() if copies else None
                if last is None or isinstance(last, Refused):
                    raise
                return last

    def _last_word(self) -> AnyAnswer | None:
        """Let the engine process know that nobody waits any more; what came of the command."""
        try:
            self._connection.shutdown(socket.SHUT_WR)
            while isinstance(said := self._receive(self._answers, _GIVEN_UP_SECONDS), Underway):
                pass
        except (OSError, EngineError, WireError):
            return None
        return said

    def follow(
        self, *, previews: bool = False, every: bool = False, seen: bool | None = None
    ) -> Iterator[AnyEvent]:
        """Events from now on, `Standing` first; the connection serves nothing else then.

        Where the engine process gives no sign of life for some seconds, `Silent` comes, once.

        Args:
            previews: also what is being denoised, as small pictures.
            every: every single event as it happens, not a few times a second what is new.
            seen: whether someone looks at what is made of them; None: that cannot be told.

        Raises:
            EngineGoneError: when the engine process ends; from the iterator too.
        """
        self._send(Follow(previews, every, seen))
        return self._events()

    def _events(self) -> Iterator[AnyEvent]:
        unpacker: Unpacker[AnyEvent] = Unpacker(AnyEvent)
        said = False
        while True:
            try:
                event = self._receive(unpacker, _SILENT_SECONDS)
            except EngineSilentError as error:
                if not said:
                    said = True
                    yield Silent(str(error))
            except WireError as error:
                raise EngineError(f"The engine process sent an invalid event: {error}.") from error
            else:
                said = False
                yield event

    def follow_as(self, *, previews: bool, seen: bool | None) -> None:
        """While following: what holds from now on, as for `follow`. From any thread.

        Raises:
            EngineGoneError: it has ended.
        """
        self._send(Follow(previews=previews, seen=seen))


def _is_stopped(pid: int) -> bool:
    """Whether a process is stopped, by SIGSTOP say, and does nothing until it is let go on."""
    try:
        state: str = psutil.Process(pid).status()
    except (psutil.Error, ValueError):  # another namespace's have no number here
        return False
    return state in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)


def _silent(pid: int, seconds: float) -> str:
    if _is_stopped(pid):
        return (
            f"The engine process {pid} does not answer: it is stopped (SIGSTOP). `kill -CONT"
            f" {pid}` continues it."
        )
    return (
        f"The engine process {pid} has not answered for {seconds:.0f} s. It is busy, or its disk"
        f" does not answer; see engine.log in the library. `kill -9 {pid}` ends it; its work is"
        " kept."
    )


def connect(library: Path, patience: float = _GREETING_SECONDS) -> Connection | None:
    """A connection to the engine process of `library`; None if none is running.

    Args:
        library: whose.
        patience: seconds that it is given to greet.

    Raises:
        EngineSilentError: there is one, but it does not answer.
        EngineError: there is one, but it cannot be talked to.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(patience)
    try:
        with address_of(socket_path(library)) as address:
            connection.connect(address)
    except (FileNotFoundError, NotADirectoryError, PermissionError, ConnectionRefusedError):
        connection.close()
        return None
    except (BlockingIOError, TimeoutError):  # so many wait for it already that no more may
        connection.close()
        holder = read_holder(library)
        raise EngineSilentError(_silent(holder.pid if holder else 0, patience)) from None
    except OSError as error:
        connection.close()
        raise EngineError(f"The engine process cannot be reached: {error.strerror}.") from error
    if peer_uid(connection) != os.getuid():
        connection.close()
        raise EngineError("The engine process of this library belongs to another user.")
    try:
        return Connection(connection, patience)
    except EngineGoneError:
        connection.close()
        return None
    except EngineError:
        connection.close()
        raise


def connect_running(library: Path) -> Connection | None:
    """A connection to the engine process of `library`; None if none holds the library.

    Raises:
        HeldElsewhereError: one on another host holds it.
        EngineError: one holds it, but cannot be talked to.
    """
    deadline = time.monotonic() + _REACH_SECONDS
    while (connection := connect(library, _REACH_SECONDS)) is None and is_locked(library):
        # It may have been just starting, or just leaving.
        if time.monotonic() > deadline or held_elsewhere(library):
            raise _unreachable(library)
        time.sleep(0.05)
    return connection


def _may_be_starting(library: Path) -> bool:
    """Whether the library's holder is a process of ours that may not listen yet."""
    holder = read_holder(library)
    if holder is None or holder.listens or not holder.is_here:
        return False
    try:
        os.kill(holder.pid, 0)
    except OSError:  # gone, or another user's
        return False
    return time.time() - holder.started < READY_SECONDS


def _unreachable(library: Path) -> EngineError:
    if holder := held_elsewhere(library):
        return HeldElsewhereError(library, holder)
    holder = read_holder(library)
    if _may_be_starting(library):
        return EngineError(
            f"The engine process of {library} does not answer yet: {holder}. It may still be"
            " starting: wait a minute, then check engine.log there."
        )
    return EngineError(
        f"The library {library} is held by an engine process that does not answer here:"
        f" {holder or 'unknown'}. It may have been started by another user or with another home"
        " folder: stop it there, or with `kill` and its process number."
    )


def connect_or_start(
    library: Path, devices: Sequence[str] = (), *, asked: bool = False, no_render: bool = False
) -> tuple[Connection, Detachment | None]:
    """A connection to the engine process of `library`, started if there is none.

    Args:
        library: whose.
        devices: to render on if it is started, instead of the settings'.
        asked: if it is started, it may render on this host: someone wants it to.
        no_render: if it is started, it only keeps the library, until someone asks it to render.

    Returns:
        The connection, and how the engine process was detached if it was started now.

    Raises:
        HeldElsewhereError: one on another host has the library.
        EngineError: it cannot be started, or is of another version.
    """
    detachment = None
    deadline = time.monotonic() + _CONNECT_SECONDS
    while (connection := connect(library)) is None:
        if is_locked(library):
            _await_holder(library, deadline)
            continue
        if time.monotonic() > deadline:
            raise _unreachable(library)
        if fault := writing_fault(library):
            raise EngineError(fault)
        try:
            detachment = start_detached(library, devices, asked=asked, no_render=no_render)
            deadline = time.monotonic() + _CONNECT_SECONDS
        except AlreadyHeldError:  # another starter was quicker; its engine process will listen
            time.sleep(0.05)
        except StartError as error:
            raise EngineError(str(error)) from error
    if mismatch := connection.greeting.mismatch():
        connection.close()
        raise EngineError(mismatch)
    return connection, detachment


def _await_holder(library: Path, deadline: float) -> None:
    """Wait a moment for the one that holds `library`: it is just starting, or just leaving.

    Raises:
        HeldElsewhereError: it is on another host.
        EngineError: it is later than `deadline`.
    """
    late = time.monotonic() > deadline and not _may_be_starting(library)
    if late or held_elsewhere(library):
        raise _unreachable(library)
    time.sleep(0.05)


def bring_up_to_date(library: Path) -> None:
    """Have a library of an older version brought up to date; no engine process is left behind.

    One that runs has done so when it started.

    Raises:
        EngineError: it cannot be done, or an engine process of another version has the library.
    """
    deadline = time.monotonic() + _CONNECT_SECONDS
    while is_older(library):
        if (connection := connect(library)) is not None:
            with connection:
                if mismatch := connection.greeting.mismatch():
                    raise EngineError(mismatch)
            return
        if is_locked(library):
            _await_holder(library, deadline)
            continue
        try:
            start_detached(library, only_update=True)
            return
        except AlreadyHeldError:  # another starter was quicker
            time.sleep(0.05)
        except StartError as error:
            raise EngineError(str(error)) from error


def wait_until_free(library: Path, pid: int) -> None:
    """Wait until the engine process `pid`, which is stopping, has let go of `library`.

    Raises:
        EngineError: it does not.
    """
    deadline = time.monotonic() + _STOP_SECONDS
    while is_locked(library):
        if time.monotonic() > deadline:
            raise EngineError(f"The engine process {pid} does not stop.")
        time.sleep(0.05)
