import asyncio
import errno
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from engine.protocol.events import Paused
from engine.service.server.pausing import Pausing


def test_a_disk_that_cannot_be_asked_pauses_the_work_and_a_library_that_is_gone_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Paused] = []
    pausing = Pausing(tmp_path, 0, told.append, asyncio.Event())
    assert pausing.may_work()

    def fails(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", fails)
        assert not pausing.may_work()
        assert pausing.reason and "Input/output error" in pausing.reason
    assert pausing.may_work()
    assert pausing.reason is None
    tmp_path.rmdir()
    with pytest.raises(FileNotFoundError):
        pausing.may_work()


def test_one_full_disk_is_one_event_however_many_attempts_report_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the longest wait is short: when there is room again, work goes on within 10 s."""
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    pausing = Pausing(tmp_path, 0, lambda _: None, asyncio.Event())
    for _ in range(8):
        pausing.trouble("database or disk is full")
    first = pausing.seconds
    assert first <= 2 and not pausing.may_work()
    clock[0] += first
    assert pausing.may_work()
    for _ in range(20):
        pausing.trouble("database or disk is full")
        assert not pausing.may_work()
        clock[0] += 5
        assert pausing.may_work(), "nobody waits for longer"
    pausing.over()
    assert pausing.may_work() and pausing.reason is None


def test_who_rests_waits_for_what_is_left_of_the_pause_and_not_for_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, waited = [1000.0], []
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    async def wait_for(closing: Any, seconds: float) -> None:
        closing.close()
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "wait_for", wait_for)
    pausing = Pausing(tmp_path, 0, lambda _: None, asyncio.Event())
    for _ in range(5):
        pausing.trouble("database or disk is full")
        clock[0] += pausing.seconds
    pausing.trouble("database or disk is full")
    clock[0] += 3
    asyncio.run(pausing.rest())
    assert waited == [2]


def test_a_pause_tells_whose_it_is_and_what_ends_it(tmp_path: Path) -> None:
    told: list[Paused] = []
    free = shutil.disk_usage(tmp_path).free >> 20
    pausing = Pausing(tmp_path, 2 * free, told.append, asyncio.Event())
    pausing.may_work()
    assert f"above the reserve of {2 * free:,} MiB" in str(told[-1].reason) and not told[-1].by_user
    pausing.asked = True
    pausing.may_work()
    assert "paused by you" in str(told[-1].reason) and told[-1].by_user
