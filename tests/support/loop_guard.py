"""Holds promise 5: finds queries, files and checks of whole sheets on the event loop of an app.

A test's own code runs in the thread of the app's event loop as well. What it does itself is not
meant: it is known by its task, in which the app never runs.
"""

import asyncio
import os
import sqlite3
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from engine.api.sheets import Sheets
from engine.sheet.check import check_table
from engine.sheet.pasted import pasted_rows
from engine.sheet.read import read_table
from engine.sheet.table import Table

PIECE = 200
"""Rows that may be made and checked on the loop: what a key changes is checked at once."""
_FILES = frozenset(
    {
        "open",
        *(
            f"os.{act}"
            for act in (
                *("scandir", "listdir", "remove", "rename", "mkdir", "rmdir"),
                *("link", "symlink", "chmod", "truncate", "utime"),
            )
        ),
    }
)
_OTHERS = {"socket.connect": "a connection", "subprocess.Popen": "the start of a program"}
_CODE = (sys.prefix, sys.base_prefix)
_IMPORTED = (".py", ".pyc", ".so")
_SYSTEM = ("/proc/", "/dev/", "/sys/", "/etc/")


class LoopGuard:
    """What the app did on its event loop that it must not do there."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._loops: dict[int, object] = {}
        """Thread of a running app → the task of the test."""

    @contextmanager
    def watching(self, test: object) -> Iterator[None]:
        """While an app runs in this thread; `test` is the test's task there, if it has one."""
        thread = threading.get_ident()
        before = self._loops.get(thread)
        self._loops[thread] = test
        try:
            yield
        finally:
            del self._loops[thread]
            if before is not None:
                self._loops[thread] = before

    @property
    def is_looking(self) -> bool:
        """Whether an app runs in this thread."""
        return threading.get_ident() in self._loops

    def see(self, what: str) -> None:
        """Something is done that must not be done on the event loop."""
        if not self.is_looking:
            return
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no loop runs
            return
        if task is not self._loops[threading.get_ident()]:
            # No source is read for it: that would look at files, which is seen again.
            frames = ((frame.f_code, line) for frame, line in traceback.walk_stack(None))
            where = " < ".join(
                f"{Path(code.co_filename).name}:{line} {code.co_name}"
                for code, line in frames
                if "/tui/" in code.co_filename and "/tests/" not in code.co_filename
            )
            self.found.append(f"{what}\n    in {where or 'no code of ours'}")

    def see_file(self, path: object) -> None:
        """A file is opened, looked at, or changed."""
        if not isinstance(path, str | bytes | os.PathLike) or not self.is_looking:
            return
        name = os.fsdecode(path)
        if not name.startswith((*_CODE, *_SYSTEM)) and not name.endswith(_IMPORTED):
            self.see(f"the file {name}")


_active: LoopGuard | None = None


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _active is None:
        return
    if event in _FILES:
        _active.see_file(arguments[0])
    elif event == "sqlite3.connect":
        _active.see(f"a connection to {arguments[0]!r}")
    elif event in _OTHERS:
        _active.see(f"{_OTHERS[event]}: {arguments[1]!r}")


def _hear_query(query: str) -> None:
    if _active is not None and _active.is_looking:
        _active.see(f"the query {query[:100]!r}")


def _connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = _real_connect(*arguments, **options)
    connection.set_trace_callback(_hear_query)
    return connection


def _looking(act: Callable[..., Any]) -> Callable[..., Any]:
    """One of those that look at a file without an audit event."""

    @wraps(act)
    def looking(path: Any = ".", *arguments: Any, **options: Any) -> Any:
        if _active is not None:
            _active.see_file(path)
        return act(path, *arguments, **options)

    return looking


def _getcwd() -> str:
    if _active is not None:
        _active.see("the current folder")
    return _real_getcwd()


_real_connect, _real_getcwd = sqlite3.connect, os.getcwd


def _seen(act: Callable[..., Any], what: str, given: int = 0) -> Callable[..., Any]:
    """One of those that go through all that is `given`, by its place among the arguments."""

    @wraps(act)
    def seen(*arguments: Any, **options: Any) -> Any:
        if _active is not None and _size(arguments[given]) > PIECE:
            _active.see(what)
        return act(*arguments, **options)

    return seen


def _size(argument: object) -> int:
    """How many rows something is, or makes; a file might be of any number."""
    if isinstance(argument, Table):
        return len(argument.lines)
    if isinstance(argument, str):
        return argument.count("\n")
    return len(argument) if isinstance(argument, Sequence) else PIECE + 1


def _everywhere(act: Callable[..., Any], instead: Callable[..., Any]) -> None:
    """Put a function in the place of another one wherever that was imported."""
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType) and vars(module).get(act.__name__) is act:
            setattr(module, act.__name__, instead)


def _install() -> None:
    sys.addaudithook(_hear)  # for good: it cannot be taken away
    sqlite3.connect = _connect  # type: ignore[assignment]
    for act in (os.stat, os.access, os.statvfs):
        setattr(os, act.__name__, _looking(act))
    os.getcwd = _getcwd
    import engine.api.values  # noqa: F401  # all that checks and reads

    _everywhere(check_table, _seen(check_table, "the check of a sheet"))
    _everywhere(read_table, _seen(read_table, "the reading of a sheet"))
    _everywhere(pasted_rows, _seen(pasted_rows, "the reading of pasted text"))
    Sheets.rows_on = _seen(Sheets.rows_on, "rows of pictures", given=1)  # type: ignore[method-assign]
    run_test, run_async = App.run_test, App.run_async

    @asynccontextmanager
    async def watched(self: App[Any], **options: Any) -> AsyncIterator[Pilot[Any]]:
        if _active is None:
            async with run_test(self, **options) as pilot:
                yield pilot
            return
        with _active.watching(asyncio.current_task()):
            async with run_test(self, **options) as pilot:
                yield pilot

    async def watched_too(self: App[Any], **options: Any) -> Any:  # snapshots are taken so
        if _active is None:
            return await run_async(self, **options)
        with _active.watching(object()):
            return await run_async(self, **options)

    App.run_test = watched  # type: ignore[method-assign]
    App.run_async = watched_too  # type: ignore[method-assign]


_installed = False


@contextmanager
def guarded() -> Iterator[LoopGuard]:
    """Watch every app that runs meanwhile."""
    global _active, _installed
    if not _installed:
        _installed = True
        _install()
    before, _active = _active, LoopGuard()
    try:
        yield _active
    finally:
        _active = before
