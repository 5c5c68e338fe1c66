"""A session that is stored piece by piece is there whole, or not at all."""

import sqlite3
from pathlib import Path

import pytest

from engine.library.database import reading
from engine.library.maintain.verify import verify
from engine.library.read.reader import list_jobs, list_sessions
from engine.library.read.sessions import SessionPages, size_of_trash
from engine.library.write import accepting
from engine.library.write.states import Scope
from engine.library.write.trash import empty_trash, settle
from engine.library.write.writer import Writer
from tests.engine.library.conftest import new_session


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
