"""Several hosts that see one library, each with locks of its own: the heartbeat decides."""

import ctypes
import errno
import fcntl
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.library.database import LibraryError, database_path
from engine.library.write.writer import Writer
from engine.service import lock as module
from engine.service.lock import LibraryLock, LockedError, held_elsewhere, is_locked, read_holder
from tests.support.forking import COMMAND, called
from tests.support.libraries import new_session

pytestmark = pytest.mark.slow


STALE = 0.6
CLONE_NEWUTS = 0x04000000  # of sched.h


@pytest.fixture(autouse=True)
def quick_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder is on a network file system whose locks only their own host sees."""
    monkeypatch.setattr(module, "on_network", lambda _: True)
    monkeypatch.setattr(module, "_flock", lambda *_: True)
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(module, "STALE_SECONDS", STALE)
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.2)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.02)


@pytest.fixture
def be(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Be on a host of that name from now on."""
    return lambda host: monkeypatch.setattr(socket, "gethostname", lambda: host)


def stop_beating(lock: LibraryLock) -> None:
    """What a suspended, or dead, host's holder does."""
    lock._ended.set()


def test_another_host_is_refused_at_once_and_told_where_it_is(
    tmp_path: Path, be: Callable[[str], None]
) -> None:
    be("node-a")
    held = LibraryLock.take(tmp_path)
    be("node-b")
    began = time.monotonic()
    with pytest.raises(LockedError, match=r"in use on node-a.*engine stop"):
        LibraryLock.take(tmp_path)
    assert time.monotonic() - began < STALE, "a fresh heartbeat needs no watching"
    assert is_locked(tmp_path)
    assert (found := held_elsewhere(tmp_path)) is not None and found.host == "node-a"
    held.release()
    assert held_elsewhere(tmp_path) is None
    assert not is_locked(tmp_path)
    LibraryLock.take(tmp_path).release()


def test_a_dead_hosts_library_is_taken_over_and_its_holder_writes_nothing_when_it_wakes(
    library: Path, be: Callable[[str], None]
) -> None:
    library.mkdir()
    be("node-a")
    suspended = LibraryLock.take(library)
    writer = Writer(library, suspended.is_ours)
    writer.add_session(new_session())
    inode = database_path(library).stat().st_ino
    stop_beating(suspended)
    be("node-b")
    waiting = threading.Event()
    while held_elsewhere(library) is not None:  # until its last beat is old
        waiting.wait(0.02)
    lock = LibraryLock.take(library)
    assert lock.is_ours()
    assert database_path(library).stat().st_ino != inode, "its last commit would go into ours"
    with pytest.raises(LibraryError, match="another machine has taken it over"):
        writer.add_session(new_session(key="later1"))
    writer.close()
    second = Writer(library, lock.is_ours)
    assert [tally.session for tally in second.tallies()] == ["k3f9x2"]
    second.close()
    suspended.release()
    assert lock.is_ours(), "who lost it must not say that it is free"
    lock.release()


def test_a_disk_that_its_own_machine_exports_is_not_taken_from_another_host(
    tmp_path: Path, be: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    be("node-a")
    held = LibraryLock.take(tmp_path)
    be("server")
    monkeypatch.setattr(module, "on_network", lambda _: False)
    with pytest.raises(LockedError, match="in use on node-a"):
        LibraryLock.take(tmp_path)
    assert held_elsewhere(tmp_path) is not None
    held.release()


def test_a_takeover_that_was_cut_off_is_made_again_with_a_copy(
    library: Path, be: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    library.mkdir()
    be("node-a")
    suspended = LibraryLock.take(library)
    writer = Writer(library, suspended.is_ours)
    writer.add_session(new_session())
    stop_beating(suspended)
    inode = database_path(library).stat().st_ino
    be("node-b")
    waiting = threading.Event()
    while held_elsewhere(library) is not None:
        waiting.wait(0.02)

    def die(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "replace_with_copy", die)
        with pytest.raises(KeyboardInterrupt):
            LibraryLock.take(library)
    LibraryLock.take(library).release()
    assert database_path(library).stat().st_ino != inode
    writer.close()


def test_a_holder_whose_clock_is_years_off_is_watched_and_left_alone(
    tmp_path: Path, be: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    be("node-a")
    held = LibraryLock.take(tmp_path)
    be("node-b")
    monkeypatch.setattr(module, "_age", lambda _: 3e8)
    with pytest.raises(LockedError, match="node-a"):
        LibraryLock.take(tmp_path)
    held.release()


def test_a_holder_whose_clock_is_years_off_is_known_by_its_next_beat(
    tmp_path: Path, be: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    be("node-a")
    held = LibraryLock.take(tmp_path)
    be("node-b")
    monkeypatch.setattr(module, "_age", lambda _: 3e8)
    waiting = threading.Event()
    while held_elsewhere(tmp_path) is None:
        waiting.wait(0.02)
    stop_beating(held)
    while held_elsewhere(tmp_path) is not None:
        waiting.wait(0.02)
    held.release()


def test_of_two_hosts_that_come_at_once_one_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both read an empty file, both write their name: whoever wrote last has it."""
    names = threading.local()
    monkeypatch.setattr(socket, "gethostname", lambda: getattr(names, "host", "node-c"))
    both = threading.Barrier(2, timeout=20)
    real = LibraryLock._write
    once = threading.local()

    def write(self: LibraryLock) -> None:
        if hasattr(names, "host") and not hasattr(once, "done"):
            once.done = True
            both.wait()
        real(self)

    monkeypatch.setattr(LibraryLock, "_write", write)
    outcomes: dict[str, object] = {}

    def come(host: str) -> None:
        names.host = host
        try:
            outcomes[host] = LibraryLock.take(tmp_path)
        except LockedError as error:
            outcomes[host] = error

    threads = [threading.Thread(target=come, args=(host,)) for host in ("node-a", "node-b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [host for host, found in outcomes.items() if isinstance(found, LibraryLock)]
    assert len(winners) == 1
    holder = read_holder(tmp_path)
    assert holder is not None and holder.host == winners[0]


def test_the_same_host_takes_up_a_dead_holders_library_without_a_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = LibraryLock.take(tmp_path)
    stop_beating(first)
    monkeypatch.setattr(module, "_born", lambda pid: f"another process than {pid}")
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waited"))
    LibraryLock.take(tmp_path)


def test_a_second_mount_on_the_same_host_is_refused(tmp_path: Path) -> None:
    held = LibraryLock.take(tmp_path)
    with pytest.raises(LockedError, match=f"process {os.getpid()} on"):
        LibraryLock.take(tmp_path)
    held.release()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_a_file_system_without_locks_is_held_by_the_heartbeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, be: Callable[[str], None], number: int
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.01)

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    held = LibraryLock.take(tmp_path)
    assert is_locked(tmp_path)
    with pytest.raises(LockedError):
        LibraryLock.take(tmp_path)
    held.release()
    assert not is_locked(tmp_path)
    LibraryLock.take(tmp_path).release()


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """One folder, mounted twice by FUSE: neither mount sees the locks of the other."""
    if os.geteuid() or not shutil.which("bindfs") or not Path("/dev/fuse").exists():
        pytest.skip("needs root, bindfs and FUSE")
    (real := tmp_path / "real").mkdir()
    places = tmp_path / "a", tmp_path / "b"
    made = []
    try:
        for place in places:
            place.mkdir()
            if subprocess.run(["bindfs", real, place], capture_output=True).returncode:
                pytest.skip("FUSE cannot mount here")
            made.append(place)
        yield places
    finally:
        for place in made:
            subprocess.run(["umount", "--lazy", place], capture_output=True)


def run_on(
    host: str, command: Sequence[str], environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str] | None":
    """Run a command where the host has this name; None: this user may not give it one."""
    if ctypes.CDLL(None).unshare(CLONE_NEWUTS):
        return None
    socket.sethostname(host)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.usefixtures("quick")
def test_of_two_hosts_with_locks_of_their_own_one_has_the_library_and_the_other_asks_it(
    mounts: tuple[Path, Path], tmp_path: Path, config: Path
) -> None:
    def on(host: str, mount: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"XDG_STATE_HOME": str(tmp_path / f"state-{host}")}
        command = [str(COMMAND), *arguments, "--library", str(mount / "library")]
        done = called(run_on, host, command, environment)
        return done or pytest.skip("needs the right to give itself a host name")

    a, b = mounts

    def json_on(host: str, mount: Path, *arguments: str) -> Any:
        done = on(host, mount, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    try:
        json_on("node-a", a, "prompt", "a red circle", "-n", "40", "--detach", "--name", "red")
        status = json_on("node-b", b, "engine", "status")
        assert (status["host"], status["elsewhere"], status["running"]) == ("node-a", True, True)
        refused = on("node-b", b, "engine", "start")
        assert refused.returncode == 2
        assert "in use on node-a" in refused.stderr
        json_on("node-b", b, "stop", "red")
        done = json_on("node-b", b, "prompt", "a blue square", "-n", "1", "--name", "blue")
        assert done["done"] == 1, "node-b asked, node-a rendered, node-b followed it to its end"
        assert json_on("node-b", b, "favourite", "blue", "--images", "2:1")
        image = json_on("node-a", a, "show", "blue")["list"][0]
        assert image["favourite"]
        assert json_on("node-b", b, "engine", "stop")["stopped"] == status["pid"]
        taken = on("node-b", b, "prompt", "a blue square", "-n", "2", "--detach")
        assert taken.returncode == 0, taken.stderr
        assert "in use on node-b" in on("node-a", a, "engine", "start").stderr
    finally:
        on("node-a", a, "engine", "stop")
        on("node-b", b, "engine", "stop")
    db = sqlite3.connect(database_path(tmp_path / "real" / "library"))
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert db.execute("SELECT count(*) FROM images").fetchone()[0] == 43
    db.close()
