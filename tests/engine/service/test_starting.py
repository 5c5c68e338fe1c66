"""An engine process that takes its time to start."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.api import Library
from engine.library.write.open_work import note_stopped, open_work
from engine.library.write.writer import Writer
from engine.schema import is_older
from engine.service import devices
from engine.service.client import connection
from engine.service.client.connection import EngineError, connect_or_start, connect_running
from engine.service.devices import DevicesError, find_devices
from engine.service.lock import LOCK_FILE, LibraryLock, is_locked
from engine.settings import Settings
from tests.support.command import Promptsheet
from tests.support.libraries import new_session
from tests.support.older import make_older
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


def test_it_goes_on_where_its_starter_lost_patience(promptsheet: Promptsheet) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    library = promptsheet.library
    command = [sys.executable, "-P", "-m", "engine.service", "--library", str(library)]
    started = subprocess.run(
        [*command, "--ready", str(write_end)],
        pass_fds=(write_end,),
        env=promptsheet.environment,
        timeout=60,
    )
    os.close(write_end)
    assert started.returncode == 0
    log = library / "engine.log"
    wait_for(lambda: log.exists() and "listening on" in log.read_text())
    assert promptsheet.json("engine", "status")["running"]
    assert "BrokenPipe" not in log.read_text()


def test_a_library_is_brought_up_to_date_and_no_engine_process_is_left(
    library: Path, config: Path
) -> None:
    library.mkdir()
    writer = Writer(library)
    writer.add_session(new_session())
    note_stopped(writer, True)
    writer.close()
    make_older(library)
    Library(Settings(library=library)).bring_up_to_date()
    assert not is_older(library)
    assert not is_locked(library), "nobody asked for anything to be rendered"
    assert open_work(library).stopped, "nor did anyone say that the work may go on"


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A library whose holder does not listen yet, and commands with little patience."""
    monkeypatch.setattr(connection, "_CONNECT_SECONDS", 0.0)
    monkeypatch.setattr(connection, "_REACH_SECONDS", 0.0)
    lock = LibraryLock.take(tmp_path)
    yield tmp_path
    lock.release()


def test_a_command_waits_while_another_ones_engine_process_starts(
    held: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Answering:
        class greeting:  # noqa: N801
            mismatch = staticmethod(lambda: None)

    looks: Iterator[Any] = iter([None, None, None, Answering()])
    monkeypatch.setattr(connection, "connect", lambda _: next(looks))
    answering, detachment = connect_or_start(held)
    assert isinstance(answering, Answering) and detachment is None


def test_who_does_not_wait_is_told_that_it_is_still_starting(held: Path) -> None:
    with pytest.raises(EngineError, match="still starting"):
        connect_running(held)


def test_one_that_listens_elsewhere_is_not_said_to_be_starting(tmp_path: Path) -> None:
    lock = LibraryLock.take(tmp_path)
    assert connection._may_be_starting(tmp_path)
    lock.say_listening()
    assert not connection._may_be_starting(tmp_path)
    lock.release()


def test_one_that_never_listens_is_not_waited_for_any_longer(held: Path) -> None:
    body = json.loads((held / LOCK_FILE).read_text())
    body["started"] = time.time() - 3600
    (held / LOCK_FILE).write_text(json.dumps(body))
    with pytest.raises(EngineError, match="another user"):
        connect_or_start(held)


def test_gpus_that_torch_does_not_tell_of_are_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_torch() -> dict[str, str]:
        raise DevicesError("CUDA driver too old")

    monkeypatch.setattr(devices, "_GPU_NODES", ("/dev/null",))
    monkeypatch.setattr(devices, "ask_torch", no_torch)
    found = find_devices(["auto"])
    assert found.devices == ["cpu"]
    assert "CUDA driver too old" in str(found.fault)
    assert find_devices(["cpu"]).fault is None
