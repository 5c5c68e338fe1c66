"""What reaches the terminal, byte by byte, from the whole app with the worst texts we know."""

import os
import re
from pathlib import Path

import pytest

from tests.support.command import COMMAND
from tests.support.on_a_pty import OnPty, commands, plain
from tests.support.screens import HOSTILE, MakeLibrary

pytestmark = pytest.mark.slow


_OURS = re.compile(
    r"\x1b(?:\[[\d;]*[mHABCDGJKn]|\[\?\d+(?:;\d+)*(?:[hlu]|\$p)|\[[<>=]\d*(?:;\d+)*[uq]|\[c"
    r"|\[16t|[78]|\]22;[a-z-]*(?:\x07|\x1b\\))"
)
"""Colours, the cursor, modes, questions, the pointer's shape: all that the app has to say."""
_TORN = re.compile(r"\x1b[^A-Za-z]*\Z")
"""A command of which the rest has not come yet."""
_DIRECTION = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ALLOWED_CONTROLS = {"\r", "\n"}
ESC, ENTER, CTRL_P, CTRL_S, CTRL_R = "\x1b", "\r", "\x10", "\x13", "\x12"
EVIL_NAME = "h\x1b]0;owned\x07\x1b[31m[red]\u202e x[@click=app.quit].csv"


def test_the_app_ends_with_its_terminal_even_where_no_signal_says_so(
    config: Path, library: Path, tmp_path: Path
) -> None:
    environment = os.environ | {
        "PROMPTSHEET_LIBRARY": str(library),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    app = OnPty([str(COMMAND)], environment, (80, 24))
    try:
        app.wait_for("open a sheet")
        assert app.hang_up() == 129
    finally:
        app.close()


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_nothing_hostile_reaches_the_terminal(
    make_session: MakeLibrary,
    config: Path,
    library: Path,
    tmp_path: Path,
    size: tuple[int, int],
) -> None:
    make_session(list(HOSTILE), name=HOSTILE[0])
    (config / "settings.toml").write_text('[app]\nimages = "half-cells"\n')
    here = tmp_path / "he\x1b[31mre"
    here.mkdir()
    rows = "".join(f'"{text}","{text}","{text}",1:1\n' for text in HOSTILE)
    sheet = here / EVIL_NAME
    sheet.write_text(f'prompt,model,"x{HOSTILE[0]}",aspect_ratio\n{rows}', encoding="utf-8")
    (here / f"not a sheet {EVIL_NAME}").write_bytes(b"\x89PNG\r\n\x1a\n")
    environment = os.environ | {
        "PROMPTSHEET_LIBRARY": str(library),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    app = OnPty([str(COMMAND), str(sheet)], environment, size)
    try:
        app.wait_for("row 2 ")
        paste = "\x1b[200~" + HOSTILE[0].replace("\x1b", "\x9b") + "\x1b[201~"
        broken = f"\x1b[200~{here}/not a sheet {EVIL_NAME}\x1b[201~"
        for keys in (
            *("n", "n", "N", "j", "l"),
            *("o", paste, ESC),
            *("o", "\x1b[200~" + str(here / "nowhere\x9b2J[b]") + "\x1b[201~", ENTER, ESC),
            *("o", broken, ENTER, ESC, ESC),
            *("p", paste, ESC),
            *("2", "/", paste, ESC, "j"),
            *("3", "l", ENTER, "l", ESC),
            *("4", "j", "k"),
            *(CTRL_P, "re", ESC, "?", "?"),
        ):
            app.press(keys)
            app.quiet(0.15)
        assert "日本語" in plain(app.output), "the hostile rows were on the screen"
        foreign = [c for c in commands(app.output) if not _OURS.fullmatch(c)]
        assert not foreign
        assert b"\x1b[31m" not in app.output, "a colour the app does not write"
        text = _TORN.sub("", plain(app.output))
        raw = {c for c in text if c < " " or "\x7f" <= c < "\xa0"} - _ALLOWED_CONTROLS
        assert not raw | (set(text) & _DIRECTION)
    finally:
        app.close()
