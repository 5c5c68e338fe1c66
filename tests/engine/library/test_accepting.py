"""A session that is stored piece by piece is there whole, or not at all."""

import shutil
import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.library.database import reading
from engine.library.maintain.verify import verify
from engine.library.read.reader import list_jobs, list_sessions
from engine.library.read.sessions import SessionPages, size_of_trash
from engine.library.write import accepting
from engine.library.write.states import Scope
from engine.library.write.trash import empty_trash, settle
from engine.library.write.writer import Writer
from tests.support.libraries import new_session

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "_PIECE", 4)


def stored(library: Path) -> dict[str, int]:
    """What the tables hold."""
    with reading(library) as db:
        return {
            table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("sessions", "rows", "images", "batches")
        }


def seen(library: Path) -> tuple[int, ...]:
    """Sessions as people see them: there, in the trash, found by a word; and whether all agrees."""
    pages = [SessionPages(library, trashed=True), SessionPages(library, text="prompt")]
    found = [len(page) for page in pages]
    for page in pages:
        page.close()
    with reading(library) as db:
        assert size_of_trash(db).sessions == found[0]
    return len(list_sessions(library)), *found, verify(library).whole


def test_until_the_last_piece_nothing_shows_and_nothing_touches_it(writer: Writer) -> None:
    new = new_session(rows=6, images=2)
    for _ in writer.storing(new):
        assert seen(writer.library) == (0, 0, 0, True)
        assert writer.stop(Scope(None)) == writer.tallies() == []
        assert writer.next_batch(()) is None
        assert empty_trash(writer).sessions == settle(writer) == 0
    assert seen(writer.library) == (1, 0, 1, True)
    assert [job.row for job in list_jobs(writer.library, new.key)] == [2, 3, 4, 5, 6, 7]
    assert (writer.tally(new.key).images, writer.tally(new.key).waiting) == (12, 12)


def test_other_sessions_go_on_between_the_pieces(writer: Writer) -> None:
    writer.add_session(new_session("other2", rows=1))
    steps = writer.storing(new_session(rows=6, images=2))
    next(steps)
    assert writer.next_batch(()) is not None
    assert [tally.stopped for tally in writer.stop(Scope(None))] == [4]
    assert list(steps)
    assert writer.tally("k3f9x2").waiting == 12, "a stop of everything came before it was there"


@pytest.mark.parametrize("pieces", [1, 2, 3, 4])
def test_a_writer_that_opens_the_library_removes_what_never_came_to_its_end(
    writer: Writer, pieces: int
) -> None:
    writer.add_session(new_session("other2", rows=1))
    whole = stored(writer.library)
    steps = writer.storing(new_session(rows=6, images=2))
    for _ in range(pieces):
        next(steps)
    assert stored(writer.library) != whole
    writer.close()
    Writer(writer.library).close()
    assert stored(writer.library) == whole
    assert seen(writer.library) == (1, 0, 1, True)


def test_what_was_half_stored_goes_again_with_its_recipes_and_gives_the_room_back(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database may grow no more in the midst of it; others' rows and recipes stay."""
    monkeypatch.setattr(accepting, "_PIECE", 100)
    writer.add_session(new_session("other2", rows=2))
    before = stored(writer.library) | sizes(writer)
    (pages,) = writer.read("PRAGMA page_count")
    writer.read(f"PRAGMA max_page_count = {pages[0] + 20}")
    new = new_session(rows=300, images=4)
    steps = writer.storing(new)
    next(steps)
    assert (writer.library / accepting._KEPT).stat().st_size == accepting._KEPT_BYTES
    with pytest.raises(sqlite3.OperationalError, match="full"):
        list(steps)
    assert stored(writer.library) | sizes(writer) == before
    assert not (writer.library / accepting._KEPT).exists()
    (keys,) = writer.read("PRAGMA foreign_keys")
    assert keys[0] == 1
    writer.read("PRAGMA max_page_count = 1000000")
    assert writer.add_session(new).waiting == 1200
    assert not (writer.library / accepting._KEPT).exists()
    assert verify(writer.library).whole


def sizes(writer: Writer) -> dict[str, int]:
    """The database's recipes and pages."""
    (recipes,) = writer.read("SELECT count(*) FROM recipes")
    (pages,) = writer.read("PRAGMA page_count")
    return {"recipes": recipes[0], "pages": pages[0]}


def test_what_was_half_stored_goes_again_while_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_disk: Path
) -> None:
    """Someone else fills the disk between two pieces, to the last byte."""
    monkeypatch.setattr(accepting, "_PIECE", 1000)
    library = small_disk / "library"
    library.mkdir()
    writer = Writer(library)
    writer.add_session(new_session("other2", rows=2))
    before = stored(library)
    steps = writer.storing(new_session(rows=4000, images=1))
    for _ in range(5):
        next(steps)
    assert stored(library) != before
    with (small_disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    with pytest.raises(sqlite3.OperationalError, match="full"):
        list(steps)
    assert stored(library) == before
    writer.close()
    Writer(library).close()
    (small_disk / "ballast").unlink()
    again = Writer(library)
    assert again.add_session(new_session(rows=4000, images=1)).waiting == 4000
    assert verify(library).whole
    again.close()


@pytest.mark.parametrize(
    ("free_mib", "reserve_mib", "rows", "fits"),
    [
        (200, 0, 4000, True),
        (20, 0, 4000, False),
        (200, 180, 4000, False),
        (1, 20, 12, True),
        (0, 20, 12, False),
    ],
)
def test_a_session_that_does_not_fit_on_the_disk_is_refused_before_it_is_written(
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
    free_mib: int,
    reserve_mib: int,
    rows: int,
    fits: bool,
) -> None:
    """A small one may wait under the reserve."""
    monkeypatch.setattr(accepting, "_PIECE", 1000)
    free = SimpleNamespace(free=free_mib << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    words = writer.lacking_room(new_session(rows=rows, images=4), reserve_mib << 20)
    assert (words is None) == fits
    assert fits or f"reserve of {reserve_mib} MiB" in str(words)


@pytest.mark.parametrize("length", [3, 60, 3000])
def test_the_room_a_session_needs_is_never_said_too_small(writer: Writer, length: int) -> None:
    new = new_session(rows=400, images=2)
    rows = [
        replace(
            row,
            cells={"prompt": f"{row.number} " + "ö word" * (length // 6)},
            recipes=[
                replace(recipe, prompt=f"{row.number} " + "ö word" * (length // 6))
                for recipe in row.recipes
            ],
        )
        for row in new.rows
    ]
    new = replace(new, rows=rows)
    empty = sizes(writer)["pages"]
    writer.add_session(new)
    writer.read("PRAGMA wal_checkpoint(TRUNCATE)")
    taken = (sizes(writer)["pages"] - empty) * 4096
    assert taken <= accepting.bytes_of(new) <= 3 * taken + 100_000


def test_a_full_disk_leaves_nothing_of_a_session(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    steps = writer.storing(new_session(rows=6, images=2))
    next(steps)
    monkeypatch.setattr(accepting, "add_rows", full)
    with pytest.raises(sqlite3.OperationalError):
        list(steps)
    assert set(stored(writer.library).values()) == {0}
    assert not any((writer.library / "sessions").glob("*"))
