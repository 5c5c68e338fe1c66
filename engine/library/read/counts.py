"""How many images of a session are in which state."""

import sqlite3

from engine.library.database import LibraryError
from engine.protocol.records import Tally

COUNTS = "key, images, waiting, rendering, stopped, failed, done, rewriting"
"""Columns of a session that make a `Tally`."""


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
