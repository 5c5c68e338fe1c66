"""Commands, engine processes, renderers and readers as forks of a process that has their modules.

A renderer imports torch and diffusers for nine seconds of a processor, a child that reads a sheet
takes four times as long to start as to read. Forked, it is a process of its own all the same: with
its parent, its descriptors, its signals and its death.
"""

import fcntl
import functools
import gc
import os
import pickle
import runpy
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from engine.picture import looking
from engine.sheet import copying, read
from tests.support.fork_server import Asked, Forked, Source, has_name

T = TypeVar("T")
_PYTHON = sys.executable
"""Ours; a test may put something else in its place."""
COMMAND = Path(_PYTHON).parent / "promptsheet"
_MODULES = frozenset(
    ("engine.service", *(f"engine.render.{name}" for name in ("renderer", "rewrite", "devices")))
)
_CHILDREN = frozenset((read._CHILD, looking._CHILD))
_ABOVE = 100
"""Where descriptors are out of the way of the numbers that they are to have."""


def called(act: Callable[..., T], *arguments: Any) -> T:
    """What `act` gives, in a process of its own: all that it starts is forked."""
    read, write = os.pipe()
    descriptors = (0, 1, 2, write)
    asked = Asked(
        words=sys.argv[:1],
        environment=dict(os.environ),
        folder=str(Path.cwd()),
        numbers=descriptors,
        own_session=False,
        act=_answer,
        arguments=(write, act, arguments),
    )
    forked = Forked(asked, descriptors)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    forked.wait()
    result, error = pickle.loads(answer)
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def _answer(descriptor: int, act: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
    result = error = None
    try:
        result = act(*arguments)
    except Exception as raised:
        error = raised
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(pickle.dumps((result, error)))
    return 0


class LightPopen(subprocess.Popen[Any]):
    """As `Popen`, but what reads a sheet, copies it or looks at pictures is forked."""

    _forked: Forked | None = None
    _source: Source = "light"

    def _act(self, args: Any) -> Callable[[], Any] | None:
        return _light_act_of(args)

    def _execute_child(self, args: Any, *rest: Any) -> None:
        kept, folder, environment = rest[3:6]
        act = None if rest[0] else self._act(args)
        try:
            folder = os.fspath(folder or Path.cwd())
        except FileNotFoundError:
            act = None  # a folder that is gone can only be inherited
        if act is None:
            super()._execute_child(args, *rest)  # type: ignore[misc]
            return
        pipes = rest[9:15]
        streams = [
            number if pipe == -1 else pipe
            for number, pipe in enumerate(pipes[i] for i in (0, 3, 5))
        ]
        asked = Asked(
            words=_words(args),
            environment=dict(os.environ if environment is None else environment),
            folder=folder,
            numbers=(0, 1, 2, *kept),
            own_session=rest[20],
            act=act,
        )
        self._forked = Forked(asked, (*streams, *kept), self._source)
        self.pid = self._forked.pid
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if self._forked is None:
            found: tuple[int, int] = super()._try_wait(wait_flags)  # type: ignore[misc]
            return found
        status = self._forked.wait(0 if wait_flags & os.WNOHANG else None)
        return (0, 0) if status is None else (self.pid, status)

    def _internal_poll(self, *arguments: Any, **named: Any) -> int | None:
        if self._forked is None:
            code: int | None = super()._internal_poll(*arguments, **named)  # type: ignore[misc]
            return code
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):  # type: ignore[attr-defined]
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode  # None as long as it runs


class ServedPopen(LightPopen):
    """As `Popen`, but the command and engine processes are forked."""

    _source = "all"

    def _act(self, args: Any) -> Callable[[], Any] | None:
        return _act_of(args)


class ForkingPopen(LightPopen):
    """As `LightPopen`, but what would be an engine process or a renderer is a fork of this one."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        act = _act_of(args)
        if act is None:
            super()._execute_child(args, *rest)
            return
        kept, folder, environment = rest[3:6]
        pipes = rest[9:15]
        self.pid = os.fork()
        if self.pid == 0:
            if rest[20]:
                os.setsid()
            _be(
                lambda: become(
                    _words(args),
                    dict(os.environ if environment is None else environment),
                    os.fspath(folder or Path.cwd()),
                    (pipes[0], pipes[3], pipes[5]),
                    kept,
                ),
                act,
            )
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def _words(args: Any) -> list[str]:
    return [os.fspath(word) for word in args] if isinstance(args, (list, tuple)) else [str(args)]


def _act_of(args: Any) -> Callable[[], Any] | None:
    """What a command line that is forked does; None: it is no such."""
    words = _words(args)
    if words[0] == str(COMMAND):
        return command
    if len(words) > 3 and words[0] == _PYTHON and words[2] == "-m" and words[3] in _MODULES:
        return functools.partial(_run_module, words[3])
    return None


def _light_act_of(args: Any) -> Callable[[], Any] | None:
    """What a command line that is forked without torch does; None: it is no such."""
    words = _words(args)
    if words[0] != _PYTHON or not has_name():
        return None
    if words[1:4] == ["-P", "-m", copying._PROGRAM]:
        return functools.partial(_run_module, copying._PROGRAM)
    if words[1:4] == ["-S", "-P", "-c"] and words[4] in _CHILDREN:
        return functools.partial(_run_code, words[4])
    return None


def _run_code(code: str) -> None:
    sys.argv = sys.argv[3:4] + sys.argv[5:]
    exec(code, {"__name__": "__main__"})


def command() -> int:
    """What the installed command does."""
    from tui.cli import main

    return main()


def _run_module(name: str) -> None:
    sys.argv = sys.argv[3:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the module is there already
        runpy.run_module(name, run_name="__main__", alter_sys=True)


def run_as(asked: Asked, descriptors: Sequence[int]) -> NoReturn:
    """Be what was asked for; in a process that was forked for it."""
    if asked.own_session:
        os.setsid()
    above = [fcntl.fcntl(each, fcntl.F_DUPFD, _ABOVE) for each in descriptors]
    for number, descriptor in zip(asked.numbers, above, strict=True):
        os.dup2(descriptor, number)
    if asked.forks:
        subprocess.Popen = ForkingPopen  # type: ignore[misc]
    kept = [number for number in asked.numbers if number > 2]
    _be(
        lambda: become(asked.words, asked.environment, asked.folder, (), kept),
        functools.partial(asked.act, *asked.arguments),
    )


def _be(become_it: Callable[[], None], act: Callable[[], Any]) -> NoReturn:
    """End as a process that does this and nothing else."""
    status = 70
    try:
        become_it()
        status = int(act() or 0)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        try:
            threading._shutdown()  # type: ignore[attr-defined]  # others' work is finished first
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        finally:
            os._exit(status)


def become(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: str,
    streams: Sequence[int],
    kept: Sequence[int],
) -> None:
    """Make of this forked process what it would be after an exec.

    Args:
        arguments: its command line.
        environment: all of it.
        folder: it works in.
        streams: descriptors that become its stdin, stdout and stderr; -1: as they are.
        kept: descriptors that stay open beside them.
    """
    gc.freeze()  # what is the parent's is never closed here, under a number that is ours by then
    signal.set_wakeup_fd(-1)
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, descriptor in enumerate(streams):
        if descriptor >= 0:
            os.dup2(descriptor, number)
    below = 3
    for descriptor in (*sorted(kept), os.sysconf("SC_OPEN_MAX")):
        os.closerange(below, descriptor)
        below = descriptor + 1
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        how: dict[str, Any] = {"buffering": 1, "errors": "backslashreplace"} if number == 2 else {}
        mode = "w" if number else "r"
        stream = os.fdopen(number, mode, encoding="utf-8", closefd=False, **how)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = list(arguments)
