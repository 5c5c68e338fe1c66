import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest
from textual_image import _sixel

from tui.graphics import mends


def _in_terminal(code: str, *arguments: str) -> bytes:
    """What a program writes to its terminal."""
    master, slave = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            check=True,
            timeout=30,
        )
        return os.read(master, 4096) if select.select([master], [], [], 0)[0] else b""
    finally:
        os.close(slave)
        os.close(master)


def test_the_terminal_is_never_asked_a_second_time(photo: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tui.graphics.prepare import prepare\n"
        "for protocol in ('sixel', 'kitty', 'half-cells'):\n"
        "    picture = prepare(Path(sys.argv[1]), (8, 4), (9, 18), protocol)\n"
        "    assert picture.columns, picture\n"
        "import textual_image.widget"
    )
    assert _in_terminal(code, str(photo)) == b""


def test_nothing_of_textual_is_loaded_before_the_terminal_is_prepared() -> None:
    code = (
        "import sys, tui.graphics.protocol\n"
        "assert not [name for name in sys.modules if name.startswith(('textual', 'PIL'))]"
    )
    assert _in_terminal(code) == b""


@pytest.mark.parametrize(("version", "mended"), [("0.12.0", True), ("0.13.0", False)])
def test_only_the_version_with_the_fault_is_mended(
    monkeypatch: pytest.MonkeyPatch, version: str, mended: bool
) -> None:
    monkeypatch.setattr(_sixel._ColorTracker, "select", "untouched")
    monkeypatch.setattr(mends, "version", lambda _: version)
    mends.mend_textual_image.__wrapped__()
    assert (_sixel._ColorTracker.select is mends._select) is mended
