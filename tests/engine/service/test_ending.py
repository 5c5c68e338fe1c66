"""When an engine process that is to exit when all is done takes it to be so."""

import asyncio
import sqlite3
from argparse import Namespace
from collections.abc import Callable
from signal import SIGTERM
from types import SimpleNamespace
from typing import Any

import pytest

from engine.protocol.records import Tally
from engine.service.server import ending
from engine.service.server.ending import Ending, until_done
from engine.service.server.process import EngineProcess
from tui.commands.machine import engine
from tui.commands.output import UsageError

FULL = "the disk has 3 MiB left"


class Library:
    """What is left to render, and why nothing is; `then` changes it after so many looks."""

    def __init__(self, waiting: int, paused: str | None = None, *, off: bool = False) -> None:
        self.dispatcher: Any = SimpleNamespace(paused=paused, idle=not waiting, off=off)
        self.waiting = waiting
        self.busy = False
        self.looks = 0
        self.then: dict[int, Callable[[], object]] = {}

    async def tallies(self) -> list[Tally]:
        self.looks += 1
        self.then.pop(self.looks, lambda: None)()
        tally = Tally("s", 9, self.waiting, 0, 0, 0, 9 - self.waiting, 0)
        return [tally] if self.waiting else []

    def change(self, waiting: int, paused: str | None = None) -> None:
        self.waiting, self.dispatcher.paused = waiting, paused
        self.dispatcher.idle = not waiting

    async def outcome(self, patience: float = 10.0) -> str | None:
        return await until_done(self.tallies, self.dispatcher, lambda: self.busy, patience)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes a second, on a clock of its own."""
    now = [0.0]
    really = asyncio.sleep

    async def sleep(_: float) -> None:
        now[0] += 1.0
        await really(0)

    monkeypatch.setattr(ending, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(ending, "time", SimpleNamespace(monotonic=lambda: now[0]))


async def test_it_ends_when_nothing_is_left_and_not_before_the_rest_is_done() -> None:
    library = Library(3)
    library.busy = True  # a notice is under way, say
    library.then = {5: lambda: library.change(0), 9: lambda: setattr(library, "busy", False)}
    assert await library.outcome() is None
    assert library.looks == 9


async def test_a_pause_that_passes_is_waited_for() -> None:
    library = Library(3, FULL)
    library.then = {8: lambda: library.change(2), 20: lambda: library.change(0)}
    assert await library.outcome() is None


async def test_a_pause_that_lasts_ends_it_with_its_reason() -> None:
    library = Library(3)
    library.then = {5: lambda: library.change(3, FULL)}
    assert await library.outcome() == FULL
    assert library.looks == 15


async def test_a_device_that_fails_again_and_again_ends_it_though_it_is_tried() -> None:
    library = Library(3, "cuda:0 cannot render")
    for look in range(3, 3000, 10):  # tried, with nothing to complain of for a few seconds
        library.then[look] = lambda: library.change(3)
        library.then[look + 3] = lambda: library.change(3, "cuda:0 cannot render")
    assert await library.outcome(60.0) == "cuda:0 cannot render"
    assert library.looks < 80


async def test_an_image_that_comes_after_all_begins_the_patience_anew() -> None:
    library = Library(3, FULL)
    library.then = {6: lambda: library.change(2, FULL)}
    assert await library.outcome() == FULL
    assert library.looks == 17


async def test_a_host_that_may_not_render_and_a_pause_from_before_are_not_waited_for() -> None:
    library = Library(3, off=True)
    library.then = {3: lambda: library.change(3, "paused by you")}
    assert await library.outcome() == "paused by you"
    assert library.looks == 3
    assert await Library(0, "paused by you", off=True).outcome() is None, "nothing waits for it"


async def test_a_library_that_cannot_be_read_for_long_is_this_machines_fault() -> None:
    library = Library(3)

    async def fail() -> list[Tally]:
        if library.looks:
            raise sqlite3.OperationalError("disk I/O error")
        return await library.tallies()

    outcome = await until_done(fail, library.dispatcher, lambda: False, 10.0)
    assert outcome == "the library is not usable: disk I/O error"
    broken: Any = SimpleNamespace(_write=lambda _: fail())
    assert await EngineProcess._left(broken) is None, "it is told all the same how that ended"


@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        (Ending(0), 0, "Nothing is left"),
        (
            Ending(None, "the disk is full"),
            1,
            "images still waiting; nothing is rendered: the disk",
        ),
        (Ending(None, None, SIGTERM), 128 + SIGTERM, "Ended by SIGTERM; images still waiting."),
    ],
)
def test_what_cannot_be_counted_is_not_taken_for_done(
    how: Ending, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    library: Any = SimpleNamespace(path="lib", engine=SimpleNamespace(run=lambda *_, **__: how))
    wanted = Namespace(action="run", exit_when_done=True, no_render=False, devices=(), json=False)
    assert engine(wanted, library) == status
    assert said in capsys.readouterr().err
    wanted.action = "start"
    with pytest.raises(UsageError, match="engine run"):
        engine(wanted, library)
