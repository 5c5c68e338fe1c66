"""The conditions that a session keeps for the images of one model."""

import json
import sqlite3

from engine.picture.recipe import Conditions


def chosen_conditions(db: sqlite3.Connection, session: int, model: str) -> Conditions | None:
    """Those that hold; None if there are none yet."""
    found = db.execute(
        "SELECT body FROM conditions WHERE session = ? AND model = ?", (session, model)
    ).fetchone()
    return Conditions.from_json(json.loads(found[0])) if found else None


def choose_conditions(
    db: sqlite3.Connection, session: int, model: str, conditions: Conditions
) -> None:
    """Let these hold from now on, if none do yet."""
    db.execute(
        "INSERT OR IGNORE INTO conditions (session, model, body) VALUES (?, ?, ?)",
        (session, model, json.dumps(conditions.to_json())),
    )
