import os
import pty
import re
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
from tui.graphics.protocol import current, prepare_terminal, tell_when_answered
print(prepare_terminal(patience=0.05).protocol, flush=True)
from textual.app import App

class Keys(App):
    def on_mount(self):
        tell_when_answered(lambda: self.note(f"late:{current().protocol}"))
        self.set_interval(0.01, self.beat)
        print("\\x1b]0;ready\\x07", file=sys.__stderr__, flush=True)
    def beat(self):
        pass
    def note(self, word):
        with open(sys.argv[1], "a") as log:
            log.write(word + " ")
    def on_key(self, event):
        self.note(event.key)
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


@pytest.mark.parametrize("answer", [KITTY.decode(), XTERM_SIXEL.decode()])
def test_late_answers_are_told_whole_however_they_are_cut(answer: str) -> None:
    for cut in range(1, len(answer)):
        told: list[str] = []
        begun = answer[: min(cut, 9)] if answer[:cut].count("\x1b") == 1 else ""
        late = LateAnswers(begun, told.append)
        passed = late.remove_from(answer[len(begun) : cut]) + late.remove_from(answer[cut:])
        assert not re.sub(r"\x1b[P_\[]?", "", passed), "at worst what Alt with a key sends"
        assert told == [answer] and late.over


@pytest.mark.parametrize(("answer", "found"), [(XTERM_SIXEL, "sixel"), (KITTY, "kitty")])
def test_an_answer_after_the_app_has_started_is_used_and_types_nothing(
    tmp_path: Path, answer: bytes, found: str
) -> None:
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
    assert log.read_text() == f"late:{found} x q "


def _read_until(master: int, word: bytes | None) -> None:
    seen, deadline = b"", time.monotonic() + 10
    while time.monotonic() < deadline and (word is None or word not in seen):
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 65536)
            except OSError:
                return
