"""Whatever the engine process says of itself, the screen says within a moment."""

import os
import re
import signal
from functools import partial
from pathlib import Path
from shutil import disk_usage

import pytest

from engine.api import Library
from engine.settings import Settings
from tests.support import screens
from tests.support.command import Promptsheet
from tests.support.screens import screen_text
from tui.app import PromptsheetApp
from tui.engine_status import Doing

pytestmark = pytest.mark.slow

until = partial(screens.until, tries=4000)
soon = partial(screens.until, tries=500)
"""A few seconds at most; more where the machine has other things to do."""

_LARGEST_MIB = 1_048_576


def without_figures(words: str) -> str:
    return re.sub(r"\d+", "0", words)


async def test_the_screen_follows_the_engine_process_through_all_its_states(
    settings: Settings, config: Path, promptsheet: Promptsheet
) -> None:
    def reserve(mib: int) -> None:
        (config / "settings.toml").write_text(f"[engine]\nreserve_mib = {mib}\n")

    reserve(_LARGEST_MIB)
    if disk_usage(config).free >= _LARGEST_MIB << 20:
        pytest.skip("needs a disk with less room than the largest reserve")
    promptsheet.json("engine", "start")
    app = PromptsheetApp(Library(settings))

    def says(doing: Doing, words: str) -> bool:
        return app.app_state.status.doing is doing and words in screen_text(app)

    async with app.run_test(size=(140, 30)) as pilot:
        promptsheet.json("prompt", "a red boat", "--num-images", "24", "--detach")
        await until(pilot, lambda: says(Doing.PAUSED, "‖ paused: the disk has"))
        assert without_figures(app.app_state.status.reason) == without_figures(
            promptsheet.status()["paused"]
        ), "but for the room left, which others take meanwhile"
        await pilot.press("2")
        await soon(pilot, lambda: screen_text(app).count("‖ paused: the disk has") == 2)

        promptsheet.json("engine", "stop")
        await soon(pilot, lambda: says(Doing.OFF, "○ engine: off"))
        reserve(0)
        promptsheet.json("engine", "start")
        await until(pilot, lambda: says(Doing.RENDERING, "◐ rendering"))
        await until(pilot, lambda: re.search(r"rendering [1-9]\d*/24", screen_text(app)))

        await pilot.press("P")
        await until(pilot, lambda: promptsheet.status()["paused_by_user"])
        await soon(pilot, lambda: says(Doing.PAUSED, "paused by you · P in Jobs continues"))
        assert "ETA" not in screen_text(app)
        await pilot.press("3")  # a screen that is opened only now
        await soon(pilot, lambda: says(Doing.PAUSED, "paused by you · P in Jobs continues"))
        await pilot.press("2", "P")
        await until(pilot, lambda: says(Doing.RENDERING, "◐ rendering"))
        await until(pilot, lambda: says(Doing.IDLE, "● engine: idle"))
        await until(pilot, lambda: "took " in screen_text(app))

        await pilot.press("4")  # and one that is opened while nothing is told any more
        await soon(pilot, lambda: says(Doing.IDLE, "Sessions"))
        await soon(pilot, lambda: says(Doing.IDLE, "● engine: idle"))
        os.kill(promptsheet.status()["pid"], signal.SIGKILL)
        await soon(pilot, lambda: says(Doing.OFF, "○ engine: off"))
