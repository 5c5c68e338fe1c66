"""Faults of the machine, for real: no device, no torch, no room. No image is to blame for them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.command import Promptsheet
from tests.support.runs import settled, state, write_sheet
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


def test_without_its_device_the_work_waits_and_run_ends_with_the_reason(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    """A job on a wrong node burns nothing: elsewhere, or on the CPU, all of it is rendered."""
    promptsheet.json("engine", "start", "--devices", "cuda:63")
    sheet = write_sheet(tmp_path / "sheet.csv", rows=3, images=1)
    ended = promptsheet.json("run", sheet, "--wait", "0.02", status=1)
    assert (ended["images"], ended["done"], ended["failed"]) == (3, 0, 0)
    # It may have been given up before torch was there to say why: now it is not.
    waits = wait_for(lambda: promptsheet.status()["paused"])
    assert "cuda:63 cannot render" in waits and "--devices cpu" in waits
    again = promptsheet("prompt", "a red circle", "--wait", "0.02")
    assert again.returncode == 1
    assert "cuda:63" in again.stderr and "stay waiting" in again.stderr
    shown = promptsheet.json("show", ended["session"])
    assert {row["state"] for row in shown["rows"]} == {"waiting"}
    promptsheet.json("engine", "stop")
    promptsheet.json("engine", "start", "--devices", "cpu")
    wait_for(lambda: {info["state"] for info in promptsheet.sessions()} == {"done"}, 240)
    assert promptsheet.json("verify")["images"] == 4


def test_a_renderer_that_cannot_import_waits_until_it_can(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    broken = tmp_path / "broken" / "torch" / "__init__.py"
    broken.parent.mkdir(parents=True)
    broken.write_text("raise ImportError('libtorch.so: cannot open shared object file')\n")
    promptsheet.environment["PYTHONPATH"] = str(tmp_path / "broken")
    words = ("engine", "start", "--devices", "cpu")
    start = promptsheet.start(*words, forked=False, stdout=subprocess.DEVNULL)
    assert start.wait(60) == 0  # no fork of what has torch
    promptsheet.json("prompt", "a red circle", "-n", "3", "--detach")
    reason = wait_for(lambda: promptsheet.status()["paused"])
    assert "cannot open shared object file" in reason
    info = state(promptsheet)
    assert (info["state"], info["failed"]) == ("waiting", 0)
    shutil.rmtree(broken.parent)
    wait_for(lambda: settled(promptsheet), 240)
    assert (state(promptsheet)["done"], state(promptsheet)["failed"]) == (3, 0)


@pytest.mark.usefixtures("quick")
def test_a_sheet_that_does_not_fit_on_the_disk_is_refused_and_others_go_on(
    promptsheet: Promptsheet, config: Path, tmp_path: Path, small_disk: Path
) -> None:
    (config / "settings.toml").write_text("[engine]\nreserve_mib = 0\n")
    library = promptsheet.on(small_disk / "library")
    library.json("prompt", "a red circle", "-n", "8", "--detach")
    refused = library("run", write_sheet(tmp_path / "big.csv", rows=3000, images=4))
    assert refused.returncode == 2
    assert (
        "Not enough disk space for this session" in refused.stderr
        and "Nothing was stored" in refused.stderr
    )
    wait_for(lambda: settled(library), 240)
    assert [info["done"] for info in library.json("sessions")] == [8]
    library("engine", "stop")


def test_images_beyond_the_free_disk_are_warned_of_before_the_start(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    sheet = write_sheet(tmp_path / "sheet.csv", rows=3, images=4)
    assert promptsheet.json("check", sheet)["estimate"]["disk"]["fits"]
    assert "of disk" not in promptsheet("check", sheet).stdout
    (config / "settings.toml").write_text("[engine]\nreserve_mib = 1048576\n")
    need = promptsheet.json("check", sheet)["estimate"]["disk"]
    assert not need["fits"] and need["bytes"] > need["room"] == 0
    assert "! the disk has no room for that" in promptsheet("check", sheet).stdout
