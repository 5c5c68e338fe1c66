"""Recording that an image's whole file is on disk: after rendering, or found after a crash."""

import json
import sqlite3

from engine.picture.metadata import Record


def mark_done(
    db: sqlite3.Connection,
    image: str,
    *,
    name: str,
    size: int,
    digest: str,
    record: Record,
    at: float,
) -> None:
    """Mark one image done, and its session as finished no earlier than now.

    Args:
        db: in a transaction.
        image: its id.
        name: its file's, in the session's folder.
        size: bytes of the file.
        digest: of the whole file.
        record: what the file says of itself.
        at: seconds since 1970.
    """
    db.execute(
        "UPDATE images SET state = 'done', file = ?, conditions = ?, bytes = ?, digest = ?,"
        " pixels = ?, finished = ?, error = NULL WHERE key = ?",
        (name, json.dumps(record.conditions_json()), size, digest, record.pixels, at, image),
    )
    db.execute(
        "UPDATE sessions SET finished = ? WHERE id = (SELECT session FROM images WHERE key = ?)",
        (at, image),
    )
