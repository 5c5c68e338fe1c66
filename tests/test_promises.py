"""The promises, kept or broken through the front door: real processes, real files, real kills."""

import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from engine.library.database import reading
from engine.picture.png import read_text
from tests.support.command import COMMAND, Promptsheet
from tests.support.runs import (
    Pixels,
    has_done,
    pixels_of,
    renderer_pid,
    run_with_kills,
    settled,
    state,
    write_sheet,
)
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


ROWS, IMAGES = 8, 3
SMALL = {"height": "64"}
"""Drawn in less than half the time: what is promised holds at any size."""


@pytest.fixture(scope="module")
def undisturbed(warm: Promptsheet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pixels]:
    """A sheet of 24 images, and their pixels from a run nobody disturbed."""
    sheet = write_sheet(tmp_path_factory.mktemp("undisturbed") / "sheet.csv", ROWS, IMAGES, **SMALL)
    done = warm.json("run", sheet)
    assert (done["done"], done["images"], done["failed"]) == (24, 24, 0)
    return sheet, pixels_of(warm, done["session"])


def test_killed_at_random_nothing_is_lost_doubled_or_changed(
    promptsheet: Promptsheet, undisturbed: tuple[Path, Pixels]
) -> None:
    sheet, pixels = undisturbed
    run_with_kills(promptsheet, sheet, kills=3, within=3.0)
    info = state(promptsheet)
    assert (info["state"], info["done"], info["failed"]) == ("done", 24, 0)
    verdict = promptsheet.json("verify")
    assert verdict == {
        "images": 24,
        "missing": [],
        "orphans": [],
        "corrupt": [],
        "miscounted": [],
    }
    assert pixels_of(promptsheet) == pixels


def test_killed_between_an_image_and_what_is_made_of_it_each_is_there_once(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    sheet = write_sheet(tmp_path / "sheet.csv", 1, 2, upscale="2", **SMALL)
    assert promptsheet.json("check", sheet)["images"] == 4
    promptsheet.json("run", sheet, "--detach")
    wait_for(partial(has_done, promptsheet, 1))
    os.kill(promptsheet.status()["pid"], signal.SIGKILL)
    promptsheet.json("engine", "start")
    wait_for(lambda: settled(promptsheet), 120)
    assert (state(promptsheet)["done"], state(promptsheet)["images"]) == (4, 4)
    first, second, *larger = promptsheet.json("show", "last")["list"]
    drawn_on = [image["recipe"]["image"] for image in larger]
    assert drawn_on == [first["digest"], second["digest"]]
    assert [image["width"] for image in larger] == [first["width"] * 2] * 2
    assert promptsheet.json("verify")["missing"] == []
    pixels = pixels_of(promptsheet)
    promptsheet.json("run", sheet)
    assert pixels_of(promptsheet) == pixels and len(set(pixels.values())) == 4


def test_stopped_and_resumed_gives_the_same_pixels(
    promptsheet: Promptsheet, undisturbed: tuple[Path, Pixels]
) -> None:
    sheet, pixels = undisturbed
    promptsheet.json("run", sheet, "--detach")
    for done in (1, 8, 16):
        wait_for(partial(has_done, promptsheet, done))
        stopped = promptsheet.json("stop", "last")
        assert stopped["waiting"] == stopped["rendering"] == 0
        wait_for(lambda: promptsheet.status()["work"] == [])
        promptsheet.json("resume", "last")
    wait_for(lambda: settled(promptsheet))
    assert pixels_of(promptsheet) == pixels
    departures = [
        change
        for image in promptsheet.json("show", "last")["list"]
        for change in image["conditions"]["departures"]
    ]
    assert departures == []
    assert promptsheet.json("verify")["images"] == 24


def test_two_renderers_give_the_same_pixels_as_one(
    promptsheet: Promptsheet, config: Path, undisturbed: tuple[Path, Pixels]
) -> None:
    sheet, pixels = undisturbed
    (config / "settings.toml").write_text('[render]\ndevices = ["cpu", "cpu"]\n')
    started = promptsheet.json("run", sheet, "--detach")
    wait_for(lambda: len(promptsheet.status()["renderers"]) == 2)
    wait_for(lambda: settled(promptsheet), 300)
    assert pixels_of(promptsheet, started["session"]) == pixels


def test_two_runs_of_one_sheet_show_equal_pixels_that_a_person_can_check(
    warm: Promptsheet, tmp_path: Path
) -> None:
    sheet = write_sheet(tmp_path / "sheet.csv", rows=2, images=2, **SMALL)
    first, second = (warm.json("show", warm.json("run", sheet)["session"]) for _ in range(2))
    assert first["pixels"] == second["pixels"] is not None
    digests = [[image["pixels"] for image in run["list"]] for run in (first, second)]
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == 4
    assert all(
        one["digest"] != other["digest"]
        for one, other in zip(first["list"], second["list"], strict=True)
    ), "the file holds the image's own id"
    with Image.open(warm.library / first["list"][0]["file"]) as image:
        raw = image.convert("RGB").tobytes()
    assert hashlib.blake2b(raw, digest_size=16).hexdigest() == digests[0][0]


def test_an_image_carries_its_recipe_for_us_and_for_others(
    warm: Promptsheet, tmp_path: Path
) -> None:
    sheet = write_sheet(tmp_path / "sheet.csv", rows=1, images=2)
    warm.json("run", sheet)
    for image in warm.json("show", "last")["list"]:
        text = read_text(warm.library / image["file"])
        record = json.loads(text["promptsheet"])
        assert record["image"] == image["image"]
        assert record["recipe"] == image["recipe"]
        assert record["conditions"] == image["conditions"]
        assert f"Seed: {image['seed']}, Size: 128x128, Model: builtin" in text["parameters"]
        assert (warm.library / image["file"]).stat().st_mode & 0o777 == 0o600


def test_the_run_goes_on_when_its_terminal_closes(warm: Promptsheet, tmp_path: Path) -> None:
    sheet = write_sheet(tmp_path / "sheet.csv", rows=4, images=4, **SMALL)
    child, terminal = pty.fork()
    if child == 0:
        os.execve(COMMAND, [str(COMMAND), "run", str(sheet)], warm.environment)
    shown = b""
    while b"16" not in shown:
        shown += os.read(terminal, 4096)  # the bar is on the screen
    os.close(terminal)  # as when a window is closed or a connection drops: SIGHUP
    os.waitpid(child, 0)
    wait_for(lambda: settled(warm))
    assert state(warm)["done"] == 16


def test_ctrl_c_leaves_it_running_and_says_so(warm: Promptsheet, tmp_path: Path) -> None:
    sheet = write_sheet(tmp_path / "sheet.csv", rows=4, images=4, **SMALL)
    before = len(warm.sessions())
    run = warm.start("run", sheet, stdout=-1, stderr=-1)
    wait_for(lambda: len(warm.sessions()) > before)
    run.send_signal(signal.SIGINT)  # it may not have heard yet that the session is accepted
    _, notes = run.communicate(timeout=120)
    assert "in the background" in notes
    wait_for(lambda: settled(warm))
    assert state(warm)["done"] == 16


def test_a_second_engine_process_refuses_and_names_the_first(promptsheet: Promptsheet) -> None:
    first = promptsheet.json("engine", "start")["pid"]
    second = promptsheet("engine", "run")
    assert second.returncode == 2
    assert f"process {first} on" in second.stderr
    assert "Traceback" not in second.stderr
    assert promptsheet.json("engine", "status")["pid"] == first


def test_an_engine_process_of_another_version_is_said_not_guessed(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    other = tmp_path / "other_version.py"
    other.write_text(
        "import engine, sys\n"
        "engine.__version__ = '9.9.9'\n"
        "from engine.service.__main__ import main\n"
        "sys.exit(main())\n"
    )
    process = psutil.Popen(
        [sys.executable, str(other), "--library", str(promptsheet.library)],
        env=promptsheet.environment,
    )
    try:
        wait_for(lambda: promptsheet.status()["running"])
        refused = promptsheet("prompt", "a red circle")
        assert refused.returncode == 2
        assert "runs Promptsheet 9.9.9" in refused.stderr
        assert "engine stop" in refused.stderr
        assert promptsheet.json("engine", "stop")["stopped"] == process.pid
    finally:
        process.terminate()
        process.wait(30)
    assert promptsheet.json("engine", "start")["running"]


def test_a_dropped_renderer_leaves_no_process_behind(promptsheet: Promptsheet) -> None:
    promptsheet.json("prompt", "a red circle on a blue background")
    engine = promptsheet.json("engine", "status")["pid"]
    renderer = renderer_pid(promptsheet)
    assert renderer is not None
    os.kill(engine, signal.SIGKILL)
    wait_for(
        lambda: (
            not psutil.pid_exists(renderer)
            or psutil.Process(renderer).status() == psutil.STATUS_ZOMBIE
        )
    )


def test_a_model_that_fails_at_every_step_does_not_hold_up_the_others(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    from importlib.resources import files
    from shutil import copytree

    broken = copytree(str(files("assets") / "models" / "builtin"), config / "broken")
    scheduler = broken / "scheduler" / "scheduler_config.json"
    scheduler.write_text(scheduler.read_text().replace('"v_prediction"', '"nonsense"'))
    (config / "models.toml").write_text('[[models]]\nlabel = "broken"\nsource = "broken"\n')
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "prompt,model,num_images\na circle,broken,1\na red circle,builtin,1\na square,broken,1\n"
    )
    done = promptsheet.json("run", sheet, status=1)
    assert (done["done"], done["failed"]) == (1, 2)
    rows = promptsheet.json("show", "last")["rows"]
    assert [row["state"] for row in rows] == ["failed", "done", "failed"]
    assert "nonsense" in rows[0]["error"]


def test_a_changed_model_is_said_instead_of_rendering_something_else(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    from importlib.resources import files
    from shutil import copytree

    mine = copytree(str(files("assets") / "models" / "builtin"), config / "mine")
    entry = '[[models]]\nlabel = "mine"\nsource = "mine"\ndecode = "tiled"\n'
    (config / "models.toml").write_text(entry)
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("prompt,model,num_images,steps\n" + "a red circle,mine,1,2\n" * 4)
    promptsheet.json("engine", "pause")
    promptsheet.json("run", sheet, "--detach")
    config_file = mine / "scheduler" / "scheduler_config.json"
    config_file.write_text(config_file.read_text().replace('"trailing"', '"leading"'))
    promptsheet.json("engine", "resume")
    wait_for(lambda: settled(promptsheet))
    info = promptsheet.json("show", "last")
    assert (info["state"], info["failed"], info["changed_models"]) == ("stopped", 0, ["mine"])
    assert "files have changed" in next(row["error"] for row in info["rows"] if row["error"])
    assert "--accept-changed-model" in promptsheet("show", "last").stdout
    promptsheet.json("resume", "last", "--accept-changed-model")
    wait_for(lambda: settled(promptsheet), 300)
    info = promptsheet.json("show", "last")
    assert (info["state"], info["changed_models"]) == ("done", [])
    said = {" ".join(image["conditions"]["departures"]) for image in info["list"]}
    assert any(words.startswith("model's files: ") for words in said)
    assert all(image["conditions"]["tiled"] for image in info["list"]), "as its entry says"


def test_pixels_are_a_picture_and_not_all_alike(undisturbed: tuple[Path, Pixels]) -> None:
    _, pixels = undisturbed
    assert len(set(pixels.values())) == 24
    assert all(np.frombuffer(data, np.uint8).std() > 10 for data in pixels.values())


def test_a_kill_while_a_large_session_is_accepted_leaves_all_of_it_or_nothing(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    engine = promptsheet.json("engine", "start")["pid"]
    promptsheet.json("engine", "pause")
    sheet = write_sheet(tmp_path / "sheet.csv", rows=6_000, images=4)
    asking = promptsheet.start("run", sheet, "--detach", stderr=subprocess.DEVNULL)

    def rows_stored() -> tuple[int, int]:
        with reading(promptsheet.library) as db:
            (unseen,) = db.execute("SELECT count(*) FROM sessions WHERE trashed = 0").fetchone()
            return unseen, db.execute("SELECT count(*) FROM rows").fetchone()[0]

    wait_for(lambda: rows_stored() > (1, 1000))
    os.kill(engine, signal.SIGSTOP)
    assert rows_stored()[0] == 1, "it is in the midst of it"
    assert promptsheet.json("sessions") == []
    os.kill(engine, signal.SIGKILL)
    assert asking.wait(60) == 2, "whoever asked is told"
    assert promptsheet.json("engine", "start")["paused_by_user"]
    assert promptsheet.json("sessions") == []
    assert rows_stored() == (0, 0)
    assert promptsheet.json("run", sheet, "--detach")["images"] == 24_000
    assert promptsheet.json("verify")["images"] == 0
