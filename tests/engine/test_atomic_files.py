"""Giving files their names where the file system may know no hard links."""

import errno
from pathlib import Path

import pytest

from engine.atomic_files import place
from engine.library.maintain.verify import verify
from engine.library.write.writer import Writer
from tests.engine.library.conftest import rendered, writer
from tests.support.libraries import Rendered, new_session, take

__all__ = ["rendered", "writer"]

KNOWN = [None, errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP]


@pytest.fixture(params=KNOWN, ids=lambda code: errno.errorcode[code] if code else "links")
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system with hard links, and such as know none."""

    def refuse(source: Path, target: Path) -> None:
        source.stat()
        if target.exists():
            raise FileExistsError(errno.EEXIST, "File exists")
        raise OSError(request.param, "no links here")

    if request.param:
        monkeypatch.setattr("engine.atomic_files.os.link", refuse)


@pytest.mark.usefixtures("links")
def test_what_has_the_name_is_never_replaced(tmp_path: Path) -> None:
    ours, final = tmp_path / ".part", tmp_path / "0002-1.png"
    ours.write_bytes(b"a picture")
    final.write_bytes(b"someone's")
    with pytest.raises(FileExistsError):
        place(ours, final)
    assert (ours.read_bytes(), final.read_bytes()) == (b"a picture", b"someone's")
    place(ours, tmp_path / "0002-1~2.png")
    assert (tmp_path / "0002-1~2.png").read_bytes() == b"a picture"


@pytest.mark.usefixtures("links")
def test_nothing_is_claimed_for_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        place(tmp_path / "gone", tmp_path / "final")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("links")
def test_images_are_saved_whatever_the_file_system_knows(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(new_session())
    batch = take(writer)
    staged = rendered(batch)
    taken = batch.images[0].path
    taken.write_bytes(b"someone's")
    placed = writer.finish(staged)
    assert writer.finish(staged) == placed, "safe to repeat"
    assert [path.name for path in placed[:2]] == ["0002-1~2.png", "0002-2.png"]
    assert taken.read_bytes() == b"someone's"
    verdict = verify(writer.library)
    assert not verdict.missing and not verdict.corrupt


def test_a_name_claimed_by_one_who_was_cut_off_is_used_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr("engine.atomic_files.os.link", refuse)
    ours, final = tmp_path / ".part", tmp_path / "0002-1.png"
    ours.write_bytes(b"a picture")
    final.touch()
    place(ours, final)
    assert final.read_bytes() == b"a picture"
