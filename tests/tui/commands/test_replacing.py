"""What already exists is never lost by -o: asked about, written into, or refused."""

import io
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest

from tui.commands import output
from tui.commands.output import UsageError, print_json, say
from tui.commands.replacing import may_replace
from tui.commands.zipping import refuse_terminal, write_zip, zip_place

DONE = SimpleNamespace(failed=(), lost_sources=())
INFO: Any = SimpleNamespace(session="s", folder=Path("evening"))


def library(body: bytes = b"PK") -> Any:
    def export(_: str, file: IO[bytes], **__: Any) -> Any:
        file.write(body)
        return DONE

    return SimpleNamespace(sessions=SimpleNamespace(export=export))


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "socket", "device", "folder"])
def test_what_is_no_plain_file_is_never_replaced(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    match kind:
        case "link" | "dangling link":
            (tmp_path / "treasure").write_text("mine" * (kind == "link"))
            place.symlink_to(tmp_path / ("treasure" if kind == "link" else "nowhere"))
        case "pipe":
            os.mkfifo(place)
        case "socket":
            socket.socket(socket.AF_UNIX).bind(str(place))
        case "device":
            place = Path("/dev/null")
        case "folder":
            place.mkdir()
    with pytest.raises(UsageError, match=kind.split()[-1]):
        may_replace(place, force=True)


def test_a_file_is_replaced_by_force_or_after_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a.zip"
    assert may_replace(place) is False
    place.write_text("mine")
    with pytest.raises(UsageError, match="--force replaces it"):
        may_replace(place)
    assert may_replace(place, force=True) is True
    for answer, taken in (("y\n", True), ("\n", False), ("", False)):
        asked, told = io.StringIO(answer), io.StringIO()
        asked.isatty = told.isatty = lambda: True  # type: ignore[method-assign]
        monkeypatch.setattr(sys, "stdin", asked)
        monkeypatch.setattr(sys, "stderr", told)
        if taken:
            assert may_replace(place) is True
        else:
            with pytest.raises(UsageError, match="was not replaced"):
                may_replace(place)
        assert "Replace it?" in told.getvalue()


def test_a_zip_is_written_into_pipes_and_devices_and_beside_files(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_zip(library(), INFO, zip_place("evening", pipe, force=False))
    reader.join()
    assert read == [b"PK"] and pipe.is_fifo()
    assert write_zip(library(), INFO, zip_place("evening", Path("/dev/null"), force=False))
    assert zip_place("evening", tmp_path, force=False).path == tmp_path / "evening.zip"
    write_zip(library(), INFO, zip_place("evening", tmp_path, force=False))
    with pytest.raises(UsageError, match="already exists"):
        zip_place("evening", tmp_path, force=False)
    write_zip(library(b"PK2"), INFO, zip_place("evening", tmp_path, force=True))
    assert (tmp_path / "evening.zip").read_bytes() == b"PK2"


def test_a_zip_whose_reader_stopped_is_a_failure_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["true"], stdin=subprocess.PIPE, text=True) as reader:
        reader.wait()
        monkeypatch.setattr(sys, "stdout", reader.stdin)
        with pytest.raises(UsageError, match="it is incomplete"):
            write_zip(library(b"x" * (1 << 20)), INFO, zip_place("e", Path("-"), force=False))


def test_a_closed_stdout_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "_told", False)
    monkeypatch.setattr(sys, "stdout", None)
    say("a")
    print_json({})
    with pytest.raises(UsageError, match="stdout is closed"):
        refuse_terminal(Path("-"))
    assert capsys.readouterr().err.count("stdout is closed") == 1
