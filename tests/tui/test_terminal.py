"""The app in a real terminal: keys in, a screen out, and the work going on when it closes."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import COMMAND, Promptsheet
from tests.support.runs import settled, state, write_sheet
from tests.support.sshd import SSHD, Sshd
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


class Tmux:
    """A tmux server of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._socket = str(folder / "tmux")
        self._environment = {k: v for k, v in environment.items() if k != "TMUX"}

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.stdout

    def open(self, *command: str) -> None:
        """Start a program in a window of 120 × 36."""
        self("new-session", "-d", "-x", "120", "-y", "36", *command)

    def screen(self) -> str:
        return self("capture-pane", "-p")

    def shows(self, text: str) -> bool:
        return text in self.screen()


@pytest.fixture
def tmux(promptsheet: Promptsheet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    folder = tmp_path_factory.mktemp("t")
    environment = promptsheet.environment | {"XDG_STATE_HOME": str(folder)}
    # Its engine process listens under that state folder: ours must look there, too.
    promptsheet.environment = environment
    tmux = Tmux(folder, environment)
    yield tmux
    promptsheet("engine", "stop")
    tmux("kill-server")


def test_started_in_the_app_closed_and_opened_again_it_is_in_the_middle_of_it(
    promptsheet: Promptsheet, tmux: Tmux, tmp_path: Path
) -> None:
    sheet = write_sheet(tmp_path / "sheet.csv", rows=5, images=4)
    tmux.open(str(COMMAND), str(sheet))
    wait_for(lambda: tmux.shows("5 of 5 rows ready"))
    tmux("send-keys", "C-s")
    wait_for(lambda: promptsheet.sessions() and tmux.shows("/20 "))
    tmux("kill-server")  # the window is gone, as when a connection drops
    wait_for(lambda: state(promptsheet)["done"] > 0)
    tmux.open(str(COMMAND))
    wait_for(lambda: tmux.shows("Sheet"))
    tmux("send-keys", "2")
    wait_for(lambda: tmux.shows("/20 "))
    wait_for(lambda: settled(promptsheet))
    wait_for(lambda: tmux.shows("20/20"))
    tmux("send-keys", "3")
    wait_for(lambda: tmux.shows("20 of 20 images") and tmux.shows("▀"))
    assert promptsheet.json("verify")["images"] == 20


@pytest.fixture
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if not SSHD.exists() or os.getuid() != 0:
        pytest.skip("no ssh server that this user may start")
    sshd = Sshd(tmp_path_factory.mktemp("ssh"))
    yield sshd
    sshd.close()


def test_a_dropped_ssh_connection_loses_nothing(
    promptsheet: Promptsheet, tmux: Tmux, sshd: Sshd, tmp_path: Path
) -> None:
    sheet = write_sheet(tmp_path / "sheet.csv", rows=5, images=4)
    names = ("PROMPTSHEET_LIBRARY", "PROMPTSHEET_CONFIG", "XDG_STATE_HOME")
    settings = [f"{name}={promptsheet.environment[name]}" for name in names]
    login = ["ssh", "-F", str(sshd.config), "-tt", "box", "env", *settings, str(COMMAND)]
    wait_for(sshd.answers)
    tmux.open(*login, str(sheet))
    wait_for(lambda: tmux.shows("5 of 5 rows ready"))
    tmux("send-keys", "C-s")
    wait_for(lambda: promptsheet.sessions() and tmux.shows("/20 "))
    sshd.drop()
    wait_for(lambda: not tmux("list-sessions"))
    wait_for(lambda: state(promptsheet)["done"] > 0)
    tmux.open(*login)
    wait_for(lambda: tmux.shows("/20 "))  # on Jobs, where it was left
    wait_for(lambda: settled(promptsheet))
    assert promptsheet.json("verify")["images"] == 20


def test_without_a_terminal_the_app_says_so(promptsheet: Promptsheet) -> None:
    done = promptsheet()
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr


def test_a_mistyped_command_is_not_taken_for_a_sheet(promptsheet: Promptsheet) -> None:
    done = promptsheet("chekc")
    assert done.returncode == 2
    assert "no command of that name" in done.stderr
