"""What a person decides of images, rows and sessions, recorded: ratings, names, tags."""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence

from engine.library.database import LibraryError
from engine.library.records import BEST_RATING
from engine.library.write.requests import carried_out
from engine.library.write.writer import Writer
from engine.protocol.answers import Done, Rated, Tags

NAME_CHARS = 200
TAG_CHARS = 40


def rate(writer: Writer, ratings: Mapping[str, int]) -> dict[str, int]:
    """Rate images; those that changed, with the ratings they had.

    Images in the trash are left as they are.

    Args:
        writer: the library's.
        ratings: image's id → 0, which is none, to 5, which is a favourite.

    Raises:
        LibraryError: there is no such rating.
    """
    _check_ratings(ratings)
    with writer.transaction() as db:
        before = _rate(db, ratings)
        carried_out(db, Rated(before))
    return before


def favour(writer: Writer, images: Sequence[str], *, on: bool) -> dict[str, int]:
    """Make images favourites, or no longer, which leaves them without a rating; as `rate`."""
    if on:
        return rate(writer, dict.fromkeys(images, BEST_RATING))
    with writer.transaction() as db:
        marked = db.execute(
            "SELECT key FROM images WHERE key IN (SELECT value FROM json_each(?)) AND favourite",
            (json.dumps(images),),
        ).fetchall()
        before = _rate(db, dict.fromkeys((row["key"] for row in marked), 0))
        carried_out(db, Rated(before))
    return before


def decide(
    writer: Writer, session: str, row: int, ratings: Mapping[str, int], *, decided: bool = True
) -> tuple[dict[str, int], bool]:
    """Record that someone has chosen among a row's images, with what they were rated then.

    Args:
        writer: the library's.
        session: the session's id.
        row: the row's number.
        ratings: as for `rate`; may be empty: nothing was kept.
        decided: whether it is decided now, or no longer.

    Returns:
        The ratings that images had, as from `rate`; whether the row was decided before.

    Raises:
        LibraryError: there is no such row, or no such rating.
    """
    _check_ratings(ratings)
    with writer.transaction() as db:
        found = db.execute(
            "SELECT r.id, r.decided FROM rows r JOIN sessions s ON s.id = r.session"
            " WHERE s.key = ? AND r.number = ?",
            (session, row),
        ).fetchone()
        if found is None:
            raise LibraryError(f"Row {row} not found in session {session!r}.")
        was = found["decided"] is not None
        if was != decided:
            when = time.time() if decided else None
            db.execute("UPDATE rows SET decided = ? WHERE id = ?", (when, found["id"]))
        before = _rate(db, ratings)
        carried_out(db, Rated(before, was))
    return before, was


def _check_ratings(ratings: Mapping[str, int]) -> None:
    if wrong := [rating for rating in ratings.values() if not 0 <= rating <= BEST_RATING]:
        raise LibraryError(f"A rating is a number from 0 to {BEST_RATING}, not {wrong[0]}.")


def _rate(db: sqlite3.Connection, ratings: Mapping[str, int]) -> dict[str, int]:
    changed = db.execute(
        "SELECT i.id, i.key, i.rating, w.value AS wanted FROM json_each(?) w"
        " JOIN images i ON i.key = w.key WHERE i.rating <> w.value AND i.trashed IS NULL",
        (json.dumps(dict(ratings)),),
    ).fetchall()
    db.executemany(
        "UPDATE images SET rating = ? WHERE id = ?", [(row["wanted"], row["id"]) for row in changed]
    )
    return {row["key"]: row["rating"] for row in changed}


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
