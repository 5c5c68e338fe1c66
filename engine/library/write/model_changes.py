"""Models whose files are no longer those a session was planned with.

A session goes on with other files when a person says so, and without being asked where nobody could
bring the old ones back: when they never loaded, came with an older Promptsheet, or it is those
that were planned with which are there again. What is rendered then says so.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from engine.library.read.stored import recipe_of
from engine.library.records import Batch
from engine.library.write.insert import recipe_id
from engine.library.write.writer import Writer

Outcome = Literal["same", "taken", "asks"]
"""Of a model that was found changed: those files are planned with already; they are planned with
from now on; somebody has to say."""

_OPEN = "state IN ('waiting', 'stopped', 'failed')"


def model_changed(
    writer: Writer, batch: Batch, found: str | None, *, shipped: bool, reason: str
) -> Outcome:
    """What follows when a batch's model has other files now.

    If somebody has to say whether to go on with them, what waits of the session for this model is
    stopped, with the reason.

    Args:
        writer: the library's.
        batch: as `next_batch` gave it; not begun.
        found: the fingerprint of the files that are there now; None: they cannot be read.
        shipped: whether they came with Promptsheet.
        reason: what a person can do; kept with the images.
    """
    recipe, session = batch.images[0].recipe, batch.session
    with writer.transaction() as db:
        if not _images_of(db, session, recipe.model, "state = 'waiting'", other_than=found):
            return "same"
        before = db.execute(
            "SELECT planned, awaits FROM model_changes WHERE session = ? AND model = ?",
            (session, recipe.model),
        ).fetchone()
        usable = before is not None and (before["awaits"] == "files" or before["planned"] == found)
        if found is not None and (shipped or usable):
            _take_files(db, session, recipe.model, found)
            return "taken"
        _remember(db, session, recipe.model, recipe.model_hash, "decision")
        waiting = _images_of(db, session, recipe.model, "state = 'waiting'")
        db.executemany(
            "UPDATE images SET state = 'stopped', error = ? WHERE id = ?",
            [(reason, row["id"]) for row in waiting],
        )
    return "asks"


def await_files(writer: Writer, batch: Batch) -> None:
    """A batch's model does not load: when other files are there, they are taken without asking."""
    recipe = batch.images[0].recipe
    with writer.transaction() as db:
        if db.execute("SELECT 1 FROM sessions WHERE id = ?", (batch.session,)).fetchone():
            _remember(db, batch.session, recipe.model, recipe.model_hash, "files")


def models_open(writer: Writer, session: str | None) -> list[str]:
    """Labels of the models of images that are not done.

    Args:
        writer: the library's.
        session: a session's id; None: of every session that awaits a decision, those it is about.
    """
    if session is None:
        query = "SELECT DISTINCT model FROM model_changes WHERE awaits = 'decision'"
        return [row["model"] for row in writer.read(query)]
    rows = writer.read(
        "SELECT DISTINCT json_extract(r.body, '$.model') AS model FROM images i"
        " JOIN recipes r ON r.id = i.recipe"
        f" WHERE i.session = (SELECT id FROM sessions WHERE key = ?) AND i.{_OPEN}",
        (session,),
    )
    return [row["model"] for row in rows]


def take_new_files(writer: Writer, session: str | None, found: Mapping[str, str]) -> list[str]:
    """Go on with the files that are there now; ids of the sessions for which those are others.

    Args:
        writer: the library's.
        session: a session's id; None: every session that awaits a decision.
        found: label → fingerprint of the files now.
    """
    which = (
        "key = ?1"
        if session is not None
        else (
            "?1 IS NULL AND trashed IS NULL AND id IN"
            " (SELECT session FROM model_changes WHERE awaits = 'decision')"
        )
    )
    with writer.transaction() as db:
        sessions = db.execute(f"SELECT id, key FROM sessions WHERE {which}", (session,)).fetchall()
        taken = [
            row["key"]
            for row in sessions
            for label, now in found.items()
            if _take_files(db, row["id"], label, now)
        ]
    return list(dict.fromkeys(taken))


def _remember(
    db: sqlite3.Connection, session: int, model: str, planned: str, awaits: str | None
) -> None:
    """What was planned with first stays."""
    db.execute(
        "INSERT INTO model_changes (session, model, planned, awaits) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET awaits = excluded.awaits",
        (session, model, planned, awaits),
    )


def _images_of(
    db: sqlite3.Connection, session: int, model: str, state: str, other_than: str | None = None
) -> Sequence[sqlite3.Row]:
    return db.execute(
        "SELECT i.id, i.recipe, i.seed, r.body, json_extract(r.body, '$.model_hash') AS planned"
        f" FROM images i JOIN recipes r ON r.id = i.recipe WHERE i.session = ? AND i.{state}"
        " AND json_extract(r.body, '$.model') = ?"
        " AND json_extract(r.body, '$.model_hash') IS NOT ?",
        (session, model, other_than),
    ).fetchall()


def _take_files(db: sqlite3.Connection, session: int, model: str, found: str) -> bool:
    """Plan what is not done with other files; whether there was such."""
    rows = _images_of(db, session, model, _OPEN, other_than=found)
    if not rows:
        return False
    _remember(db, session, model, rows[0]["planned"], None)
    new: dict[int, int] = {}
    for row in rows:
        if row["recipe"] not in new:
            new[row["recipe"]] = recipe_id(db, replace(recipe_of(row), model_hash=found))
    db.executemany(
        "UPDATE images SET recipe = ? WHERE id = ?",
        [(new[row["recipe"]], row["id"]) for row in rows],
    )
    return True
