import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from engine.service.lock import LOCK_FILE, Holder, LibraryLock, LockedError, is_locked, read_holder

HOLD = (
    "import sys; from pathlib import Path; from engine.service.lock import LibraryLock;"
    "lock = LibraryLock.take(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
)


def hold(library: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(library)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with hold(tmp_path) as holder:
        assert is_locked(tmp_path)
        with pytest.raises(LockedError, match=f"process {holder.pid} on "):
            LibraryLock.take(tmp_path)
        holder.kill()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    with hold(tmp_path) as holder:
        holder.kill()
    assert not is_locked(tmp_path)
    LibraryLock.take(tmp_path).release()
    assert not is_locked(tmp_path)


def test_a_lock_file_deleted_and_made_anew_is_not_mistaken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / LOCK_FILE
    real_open = os.open
    opened: list[int] = []

    def open_and_lose(*arguments: object, **named: object) -> int:
        descriptor: int = real_open(*arguments, **named)  # type: ignore[arg-type]
        if not opened:
            path.unlink()
        opened.append(descriptor)
        return descriptor

    monkeypatch.setattr(os, "open", open_and_lose)
    lock = LibraryLock.take(tmp_path)
    assert len(opened) > 2
    assert is_locked(tmp_path)
    lock.release()


def test_a_copy_of_a_library_that_is_in_use_is_free(tmp_path: Path) -> None:
    used, copied = tmp_path / "used", tmp_path / "copied"
    used.mkdir()
    with hold(used) as holder:
        copytree(used, copied)
        assert is_locked(used) and not is_locked(copied)
        LibraryLock.take(copied).release()
        assert is_locked(used)
        holder.kill()


@pytest.mark.parametrize("damage", [{"started": "x"}, {"host": 5}, {"beat": "x"}, {"token": None}])
def test_a_lock_file_that_is_damaged_names_nobody(
    tmp_path: Path, damage: dict[str, object]
) -> None:
    LibraryLock.take(tmp_path).release()
    path = tmp_path / LOCK_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    assert read_holder(tmp_path) is None
    assert not is_locked(tmp_path)


def test_a_time_that_no_clock_shows_is_said_to_be_unknown() -> None:
    assert "since an unknown time" in str(Holder(5, "node-a", "1", 1e300))


def test_nobody_waits_for_a_named_pipe_in_the_place_of_a_lock_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / LOCK_FILE)
    assert read_holder(tmp_path) is None
    assert not is_locked(tmp_path)
