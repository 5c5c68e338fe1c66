import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from engine.api import Library, Settings
from engine.library.database import LibraryError, database_path, open_writer, reading
from engine.library.maintain.verify import verify
from engine.library.read.pace import measured_rates, pace, paces
from engine.library.read.reader import (
    ImageInfo,
    SessionInfo,
    departures_of,
    each_image,
    each_job,
    find_session,
    images_as_json,
    jobs_as_json,
    list_images,
    list_jobs,
    list_queue,
    list_sessions,
    newest_image,
)
from engine.library.read.results import results_of
from engine.library.read.stored_rows import stored_rows
from engine.library.write import trash
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from tests.support.libraries import Rendered, new_session, take
from tui.report import changes_line


@pytest.fixture
def finished(writer: Writer, rendered: Rendered) -> Path:
    """A library with one finished session of 8 images and one waiting."""
    writer.add_session(new_session(rows=2))
    batch = take(writer)
    writer.finish(rendered(batch))
    writer.end(batch, 2.0)
    writer.add_session(new_session("other2"))
    return writer.library


def test_a_session_is_found_by_id_name_and_last(finished: Path) -> None:
    assert find_session(finished, "k3f9x2").session == "k3f9x2"
    assert find_session(finished, "last").session == "other2"
    with pytest.raises(LibraryError, match="2 sessions are named"):
        find_session(finished, "a test")
    with pytest.raises(LibraryError, match="Session not found: 'x'"):
        find_session(finished, "x")


@pytest.mark.parametrize(
    ("body", "parent", "file"),
    [
        ("{}", None, ""),
        ('{"file": "a.csv", "parent": "other2", "of_a_later_version": 1}', "other2", "a.csv"),
    ],
)
def test_where_rows_came_from_is_read_as_other_versions_wrote_it(
    finished: Path, body: str, parent: str | None, file: str
) -> None:
    with sqlite3.connect(database_path(finished)) as db:
        db.execute("UPDATE sessions SET source = ?", (body,))
    db.close()
    assert {info.parent for info in list_sessions(finished)} == {parent}
    origin = Library(Settings(library=finished)).sessions.origin("k3f9x2", 1)
    assert origin is not None and origin.sheet == file
    assert stored_rows(finished, "k3f9x2")


def test_a_commit_on_another_host_is_waited_for_though_its_lock_is_not_seen(
    finished: Path, tmp_path: Path
) -> None:
    """A database and its journal copied in the middle of a commit: nobody holds a lock on them."""
    there = tmp_path / "there"
    there.mkdir()
    shutil.copy2(database_path(finished), database_path(there))
    wal = database_path(finished).with_name("library.sqlite3-wal")
    shutil.copy2(wal, there / wal.name)
    with sqlite3.connect(database_path(there), isolation_level=None) as db:
        db.execute("PRAGMA journal_mode = TRUNCATE")
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            "CREATE TABLE much AS SELECT randomblob(100000)"
        )  # more than it keeps for itself
        here = shutil.copytree(there, tmp_path / "here")
        db.execute("ROLLBACK")
    db.close()
    journal = here / "library.sqlite3-journal"
    assert journal.stat().st_size

    def end_it() -> None:
        before = database_path(there).read_bytes()
        with database_path(here).open("r+b") as file:  # at no moment is it empty
            file.write(before)
            file.truncate()
        journal.write_bytes(b"")

    timer = threading.Timer(0.1, end_it)
    timer.start()
    assert find_session(here, "last").session == "other2"
    timer.join()


def test_a_library_that_is_just_being_made_has_no_sessions_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every statement of its making it reads as new or as whole."""
    seen: list[list[SessionInfo] | LibraryError] = []
    connect = sqlite3.connect

    def look(statement: str) -> None:
        try:
            seen.append(list_sessions(tmp_path))
        except LibraryError as error:
            seen.append(error)

    def watched(path: Path, **options: Any) -> sqlite3.Connection:
        monkeypatch.setattr(sqlite3, "connect", connect)
        connection: sqlite3.Connection = connect(path, **options)
        connection.set_trace_callback(look)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watched)
    open_writer(tmp_path).close()
    assert len(seen) > 20
    assert not any(seen)


def test_the_newest_image_is_the_one_finished_last(finished: Path, writer: Writer) -> None:
    writer._db.execute("UPDATE images SET finished = finished + 9 WHERE key = 'k3f9x2-2-3'")
    newest = newest_image(finished, "k3f9x2")
    assert newest is not None
    assert newest.name == "0002-3.png"
    assert newest_image(finished, "other2") is None


def test_a_folder_without_a_library_has_no_sessions(tmp_path: Path) -> None:
    assert list_sessions(tmp_path) == []
    with pytest.raises(LibraryError, match="nothing has been rendered"):
        find_session(tmp_path, "last")


@pytest.mark.parametrize("read", [each_job, each_image, images_as_json, results_of])
def test_a_long_session_is_read_by_the_page_and_nothing_is_open_in_between(
    writer: Writer,
    read: Callable[[Path, str], Iterator[object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.library.read.reader._PAGE", 100)
    other = new_session("other2", rows=1)
    writer.add_session(other)
    writer.add_session(new_session(rows=250, images=2))
    writer.add_session(new_session("third3", rows=2))
    count = 250 if read is each_job else 500
    items = read(writer.library, "k3f9x2")
    found = [next(items)]
    writer.add_session(new_session("later4", rows=1))  # what is written now is in the log
    busy, left, _ = writer._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (busy, left) == (0, 0), "a reader holds the log"
    found += items
    assert len(found) == len({str(item) for item in found}) == count


def test_a_page_is_found_without_sorting_the_whole_session(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.library.read.reader._PAGE", 100)
    writer.add_session(new_session(rows=250, images=2))
    statements: list[str] = []
    connect = sqlite3.connect

    def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(statements.append)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", watched)
        for read in (each_job, each_image, results_of):
            list(read(writer.library, "k3f9x2"))
    pages = [statement for statement in statements if "LIMIT" in statement]
    assert len(pages) > 6
    for page in pages:
        plan = " ".join(row["detail"] for row in writer.read(f"EXPLAIN QUERY PLAN {page}"))
        assert "ORDER BY" not in plan.partition("CORRELATED")[0], (page, plan)


def _as_told(image: ImageInfo) -> dict[str, Any]:
    """As `images_as_json` has it: what is of its batch is among the conditions."""
    told = asdict(image) | {"recipe": image.recipe.to_json()}
    batch_size, departures = told.pop("batch_size"), told.pop("departures")
    if image.conditions is not None:
        of_batch = {"batch_size": batch_size, "departures": list(departures)}
        told["conditions"] = image.conditions.to_json() | of_batch
    return told


def test_jobs_and_images_as_json_say_the_same_as_the_lists(finished: Path, writer: Writer) -> None:
    hostile = 'é\u2028\x9b31m “"width": 7” \\ 😀'
    with writer.transaction() as db:
        db.execute("UPDATE rows SET cells = json_object('prompt', ?)", (hostile,))
        db.execute("UPDATE recipes SET body = json_set(body, '$.prompt', ? || id)", (hostile,))
        db.execute("UPDATE images SET state = 'failed', error = ? WHERE variation = 2", (hostile,))
        db.execute("UPDATE images SET rating = 5 WHERE variation = 3")
    for session in ("k3f9x2", "other2"):
        images, jobs = ([*read(finished, session)] for read in (images_as_json, jobs_as_json))
        assert all(text.isascii() and text.isprintable() for text in (*images, *jobs))
        told = [json.loads(image) for image in images]
        assert all((image["conditions"] or {"slot": 0}).pop("slot") >= 0 for image in told)
        assert told == [_as_told(image) for image in list_images(finished, session)]
        assert [json.loads(j) for j in jobs] == [asdict(j) for j in list_jobs(finished, session)]
        assert json.loads(images[0])["recipe"]["prompt"].startswith(hostile)
        assert json.loads(jobs[0])["error"] == json.loads(jobs[0])["prompt"] == hostile


def test_departures_are_counted_and_named(finished: Path, writer: Writer) -> None:
    assert departures_of(finished, "k3f9x2") == (0, [])
    with writer.transaction() as db:
        for variation, kinds in ((1, '["b", "a"]'), (2, '["b"]')):
            db.execute(
                "UPDATE images SET conditions = json_set(conditions, '$.departures', json(?))"
                " WHERE variation = ? AND state = 'done'",
                (kinds, variation),
            )
    assert departures_of(finished, "k3f9x2") == (4, ["a", "b"])


def test_verify_names_each_kind_of_damage(finished: Path) -> None:
    images = list_images(finished, "k3f9x2")
    gone, bent, swapped, other = (finished / str(image.file) for image in images[:4])
    gone.unlink()
    data = bytearray(bent.read_bytes())
    data[-20] ^= 1
    bent.write_bytes(data)
    swapped.write_bytes(other.read_bytes())
    stray = finished / "sessions" / "stray.png"
    stray.write_bytes(other.read_bytes())
    verdict = verify(finished)
    assert verdict.missing == [str(gone.relative_to(finished))]
    assert verdict.corrupt == [str(p.relative_to(finished)) for p in (bent, swapped)]
    assert verdict.orphans == ["sessions/stray.png"]
    assert not verdict.whole


def test_verify_checks_the_counts(finished: Path, writer: Writer) -> None:
    writer._db.execute("UPDATE sessions SET done = 7, failed = 1 WHERE key = 'k3f9x2'")
    assert verify(finished).miscounted == ["session k3f9x2"]


def test_rates_come_from_what_was_rendered(finished: Path) -> None:
    rate = measured_rates(finished)["builtin"]
    assert rate.seconds_per_work == 2.0 / (8 * 8 * 8 * 2)


def test_what_is_left_is_reckoned_from_the_library_alone(
    finished: Path, writer: Writer, rendered: Rendered
) -> None:
    now = pace(finished, "k3f9x2")
    assert now.images_per_second == 8 / 2.0
    assert now.seconds_left == 0
    # 12 images wait in batches of 8 and 4: as much work as one and a half of what took 2 seconds
    assert pace(finished, "other2").seconds_left == pytest.approx(3.0)
    batch = take(writer)
    writer.finish(rendered(batch))
    writer.end(batch, 2.0)
    # 4 are left, and 16 took little more than 2 seconds: the batches ran side by side
    assert pace(finished, "other2").seconds_left == pytest.approx(0.5, rel=0.2)


@pytest.mark.parametrize("emptied", [3, 8])
def test_an_emptied_trash_spoils_no_estimate(
    finished: Path, writer: Writer, config: Path, emptied: int
) -> None:
    before, now = measured_rates(finished)["builtin"], pace(finished, "other2")
    images = [image.image for image in list_images(finished, "k3f9x2")]
    trash.trash_images(writer, images[:emptied], ())
    trash.empty_trash(writer)
    rate = measured_rates(finished)["builtin"]
    assert rate.seconds_per_work == before.seconds_per_work
    if emptied == 8:
        assert rate.bytes_per_pixel is None
    else:
        assert rate.bytes_per_pixel == pytest.approx(before.bytes_per_pixel, rel=0.05)
    assert pace(finished, "other2") == now
    checked = Library(Settings(library=finished)).sheets.check_prompts(["a boat"])
    assert checked.estimate.seconds
    assert checked.estimate.bytes


def test_what_is_trashed_before_it_was_rendered_is_not_waited_for(
    finished: Path, writer: Writer
) -> None:
    images = [image.image for image in list_images(finished, "other2")]
    trash.trash_images(writer, images[:8], ())  # the first of its two batches
    assert pace(finished, "other2").seconds_left == pytest.approx(1.0)
    trash.trash_images(writer, images[8:], ())
    assert pace(finished, "other2").seconds_left == 0


def test_a_row_whose_image_failed_is_not_kept(finished: Path, writer: Writer) -> None:
    writer.fail(take(writer), "out of ghosts")
    assert [row.failed for row in stored_rows(finished, "other2")] == [True, True, False]
    sheets = Library(Settings(library=finished)).sheets
    sheet = sheets.check_stored(stored_rows(finished, "other2"), file="sheet.csv")
    changes = sheets.changes_since("other2", sheet)
    assert (changes.to_render, list(changes.same)) == ([2, 3], [4])
    assert "2 that failed last time will be retried" in changes_line(changes)


def test_batches_side_by_side_count_as_one_stretch_of_time(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(new_session(rows=4))
    for _ in range(2):  # both "computed" in the same three seconds, as far as clocks can tell
        batch = take(writer)
        writer.finish(rendered(batch))
        writer.end(batch, 3.0)
    found = pace(writer.library, "k3f9x2").images_per_second
    assert found is not None and 4.5 < found < 16 / 3.0 + 0.01


def test_another_versions_library_is_refused_by_name(finished: Path, writer: Writer) -> None:
    writer._db.execute("PRAGMA user_version = 99")
    with pytest.raises(LibraryError, match="schema 99"), reading(finished):
        pass
    with pytest.raises(LibraryError, match="schema 99"):
        open_writer(finished)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(database_path(tmp_path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(LibraryError, match="another program"):
        open_writer(tmp_path)
    database_path(tmp_path).write_bytes(b"no database at all" * 100)
    with pytest.raises(LibraryError, match="cannot be"):
        open_writer(tmp_path)


def test_the_queue_has_what_is_rendered_in_its_order_and_then_what_was_stopped(
    finished: Path, writer: Writer
) -> None:
    for key in ("third2", "fourth", "fifth2"):
        writer.add_session(new_session(key))
    writer.stop(Scope("third2", None))
    writer.stop(Scope("fourth", None))
    assert [info.session for info in list_queue(finished)] == [
        *("other2", "fifth2", "fourth", "third2")
    ]
    writer.move_session("fifth2", "up")  # past what is rendered, not past what was stopped
    assert [info.session for info in list_queue(finished)][:2] == ["fifth2", "other2"]
    whole = paces(finished)
    assert list(whole) == ["fifth2", "other2"]
    assert whole["other2"] == pace(finished, "other2")
    assert paces(finished, ("fifth2",))["other2"].seconds_left == pytest.approx(3.0)


def test_the_newest_image_is_found_of_a_session_or_of_a_row(finished: Path) -> None:
    first, second = (newest_image(finished, "k3f9x2", row) for row in (2, 3))
    assert first is not None and first.name == "0002-4.png"
    assert second == newest_image(finished, "k3f9x2")
    assert newest_image(finished, "other2", 2) is None
