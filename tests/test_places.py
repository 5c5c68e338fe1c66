"""Libraries where they can hardly be: read-only, on a full disk, without a home."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.library.database import LibraryError, is_new
from engine.library.read.reader import list_sessions
from engine.library.write.writer import Writer
from engine.library_folder import disk_fault, folder_fault, writing_fault
from engine.service.client.connection import connect_or_start
from engine.service.client.reviving import Reviver
from engine.service.lock import LibraryLock, is_locked
from engine.settings import Settings, config_folder, load_settings, state_folder
from tests.support.command import COMMAND, Promptsheet
from tests.support.frozen import freeze, thaw
from tests.support.libraries import new_session

pytestmark = pytest.mark.slow


@pytest.fixture
def frozen(library: Path, config: Path, tmp_path: Path) -> Iterator[Path]:
    """A library with a session, that cannot be written."""
    library.mkdir()
    LibraryLock.take(library).release()
    writer = Writer(library)
    writer.add_session(new_session())
    writer.close()
    yield freeze(library, tmp_path / "frozen")
    thaw(library, tmp_path / "frozen")


def test_a_library_that_cannot_be_written_is_looked_at(
    frozen: Path, promptsheet: Promptsheet
) -> None:
    command = promptsheet.on(frozen)
    assert [info["images"] for info in command.json("sessions")] == [12]
    assert len(command.json("show", "last")["list"]) == 12
    assert command.json("engine", "stop")["stopped"] is None
    for what in (("engine", "status"), ("engine", "stop")):
        assert "you can view" in command(*what).stdout
    assert "you can view" in command.json("doctor")["library"]["fault"]


def test_what_would_write_it_says_that_it_cannot_be(frozen: Path, promptsheet: Promptsheet) -> None:
    command = promptsheet.on(frozen)
    for what in (
        ("stop", "last"),
        ("resume", "all"),
        ("engine", "start"),
        ("engine", "run"),
        ("prompt", "a red circle"),
        ("trash", "empty"),
        ("verify", "--repair"),
    ):
        said = command(*what)
        assert said.returncode == 2, what
        assert "you can view" in said.stderr and "Errno" not in said.stderr, said.stderr
    assert not is_locked(frozen)
    assert "you can view" in Reviver(Settings(library=frozen)).look().reason


# -------------------------------------------------------------------- names


def place_of(kind: str, tmp_path: Path) -> Path:
    if kind == "file":
        (tmp_path / "file").write_text("mine")
        return tmp_path / "file"
    if kind == "below a file":
        (tmp_path / "file").write_text("mine")
        return tmp_path / "file" / "library"
    if kind == "dangling":
        (tmp_path / "link").symlink_to("nowhere")
        return tmp_path / "link"
    if kind == "below a dangling":
        (tmp_path / "link").symlink_to("nowhere")
        return tmp_path / "link" / "library"
    if kind == "long name":
        return tmp_path / ("a" * 300)
    return tmp_path.joinpath(*["b" * 60] * 9)


KINDS = {
    "file": "is a file",
    "below a file": "part of its path is a file",
    "dangling": "is a link to nowhere",
    "below a dangling": "is a link to nowhere",
    "long name": "too long",
    "long path": "too long",
}


@pytest.mark.parametrize(("kind", "words"), KINDS.items())
def test_a_folder_that_can_be_no_library_is_refused_in_words(
    kind: str, words: str, config: Path, tmp_path: Path
) -> None:
    library = place_of(kind, tmp_path)
    assert words in str(folder_fault(library))
    for what in (is_new, list_sessions, connect_or_start):
        with pytest.raises(Exception, match=words) as refused:
            what(library)
        assert "Errno" not in str(refused.value)
    assert not is_locked(library)


@pytest.mark.parametrize("kind", ["file", "dangling", "long name"])
def test_commands_say_so(kind: str, promptsheet: Promptsheet, tmp_path: Path) -> None:
    command = promptsheet.on(place_of(kind, tmp_path))
    for what in (("sessions",), ("engine", "start"), ("prompt", "x"), ("open",)):
        said = command(*what)
        assert said.returncode == 2, what
        assert KINDS[kind] in said.stderr and "Errno" not in said.stderr, said.stderr
    for what in (("engine", "status"), ("engine", "stop"), ("doctor",)):
        said = command(*what)
        assert said.returncode == 0 and KINDS[kind] in said.stdout, said.stdout + said.stderr


# -------------------------------------------------------------------- disks


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk without a byte of room."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return ballast


def test_on_a_full_disk_the_start_is_refused_at_once(
    promptsheet: Promptsheet, full_disk: Path
) -> None:
    ballast = fill(full_disk)
    command = promptsheet.on(full_disk / "library")
    said = command("engine", "start")
    assert (said.returncode, said.stdout) == (2, "")
    assert "is full" in said.stderr and "held by" not in said.stderr
    ballast.unlink()
    assert command.json("engine", "start")["fault"] is None
    command.json("engine", "stop")
    fill(full_disk)
    said = command("engine", "start")
    assert said.returncode == 2 and "is full" in said.stderr, said.stderr


def test_a_starter_that_is_refused_does_not_try_again_and_again(
    promptsheet: Promptsheet, full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(full_disk)
    began = time.monotonic()
    monkeypatch.setattr("engine.service.client.connection._CONNECT_SECONDS", 3600.0)
    with pytest.raises(Exception, match="is full"):
        connect_or_start(full_disk / "library")
    assert time.monotonic() - began < 300


def test_a_disk_that_fails_is_told_from_a_full_one(tmp_path: Path) -> None:
    assert "is full" in str(disk_fault(tmp_path, OSError(28, "No space left on device")))
    assert "fails" in str(disk_fault(tmp_path, OSError(5, "Input/output error")))
    assert "quota" in str(disk_fault(tmp_path, OSError(122, "Disk quota exceeded")))
    assert disk_fault(tmp_path, OSError(2, "No such file")) is None


# -------------------------------------------------------------------- homes

LIVE = (
    "import os, sys; from pathlib import Path;"
    "from engine.service.client.route import stop_engine;"
    "from engine.service.client.connection import connect_or_start;"
    "library = Path(sys.argv[1]); connection, _ = connect_or_start(library);"
    "print(connection.greeting.pid); connection.close(); print(stop_engine(library))"
)


def test_a_home_that_cannot_be_written_is_done_without(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    frozen = freeze(home, tmp_path / "frozen")
    try:
        promptsheet.environment.pop("XDG_STATE_HOME", None)
        promptsheet.environment["HOME"] = str(frozen)
        assert promptsheet.json("engine", "start")["running"]
        assert promptsheet.json("engine", "status")["running"]
        assert list((promptsheet.library / ".state").glob("*.sock"))
        assert promptsheet.json("engine", "stop")["stopped"]
    finally:
        thaw(home, tmp_path / "frozen")


NOBODY = (
    'mount --bind "$1" "$1" && mount -o remount,bind,ro / && cd "$1" && shift'
    ' && exec unshare --user --map-user=54321 --map-group=54321 "$@"'
)
"""Run as a number without an entry, on a read-only root where only one folder can be written."""


@pytest.mark.parametrize("home", [None, "/"])
def test_a_user_without_an_entry_and_without_a_home_is_served(
    home: str | None, tmp_path: Path
) -> None:
    ours = tmp_path / "theirs"
    ours.mkdir()
    environment = {"PATH": os.environ["PATH"], **({"HOME": home} if home else {})}
    become = ["unshare", "-Urm", "sh", "-c", NOBODY, "sh", str(ours)]

    def run(*command: str) -> "subprocess.CompletedProcess[str]":
        whole = [*become, *command]
        return subprocess.run(whole, env=environment, capture_output=True, text=True, cwd=ours)

    if run("true").returncode:
        pytest.skip("needs user namespaces")
    done = run(sys.executable, "-P", "-c", LIVE, str(ours / "library"))
    assert done.returncode == 0, done.stderr
    assert len(set(done.stdout.split())) == 1
    assert sorted(path.name for path in ours.iterdir()) == ["library"], "no folder called ~"
    bare = run(str(COMMAND), "engine", "start")
    assert bare.returncode == 2
    assert "PROMPTSHEET_LIBRARY" in bare.stderr and "Traceback" not in bare.stderr


def test_without_a_home_nothing_is_read_or_written_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "PROMPTSHEET_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as it does where none is known
    monkeypatch.chdir(tmp_path)
    assert config_folder() == Path("/.config/promptsheet")
    assert load_settings().library == Path("/.local/share/promptsheet/library")
    monkeypatch.setattr("engine.settings.may_write", lambda _: False)
    assert state_folder(tmp_path) == tmp_path / ".state"


def test_where_it_can_be_made_nothing_is_in_the_way(tmp_path: Path) -> None:
    assert writing_fault(tmp_path / "new" / "library") is None
    assert folder_fault(tmp_path) is None
    with pytest.raises(LibraryError):
        is_new(tmp_path / ("a" * 300))
