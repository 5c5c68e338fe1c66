"""A library as an older version of Promptsheet would have left it."""

import sqlite3
from importlib.resources import files
from pathlib import Path

from engine.library.database import database_path

_SCHEMA_1 = files("engine.library") / "migrations" / "1.sql"


def make_older(library: Path) -> None:
    """Put a database of schema 1 in the place of today's, with the same content.

    What schema 1 cannot say is lost: trash, tags, lots. Nothing may have the library open.
    """
    path = database_path(library)
    now = path.with_name("now.sqlite3")
    path.rename(now)
    db = sqlite3.connect(path)
    try:
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(
            _SCHEMA_1.read_text(encoding="utf-8")
            + "PRAGMA application_id = 0x50534854; PRAGMA user_version = 1;"
        )
        db.execute("ATTACH ? AS now", (str(now),))
        for (table,) in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'"):
            then, today = (
                [row[1] for row in db.execute(f"PRAGMA {schema}.table_info({table})")]
                for schema in ("main", "now")
            )
            both = ", ".join(column for column in then if column in today)
            db.execute(f"INSERT INTO main.{table} ({both}) SELECT {both} FROM now.{table}")
        db.execute(
            "UPDATE sessions SET conditions ="
            " (SELECT body FROM now.conditions c WHERE c.session = sessions.id LIMIT 1)"
        )
        db.commit()
        db.execute("PRAGMA journal_mode = WAL")
    finally:
        db.close()
    for suffix in ("", "-wal", "-shm"):
        now.with_name(now.name + suffix).unlink(missing_ok=True)


def damage(library: Path) -> None:
    """Overwrite part of a library's database; nothing may have it open."""
    path = database_path(library)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"?" * (64 << 10))
        file.seek(0)
        file.write(b"?" * 100)
