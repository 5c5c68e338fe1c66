"""Links that others laid under our files' names: never followed, and what they lead to stays."""

import logging
import os
from pathlib import Path

import pytest

from engine.atomic_files import open_new, open_to_append
from engine.library.files import TEMPORARY_PREFIX, stage
from engine.library.write.sharing import Sharing, publish
from engine.service.server.process import _log_to
from engine.service.server.session_log import SessionLogs
from engine.unfinished_files import written_beside
from tests.support.command import Promptsheet

pytestmark = pytest.mark.slow


@pytest.fixture
def treasure(tmp_path: Path) -> Path:
    """What a link may lead to."""
    file = tmp_path / "treasure"
    file.write_text("mine")
    return file


def test_a_new_file_takes_no_name_that_is_there(tmp_path: Path, treasure: Path) -> None:
    (tmp_path / "to it").symlink_to(treasure)
    (tmp_path / "to nowhere").symlink_to(tmp_path / "made")
    for name in ("to it", "to nowhere", "treasure"):
        with pytest.raises(FileExistsError):
            open_new(tmp_path / name)
    for name in ("to it", "to nowhere"):
        with pytest.raises(OSError, match="link"):
            open_to_append(tmp_path / name)
    assert treasure.read_text() == "mine" and not (tmp_path / "made").exists()


def test_what_is_written_beside_takes_its_place_whole_or_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / ("ü" * 120)
    with written_beside(target) as (temporary, file):
        file.write(b"new")
        assert temporary.parent == tmp_path and not target.exists()
    assert target.read_bytes() == b"new"
    with pytest.raises(FileExistsError), written_beside(target, replace=False) as (_, file):
        file.write(b"newer")
    with pytest.raises(ValueError, match="no"), written_beside(target) as (_, file):
        raise ValueError("no")
    assert target.read_bytes() == b"new" and list(tmp_path.iterdir()) == [target]
    target.unlink()
    mask = os.umask(0o027)
    try:
        with written_beside(target) as (_, file):
            pass
    finally:
        os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o640


def test_an_image_is_not_staged_through_a_link(tmp_path: Path, treasure: Path) -> None:
    final = tmp_path / "session" / "0002-1.png"
    final.parent.mkdir()
    (final.parent / f"{TEMPORARY_PREFIX}k-2-1.part").symlink_to(treasure)
    assert stage("k-2-1", final, b"picture").temporary.read_bytes() == b"picture"
    assert treasure.read_text() == "mine"


def test_an_image_is_not_published_through_a_link(
    tmp_path: Path, treasure: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "session" / "a.png"
    image.parent.mkdir()
    image.write_bytes(b"picture")
    sharing = Sharing(tmp_path / "shared")
    (tmp_path / "shared").mkdir()
    place = sharing.place_of(image)
    assert place is not None
    place.parent.mkdir(parents=True)
    unlink = Path.unlink

    def unlink_and_plant(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        path.symlink_to(treasure)

    def no_link(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_link)
    with monkeypatch.context() as quick:
        quick.setattr(Path, "unlink", unlink_and_plant)
        assert publish(image, sharing) is None
    assert treasure.read_text() == "mine"
    assert publish(image, sharing) == place and place.read_bytes() == b"picture"


def test_logs_are_not_written_through_links(
    tmp_path: Path, treasure: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", True)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    (tmp_path / "engine.log").symlink_to(treasure)
    assert "is a link" in str(_log_to(tmp_path / "engine.log"))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "k.log").symlink_to(treasure)
    logs = SessionLogs(tmp_path)
    logs.note("k", "words")
    logs.note("other", "words")
    logs.close()
    assert "words" in (tmp_path / "logs" / "other.log").read_text()
    assert treasure.read_text() == "mine"


def test_exports_and_recipes_are_not_written_through_links(
    promptsheet: Promptsheet, tmp_path: Path, treasure: Path
) -> None:
    library = promptsheet.library
    done = promptsheet.json("prompt", "a red circle")
    assert done["done"] == 1
    place = tmp_path / "place"
    place.mkdir()
    (place / ".out.zip.part").symlink_to(treasure)
    (place / "s.csv").symlink_to(place / "made")
    promptsheet.json("export", "last", "-o", place / "out.zip")
    assert (place / "out.zip").read_bytes().startswith(b"PK")
    picture = next((library / "sessions").rglob("*.png"))
    refused = promptsheet.json("recipes", picture, "-o", place / "s.csv", status=2)
    assert "is a link to another file and is not replaced" in refused["error"]
    for kind in ("csv", "xlsx", "ods"):
        promptsheet.json("recipes", picture, "-o", place / f"t.{kind}")
        assert promptsheet.json("check", place / f"t.{kind}")["rows"] == 1
    assert treasure.read_text() == "mine"
    assert sorted(path.name for path in place.iterdir()) == sorted(
        [".out.zip.part", "out.zip", "s.csv", "t.csv", "t.ods", "t.xlsx"]
    )
