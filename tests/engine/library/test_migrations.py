"""Libraries of older versions: brought up to date, nothing of them lost, a copy kept."""

import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest

from engine.library.database import (
    LibraryError,
    OlderLibraryError,
    database_path,
    open_writer,
    reading,
)
from engine.library.read.reader import list_images, pixels_of
from engine.library.write.writer import Writer
from engine.schema import SCHEMA_VERSION, is_older

SCHEMA_1 = files("engine.library") / "migrations" / "1.sql"
RECIPE = (
    '{"prompt": "p", "negative_prompt": "", "width": 8, "height": 16, "steps": 2,'
    ' "guidance": 4.0, "scheduler": "S", "model": "mine", "model_hash": "h"}'
)
CONDITIONS = (
    '{"device": "cpu", "dtype": "float32", "threads": 2, "attention": "sdpa", "compile": false,'
    ' "versions": {"torch": "2.13.0"}}'
)


@pytest.fixture
def old(library: Path) -> Path:
    """A library of schema 1: one session of two images, the first done, one batch recorded."""
    library.mkdir()
    db = sqlite3.connect(database_path(library))
    db.executescript(
        SCHEMA_1.read_text() + "PRAGMA application_id = 0x50534854; PRAGMA user_version = 1;"
    )
    db.executescript(
        f"""
        INSERT INTO sessions (id, key, name, created, position, source, folder, conditions,
            images, waiting, done)
            VALUES (1, 'k', 'n', 1.0, 1, '{{}}', 'sessions/n', '{CONDITIONS}', 2, 1, 1);
        INSERT INTO rows (id, session, number, cells, extra, images, waiting, done)
            VALUES (1, 1, 2, '{{"prompt": "p"}}', '{{}}', 2, 1, 1);
        INSERT INTO recipes (id, body) VALUES (1, '{RECIPE}');
        INSERT INTO batches (id, session, size, started, seconds) VALUES (1, 1, 2, 5.0, 3.0);
        INSERT INTO images
            (id, session, row, variation, key, seed, recipe, batch, slot, file, state)
            VALUES (1, 1, 1, 1, 'k-2-1', 7, 1, 1, 0, 'a.png', 'done'),
                   (2, 1, 1, 2, 'k-2-2', 8, 1, 1, 1, 'b.png', 'waiting');
        """
    )
    db.close()
    return library


def shape_of(db: sqlite3.Connection) -> set[tuple[str, ...]]:
    """Everything there is: columns of tables by name, and the words of indexes and triggers."""
    columns = db.execute(
        "SELECT m.name, c.name, c.type, c.\"notnull\", coalesce(c.dflt_value, ''), c.pk"
        " FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
    ).fetchall()
    others = db.execute(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE type <> 'table'"
    ).fetchall()
    return {tuple(map(str, row)) for row in [*columns, *others]}


def test_an_older_library_becomes_what_a_new_one_is(old: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    fresh, updated = open_writer(tmp_path / "new"), open_writer(old)
    assert shape_of(updated) == shape_of(fresh)
    fresh.close()
    updated.close()


def test_its_work_goes_on_under_the_conditions_it_began_with(old: Path) -> None:
    writer = Writer(old)
    batch = writer.next_batch(())
    assert batch is not None
    assert [image.key for image in batch.images] == ["k-2-2"]
    assert batch.conditions is not None
    assert (batch.conditions.threads, batch.conditions.decode) == (2, "together")
    writer.close()
    with reading(old) as db:
        assert tuple(db.execute("SELECT ended, work FROM batches").fetchone()) == (8.0, 512.0)


def test_of_what_was_rendered_before_digests_of_pixels_were_kept_there_is_none(old: Path) -> None:
    Writer(old).close()
    assert [image.pixels for image in list_images(old, "k")] == [None, None]
    assert pixels_of(old, "k") is None


def test_readers_send_for_the_engine_process_and_a_copy_is_kept(old: Path) -> None:
    assert is_older(old)
    with pytest.raises(OlderLibraryError, match="engine start"), reading(old):
        pass
    Writer(old).close()
    assert not is_older(old)
    copy = sqlite3.connect(old / "library-schema-1.sqlite3")
    assert copy.execute("PRAGMA user_version").fetchone()[0] == 1
    assert copy.execute("SELECT count(*) FROM images").fetchone()[0] == 2
    copy.close()


def test_a_step_that_fails_changes_nothing(old: Path) -> None:
    db = sqlite3.connect(database_path(old))
    db.execute("CREATE TABLE fits (other)")  # in the way of the step's own
    db.commit()
    before = shape_of(db)
    with pytest.raises(LibraryError, match="already exists"):
        open_writer(old)
    assert shape_of(db) == before
    db.close()


def test_a_newer_library_is_refused(old: Path) -> None:
    db = sqlite3.connect(database_path(old))
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    with pytest.raises(LibraryError, match="newer version"):
        open_writer(old)
