"""The conditions that a session keeps for the images of one model, its files among them."""

import sqlite3

from engine.library.read.stored import conditions_body, conditions_of
from engine.library.write.states import Scope
from engine.picture.recipe import Conditions


def chosen_conditions(db: sqlite3.Connection, session: int, model: str) -> Conditions | None:
    """Those that hold; None if there are none yet."""
    found = db.execute(
        "SELECT body FROM conditions WHERE session = ? AND model = ?", (session, model)
    ).fetchone()
    return conditions_of(found[0]) if found else None


def choose_conditions(
    db: sqlite3.Connection, session: int, model: str, conditions: Conditions
) -> None:
    """Let these hold from now on, if none do yet."""
    db.execute(
        "INSERT OR IGNORE INTO conditions (session, model, body) VALUES (?, ?, ?)",
        (session, model, conditions_body(conditions)),
    )


def ask_again(db: sqlite3.Connection, scope: Scope) -> None:
    """Whether a model's files are still others has to be looked at again.

    Args:
        db: in a transaction.
        scope: what is resumed, or tried again.
    """
    db.execute(
        "UPDATE model_changes SET awaits = NULL WHERE awaits = 'decision'"
        " AND (?1 IS NULL OR session = (SELECT id FROM sessions WHERE key = ?1))",
        (scope.session,),
    )


def model_loaded(db: sqlite3.Connection, session: int, model: str) -> None:
    """A session's model has loaded: nothing is awaited of its files.

    Args:
        db: in a transaction.
        session: its id in the database.
        model: the label.
    """
    db.execute(
        "UPDATE model_changes SET awaits = NULL WHERE session = ? AND model = ?"
        " AND awaits IS NOT NULL",
        (session, model),
    )


def planned_with(db: sqlite3.Connection, session: int, model: str) -> str | None:
    """The fingerprint that a session was planned with, if it is known to have changed since."""
    found = db.execute(
        "SELECT planned FROM model_changes WHERE session = ? AND model = ?", (session, model)
    ).fetchone()
    return str(found["planned"]) if found else None
