"""What the command line shows of what takes its time."""

import io

import pytest

from tui.progress import copying


class Terminal(io.StringIO):
    """Stderr as a terminal."""

    def isatty(self) -> bool:
        return True


def test_copied_pictures_are_counted_on_a_terminal_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def written(stderr: io.StringIO, *, shown: bool = True) -> str:
        monkeypatch.setattr("sys.stderr", stderr)
        with copying(shown=shown) as progress:
            progress(0, 0)
            assert stderr.getvalue() == "", "nothing is copied yet"
            progress(120, 2000)
        return stderr.getvalue()

    on_terminal = written(Terminal())
    assert "copying pictures" in on_terminal and " 120/2,000" in on_terminal
    assert written(io.StringIO()) == written(Terminal(), shown=False) == ""
