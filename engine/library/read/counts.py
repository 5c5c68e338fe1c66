"""How many images of a session are in which state."""

import sqlite3
from pathlib import Path
from typing import TypeAlias

from engine.library.database import LibraryError, is_new, reading
from engine.protocol.records import Tally

COUNTS = "key, images, waiting, rendering, stopped, failed, done, rewriting"
"""Columns of a session that make a `Tally`."""

Curation: TypeAlias = tuple[object, ...]
"""What people have decided of a session, to be held against what they had before: its name, its
tags, how many favourites it has, whether it is in the trash."""


def tally_of(db: sqlite3.Connection, session: str) -> Tally:
    """The counts of the session with id `session`.

    Raises:
        LibraryError: no such session.
    """
    found = db.execute(f"SELECT {COUNTS} FROM sessions WHERE key = ?", (session,)).fetchone()
    if found is None:
        raise LibraryError(f"Session not found: {session!r}.")
    return Tally(*found)


def unfinished_tallies(db: sqlite3.Connection) -> list[Tally]:
    """The counts of every session that has work left, in the order in which they are rendered."""
    found = db.execute(
        f"SELECT {COUNTS} FROM sessions WHERE waiting > 0 OR rendering > 0 ORDER BY position"
    ).fetchall()
    return [Tally(*row) for row in found]


def counts_and_curation(library: Path) -> tuple[dict[str, Tally], dict[str, Curation]]:
    """Each session's counts, and what people have decided of it, by its id; those in the trash too.

    Raises:
        LibraryError: not a library this version can read.
    """
    if is_new(library):
        return {}, {}
    with reading(library) as db:
        rows = db.execute(
            f"SELECT {COUNTS}, name, tags, favourites, trashed FROM sessions"
            " WHERE trashed IS NULL OR trashed > 0 ORDER BY position"
        ).fetchall()
    counts = len(COUNTS.split(","))
    tallies = {row["key"]: Tally(*tuple(row)[:counts]) for row in rows}
    return tallies, {row["key"]: tuple(row)[counts:] for row in rows}
