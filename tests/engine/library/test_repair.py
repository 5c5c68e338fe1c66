import json
from pathlib import Path
from typing import Any

import pytest

from engine.library.database import LibraryError, database_path
from engine.library.maintain import repair as repairing
from engine.library.maintain.repair import repair
from engine.library.maintain.verify import verify
from engine.library.read.jobs import ORDERS, JobPages
from engine.library.read.reader import find_session, list_images, list_jobs, pixels_of
from engine.library.write import trash
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from tests.support.command import Promptsheet
from tests.support.libraries import CONDITIONS, Rendered, new_session

pytestmark = pytest.mark.slow


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
    return {i.image: json.dumps([i.recipe.to_json(), i.pixels]) for i in list_images(library, KEY)}


def files(library: Path) -> set[str]:
    return {p.read_bytes().hex() for p in library.rglob("*.png")}


@pytest.mark.parametrize("torn", [True, False])
def test_a_lost_or_torn_database_is_made_anew_from_the_files(closed: Path, torn: bool) -> None:
    before, there, drawn = recipes(closed), files(closed), pixels_of(closed, KEY)
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
    assert pixels_of(closed, KEY) == drawn is not None
    assert files(closed) == there
    info = find_session(closed, KEY)
    assert (info.state, info.images, info.done, info.name) == ("done", 11, 11, "a-test")
    assert [job.prompt for job in list_jobs(closed, KEY)] == ["prompt 0", "prompt 1", "prompt 2"]
    writer = Writer(closed)
    assert trash.restore_images(writer, [f"{KEY}-4-2"]) == [f"{KEY}-4-2"]
    writer.close()
    assert find_session(closed, KEY).done == 12


@pytest.mark.parametrize("dies", ["_lay_aside", "_rebuild", "_add_images", "_recount"])
def test_a_repair_that_was_interrupted_is_not_taken_for_a_library(
    closed: Path, promptsheet: Promptsheet, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    before, there = recipes(closed), files(closed)
    database_path(closed).write_bytes(b"no database" * 999)
    real = getattr(repairing, dies)

    def die(*arguments: Any) -> None:
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(repairing, dies, die)
        with pytest.raises(KeyboardInterrupt):
            repair(closed, lambda: True)
    refused = promptsheet("engine", "start")
    assert refused.returncode == 2
    assert "`promptsheet verify --repair` finishes it" in refused.stderr
    promptsheet.json("verify", "--repair")
    assert verify(closed).whole
    assert recipes(closed) == before
    assert files(closed) == there
    assert promptsheet.json("engine", "start")["running"]


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


def finds_nothing(library: Path) -> bool:
    done = repair(library, lambda: True)
    return not (done.adopted or done.again or done.sessions or done.folders or done.aside)


@pytest.mark.parametrize("lost", [True, False])
def test_a_renamed_folder_is_adopted_where_it_lies_and_found_once(closed: Path, lost: bool) -> None:
    before, there = recipes(closed), files(closed)
    folder = closed / "sessions" / f"a-test-{KEY}"
    folder.rename(folder.with_name("the best of spring"))
    if lost:
        database_path(closed).unlink()
    done = repair(closed, lambda: True)
    assert set(done.adopted) >= set(before)
    assert (done.again, done.aside, done.left) == ([], [], [])
    assert verify(closed).whole
    assert finds_nothing(closed)
    assert verify(closed).whole
    assert recipes(closed) == before
    assert files(closed) == there
    assert not folder.exists()
    assert {Path(str(i.file)).parent.name for i in list_images(closed, KEY)} == {
        "the best of spring"
    }
    writer = Writer(closed)
    assert trash.restore_images(writer, [f"{KEY}-4-2"]) == [f"{KEY}-4-2"]
    writer.close()
    assert verify(closed).whole


@pytest.mark.parametrize("lost", [True, False])
def test_files_that_were_moved_or_renamed_are_found_again(closed: Path, lost: bool) -> None:
    before, there = recipes(closed), files(closed)
    places = [closed / str(image.file) for image in list_images(closed, KEY)]
    (closed / "sessions" / "apart" / "deep").mkdir(parents=True)
    places[0].rename(closed / "sessions" / "apart" / "deep" / "mine.png")
    places[1].rename(closed / "sessions" / "a-test-other2" / "guest.png")
    places[2].rename(places[2].with_name("renamed.png"))
    places[3].rename(places[3].with_name("swap.png"))
    places[4].rename(places[3])
    places[3].with_name("swap.png").rename(places[4])
    if lost:
        database_path(closed).unlink()
    done = repair(closed, lambda: True)
    assert (done.again, done.aside, done.left) == ([], [], [])
    assert verify(closed).whole
    assert finds_nothing(closed)
    assert recipes(closed) == before
    assert files(closed) == there


def test_what_is_called_whole_has_no_files_that_nobody_takes_up(closed: Path) -> None:
    image = list_images(closed, KEY)[0]
    path = closed / str(image.file)
    data = path.read_bytes()
    path.unlink()
    assert repair(closed, lambda: True).again == [image.image]
    path.write_bytes(data)  # back from a backup
    assert verify(closed).orphans == [image.file]
    assert repair(closed, lambda: True).adopted == [image.image]
    assert verify(closed).whole


def test_a_copy_stands_in_for_a_damaged_file_and_another_is_left(closed: Path) -> None:
    first, second = (closed / str(image.file) for image in list_images(closed, KEY)[:2])
    for path in (first, second):
        path.with_name(f"copy of {path.name}").write_bytes(path.read_bytes())
    first.write_bytes(first.read_bytes()[:-20])
    done = repair(closed, lambda: True)
    assert (len(done.adopted), len(done.aside), done.again) == (1, 1, [])
    assert [Path(file).name for file in done.left] == [f"copy of {second.name}"]
    assert finds_nothing(closed)
    assert find_session(closed, KEY).done == 11


def test_a_whole_library_is_left_as_it_is(closed: Path) -> None:
    before = find_session(closed, KEY)
    done = repair(closed, lambda: True)
    assert (done.sessions, done.adopted, done.again, done.aside, done.left) == ([], [], [], [], [])
    assert find_session(closed, KEY) == before


def test_without_a_library_there_is_nothing_to_repair(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no library"):
        repair(tmp_path, lambda: True)
