import json
from pathlib import Path

import pytest

from engine.library.database import LibraryError, database_path
from engine.library.maintain.repair import repair
from engine.library.maintain.verify import verify
from engine.library.read.jobs import ORDERS, JobPages
from engine.library.read.reader import find_session, list_images, list_jobs
from engine.library.write import trash
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from tests.engine.library.conftest import CONDITIONS, Rendered, new_session

KEY = "k3f9x2"


def run_all(writer: Writer, rendered: Rendered) -> None:
    while (batch := writer.next_batch(())) is not None:
        assert writer.begin(batch, CONDITIONS)
        writer.finish(rendered(batch))
        writer.end(batch, 1.0)


@pytest.fixture
def closed(writer: Writer, rendered: Rendered) -> Path:
    """Two finished sessions, one image in the trash; nobody has the database open."""
    writer.add_session(new_session())
    run_all(writer, rendered)
    writer.add_session(new_session("other2", rows=1))
    run_all(writer, rendered)
    trash.trash_images(writer, [f"{KEY}-4-2"], ())
    writer.close()
    return writer.library


def recipes(library: Path) -> dict[str, str]:
    return {i.image: json.dumps(i.recipe) for i in list_images(library, KEY)}


def files(library: Path) -> set[str]:
    return {p.read_bytes().hex() for p in library.rglob("*.png")}


@pytest.mark.parametrize("torn", [True, False])
def test_a_lost_or_torn_database_is_made_anew_from_the_files(closed: Path, torn: bool) -> None:
    before, there = recipes(closed), files(closed)
    database = database_path(closed)
    if torn:
        database.write_bytes(database.read_bytes()[:9000] + b"\0" * 5000)
    else:
        database.unlink()
    done = repair(closed, lambda: True)
    assert sorted(done.sessions) == sorted([KEY, "other2"])
    assert (done.database is not None) is torn
    assert len(done.adopted) == 16
    assert verify(closed).whole
    assert recipes(closed) == before
    assert files(closed) == there
    info = find_session(closed, KEY)
    assert (info.state, info.images, info.done, info.name) == ("done", 11, 11, "a-test")
    assert [job.prompt for job in list_jobs(closed, KEY)] == ["prompt 0", "prompt 1", "prompt 2"]
    writer = Writer(closed)
    assert trash.restore_images(writer, [f"{KEY}-4-2"]) == [f"{KEY}-4-2"]
    writer.close()
    assert find_session(closed, KEY).done == 12


def test_lost_and_damaged_files_are_rendered_again_and_nothing_is_deleted(
    closed: Path, rendered: Rendered
) -> None:
    images = list_images(closed, KEY)
    lost, damaged = (closed / str(images[at].file) for at in (1, 5))
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-20])
    broken = damaged.read_bytes()
    done = repair(closed, lambda: True)
    assert sorted(done.again) == sorted([images[1].image, images[5].image])
    assert [(closed / file).read_bytes() for file in done.aside] == [broken]
    assert verify(closed).whole
    assert find_session(closed, KEY).stopped == 2
    writer = Writer(closed)
    writer.resume(Scope(KEY))
    run_all(writer, rendered)
    writer.close()
    assert find_session(closed, KEY).done == 11
    assert verify(closed).whole


def test_wrong_counts_are_counted_again_and_foreign_files_are_left(closed: Path) -> None:
    writer = Writer(closed)
    writer._db.execute("UPDATE sessions SET done = 99, favourites = 7")
    writer._db.execute("UPDATE rows SET failed = 3")
    writer.close()
    note = closed / "sessions" / f"a-test-{KEY}" / "notes.txt"
    note.write_text("mine")
    done = repair(closed, lambda: True)
    assert done.recounted
    assert done.left == [note.relative_to(closed).as_posix()]
    assert not verify(closed).miscounted
    assert note.read_text() == "mine"


def test_a_row_found_again_stands_among_its_own(closed: Path) -> None:
    writer = Writer(closed)
    with writer.transaction() as db:
        db.execute("DELETE FROM images WHERE row = 2")
        db.execute("DELETE FROM rows WHERE id = 2")
    writer.close()
    assert len(repair(closed, lambda: True).adopted) == 4
    for order in ORDERS:
        pages = JobPages(closed, KEY, order=order)
        rows = list(pages.keys(0, len(pages)))
        assert sorted(rows) == [2, 3, 4]
        assert [pages.position(row) for row in rows] == [0, 1, 2]
        pages.close()


def test_a_whole_library_is_left_as_it_is(closed: Path) -> None:
    before = find_session(closed, KEY)
    done = repair(closed, lambda: True)
    assert (done.sessions, done.adopted, done.again, done.aside, done.left) == ([], [], [], [], [])
    assert find_session(closed, KEY) == before


def test_without_a_library_there_is_nothing_to_repair(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no library"):
        repair(tmp_path, lambda: True)
