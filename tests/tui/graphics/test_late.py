import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tui.graphics.fake_terminal import KITTY, XTERM_SIXEL
from tui.graphics.late import LateAnswers

_APP = """
import sys
from tui.graphics.protocol import prepare_terminal
print(prepare_terminal(patience=0.05).protocol, flush=True)
from textual.app import App

class Keys(App):
    def on_mount(self):
        self.set_interval(0.01, self.beat)
        print("\\x1b]0;ready\\x07", file=sys.__stderr__, flush=True)
    def beat(self):
        pass
    def on_key(self, event):
        with open(sys.argv[1], "a") as log:
            log.write(event.key + " ")
        if event.key == "q":
            self.exit()

Keys().run()
"""


@pytest.mark.parametrize("answer", [KITTY.decode(), XTERM_SIXEL.decode()])
def test_late_answers_vanish_and_keys_pass(answer: str) -> None:
    late = LateAnswers()
    assert late.remove_from("a" + answer + "b") == "ab"
    assert late.over
    assert late.remove_from("\x1b[?62;4c") == "\x1b[?62;4c"


@pytest.mark.parametrize("answer", [KITTY.decode(), XTERM_SIXEL.decode()])
def test_late_answers_vanish_in_pieces_too(answer: str) -> None:
    # Cut anywhere but inside the first bytes, which are also what Alt with a key sends.
    for cut in range(3, len(answer)):
        if answer[max(0, cut - 2) : cut].find("\x1b") < 0:
            late = LateAnswers()
            assert late.remove_from(answer[:cut]) + late.remove_from(answer[cut:]) == ""
            assert late.over


@pytest.mark.parametrize("keys", ["\x1b", "\x1bP", "\x1b[A", "\x1b[1;5C", "\x1b[?2026;2$y", "[x"])
def test_keys_are_never_held_back(keys: str) -> None:
    assert LateAnswers().remove_from(keys) == keys


def test_what_only_looked_like_an_answer_comes_through() -> None:
    late = LateAnswers()
    assert late.remove_from("\x1b[?20") + late.remove_from("26;2$y") == "\x1b[?2026;2$y"


@pytest.mark.parametrize("answer", [XTERM_SIXEL, KITTY])
def test_an_answer_after_the_app_has_started_types_nothing(tmp_path: Path, answer: bytes) -> None:
    log = tmp_path / "keys"
    master, slave = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "TMUX": "", "NO_COLOR": ""}
    app = subprocess.Popen(
        [sys.executable, "-c", _APP, str(log)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
    )
    os.close(slave)
    try:
        _read_until(master, b"ready")
        os.write(master, answer[:9])
        os.write(master, answer[9:] + b"xq")
        _read_until(master, None)
        app.wait(10)
    finally:
        app.kill()
        os.close(master)
    assert log.read_text() == "x q "


def _read_until(master: int, word: bytes | None) -> None:
    seen, deadline = b"", time.monotonic() + 10
    while time.monotonic() < deadline and (word is None or word not in seen):
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 65536)
            except OSError:
                return
