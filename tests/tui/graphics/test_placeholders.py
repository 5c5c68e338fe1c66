import os
import pty
import select
import subprocess
import sys
import unicodedata

from tui.graphics.placeholders import diacritics


def _in_terminal(code: str) -> bytes:
    """What a program writes to its terminal."""
    master, slave = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-c", code],
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


def test_the_marks_are_kittys() -> None:
    """As in its list: https://sw.kovidgoyal.net/kitty/_downloads/rowcolumn-diacritics.txt"""
    marks = diacritics()
    assert len(set(marks)) == len(marks) == 297
    assert all(unicodedata.combining(mark) == 230 for mark in marks)
    assert [ord(marks[at]) for at in (0, 1, 2, 100, 296)] == [0x305, 0x30D, 0x30E, 0x7EB, 0x1D244]


def test_the_terminal_is_never_asked_a_second_time() -> None:
    code = (
        "from tui.graphics.placeholders import diacritics\n"
        "assert len(diacritics()) == 297\n"
        "import textual_image.widget"
    )
    assert _in_terminal(code) == b""


def test_nothing_of_textual_is_loaded_before_the_terminal_is_prepared() -> None:
    code = (
        "import sys, tui.graphics.protocol\n"
        "assert not [name for name in sys.modules if name.startswith(('textual', 'PIL'))]"
    )
    assert _in_terminal(code) == b""
