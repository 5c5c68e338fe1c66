"""A new session stored piece by piece, so that no other change waits for a large one.

It shows nowhere before its last piece: until then its mark of being trashed is 0, no time at which
anything was trashed.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from engine.library.files import SESSIONS, sync_folder
from engine.library.records import NewRow, NewSession
from engine.library.write.insert import add_batches, add_rows

_PIECE = 1000
"""Batches, or images, of one piece."""

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]


def store_session(transaction: Transaction, library: Path, new: NewSession) -> Iterator[None]:
    """Store a session, a piece at each step; other changes may come between.

    One session at a time: then there are no gaps between the ids of its rows, nor of its images.

    Args:
        transaction: of the library's writer.
        library: the library.
        new: the session; once the last step is taken it is there.
    """
    with transaction() as db:
        drop_unfinished(db)
        session = _begin(db, new)
    try:
        slots: dict[int, tuple[int, int]] = {}
        for start in range(0, len(new.batches), _PIECE):
            yield
            with transaction() as db:
                slots |= add_batches(db, session, new.batches[start : start + _PIECE])
        places = iter([slots[position] for position in range(len(slots))])
        for rows in _pieces(new.rows):
            yield
            with transaction() as db:
                add_rows(db, session, new.key, rows, places)
        yield
        folder = library / SESSIONS / new.folder
        folder.mkdir(mode=0o700, parents=True)
        sync_folder(folder.parent)
        with transaction() as db:
            _show(db, session, len(slots))
    except Exception:
        with suppress(sqlite3.Error), transaction() as db:  # else whoever comes next does it
            drop_unfinished(db)
        raise


def _pieces(rows: Sequence[NewRow]) -> Iterator[Sequence[NewRow]]:
    """The rows in their order, some at a time."""
    start = images = 0
    for number, row in enumerate(rows, start=1):
        images += len(row.recipes)
        if images >= _PIECE or number == len(rows):
            yield rows[start:number]
            start, images = number, 0


def _begin(db: sqlite3.Connection, new: NewSession) -> int:
    session = db.execute(
        "INSERT INTO sessions (key, name, created, position, source, folder, images, waiting,"
        " trashed) VALUES (?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM sessions), ?, ?,"
        " 0, 0, 0)",
        (
            new.key,
            new.name,
            time.time(),
            json.dumps(new.source),
            f"{SESSIONS}/{new.folder}",
        ),
    ).lastrowid
    assert session is not None
    return session


def _show(db: sqlite3.Connection, session: int, images: int) -> None:
    db.execute(
        "UPDATE sessions SET images = ?, waiting = ?, trashed = NULL WHERE id = ?",
        (images, images, session),
    )


def drop_unfinished(db: sqlite3.Connection) -> None:
    """Remove what is there of a session whose last piece never came.

    Args:
        db: in a transaction.
    """
    for (session,) in db.execute("SELECT id FROM sessions WHERE trashed = 0").fetchall():
        for table in ("rewrites", "images", "batches", "rows"):
            db.execute(f"DELETE FROM {table} WHERE session = ?", (session,))
        db.execute("DELETE FROM sessions WHERE id = ?", (session,))
