"""The rows of a session as they are chosen among: which comes next, and how far one has come."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.library.database import LibraryError, reading
from engine.library.read.reader import IMAGE_COLUMNS, ImageInfo, image_info

PickWay = Literal["here", "open", "next", "previous"]
"""Which row is meant, from a row on: that one; the next that nobody has decided; the neighbours."""


@dataclass(frozen=True, slots=True)
class PickRow:
    """One row to choose among, and how far the session is decided."""

    row: int
    """Its number."""
    place: int
    """Which of the session's rows it is, from 1."""
    prompt: str
    decided: bool
    """Whether someone has chosen among its images."""
    to_come: int
    """Images of it that are not done yet, and still will be."""
    images: tuple[ImageInfo, ...]
    """In whatever state, but not in the trash."""
    rows: int
    """How many rows the session has."""
    rows_decided: int
    kept: int
    """How many of the session's images are favourites."""


_CAN = "session = :session AND done + waiting + rendering > 0"
"""Rows that have images to choose among, or will have."""
_OPEN = f"{_CAN} AND decided IS NULL AND number NOT IN (SELECT value FROM json_each(:passed))"
_BELOW, _ABOVE = "number > :row ORDER BY number", "number < :row ORDER BY number"
_WHOLE, _AT_WORK = "waiting + rendering = 0", "waiting + rendering > 0"
_FINDS: dict[PickWay, tuple[str, ...]] = {
    "here": (f"{_CAN} AND number >= :row ORDER BY number", f"{_CAN} AND {_ABOVE} DESC"),
    "next": (f"{_CAN} AND {_BELOW}",),
    "previous": (f"{_CAN} AND {_ABOVE} DESC",),
    "open": (
        *(f"{_OPEN} AND {_WHOLE} AND {part}" for part in (_BELOW, _ABOVE, "number = :row")),
        *(f"{_OPEN} AND {_AT_WORK} AND {part}" for part in (_BELOW, _ABOVE)),
    ),
}
"""Conditions of the row that is meant, the first of which one is found holds. Each is looked for
along an index: one query that sorts takes half a second for 100,000 rows."""


def row_to_pick(
    library: Path, session: str, row: int, way: PickWay = "here", passed: Collection[int] = ()
) -> PickRow | None:
    """A row to choose among.

    Args:
        library: the library.
        session: the session's id.
        row: the number of the row that one is at.
        way: which one is meant from there. `here` is the next below where there is none, or above;
            `open` goes past what is decided, and takes rows that are still rendered last; it comes
            back to the row itself when that is whole.
        passed: numbers of rows that `open` goes past, too: what was decided of them is on its way.

    Returns:
        None if there is none.

    Raises:
        LibraryError: no such session, or not a library this version can read.
    """
    with reading(library) as db:
        of = db.execute("SELECT id, favourites FROM sessions WHERE key = ?", (session,)).fetchone()
        if of is None:
            raise LibraryError(f"Session not found: {session!r}.")
        tried = (_find(db, of["id"], row, passed, which) for which in _FINDS[way])
        found = next((found for found in tried if found is not None), None)
        if found is None:
            return None
        rows, place = db.execute(
            "SELECT count(*), sum(number <= ?) FROM rows WHERE session = ?",
            (found["number"], of["id"]),
        ).fetchone()
        (undecided,) = db.execute(
            "SELECT count(*) FROM rows WHERE session = ? AND decided IS NULL", (of["id"],)
        ).fetchone()
        images = db.execute(
            f"{IMAGE_COLUMNS} WHERE i.row = ? AND i.trashed IS NULL ORDER BY i.variation",
            (found["id"],),
        ).fetchall()
    return PickRow(
        row=found["number"],
        place=place,
        prompt=found["prompt"],
        decided=found["decided"] is not None,
        to_come=found["to_come"],
        images=tuple(map(image_info, images)),
        rows=rows,
        rows_decided=rows - undecided,
        kept=of["favourites"],
    )


def _find(
    db: sqlite3.Connection, session: int, row: int, passed: Collection[int], which: str
) -> sqlite3.Row | None:
    arguments = {"session": session, "row": row, "passed": json.dumps([*passed])}
    found: sqlite3.Row | None = db.execute(
        "SELECT id, number, decided, waiting + rendering AS to_come,"
        f" coalesce(json_extract(cells, '$.prompt'), '') AS prompt FROM rows WHERE {which} LIMIT 1",
        arguments,
    ).fetchone()
    return found
