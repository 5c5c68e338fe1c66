"""Pictures that images are drawn on, as the library knows them."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from engine.library.database import is_new, reading


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A copy in the library."""

    digest: str
    width: int
    """Pixels."""
    height: int


def kept_picture(library: Path, digest: str) -> KeptPicture | None:
    """The library's copy of a picture; None if it has none.

    Raises:
        LibraryError: not a library this version can read.
    """
    if is_new(library):
        return None
    with reading(library) as db:
        row = db.execute(
            "SELECT digest, width, height FROM sources WHERE digest = ?", (digest,)
        ).fetchone()
    return _kept(row) if row else None


def pictures_of_session(library: Path, session: str) -> dict[str, KeptPicture]:
    """Name in the sheet → the library's copy, of all that the session's own rows are drawn on.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    with reading(library) as db:
        rows = db.execute(
            "SELECT DISTINCT n.name, s.digest, s.width, s.height FROM row_sources n"
            " JOIN sources s ON s.id = n.source JOIN rows r ON r.id = n.row"
            " WHERE r.session = (SELECT id FROM sessions WHERE key = ?)",
            (session,),
        ).fetchall()
    return {row["name"]: _kept(row) for row in rows}


def _kept(row: sqlite3.Row) -> KeptPicture:
    return KeptPicture(row["digest"], row["width"], row["height"])
