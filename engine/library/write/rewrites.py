"""Prompts that a language model is still to rewrite, and what becomes of their images."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.library.read.stored import recipe_of
from engine.library.write.batch_queue import AWAITS_PROMPTS
from engine.library.write.insert import recipe_id
from engine.library.write.writer import Writer
from engine.plan.captioning import is_frame, put_around


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a session's first stage has to do."""

    session: str
    """Its id."""
    prompts: list[str]
    """Each once, in the order of the sheet; those of stopped or failed images are left out."""
    captions: bool = False
    """Whether captions are asked for; else words."""
    model: str = ""
    """Label of the model that captions are for."""


def next_rewrites(writer: Writer, held: Collection[str] = ()) -> Awaited | None:
    """What is to be rewritten next; None if there is nothing.

    Args:
        writer: the library's.
        held: sessions that must wait.
    """
    for row in writer.read(
        "SELECT id, key FROM sessions WHERE rewriting > 0 AND waiting > 0 AND trashed IS NULL"
        " ORDER BY position"
    ):
        if row["key"] not in held:
            found = writer.read(
                "SELECT w.prompt, w.around, json_extract(body, '$.model') AS model"
                " FROM rewrites w JOIN images i ON i.id = w.image JOIN recipes r ON r.id = i.recipe"
                " WHERE w.session = ? AND i.state = 'waiting' ORDER BY w.image",
                (row["id"],),
            )
            if found:
                return _awaited(row["key"], found)
    return None


def _awaited(session: str, found: Sequence[sqlite3.Row]) -> Awaited:
    """Those that whoever is asked first can be asked."""

    def asked(row: sqlite3.Row) -> tuple[bool, str]:
        captions = is_frame(row["around"])
        return captions, row["model"] if captions else ""

    captions, model = asked(found[0])
    prompts = dict.fromkeys(row["prompt"] for row in found if asked(row) == (captions, model))
    return Awaited(session, list(prompts), captions, model)


def awaits_prompts(writer: Writer, session: str) -> bool:
    """Whether images of a session that are to be rendered wait for their prompts."""
    return bool(
        writer.read(
            f"SELECT 1 FROM sessions WHERE key = ? AND trashed IS NULL AND {AWAITS_PROMPTS}",
            (session,),
        )
    )


def take_rewrites(writer: Writer, session: str, answers: Mapping[str, str]) -> None:
    """Write what a language model made of prompts into the recipes that await it.

    Args:
        writer: the library's.
        session: its id.
        answers: prompt → what it became.
    """
    with writer.transaction() as db:
        waiting = db.execute(
            "SELECT w.image, w.prompt, w.around, i.recipe, i.seed, r.body FROM rewrites w"
            " JOIN images i ON i.id = w.image JOIN recipes r ON r.id = i.recipe"
            " WHERE w.session = (SELECT id FROM sessions WHERE key = ?)"
            " AND w.prompt IN (SELECT value FROM json_each(?))",
            (session, json.dumps(list(answers))),
        ).fetchall()
        become: dict[tuple[int, str, str], int] = {}
        for row in waiting:
            key = row["recipe"], row["prompt"], row["around"]
            if key not in become:
                final = put_around(row["around"], row["prompt"], answers[row["prompt"]])
                become[key] = recipe_id(db, replace(recipe_of(row), prompt=final))
            db.execute("UPDATE images SET recipe = ? WHERE id = ?", (become[key], row["image"]))
        _settle(db, [row["image"] for row in waiting])


def drop_rewrites(writer: Writer, awaited: Awaited) -> None:
    """Leave prompts as they would be without a language model."""
    with writer.transaction() as db:
        db.execute(
            "DELETE FROM rewrites WHERE session = (SELECT id FROM sessions WHERE key = ?)"
            " AND prompt IN (SELECT value FROM json_each(?))",
            (awaited.session, json.dumps(awaited.prompts)),
        )


def fail_rewrites(writer: Writer, session: str, reason: str) -> list[int]:
    """Give up on the images that wait for prompts; a retry asks for these again.

    Args:
        writer: the library's.
        session: its id.
        reason: what a person can act on; kept with the images.

    Returns:
        The numbers of their rows.
    """
    with writer.transaction() as db:
        rows = db.execute(
            "SELECT DISTINCT r.number FROM rewrites w JOIN images i ON i.id = w.image"
            " JOIN rows r ON r.id = i.row WHERE i.state = 'waiting'"
            " AND w.session = (SELECT id FROM sessions WHERE key = ?) ORDER BY r.number",
            (session,),
        ).fetchall()
        db.execute(
            "UPDATE images SET state = 'failed', error = ? WHERE state = 'waiting' AND id IN"
            " (SELECT image FROM rewrites WHERE session = (SELECT id FROM sessions WHERE key = ?))",
            (reason, session),
        )
    return [row["number"] for row in rows]


def _settle(db: sqlite3.Connection, images: Collection[int]) -> None:
    db.execute(
        "DELETE FROM rewrites WHERE image IN (SELECT value FROM json_each(?))",
        (json.dumps(list(images)),),
    )
