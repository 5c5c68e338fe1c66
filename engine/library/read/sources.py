"""Pictures that images are drawn on, as the library knows them."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.library.database import is_new, reading

NAMED_SOURCES = (
    "(SELECT json_group_object(n.role, n.name || '#' || x.digest) FROM row_sources n"
    " JOIN sources x ON x.id = n.source WHERE n.row = r.id)"
)
"""Of a row `r`: column → cell, by which the library finds its copy of what the row is drawn on,
whatever became of the original."""

SOURCE_NAMES = (
    "SELECT i.key, n.name FROM images i JOIN row_sources n ON n.row = i.row"
    " WHERE n.role = 'image' AND i.key IN (SELECT value FROM json_each(?1))"
    " UNION ALL SELECT i.key, o.file FROM images i JOIN parents p ON p.image = i.id"
    " JOIN images o ON o.id = p.parent WHERE i.key IN (SELECT value FROM json_each(?1))"
)
"""Of images whose ids are given as JSON: what users called what they are drawn on; of those made
of another image its file's name."""


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


def source_names(library: Path, images: Sequence[str]) -> dict[str, str]:
    """What users called the pictures that images are drawn on; of those drawn from noise nothing.

    Args:
        library: the library.
        images: their ids.

    Returns:
        Image id → name.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    with reading(library) as db:
        rows = db.execute(SOURCE_NAMES, (json.dumps(images),)).fetchall()
    return {row["key"]: row["name"] for row in rows}
