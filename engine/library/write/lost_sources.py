"""Images whose source is gone or damaged fail, with the reason; no others of their session do."""

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.library.sources import fault_of_source, source_path
from engine.library.write.writer import Writer
from engine.picture.recipe import Recipe

_DRAWN_ON = "SELECT n.row FROM row_sources n JOIN sources s ON s.id = n.source WHERE s.digest = ?2"
_MADE_OF = "SELECT p.image FROM parents p JOIN sources s ON s.id = p.source WHERE s.digest = ?2"


def faults_of(library: Path, recipes: Iterable[Recipe]) -> dict[str, str]:
    """The sources that recipes name and that cannot be used: digest → `missing` or `damaged`.

    Reads their files.

    Raises:
        OSError: the disk fails.
    """
    digests = {digest for r in recipes for digest in (r.image, r.mask) if digest}
    found = {digest: fault_of_source(library, digest) for digest in sorted(digests)}
    return {digest: fault for digest, fault in found.items() if fault}


def fail_drawn_on(writer: Writer, faults: Mapping[str, str], batch: int | None = None) -> list[str]:
    """Let images fail that are still to be drawn on these sources; the ids of their sessions.

    Args:
        writer: the library's.
        faults: as `faults_of` gives them.
        batch: only images of the batch with this id in the database; None: of all.
    """
    sessions: set[str] = set()
    with writer.transaction() as db:
        for digest, fault in faults.items():
            rows = db.execute(
                "UPDATE images SET state = 'failed', error = ?1 WHERE trashed IS NULL"
                " AND state IN ('waiting', 'rendering', 'stopped')"
                f" AND (row IN ({_DRAWN_ON}) OR id IN ({_MADE_OF}))"
                " AND (?3 IS NULL OR batch = ?3) RETURNING key",
                (_reason(db, writer, digest, fault), digest, batch),
            ).fetchall()
            sessions |= {row["key"].partition("-")[0] for row in rows}
    return sorted(sessions)


def _reason(db: sqlite3.Connection, writer: Writer, digest: str, fault: str) -> str:
    named = db.execute(
        "SELECT name FROM row_sources n JOIN sources s ON s.id = n.source WHERE s.digest = ?"
        " LIMIT 1",
        (digest,),
    ).fetchone()
    name = named["name"] if named else "a picture"
    place = source_path(writer.library, digest).relative_to(writer.library)
    return (
        f"the library's copy of its source picture {name} is {fault} ({place}): put a copy of the"
        " original there and retry, or start the row again with the original"
    )
