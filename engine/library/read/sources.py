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


def _kept(row: sqlite3.Row) -> KeptPicture:
    return KeptPicture(row["digest"], row["width"], row["height"])
