"""What the machine or its user allows is never called damage of the file."""

import errno
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.sheet.machine_limits import machines_reason
from engine.sheet.read import read_table
from engine.sheet.rows import SheetError
from tests.support.sheets import write_csv, write_xlsx


@pytest.mark.parametrize(
    ("status", "stderr"),
    [
        (-signal.SIGKILL, b""),
        (-signal.SIGXCPU, b""),
        (1, b"RuntimeError: can't start new thread"),
        (1, b"OSError: [Errno 24] Too many open files: 'x'"),
    ],
)
def test_a_reader_that_the_machine_ended_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, stderr: bytes
) -> None:
    path = write_csv(tmp_path / "a.csv", ["prompt"], ["a"])
    ended = subprocess.CompletedProcess[bytes]([], status, b"", stderr)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (5, 5))
    with pytest.raises(SheetError, match="The file is not to blame") as refused:
        read_table(path)
    assert "damaged" not in str(refused.value)


def test_what_takes_more_of_a_processor_than_a_sheet_may_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "a.csv", ["prompt"], ["a"])
    ended = subprocess.CompletedProcess[bytes]([], -signal.SIGXCPU, b"", b"")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(SheetError, match="longer than 15 seconds, the limit"):
        read_table(path)


def test_a_process_table_that_is_full_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    path = write_csv(tmp_path / "a.csv", ["prompt"], ["a"])
    monkeypatch.setattr(subprocess, "run", full)
    with pytest.raises(SheetError, match=r"Resource temporarily unavailable.*not to blame"):
        read_table(path)


def test_a_crash_that_nothing_explains_may_well_be_the_files() -> None:
    assert machines_reason(-signal.SIGSEGV, b"") is None
    assert machines_reason(1, b"panicked at") is None


@pytest.mark.parametrize(
    ("kind", "most"), [("RLIMIT_AS", 60 << 20), ("RLIMIT_NOFILE", 3), ("RLIMIT_CPU", 5)]
)
def test_a_tighter_limit_of_the_user_reads_or_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, most: int
) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", ["prompt"], ["a"])
    limit = getattr(resource, kind)
    run: Any = subprocess.run

    def limited(*arguments: Any, **how: Any) -> Any:
        return run(*arguments, **how, preexec_fn=lambda: resource.setrlimit(limit, (most, most)))

    monkeypatch.setattr(subprocess, "run", limited)
    try:
        assert len(read_table(path).lines) == 1
    except SheetError as error:
        assert "damaged" not in str(error)
