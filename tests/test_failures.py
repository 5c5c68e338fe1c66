"""What goes wrong on real disks and with real models, said in words a person can act on."""

import os
import re
import signal
from functools import partial
from importlib.resources import files
from pathlib import Path
from shutil import copytree, rmtree

import psutil
import pytest

from engine.service.client.connection import connect
from tests.support.command import Promptsheet
from tests.support.runs import has_done, renderer_pid, settled, state, write_sheet
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

TURBO = ("--rendering", "turbo")


@pytest.mark.parametrize(
    ("reserve", "says", "rows"), [(0, "No space left|disk is full", 8), (20, "reserve", 2)]
)
def test_a_full_disk_pauses_the_work_and_room_lets_it_go_on(
    promptsheet: Promptsheet,
    config: Path,
    tmp_path: Path,
    small_disk: Path,
    reserve: int,
    says: str,
    rows: int,
) -> None:
    (config / "settings.toml").write_text(f"[engine]\nreserve_mib = {reserve}\n")
    library = promptsheet.on(small_disk / "library")
    library.json("engine", "start")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes((24 << 20) - (1 << 20)))
    library.json("run", write_sheet(tmp_path / "sheet.csv", rows=rows, images=2), "--detach")
    reason = wait_for(lambda: library.status()["paused"])
    if reserve:
        assert re.search(says, reason), reason
    else:
        wait_for(lambda: re.search(says, library.status()["paused"] or ""))
    assert state(library)["failed"] == 0
    ballast.unlink()
    wait_for(lambda: settled(library), 240)
    info = state(library)
    assert (info["done"], info["failed"]) == (rows * 2, 0)
    verdict = library.json("verify")
    assert verdict["images"] == rows * 2
    assert not verdict["missing"] and not verdict["corrupt"] and not verdict["orphans"]
    library("engine", "stop")


def test_a_model_cut_off_or_gone_is_said_before_the_first_image(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    folder = copytree(str(files("assets") / "models" / "builtin"), config / "mine")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) - 1000])
    (config / "models.toml").write_text('[[models]]\nlabel = "mine"\nsource = "mine"\n')
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("prompt,model,num_images\na red circle,mine,1\na blue circle,mine,1\n")
    promptsheet.json("run", sheet, status=1)
    shown = promptsheet.json("show", "last")
    assert (shown["done"], shown["failed"]) == (0, 2)
    assert "incomplete or damaged" in shown["rows"][0]["error"]
    assert "unet" in shown["rows"][0]["error"]
    assert "incomplete or damaged" in Path(shown["log"]).read_text()
    weights.write_bytes(whole)
    promptsheet.json("engine", "pause")
    promptsheet.json("run", sheet, "--detach")
    rmtree(folder / "unet")
    promptsheet.json("engine", "resume")
    wait_for(lambda: settled(promptsheet))
    assert "files have changed" in promptsheet.json("show", "last")["rows"][0]["error"]


def test_a_renderer_that_hangs_is_replaced_and_its_work_done_by_another(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    (config / "settings.toml").write_text("[render]\nstep_timeout = 12\n")
    promptsheet.json("run", write_sheet(tmp_path / "sheet.csv", rows=4, images=2), "--detach")
    wait_for(partial(has_done, promptsheet, 1))
    hung = renderer_pid(promptsheet)
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    wait_for(lambda: settled(promptsheet), 240)
    assert (state(promptsheet)["done"], state(promptsheet)["failed"]) == (8, 0)
    assert not psutil.pid_exists(hung)
    assert "hangs" in Path(promptsheet.json("show", "last")["log"]).read_text()


@pytest.mark.usefixtures("quick")
def test_a_notice_is_given_at_the_end_when_nobody_looks(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    told, words = tmp_path / "told", "$PROMPTSHEET_WORDS|$PROMPTSHEET_STATE"
    (config / "settings.toml").write_text(
        f"[notice]\nunsure = 'quiet'\ncommand = 'printf %s \"{words}\" >> {told}'\n"
    )
    name = "a `touch /tmp/owned`; $(rm) name"
    promptsheet.json("prompt", "a red circle", *TURBO, "--name", name, "--detach")
    wait_for(lambda: told.exists() and told.read_text())
    assert told.read_text() == f"{name}: 1 of 1 images done|done"
    promptsheet.json("prompt", "a red circle", *TURBO, "--name", "watched")
    assert "watched" not in told.read_text(), "nobody knows, and so the settings want it"
    assert "notice.unsure is quiet" in log_of(promptsheet)


def log_of(promptsheet: Promptsheet) -> str:
    return Path(promptsheet.json("show", "last")["log"]).read_text()


@pytest.mark.usefixtures("quick")
def test_a_notice_is_given_while_an_app_is_open_that_nobody_sees(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    (config / "settings.toml").write_text(
        f"[notice]\ncommand = 'echo $PROMPTSHEET_NAME >> {told}'\n"
    )
    promptsheet.json("engine", "start")
    connection = connect(promptsheet.library)
    assert connection is not None

    def is_told(name: str, words: str) -> None:
        """What the log says of the notice at the end of a session."""
        promptsheet.json("prompt", "a red circle", *TURBO, "--name", name, "--detach")
        wait_for(lambda: words in log_of(promptsheet))

    with connection:
        next(connection.follow(seen=True))
        is_told("seen", "notice not sent: a terminal with the app has the focus")
        connection.follow_as(previews=False, seen=False)
        is_told("unseen", "notice sent: no terminal with the app has the focus")
        connection.follow_as(previews=False, seen=None)
        is_told("unsure", "notice sent: no terminal tells")
    wait_for(lambda: told.exists() and told.read_text().split() == ["unseen", "unsure"])
