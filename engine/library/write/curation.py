"""What a person decides of images and sessions, recorded: favourites, names, tags."""

import json
import sqlite3
from collections.abc import Sequence

from engine.library.database import LibraryError
from engine.library.write.requests import carried_out
from engine.library.write.writer import Writer
from engine.protocol.answers import Done, Images, Tags

NAME_CHARS = 200
TAG_CHARS = 40


def favour(writer: Writer, images: Sequence[str], *, on: bool) -> list[str]:
    """Mark images as favourites, or no longer; the ids of those that changed.

    Images in the trash are left as they are.
    """
    with writer.transaction() as db:
        changed = db.execute(
            "UPDATE images SET favourite = ? WHERE key IN (SELECT value FROM json_each(?))"
            " AND favourite <> ? AND trashed IS NULL RETURNING key",
            (on, json.dumps(images), on),
        ).fetchall()
        keys = [row["key"] for row in changed]
        carried_out(db, Images(keys))
    return keys


def rename(writer: Writer, session: str, name: str) -> None:
    """Call a session something else; its folder keeps its name.

    Raises:
        LibraryError: no such session, or a name that is blank or too long.
    """
    name = name.strip()
    if not name:
        raise LibraryError("A session's name cannot be empty.")
    if len(name) > NAME_CHARS:
        raise LibraryError(f"A session's name can have up to {NAME_CHARS} characters.")
    with writer.transaction() as db:
        _one(db.execute("UPDATE sessions SET name = ? WHERE key = ?", (name, session)), session)
        carried_out(db, Done())


def set_tags(writer: Writer, session: str, tags: Sequence[str]) -> list[str]:
    """Give a session these tags and no others; as they were stored: each once, in order.

    Raises:
        LibraryError: no such session, or a tag that is too long.
    """
    words = list(dict.fromkeys(word for tag in tags if (word := " ".join(tag.split()))))
    if long := [word for word in words if len(word) > TAG_CHARS]:
        raise LibraryError(f"A tag can have up to {TAG_CHARS} characters: {long[0][:TAG_CHARS]}…")
    with writer.transaction() as db:
        text = json.dumps(words, ensure_ascii=False)
        _one(db.execute("UPDATE sessions SET tags = ? WHERE key = ?", (text, session)), session)
        carried_out(db, Tags(words))
    return words


def _one(cursor: sqlite3.Cursor, session: str) -> None:
    if cursor.rowcount != 1:
        raise LibraryError(f"Session not found: {session!r}.")
