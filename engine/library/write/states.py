"""How images come from one state to another: asked for by people, or because they are done."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.library.write.parents import hand_on
from engine.picture.metadata import ImageRecord


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command is about."""

    session: str | None
    """A session's id; None: every session."""
    rows: Sequence[int] | None = None
    """Numbers of its rows; None: all of them."""

    def where(self) -> tuple[str, list[object]]:
        """A condition on images, and its arguments. What is in the trash is left there."""
        if self.session is None:
            return (
                "trashed IS NULL"
                " AND session NOT IN (SELECT id FROM sessions WHERE trashed IS NOT NULL)",
                [],
            )
        mine = "session = (SELECT id FROM sessions WHERE key = ? AND trashed IS NULL)"
        if self.rows is None:
            return f"trashed IS NULL AND {mine}", [self.session]
        return (
            f"trashed IS NULL AND row IN (SELECT id FROM rows WHERE {mine}"
            " AND number IN (SELECT value FROM json_each(?)))",
            [self.session, json.dumps(list(self.rows))],
        )


def move(db: sqlite3.Connection, scope: Scope, states: Sequence[str], to: str) -> list[str]:
    """Bring images in `scope` from some states to another; the sessions that changed."""
    where, arguments = scope.where()
    which = f"{where} AND state IN ({', '.join('?' for _ in states)})"
    changed = _sessions(db, which, [*arguments, *states])
    db.execute(f"UPDATE images SET state = ? WHERE {which}", [to, *arguments, *states])
    _rest_with_parents(db)
    return changed


def retry(db: sqlite3.Connection, scope: Scope) -> list[str]:
    """Let failed images in `scope` wait again, with no strikes; the sessions that changed."""
    where, arguments = scope.where()
    which = f"{where} AND state = 'failed'"
    changed = _sessions(db, which, arguments)
    db.execute(
        f"UPDATE batches SET attempts = 0 WHERE id IN (SELECT batch FROM images WHERE {which})",
        arguments,
    )
    db.execute(
        f"UPDATE images SET state = 'waiting', strikes = 0, error = NULL WHERE {which}", arguments
    )
    _rest_with_parents(db)
    return changed


def _rest_with_parents(db: sqlite3.Connection) -> None:
    """What is to be made of an image that nobody renders, in the trash say, does not wait."""
    db.execute(
        "UPDATE images SET state = 'stopped' WHERE state = 'waiting' AND id IN"
        " (SELECT p.image FROM parents p JOIN images i ON i.id = p.parent"
        " WHERE p.source IS NULL AND i.state IN ('stopped', 'failed'))"
    )


def _sessions(db: sqlite3.Connection, which: str, arguments: Sequence[object]) -> list[str]:
    return [
        row["key"]
        for row in db.execute(
            f"SELECT key FROM sessions WHERE id IN (SELECT session FROM images WHERE {which})",
            arguments,
        ).fetchall()
    ]


def move_session(db: sqlite3.Connection, session: str, to: str) -> None:
    """Give a session another place among those that have work left.

    If it has, stopped ones are passed over: they keep their places, which only count once they are
    resumed. If it is stopped itself, they count.

    Args:
        db: in a transaction.
        session: its id.
        to: `first`, `last`, `up` or `down`.
    """
    order = [
        (row["key"], row["position"])
        for row in db.execute(
            "SELECT key, position FROM sessions WHERE waiting > 0 OR rendering > 0 OR key = ?1"
            " OR stopped > 0 AND (SELECT waiting = 0 AND rendering = 0 FROM sessions"
            " WHERE key = ?1) ORDER BY position",
            (session,),
        ).fetchall()
    ]
    keys = [key for key, _ in order]
    here = keys.index(session)
    there = {"first": 0, "last": len(keys) - 1, "up": here - 1, "down": here + 1}[to]
    keys.insert(max(0, min(there, len(keys) - 1)), keys.pop(here))
    db.executemany(
        "UPDATE sessions SET position = ? WHERE key = ?",
        [(position, key) for key, (_, position) in zip(keys, order, strict=True)],
    )


def mark_done(
    db: sqlite3.Connection,
    image: str,
    *,
    library: Path,
    path: Path,
    size: int,
    digest: str,
    record: ImageRecord,
    at: float,
) -> None:
    """Mark one image done, whose whole file is on disk, and its session finished no earlier.

    What is to be made of it can be made then.

    Args:
        db: in a transaction.
        image: its id.
        library: the library.
        path: its file.
        size: bytes of the file.
        digest: of the whole file.
        record: what the file says of itself.
        at: seconds since 1970.
    """
    db.execute(
        "UPDATE images SET state = 'done', file = ?, conditions = ?, bytes = ?, digest = ?,"
        " pixels = ?, finished = ?, error = NULL WHERE key = ?",
        (path.name, json.dumps(record.conditions_json()), size, digest, record.pixels, at, image),
    )
    db.execute(
        "UPDATE sessions SET finished = ? WHERE id = (SELECT session FROM images WHERE key = ?)",
        (at, image),
    )
    hand_on(db, library, image, path, digest, record.recipe)
