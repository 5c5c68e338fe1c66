"""kitty's pictures through a real tmux, shown on a pty that answers as kitty does."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.settings import Settings
from tests.support.command import COMMAND
from tests.support.on_a_pty import OnPty
from tests.support.screens import MakeLibrary
from tests.support.waiting import wait_for
from tui.graphics import encode
from tui.graphics.protocol import Terminal
from tui.graphics.tmux import passed_on

pytestmark = pytest.mark.slow


CELL = "\U0010eeee".encode()
Open = Callable[[str], OnPty]


@pytest.fixture
def in_tmux(settings: Settings) -> Iterator[Open]:
    """Opens the app in a tmux with a setting for `allow-passthrough`, seen by a kitty."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    folder = Path(tempfile.mkdtemp(prefix="tmux-"))  # a socket's path is short
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TMUX")}
    environment |= {"PROMPTSHEET_LIBRARY": str(settings.library), "LC_ALL": "C.UTF-8"}
    tmux = ["tmux", "-S", str(folder / "s"), "-f", str(folder / "conf")]
    terminals: list[OnPty] = []

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [*tmux, *arguments], env=environment, capture_output=True, text=True, timeout=30
        )
        return done.stdout.strip()

    def open_app(passthrough: str) -> OnPty:
        (folder / "conf").write_text(
            "set -g default-terminal tmux-256color\nset -sa terminal-features ',*:RGB'\n"
            f"set -g allow-passthrough {passthrough}\nset -g status off\n"
        )
        terminal = OnPty([*tmux, "new-session", "-s", "s", "cat"], environment, (120, 36))
        terminals.append(terminal)
        wait_for(lambda: b"\x1b[>q" in terminal.output, 30)
        terminal.press("\x1bP>|kitty(0.41.1)\x1b\\")
        wait_for(lambda: run("display-message", "-p", "#{client_termtype}").startswith("kitty"), 30)
        run("new-window", "-t", "s", str(COMMAND))
        return terminal

    yield open_app
    run("kill-server")
    for terminal in terminals:
        terminal.close()
    shutil.rmtree(folder, ignore_errors=True)


def test_pictures_are_passed_on_once_and_a_move_sends_none(
    in_tmux: Open, make_session: MakeLibrary
) -> None:
    make_session([f"a boat, number {n}" for n in range(16)], done=2)
    app = in_tmux("on")
    app.wait_for("open a sheet")
    app.press("3")
    app.wait_for("16 of 16 images")
    wait_for(lambda: len(set(re.findall(rb"\x1b_Ga=T[^;]*;", app.output))) >= 17, 60)
    wait_for(lambda: app.output.count(CELL) > 16 * 20, 60)
    app.press("L")
    app.quiet(1.5, 60)
    at = len(app.output)
    app.press("l")
    wait_for(lambda: b"2/16" in app.output[at:], 60)
    app.quiet(1.5, 60)
    moved = app.output[at:]
    assert b"\x1b_G" not in moved
    assert CELL not in moved
    at = len(app.output)
    app.press("\x0c")  # the terminal may be another one by now: all of the page comes again
    wait_for(lambda: len(set(re.findall(rb"\x1b_Ga=T[^;]*;", app.output[at:]))) >= 16, 60)


def test_without_passing_on_there_are_half_cells(in_tmux: Open, make_session: MakeLibrary) -> None:
    make_session(["a boat"])
    app = in_tmux("off")
    app.wait_for("open a sheet")
    app.press("3")
    app.wait_for("1 of 1 image")
    app.wait_for("▀")
    assert CELL not in app.output
    assert b"\x1b_G" not in app.output


def test_each_command_is_passed_on_by_itself() -> None:
    two = "\x1b_Ga=T;AA\x1b\\\x1b_Gm=0;BB\x1b\\"
    assert passed_on(two) == (
        "\x1bPtmux;\x1b\x1b_Ga=T;AA\x1b\x1b\\\x1b\\\x1bPtmux;\x1b\x1b_Gm=0;BB\x1b\x1b\\\x1b\\"
    )


@pytest.mark.parametrize(
    ("tmux", "low", "bare"), [(False, False, 0), (True, False, 1), (False, True, 2)]
)
def test_cells_go_without_marks_in_tmux_last_column_and_on_a_thin_line(
    monkeypatch: pytest.MonkeyPatch, tmux: bool, low: bool, bare: int
) -> None:
    monkeypatch.setattr(encode, "current", lambda: Terminal("kitty", "", (9, 18), tmux=tmux))
    strips = encode.draw(encode.EncodedPicture(3, 2, 1, number=1, coarse=low))
    for strip in strips:
        assert strip.cell_length == 3
        assert len(strip.text) == 9 - 2 * bare
        assert strip.text.endswith("\U0010eeee") == bool(bare)
