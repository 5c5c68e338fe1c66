"""The rows of a session as they are chosen among: which comes next, and how far one has come."""

import json
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
    """How many rows the session has that can be chosen among."""
    rows_decided: int
    kept: int
    """How many of the session's images are favourites."""


_CAN = "r.session = ?1 AND r.done + r.waiting + r.rendering > 0"
"""Rows that have images to choose among, or will have."""
_OPEN = f"{_CAN} AND r.decided IS NULL"
# Those that are whole come before those that are still rendered; after the last comes the first.
_ORDERS: dict[PickWay, str] = {
    "here": f"{_CAN} AND r.number >= ?2 ORDER BY r.number",
    "next": f"{_CAN} AND r.number > ?2 ORDER BY r.number",
    "previous": f"{_CAN} AND r.number < ?2 ORDER BY r.number DESC",
    "open": f"{_OPEN} AND r.number <> ?2 AND r.number NOT IN (SELECT value FROM json_each(?3))"
    " ORDER BY NOT (r.waiting + r.rendering = 0), r.number < ?2, r.number",
}


def row_to_pick(
    library: Path, session: str, row: int, way: PickWay = "here", passed: Collection[int] = ()
) -> PickRow | None:
    """A row to choose among.

    Args:
        library: the library.
        session: the session's id.
        row: the number of the row that one is at.
        way: which one is meant from there. `here` is the next below where there is none;
            `open` goes past what is decided, and takes rows that are still rendered last.
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
        found = db.execute(
            "SELECT r.id, r.number, r.decided, r.waiting + r.rendering AS to_come,"
            " coalesce(json_extract(r.cells, '$.prompt'), '') AS prompt"
            f" FROM rows r WHERE {_ORDERS[way]} LIMIT 1",
            (of["id"], row, json.dumps([*passed])) if way == "open" else (of["id"], row),
        ).fetchone()
        if found is None:
            return None
        rows, decided, place = db.execute(
            f"SELECT count(*), count(r.decided), sum(r.number <= ?2) FROM rows r WHERE {_CAN}",
            (of["id"], found["number"]),
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
        rows_decided=decided,
        kept=of["favourites"],
    )
