import errno
import grp
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.library.read.reader import list_images
from engine.library.read.shared_folder import why_unreachable
from engine.library.write import trash
from engine.library.write.sharing import Sharing, publish, withdraw
from engine.library.write.writer import Writer
from engine.picture.png import decode, read_text
from engine.picture.png import encode_png as encode
from tests.support.libraries import CONDITIONS, Rendered, new_session


@pytest.fixture
def image(tmp_path: Path) -> Path:
    import numpy as np

    folder = tmp_path / "library" / "sessions" / "2026-campaign"
    folder.mkdir(parents=True, mode=0o700)
    path = folder / "0002-1.png"
    path.write_bytes(encode(np.zeros((8, 8, 3), np.uint8), {"parameters": "a cat"}))
    path.chmod(0o600)
    return path


@pytest.fixture
def sharing(tmp_path: Path) -> Sharing:
    (tmp_path / "shared").mkdir()
    return Sharing(tmp_path / "shared")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_published_image_is_the_same_file_and_goes_and_comes_with_it(
    image: Path, sharing: Sharing
) -> None:
    place = publish(image, sharing)
    assert place is not None and place.samefile(image)
    assert publish(image, sharing) == place, "publishing twice is no error"
    assert [path.name for path in place.parent.iterdir()] == [image.name]
    assert mode(place) == 0o644
    assert mode(place.parent) == mode(place.parent.parent) == 0o755
    assert withdraw(image, sharing)
    assert not withdraw(image, sharing)
    assert image.exists()
    assert sharing.folder is not None and list(sharing.folder.iterdir()) == []
    assert publish(image, sharing) == place


def test_on_another_filesystem_it_is_a_copy(
    image: Path, sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another filesystem")

    monkeypatch.setattr(os, "link", refuse)
    place = publish(image, sharing)
    assert place is not None and not place.samefile(image)
    assert place.read_bytes() == image.read_bytes()
    assert mode(place) == 0o644


def test_without_recipes_the_copy_says_nothing(image: Path, sharing: Sharing) -> None:
    place = publish(image, Sharing(sharing.folder, strip_metadata=True))
    assert place is not None
    assert read_text(place) == {}
    assert (decode(place) == decode(image)).all()
    assert read_text(image) == {"parameters": "a cat"}


def test_without_a_shared_folder_it_stays_private(image: Path) -> None:
    assert publish(image, Sharing()) is None
    assert mode(image) == 0o600, "it would look readable, and its folders keep others out"
    assert not withdraw(image, Sharing())


def test_without_recipes_the_image_itself_stays_private(image: Path, sharing: Sharing) -> None:
    place = publish(image, Sharing(sharing.folder, strip_metadata=True))
    assert place is not None
    assert (mode(place), mode(image)) == (0o644, 0o600)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others can enter, which no test's own is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_where_others_cannot_come_is_said_with_the_reason(open_folder: Path) -> None:
    shared = open_folder / "shared"
    assert "no shared folder" in why_unreachable(None)
    assert "is not there" in why_unreachable(shared)
    shared.mkdir()
    assert why_unreachable(shared) == ""
    shared.chmod(0o700)
    assert f"only you can open {shared}" in why_unreachable(shared)
    shared.chmod(0o755)
    open_folder.chmod(0o700)
    assert f"only you can open {open_folder}," in why_unreachable(shared)
    link = open_folder / "link"
    link.symlink_to(shared)
    assert f"only you can open {open_folder}," in why_unreachable(link)


def test_a_group_of_several_may_do_and_a_private_one_does_not(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_folder.chmod(0o750)
    user = pwd.getpwuid(os.getuid()).pw_name
    for name, members, reached in ((user, [], False), (user, ["eve"], True), ("lab", [], True)):
        group = grp.struct_group((name, "x", os.getgid(), members))
        monkeypatch.setattr(grp, "getgrgid", lambda _, group=group: group)
        assert (why_unreachable(open_folder) == "") is reached, (name, members)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become someone else")
def test_someone_else_reads_exactly_the_public_files(image: Path, open_folder: Path) -> None:
    private = image.with_name("0003-1.png")
    private.write_bytes(image.read_bytes())
    private.chmod(0o600)
    moved = open_folder / "library"
    image.parents[2].rename(moved)
    image = moved / "sessions" / image.parent.name / image.name
    moved.chmod(0o700)
    shared = open_folder / "shared"
    shared.mkdir()
    place = publish(image, Sharing(shared))
    assert place is not None

    def someone_else(*command: str | Path) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(list(map(str, command)), user=65534, group=65534, capture_output=True)

    found = someone_else("find", shared, "-type", "f")
    assert found.stdout.decode().split() == [str(place)]
    assert someone_else("cat", place).stdout == image.read_bytes()
    assert someone_else("cat", image.with_name(private.name)).returncode
    assert someone_else("ls", moved).returncode


def test_a_name_that_leads_elsewhere_is_not_followed(
    image: Path, sharing: Sharing, tmp_path: Path
) -> None:
    place = sharing.place_of(image)
    assert place is not None
    (tmp_path / "elsewhere").mkdir()
    place.parent.parent.symlink_to(tmp_path / "elsewhere")
    assert publish(image, sharing) is None
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_shared_folder_that_is_gone_harms_nothing(image: Path, tmp_path: Path) -> None:
    assert publish(image, Sharing(tmp_path / "gone")) is None
    assert image.exists()
    assert not (tmp_path / "gone").exists()


def test_whatever_goes_wrong_in_publishing_harms_nothing(
    image: Path, sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("engine.library.write.sharing.without_recipe", fail)
    assert publish(image, replace(sharing, strip_metadata=True)) is None
    assert image.exists()


def test_the_trash_takes_public_images_back_and_undo_brings_them_again(
    library: Path, sharing: Sharing, rendered: Rendered
) -> None:
    library.mkdir()
    writer = Writer(library, sharing=sharing)
    new = new_session()
    first, *others = new.rows
    public = replace(first, cells={**first.cells, "visibility": "public"})
    writer.add_session(replace(new, rows=[public, *others]))
    while (batch := writer.next_batch(())) is not None:
        writer.begin(batch, CONDITIONS)
        writer.finish(rendered(batch))
        writer.end(batch, 1.0)

    def shared() -> set[str]:
        assert sharing.folder is not None
        return {path.name for path in sharing.folder.rglob("*") if path.is_file()}

    every = shared()
    assert every == set(public.files)
    images = [image.image for image in list_images(library, new.key) if image.row == public.number]
    trash.trash_images(writer, images[:1], ())
    assert len(shared()) == len(every) - 1
    trash.restore_images(writer, images[:1])
    assert shared() == every
    trash.trash_session(writer, new.key)
    assert shared() == set()
    trash.restore_session(writer, new.key)
    assert shared() == every
    writer.close()
