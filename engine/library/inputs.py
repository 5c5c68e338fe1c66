"""What a session was asked for: its rows as they were, with the seeds that were drawn for them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.library.database import reading


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row of a session, as it was accepted."""

    number: int
    cells: Mapping[str, str]
    """Known column → text; blank ones are left out."""
    extra: Mapping[str, str]
    first_seed: int
    """Of its first image: the sheet's, or drawn."""
    images: int
    """How many it had at first."""


def stored_rows(
    library: Path, session: str, numbers: Iterable[int] | None = None
) -> list[StoredRow]:
    """The rows of the session with id `session`, in the order of the sheet.

    Args:
        library: the library.
        session: the session's id.
        numbers: of the rows; None for all.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    which = "" if numbers is None else " AND r.number IN (SELECT value FROM json_each(?))"
    chosen = [] if numbers is None else [json.dumps(list(numbers))]
    with reading(library) as db:
        rows = db.execute(
            "SELECT r.number, r.cells, r.extra, i.seed,"
            " (SELECT count(*) FROM images WHERE row = r.id) AS images FROM rows r"
            " JOIN images i ON i.row = r.id AND i.variation = 1"
            " WHERE r.session = (SELECT id FROM sessions WHERE key = ?)"
            f"{which} ORDER BY r.id",
            (session, *chosen),
        ).fetchall()
    return [
        StoredRow(
            row["number"],
            json.loads(row["cells"]),
            json.loads(row["extra"]),
            row["seed"],
            row["images"],
        )
        for row in rows
    ]
