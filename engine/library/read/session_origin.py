"""Where a session comes from, in a glance: its sheet, its models, its first prompts."""

import json
from dataclasses import dataclass
from pathlib import Path

from engine.library.database import reading
from engine.library.read.reader import OF_SESSION
from engine.library.read.stored import source_of

_ROWS = 64
"""Rows whose models are looked at: a glance must not take longer with a hundred thousand."""


@dataclass(frozen=True, slots=True)
class SessionOrigin:
    """What a session was asked for, in short."""

    sheet: str
    """The file's name; empty: none is known."""
    parent: str
    """The name of the session that it was made from; empty: none, or it is not there any more."""
    models: tuple[str, ...]
    """Labels, of its first rows."""
    prompts: tuple[str, ...]
    """Of its first rows."""
    rows: int
    """How many it has."""


def session_origin(library: Path, session: str, prompts: int) -> SessionOrigin | None:
    """Where a session comes from; None where there is no such session.

    Args:
        library: the library.
        session: the session's id.
        prompts: how many are wanted.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    with reading(library) as db:
        about = db.execute(
            "SELECT s.source, p.name AS parent FROM sessions s LEFT JOIN sessions p"
            " ON p.key = json_extract(s.source, '$.parent') WHERE s.key = ?",
            (session,),
        ).fetchone()
        if about is None:
            return None
        count = db.execute(
            f"SELECT count(*) AS rows FROM rows WHERE {OF_SESSION}", (session,)
        ).fetchone()
        rows = db.execute(
            "SELECT r.cells, json_extract(p.body, '$.model') AS model FROM rows r"
            " JOIN images i ON i.row = r.id AND i.variation = 1 JOIN recipes p ON p.id = i.recipe"
            f" WHERE r.{OF_SESSION} ORDER BY r.number LIMIT ?",
            (session, max(_ROWS, prompts)),
        ).fetchall()
    texts = (json.loads(row["cells"]).get("prompt", "") for row in rows[:prompts])
    return SessionOrigin(
        source_of(about["source"]).file,
        about["parent"] or "",
        tuple(dict.fromkeys(row["model"] for row in rows)),
        tuple(texts),
        count["rows"],
    )
