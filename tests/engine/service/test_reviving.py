"""An engine process that ended comes back while someone looks on, where that is wanted."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.api import Library
from engine.library.write.open_work import add_render_host, note_stopped
from engine.library.write.writer import Writer
from engine.protocol.events import Absent, Revived, Standing
from engine.service.client import reviving
from engine.service.client.connection import EngineError
from engine.service.client.follow import EngineFeed
from engine.service.client.reviving import Reviver
from engine.service.hosts import this_host, why_not_here
from engine.service.lock import is_locked
from engine.settings import EngineSettings, Settings
from tests.support.command import Promptsheet
from tests.support.libraries import new_session, take
from tests.support.waiting import next_event, wait_for

pytestmark = pytest.mark.slow


class Started:
    """Stands for the connection to an engine process that was started."""


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The libraries whose engine process was started."""
    found: list[Path] = []

    def connect_or_start(library: Path) -> tuple[Started, None]:
        found.append(library)
        return Started(), None

    monkeypatch.setattr(reviving, "connect_or_start", connect_or_start)
    monkeypatch.setattr(reviving, "next_pause", lambda _: 0.0)
    return found


@pytest.fixture
def waiting(writer: Writer, config: Path) -> Writer:
    """A library with work, on a host where someone asked for it."""
    writer.add_session(new_session())
    add_render_host(writer, this_host())
    return writer


def test_where_work_waits_it_is_started(waiting: Writer, starts: list[Path]) -> None:
    revived = Reviver(Settings(library=waiting.library)).look()
    assert starts == [waiting.library]
    assert revived.connection is not None
    assert "12 images are waiting" in revived.reason


def test_where_nothing_waits_it_is_not(writer: Writer, config: Path, starts: list[Path]) -> None:
    add_render_host(writer, this_host())
    revived = Reviver(Settings(library=writer.library)).look()
    assert (revived.connection, revived.reason, starts) == (None, "", [])
    none = Settings(library=writer.library.with_name("none"))
    assert Reviver(none).look().connection is None


def forget_the_host(writer: Writer) -> None:
    with writer.transaction() as db:
        db.execute("DELETE FROM meta")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda writer: note_stopped(writer, True), "was stopped"),
        (lambda writer: writer.pause(True), "paused by you"),
        (forget_the_host, "before"),
    ],
)
def test_what_forbids_it_is_said(
    waiting: Writer, starts: list[Path], change: Callable[[Writer], None], why: str
) -> None:
    change(waiting)
    revived = Reviver(Settings(library=waiting.library)).look()
    assert why in revived.reason
    assert not starts


def test_a_host_that_the_settings_do_not_name_is_spared(
    waiting: Writer, starts: list[Path]
) -> None:
    render_on = EngineSettings(render_on=("gpu*", "big"))
    revived = Reviver(Settings(library=waiting.library, engine=render_on)).look()
    assert "render_on" in revived.reason
    note_stopped(waiting, True)  # to start it here would not help, either
    assert Reviver(Settings(library=waiting.library, engine=render_on)).look() == revived
    assert not starts


def test_hosts_are_known_by_name_and_by_pattern() -> None:
    library = Path("/data/my library")
    assert why_not_here((), {"gpu1"}, "gpu1", library) is None
    assert why_not_here(("gpu*",), (), "GPU7.cluster.example", library) is None
    assert why_not_here(("gpu7.cluster.example",), (), "gpu7.cluster.example", library) is None


def test_where_nothing_renders_the_command_is_said_that_starts_it_where_it_may() -> None:
    library = Path("/data/my library")
    start = "`promptsheet engine start --library '/data/my library'`"
    stop = "`promptsheet engine stop --library '/data/my library'`"
    forbidden = why_not_here(("gpu*",), {"login"}, "login", library) or ""
    assert "allows only gpu*" in forbidden and f"{start} there starts rendering" in forbidden
    assert "Resume in Jobs" not in forbidden and stop not in forbidden
    held = why_not_here(("gpu*",), {"login"}, "login", library, held=True) or ""
    assert f"after {stop} here" in held, "one host at a time holds a library"
    new = why_not_here((), (), "login", library) or ""
    assert new.endswith(f"Resume in Jobs, or {start}, starts rendering here")
    other = why_not_here((), {"gpu7", "gpu1"}, "login", library, held=True) or ""
    assert other.endswith(f"{start} on gpu1 or gpu7 continues there, after {stop} here")


def test_one_that_ends_again_and_again_is_left_alone(waiting: Writer, starts: list[Path]) -> None:
    reviver = Reviver(Settings(library=waiting.library))
    for _ in range(20):
        if reviver.look().connection is not None:
            reviver.ended()
    assert len(starts) == 6
    assert "ended 6 times in a row without a new image" in reviver.look().reason
    reviver.lives()
    assert reviver.look().connection is not None


def test_one_that_does_not_start_is_tried_again_after_a_pause(
    waiting: Writer, starts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(library: Path) -> Any:
        starts.append(library)
        raise EngineError("the disk is full")

    monkeypatch.setattr(reviving, "connect_or_start", full)
    monkeypatch.setattr(reviving, "next_pause", lambda _: 3600.0)
    reviver = Reviver(Settings(library=waiting.library))
    assert [reviver.look().reason for _ in range(5)] == ["the disk is full"] * 5
    assert len(starts) == 1, "and not at each look"


# -------------------------------------------------------------------- real engine processes


@pytest.fixture
def held(promptsheet: Promptsheet, config: Path) -> Iterator[Promptsheet]:
    """A library with work that waits for a word: its engine process renders nothing."""
    (config / "settings.toml").write_text('[engine]\nautoresume = "ask"\n')
    promptsheet.library.mkdir()
    writer = Writer(promptsheet.library)
    writer.add_session(new_session())
    writer.close()
    promptsheet.json("engine", "start")
    yield promptsheet


def kill_engine(promptsheet: Promptsheet) -> int:
    pid: int = promptsheet.json("engine", "status")["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_locked(promptsheet.library))  # dying takes a moment
    return pid


def test_killed_while_someone_looks_it_comes_back_and_that_is_said(held: Promptsheet) -> None:
    events = iter(EngineFeed(Settings(library=held.library)))
    before = next_event(events, Standing).status.pid
    assert kill_engine(held) == before
    assert "was restarted" in next_event(events, Revived).reason
    assert next_event(events, Standing).status.pid != before


def test_killed_while_nobody_looks_it_comes_back_when_someone_does(held: Promptsheet) -> None:
    killed = kill_engine(held)
    events = iter(EngineFeed(Settings(library=held.library)))
    assert "12 images are waiting" in next_event(events, Revived, Absent).reason
    assert next_event(events, Standing).status.pid != killed


def test_stopped_on_purpose_it_stays_so_until_someone_asks(held: Promptsheet) -> None:
    events = iter(EngineFeed(Settings(library=held.library)))
    next_event(events, Standing)
    held.json("engine", "stop")
    assert "was stopped" in next_event(events, Revived, Absent).reason
    held.json("engine", "start")
    assert next_event(events, Standing).status.renders


def test_who_curates_starts_no_rendering_where_nobody_asked_for_it(
    promptsheet: Promptsheet,
) -> None:
    promptsheet.library.mkdir()
    writer = Writer(promptsheet.library)
    writer.add_session(new_session())
    image = take(writer).images[0].key
    writer.close()
    Library(Settings(library=promptsheet.library)).images.favour([image])
    status = promptsheet.json("engine", "status")
    assert (status["renders"], status["renderers"]) == (False, [])
    wait_for(lambda: "before" in (promptsheet.status()["paused"] or ""))
    assert promptsheet.json("sessions")[0]["waiting"] == 12
    promptsheet.json("engine", "pause")
    promptsheet.json("engine", "resume")
    assert promptsheet.json("engine", "status")["renders"], "that is asking"
    promptsheet.json("engine", "stop")
    promptsheet.json("stop", "last")
    assert promptsheet.json("engine", "status")["renders"], "it has rendered here before"


def test_an_engine_process_may_be_told_to_render_nothing(promptsheet: Promptsheet) -> None:
    promptsheet.json("engine", "start", "--no-render")
    promptsheet.json("prompt", "a red circle", "--detach")
    status = promptsheet.json("engine", "status")
    assert not status["renders"] and "--no-render" in status["paused"]
    assert (
        "already running" in promptsheet.json("engine", "start", "--no-render", status=2)["error"]
    )
    kill_engine(promptsheet)
    looked = next_event(iter(EngineFeed(Settings(library=promptsheet.library))), Revived, Absent)
    assert "engine start" in looked.reason, "nor does one that follows it"
    assert promptsheet.json("engine", "start")["renders"]


def test_the_settings_name_the_hosts_that_render(promptsheet: Promptsheet, config: Path) -> None:
    (config / "settings.toml").write_text('[engine]\nrender_on = ["no-such-host"]\n')
    status = promptsheet.json("engine", "start")
    assert not status["renders"]
    wait_for(lambda: "no-such-host" in promptsheet.status()["paused"])
    assert json.loads(promptsheet("config", "--json").stdout)["settings"]["engine"]["render_on"]
