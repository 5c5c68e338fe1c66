"""Errors of the system are said in words, of the file that a person knows."""

import errno
import os
import tempfile
from pathlib import Path

import pytest

from engine import unfinished_files
from engine.atomic_files import replace_text
from engine.errors import did_you_mean, fault_of, reason_of
from engine.unfinished_files import written_beside


def fails(number: int, name: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), name)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (fails(errno.ENOENT, "a.csv"), "a.csv: file or folder not found."),
        (fails(errno.ENOSPC, "out.zip"), "out.zip: the disk is full."),
        (fails(errno.EACCES), "Permission denied."),
        (fails(errno.ETXTBSY, "x"), "x: text file busy."),
        (
            OSError(errno.ELOOP, "it is a link", "x"),
            "x: it is a link.",
        ),
        (ValueError("as it is"), "as it is"),
    ],
)
def test_what_the_system_says_has_a_name_and_no_number(error: Exception, said: str) -> None:
    assert fault_of(error) == said
    assert "Errno" not in reason_of(error)


def test_bytes_that_are_no_text_are_said_in_words() -> None:
    with pytest.raises(UnicodeDecodeError) as fault:
        b"\xff".decode()
    assert reason_of(fault.value) == "it is not UTF-8 text"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_fault_while_writing_names_the_file_and_not_its_temporary_name(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.zip"

    def fail(path: object, *_: object) -> None:
        raise fails(number, None if number == errno.ENOSPC else str(path))

    with pytest.raises(OSError) as told, written_beside(target) as (temporary, _):
        fail(temporary)
    assert fault_of(told.value).startswith(f"{target}: ")
    monkeypatch.setattr(unfinished_files, "open_new", fail)
    with pytest.raises(OSError) as told, written_beside(target):
        pass
    assert fault_of(told.value).startswith(f"{target}: ")
    monkeypatch.setattr(tempfile, "mkstemp", lambda **how: fail(f"{tmp_path}/{how['prefix']}x1"))
    with pytest.raises(OSError) as told:
        replace_text(target, "")
    assert fault_of(told.value).startswith(f"{target}: ")
    assert not list(tmp_path.iterdir())


def test_other_files_faults_keep_their_own_names(tmp_path: Path) -> None:
    with pytest.raises(OSError) as told, written_beside(tmp_path / "out.zip"):
        (tmp_path / "missing.png").read_bytes()
    assert "missing.png" in fault_of(told.value)


def test_what_is_near_is_offered_and_nothing_far() -> None:
    words = ["sessions", "show", "Night Sky"]
    assert did_you_mean("sesions", words) == " Did you mean sessions?"
    assert did_you_mean("night sky", words) == " Did you mean Night Sky?"
    assert did_you_mean("zzz", words) == ""
