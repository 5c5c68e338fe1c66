"""What is written for the user: on a full disk, cut off by a kill, under a clock that is wrong."""

import io
import os
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.library.read.export import ExportWish, export_zip
from engine.library.read.reader import list_images
from engine.library.read.tables import TABLE_KINDS, TableKind
from engine.library.write.writer import Writer
from tests.engine.library.conftest import rendered, writer
from tests.support.command import Promptsheet
from tests.support.libraries import Rendered, new_session, take
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


__all__ = ["rendered", "writer"]

KEY = "k3f9x2"


@pytest.fixture
def filled(writer: Writer, rendered: Rendered) -> Writer:
    """Twelve finished images."""
    writer.add_session(new_session(largest=16))
    batch = take(writer)
    writer.finish(rendered(batch))
    writer.end(batch, 1.0)
    return writer


@pytest.fixture
def made(filled: Writer, promptsheet: Promptsheet, tmp_path: Path) -> Promptsheet:
    """The command on a library with a finished session, which nobody has open."""
    filled.close()
    promptsheet.environment["XDG_STATE_HOME"] = str(tmp_path / "state")
    return promptsheet


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk without a byte left."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    with (place / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(4096)):
                pass
        except OSError:
            pass
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize(
    "command",
    [
        *(["export", KEY, "--table", kind, "-o", "DISK/out.zip"] for kind in TABLE_KINDS),
        ["export", KEY, "--html", "DISK/page"],
        *(["export", KEY, "--contact-sheet", f"DISK/sheet.{kind}"] for kind in ("pdf", "png")),
        ["copy", KEY, "DISK"],
        *(["template", f"DISK/sheet.{kind}"] for kind in TABLE_KINDS),
        *(["recipes", "LIBRARY/sessions", "-o", f"DISK/again.{kind}"] for kind in TABLE_KINDS),
    ],
    ids=lambda command: "-".join(part.rpartition("/")[2] for part in command),
)
def test_a_full_disk_is_said_in_words_and_nothing_is_left_there(
    made: Promptsheet, full_disk: Path, command: list[str]
) -> None:
    places = {"DISK": str(full_disk), "LIBRARY": str(made.library)}
    for name, place in places.items():
        command = [part.replace(name, place) for part in command]
    done = made(*command)
    assert done.returncode == 2
    assert "he disk is full" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert [path.name for path in full_disk.iterdir()] == ["ballast"]


@pytest.mark.parametrize("arguments", [["show", KEY], ["export", KEY, "-o", "-"]])
def test_output_that_cannot_be_written_is_said_in_words(
    made: Promptsheet, arguments: list[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        done = made.start(*arguments, stdout=full, stderr=subprocess.PIPE)
        said = done.communicate(timeout=120)[1]
    assert done.returncode == 2
    assert "he disk is full" in said
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize("what", ["export", "copy", "html"])
def test_a_killed_export_or_copy_leaves_nothing_behind_at_the_next_start(
    made: Promptsheet, tmp_path: Path, what: str
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    made.environment["TMPDIR"] = str(tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()
    image = list_images(made.library, KEY)[6]
    file = made.library / str(image.file)
    file.unlink()
    os.mkfifo(file)  # whoever reads it waits
    command = {
        "export": ("export", KEY, "-o", target / "out.zip"),
        "html": ("export", KEY, "--html", target / "page"),
        "copy": ("copy", KEY, target),
    }
    running = made.start(*command[what], stderr=subprocess.DEVNULL)

    def has_begun() -> bool:
        unfinished = {path.name for path in target.glob(".promptsheet-*")}
        finished = {path.name for path in target.iterdir()} - unfinished
        return len(finished) == 6 if what == "copy" else bool(unfinished)

    try:
        wait_for(has_begun)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    made("sessions")
    left = [path.name for path in (*target.iterdir(), *(tmp_path / "tmp").iterdir())]
    assert len(left) == (6 if what == "copy" else 0), left
    assert not [name for name in left if name.startswith(".") or "promptsheet" in name]


@pytest.mark.parametrize("kind", TABLE_KINDS)
@pytest.mark.parametrize(
    ("at", "year"), [(0.0, 1980), (-1e18, 1980), (4_500_000_000.0, 2107), (1e18, 2107)]
)
def test_a_clock_that_was_wrong_breaks_no_export(
    filled: Writer, monkeypatch: pytest.MonkeyPatch, kind: TableKind, at: float, year: int
) -> None:
    with filled.transaction() as db:
        db.execute("UPDATE images SET finished = ?", (at,))
    monkeypatch.setattr("engine.library.read.tables.time.time", lambda: at)
    out = io.BytesIO()
    assert export_zip(filled.library, KEY, out, ExportWish(table=kind)).images == 12
    with zipfile.ZipFile(out) as bundle:
        assert bundle.testzip() is None
        assert {info.date_time[0] for info in bundle.infolist()} == {year}
        if kind != "csv":
            inside = zipfile.ZipFile(io.BytesIO(bundle.read(f"results.{kind}")))
            assert inside.testzip() is None
