"""Sources in the library's care: taken in whole or not at all, and gone when nobody needs them."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine.library.files import digest_of
from engine.library.maintain.verify import verify
from engine.library.read.reader import list_images
from engine.library.read.sources import kept_picture, source_names
from engine.library.read.usage import disk_use
from engine.library.records import NewSession, RowSource
from engine.library.sources import (
    Intake,
    StoppedError,
    TakingError,
    fault_of_source,
    source_path,
    stored_sources,
    take_in,
)
from engine.library.write.lost_sources import fail_drawn_on, faults_of
from engine.library.write.trash import drop_left_sources, empty_trash, trash_session
from engine.library.write.writer import Writer
from engine.picture.source_files import SourceError
from engine.sheet.rows import SourcePicture
from tests.support.libraries import new_session


def original(folder: Path, name: str = "a.png", body: bytes = b"a picture" * 1000) -> Path:
    path = folder / name
    path.write_bytes(body)
    return path


def on_sources(new: NewSession, digests: Sequence[str]) -> NewSession:
    """The session, each row drawn on one of these."""
    rows = [
        replace(row, sources=[RowSource("image", f"{number}.png", digest, 8, 8)])
        for number, (row, digest) in enumerate(zip(new.rows, digests, strict=True))
    ]
    return replace(new, rows=rows)


def note(writer: Writer, tmp_path: Path, *bodies: bytes) -> list[str]:
    """Take pictures in, and note them; their digests."""
    digests = []
    for number, body in enumerate(bodies):
        digest = digest_of(body)
        size = take_in(writer.library, original(tmp_path, f"{number}.png", body), digest)
        picture = SourcePicture("", digest, 8, 8)
        writer.note_sources([picture], {digest: size})
        digests.append(digest)
    return digests


def test_a_source_is_taken_in_whole_and_once(library: Path, tmp_path: Path) -> None:
    path = original(tmp_path)
    digest = digest_of(path.read_bytes())
    assert take_in(library, path, digest) == path.stat().st_size
    assert source_path(library, digest).read_bytes() == path.read_bytes()
    assert take_in(library, path, digest) == 0
    assert [found.name for found in stored_sources(library)] == [digest]
    assert source_path(library, digest).stat().st_mode & 0o077 == 0, "for its owner alone"


def test_a_damaged_copy_is_made_whole_by_the_original(library: Path, tmp_path: Path) -> None:
    path = original(tmp_path)
    digest = digest_of(path.read_bytes())
    take_in(library, path, digest)
    source_path(library, digest).write_bytes(b"tampered with")
    assert take_in(library, path, digest) == path.stat().st_size
    assert fault_of_source(library, digest) == ""


def test_what_was_changed_after_it_was_looked_at_is_not_taken_in(
    library: Path, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="changed after it was checked"):
        take_in(library, original(tmp_path), digest_of(b"another"))
    assert list(stored_sources(library)) == []
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="named pipe"):
        take_in(library, tmp_path / "pipe", digest_of(b"another"))


def test_of_many_the_first_that_cannot_be_taken_in_is_named(library: Path, tmp_path: Path) -> None:
    wanted = []
    for number in range(20):
        path = original(tmp_path, f"{number}.png", b"%d" % number)
        wanted.append((path, digest_of(path.read_bytes())))
    wanted[7][0].unlink()
    with pytest.raises(TakingError, match="not found") as raised:
        Intake(library, wanted).run()
    assert raised.value.number == 7
    original(tmp_path, "7.png", b"7")
    intake = Intake(library, wanted)
    intake.run()
    assert len(list(stored_sources(library))) == intake.done == 20


def test_what_is_given_up_is_taken_back_but_not_what_others_need(
    library: Path, tmp_path: Path
) -> None:
    wanted = []
    for number in range(9):
        path = original(tmp_path, f"{number}.png", b"%d" % number)
        wanted.append((path, digest_of(path.read_bytes())))
    take_in(library, *wanted[0])
    source_path(library, wanted[0][1]).write_bytes(b"damaged")
    left = iter(range(30))
    intake = Intake(library, wanted, lambda: next(left, None) is not None and intake.done < 5)
    with pytest.raises(StoppedError):
        intake.run()
    assert 5 <= intake.done < 9
    intake.take_back({wanted[1][1]})
    assert {path.name for path in stored_sources(library)} == {wanted[0][1], wanted[1][1]}
    assert fault_of_source(library, wanted[0][1]) == "", "what was there stays, made whole"


def test_sources_go_with_the_last_session_that_needs_them(writer: Writer, tmp_path: Path) -> None:
    one, two, three = note(writer, tmp_path, b"one", b"two", b"three")
    writer.add_session(on_sources(new_session("aaaaaa", rows=2), [one, two]))
    writer.add_session(on_sources(new_session("bbbbbb", rows=2), [two, three]))
    trash_session(writer, "aaaaaa")
    assert kept_picture(writer.library, one) is not None, "it may be brought back"
    empty_trash(writer)
    assert kept_picture(writer.library, one) is None
    assert {path.name for path in stored_sources(writer.library)} == {two, three}
    assert verify(writer.library).whole


def test_what_interruptions_left_goes_but_not_beside_a_new_database(
    writer: Writer, tmp_path: Path
) -> None:
    (one,) = note(writer, tmp_path, b"one")
    drop_left_sources(writer)
    assert source_path(writer.library, one).exists(), "the database may be a new one"
    (two,) = note(writer, tmp_path, b"two")
    writer.add_session(on_sources(new_session(rows=1), [two]))
    left = source_path(writer.library, one).with_name(f".promptsheet-{one}.part")
    left.write_bytes(b"half")
    drop_left_sources(writer)
    assert [path.name for path in stored_sources(writer.library)] == [two]


def test_what_has_lost_its_source_fails_and_nothing_else(writer: Writer, tmp_path: Path) -> None:
    one, two = note(writer, tmp_path, b"one", b"two")
    writer.add_session(on_sources(new_session(rows=2, images=2), [one, two]))
    recipe = new_session().rows[0].recipes[0]
    recipes = [replace(recipe, image=digest) for digest in (one, two)]
    assert faults_of(writer.library, recipes) == {}
    source_path(writer.library, one).unlink()
    source_path(writer.library, two).write_bytes(b"other")
    assert faults_of(writer.library, recipes) == {one: "missing", two: "damaged"}
    assert fault_of_source(writer.library, two) == "damaged"
    assert fail_drawn_on(writer, {one: "missing"}) == ["k3f9x2"]
    images = list_images(writer.library, "k3f9x2")
    assert [image.state for image in images] == ["failed", "failed", "waiting", "waiting"]
    assert images[0].error is not None
    assert "0.png" in images[0].error and "missing" in images[0].error
    found = verify(writer.library)
    assert [Path(path).name for path in found.missing] == [one]
    assert [Path(path).name for path in found.corrupt] == [two]
    assert found.miscounted == []


def test_disk_use_counts_what_is_drawn_on(writer: Writer, tmp_path: Path) -> None:
    before = disk_use(writer.library).library
    note(writer, tmp_path, b"x" * 5_000_000)
    assert disk_use(writer.library).library - before >= 5_000_000


def test_images_know_what_their_source_was_called(writer: Writer, tmp_path: Path) -> None:
    one, two = note(writer, tmp_path, b"one", b"two")
    writer.add_session(on_sources(new_session(rows=2, images=1), [one, two]))
    names = source_names(writer.library, ["k3f9x2-2-1", "k3f9x2-3-1", "nobody"])
    assert names == {"k3f9x2-2-1": "0.png", "k3f9x2-3-1": "1.png"}
