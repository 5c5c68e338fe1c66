"""Stopping, pausing and ordering the work, through the front door."""

import os
import signal
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.api import Library
from engine.library.database import reading
from engine.settings import Settings
from tests.support.command import Promptsheet
from tests.support.runs import has_done, renderer_pid, state, write_sheet
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


def rows_in(promptsheet: Promptsheet, wanted: str) -> list[int]:
    return [job.row for job in promptsheet.jobs() if job.state == wanted]


def session_states(promptsheet: Promptsheet) -> dict[str, str]:
    return {info["name"]: info["state"] for info in promptsheet.sessions()}


def test_rows_can_be_stopped_and_resumed_while_the_others_go_on(
    warm: Promptsheet, tmp_path: Path
) -> None:
    warm.json("run", write_sheet(tmp_path / "sheet.csv", rows=12, images=1), "--detach")
    warm.json("stop", "last", "--rows", "10,12-13")
    wait_for(lambda: not {"waiting", "rendering"} & {state(warm)["state"]})
    stopped = rows_in(warm, "stopped")
    assert set(stopped) <= {10, 12, 13}
    assert {12, 13} <= set(stopped), "they were far from being rendered"
    assert len(rows_in(warm, "done")) == 12 - len(stopped)
    warm.json("resume", "last", "--rows", "12")
    wait_for(lambda: 12 in rows_in(warm, "done"))
    assert 13 in rows_in(warm, "stopped")


def test_everything_stops_and_goes_on_in_the_order_that_was_asked_for(
    warm: Promptsheet, tmp_path: Path
) -> None:
    # The long one is never done: neither before it is stopped nor before the others are looked at.
    # The library is shared: other tests' sessions must not have their names.
    for name, rows in (("long", 100), ("behind", 4), ("ahead", 4)):
        sheet = write_sheet(tmp_path / f"{name}.csv", rows=rows, images=2)
        warm.json("run", sheet, "--detach", "--name", name)
    warm.json("stop", "all")
    states = session_states(warm)
    assert {states[name] for name in ("long", "behind", "ahead")} == {"stopped"}
    warm.json("move", "ahead", "first")
    warm.json("resume", "all")
    wait_for(lambda: session_states(warm)["ahead"] == "done")
    done = {info["name"]: info["done"] for info in warm.json("sessions")}
    assert done["behind"] == 0
    warm.json("stop", "all")


def test_a_pause_frees_the_device_outlives_a_restart_and_loses_nothing(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    promptsheet.json("run", write_sheet(tmp_path / "sheet.csv", rows=4, images=2), "--detach")
    wait_for(partial(has_done, promptsheet, 1))
    renderer = renderer_pid(promptsheet)
    assert renderer is not None
    promptsheet.json("engine", "pause")
    wait_for(lambda: not psutil.pid_exists(renderer))
    paused = promptsheet.json("engine", "stop") and promptsheet.json("engine", "start")
    assert paused["paused_by_user"]
    assert promptsheet.json("engine", "status")["renderers"] == []
    assert state(promptsheet)["state"] == "waiting"
    promptsheet.json("engine", "resume")
    wait_for(lambda: state(promptsheet)["state"] == "done")
    assert promptsheet.json("verify")["images"] == 8


def test_what_a_batch_took_of_memory_is_measured_and_remembered(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    # With all threads to itself: a call beside others would teach nothing.
    threads = len(os.sched_getaffinity(0))
    (config / "settings.toml").write_text(f"[render]\nthreads = {threads}\n")
    promptsheet.json("run", write_sheet(tmp_path / "sheet.csv", rows=4, images=2))
    with reading(promptsheet.library) as db:
        fits = db.execute("SELECT device, shape, size FROM fits").fetchall()
    shapes = {
        f"{image['width']}x{image['height']}" for image in promptsheet.json("show", "last")["list"]
    }
    assert {(fit["device"], fit["shape"]) for fit in fits} == {("cpu", shape) for shape in shapes}
    assert all(fit["size"] >= 8 for fit in fits), "the built-in model is small"


@pytest.mark.usefixtures("quick")
def test_after_a_crash_unfinished_work_waits_where_the_setting_says_ask(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    (config / "settings.toml").write_text('[engine]\nautoresume = "ask"\n')
    sheet = write_sheet(tmp_path / "sheet.csv", rows=4, images=2)
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    promptsheet.json("engine", "start")
    with promptsheet.start("run", sheet, "--name", "old", **pipes) as follower:
        wait_for(lambda: promptsheet.sessions() and has_done(promptsheet, 1))
        os.kill(promptsheet.status()["pid"], signal.SIGKILL)
        assert follower.stderr is not None
        assert any("`promptsheet resume " in line for line in follower.stderr)
        old = state(promptsheet)["session"]
        assert promptsheet.json("engine", "start")["held"] == [old]
        new = promptsheet.json("prompt", "a red circle", "--name", "new")
        assert new["done"] == 1, "what is started afterwards does not wait"
        assert session_states(promptsheet)["old"] == "waiting"
        promptsheet.json("resume", "old")
        assert follower.wait(120) == 0
    assert session_states(promptsheet)["old"] == "done"


def test_a_retry_and_a_resume_of_all_let_go_on_what_waits_to_be_asked(
    promptsheet: Promptsheet, config: Path
) -> None:
    (config / "settings.toml").write_text('[engine]\nautoresume = "ask"\n')
    promptsheet.json("engine", "pause")
    first, second = (
        promptsheet.json("prompt", "a red circle", "--detach")["session"] for _ in range(2)
    )
    promptsheet.json("engine", "stop")
    assert sorted(promptsheet.json("engine", "start")["held"]) == sorted([first, second])
    promptsheet.json("retry", first)
    assert promptsheet.json("engine", "status")["held"] == [second]
    reports = Library(Settings(library=promptsheet.library)).sessions.follow(second)
    report = next(reports)
    assert report.held and f"promptsheet resume {second}" in report.now
    promptsheet.json("resume", "all")
    assert not next(reports).held, "who follows it is told"
    assert promptsheet.json("engine", "status")["held"] == []


def test_devices_of_the_command_line_share_the_work_and_a_killed_renderer_is_replaced(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    assert promptsheet("engine", "start", "--devices", "cpu,").returncode == 2
    promptsheet.json("engine", "start", "--devices", "cpu,cpu")
    promptsheet.json("run", write_sheet(tmp_path / "sheet.csv", rows=16, images=4), "--detach")

    def two_renderers() -> list[int]:
        renderers = promptsheet.status()["renderers"]
        assert {renderer["device"] for renderer in renderers} <= {"cpu"}
        return [renderer["pid"] for renderer in renderers] if len(renderers) == 2 else []

    first, second = wait_for(two_renderers)
    os.kill(first, signal.SIGKILL)
    replaced = wait_for(lambda: [pid for pid in two_renderers() if pid not in (first, second)])
    assert "was killed" in Path(promptsheet.json("show", "last")["log"]).read_text()
    refused = promptsheet.json("engine", "start", "--devices", "cpu", status=2)
    assert "already running" in refused["error"]
    promptsheet.json("engine", "stop")
    assert not any(psutil.pid_exists(pid) for pid in (second, *replaced))

    running = promptsheet.start("engine", "run", "--devices", "cpu,cpu", stderr=subprocess.DEVNULL)
    wait_for(lambda: promptsheet.status()["running"])
    promptsheet.json("stop", "last")
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 0
    assert state(promptsheet)["done"] == promptsheet.json("verify")["images"]
