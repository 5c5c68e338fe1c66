"""The process that a run's others are forked from: workers of pytest, commands, engine processes.

It imports what they need, once for all. It begins when it is first asked for something, and ends
with the last process that asked. Beside it, for as long, are two more: a light one without torch,
for what may take little memory, the children that read, copy and look at what others made; and one
for workers of pytest, forked from it, which has collected the tests before it is asked for any.
"""

import contextlib
import gc
import json
import os
import pickle
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tests.support.large_pages import put_in_large_pages

Source = Literal["all", "light", "tests"]
"""What one is forked from: what has all modules, what has no torch, what has the tests."""
NUMBER = struct.Struct(">i")
_MOST_DESCRIPTORS = 64
_SECONDS = 120
"""It may take to be there: it imports torch, beside others at work."""


@dataclass(frozen=True)
class Asked:
    """What is to run in a process of its own."""

    words: Sequence[str]
    """Its command line."""
    environment: Mapping[str, str]
    folder: str
    numbers: Sequence[int]
    """Under which number it has each of the descriptors that come with this."""
    own_session: bool
    act: Callable[..., int]
    """What it does; its exit status."""
    arguments: tuple[Any, ...] = ()
    forks: bool = True
    """Whether the engine processes and renderers that it starts are forked from it."""


class Forked:
    """A process that was forked for us."""

    def __init__(self, asked: Asked, descriptors: Sequence[int], source: Source = "all") -> None:
        """Start it; `descriptors` are ours."""
        _stay()
        self._server = _connected(source)
        body = pickle.dumps(asked)
        socket.send_fds(self._server, [NUMBER.pack(len(body))], descriptors)
        self._server.sendall(body)
        self.pid = self._read()

    def wait(self, seconds: float | None = None) -> int | None:
        """Its wait status, as of `os.waitpid`; None if it has not ended by then."""
        self._server.settimeout(seconds)
        try:
            status = self._read()
        except (TimeoutError, BlockingIOError):
            return None
        self._server.close()
        return status

    def _read(self) -> int:
        data = self._server.recv(NUMBER.size, socket.MSG_WAITALL)
        if len(data) < NUMBER.size:
            raise RuntimeError("The process that others are forked from has ended.")
        return int(NUMBER.unpack(data)[0])


_NAME = "PROMPTSHEET_TESTS_FORKED_FROM"


def name() -> str:
    """Its name, which this process hands down to those that it starts."""
    return os.environ.setdefault(_NAME, f"promptsheet-tests-{os.getpid()}")


def has_name() -> bool:
    """Whether it is known here: not to a process that was given an environment of its own."""
    return _NAME in os.environ


_COLLECTED = "PROMPTSHEET_TESTS_COLLECTED"


def collect(folder: str, words: Sequence[str]) -> None:
    """Have the tests imported in what workers are forked from, as by this command line of pytest.

    Three workers would do the same at once, which costs the most where none of it is compiled.
    """
    os.environ[_COLLECTED] = json.dumps([folder, *words])


def _address(name: str, source: Source) -> str:
    return f"\0{name}-{source}"


def _connected(source: Source) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.connect(_address(name(), source))
    return server


@cache
def _stay() -> socket.socket:
    """Have them there for as long as this process lives."""
    starting: subprocess.Popen[bytes] | None = None
    end = time.monotonic() + _SECONDS
    while True:
        try:
            server = _connected("all")
        except ConnectionRefusedError:
            assert time.monotonic() < end, "it does not start"
            starting = starting or _start()
            time.sleep(0.02)
        else:
            server.sendall(NUMBER.pack(0))
            if starting is not None:
                starting.poll()  # another worker may have been quicker
            return server


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", __name__, name()],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # pytest talks to its workers on it
    )


def main() -> None:
    """Serve at the addresses that are named, unless another does."""
    listening: dict[Source, socket.socket] = {}
    try:
        for source in ("light", "tests", "all"):
            listening[source] = socket.socket(socket.AF_UNIX)
            listening[source].bind(_address(sys.argv[1], source))
    except OSError:
        return
    for each in listening.values():
        each.listen(64)  # "all" last: whoever is let in there finds the others, too
    if _is_forked():
        import tests.support.preloaded_light

        _make_small()
        _serve(_only("light", listening))
        return
    import tests.support.preloaded  # noqa: F401

    _make_small()
    if _is_forked():
        own = _only("tests", listening)
        select.select([own], [], [])  # most runs of few tests have no workers
        _import_tests()
        _make_small()
        _serve(own)
        return
    _serve(_only("all", listening))


def _is_forked() -> bool:
    """Whether this is the new one of two processes, which ends with the old one."""
    if os.fork():
        return False
    from engine.machine import die_with_parent

    die_with_parent()  # a command that was its only user would end it for all to come
    return True


def _only(source: Source, listening: dict[Source, socket.socket]) -> socket.socket:
    """That which this process listens on; the others are closed in it."""
    own = listening.pop(source)
    for each in listening.values():
        each.close()
    return own


def _import_tests() -> None:
    """Import the tests as pytest does; one that cannot be imported its workers tell of."""
    import pytest

    folder, *words = json.loads(os.environ[_COLLECTED])
    os.chdir(folder)
    pytest.main([*words, "-n0", "--collect-only", "-qq"])


def _make_small() -> None:
    """Have a fork cost little."""
    gc.collect()
    gc.freeze()  # a fork would copy what it looks through
    put_in_large_pages()


def _serve(listening: socket.socket) -> None:
    """Fork for whoever asks, and tell of the ends, until the last user has gone."""
    told, tells = socket.socketpair()
    for each in (told, tells):
        each.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(tells.fileno())
    asking: dict[int, socket.socket] = {}
    users = selectors.DefaultSelector()
    for each in (listening, told):
        users.register(each, selectors.EVENT_READ)
    while True:
        for key, _ in users.select():
            if key.fileobj is listening:
                connection, _ = listening.accept()
                size, descriptors, *_ = socket.recv_fds(connection, NUMBER.size, _MOST_DESCRIPTORS)
                if length := NUMBER.unpack(size)[0]:
                    asked = pickle.loads(connection.recv(length, socket.MSG_WAITALL))
                    pid = _fork(asked, descriptors)
                    asking[pid] = connection
                    connection.sendall(NUMBER.pack(pid))
                else:
                    users.register(connection, selectors.EVENT_READ)
            elif key.fileobj is told:
                told.recv(4096)
                _tell_of_ends(asking)
            else:
                users.unregister(key.fileobj)
                if len(users.get_map()) == 2:
                    signal.set_wakeup_fd(-1)
                    return


def _tell_of_ends(asking: dict[int, socket.socket]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            connection = asking.pop(ended[0], None)  # none: another server, at the end
            if connection is not None:
                with connection, contextlib.suppress(OSError):
                    connection.sendall(NUMBER.pack(ended[1]))


def _fork(asked: Asked, descriptors: Sequence[int]) -> int:
    from tests.support.forking import run_as

    pid = os.fork()
    if pid == 0:
        run_as(asked, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


if __name__ == "__main__":
    from tests.support import fork_server

    fork_server.main()  # whose classes are those of whoever asks
