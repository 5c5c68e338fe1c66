"""A sheet that comes on stdin or through a named pipe is checked like a file."""

import io
import json
import os
import sys
import threading
from argparse import Namespace
from pathlib import Path

import pytest

from engine.api import Library
from engine.settings import Settings
from tui.commands.sheet import check

SHEET = b"prompt,aspect_ratio\na red boat,16:9\n"


def checked(sheet: str | Path, settings: Settings, capsys: pytest.CaptureFixture[str]) -> int:
    asked = Namespace(sheet=Path(sheet), worksheet=None, encoding=None, images=None, json=True)
    assert check(asked, Library(settings)) == 0
    return int(json.loads(capsys.readouterr().out)["rows"])


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0"])
def test_check_reads_stdin(
    name: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SHEET)))
    assert checked(name, settings, capsys) == 1


def test_check_reads_a_named_pipe(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(SHEET,), daemon=True)
    writer.start()
    assert checked(pipe, settings, capsys) == 1
    writer.join()
