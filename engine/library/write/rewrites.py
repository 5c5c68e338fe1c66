"""Prompts that a language model is still to rewrite, and what becomes of their images."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from engine.library.write.batch_queue import AWAITS_PROMPTS, IS_AWAITED
from engine.library.write.insert import recipe_id
from engine.library.write.writer import Writer
from engine.plan.styles import Template, apply_style


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a session's first stage has to do."""

    session: str
    """Its id."""
    prompts: list[str]
    """Each once, in the order of the sheet; those of stopped or failed images are left out."""


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
                f"SELECT prompt FROM rewrites WHERE session = ? AND {IS_AWAITED} ORDER BY image",
                (row["id"],),
            )
            if found:
                return Awaited(row["key"], list(dict.fromkeys(one["prompt"] for one in found)))
    return None


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
            "SELECT w.image, w.prompt, w.around, i.recipe, r.body FROM rewrites w"
            " JOIN images i ON i.id = w.image JOIN recipes r ON r.id = i.recipe"
            " WHERE w.session = (SELECT id FROM sessions WHERE key = ?)"
            " AND w.prompt IN (SELECT value FROM json_each(?))",
            (session, json.dumps(list(answers))),
        ).fetchall()
        become: dict[tuple[int, str, str], int] = {}
        for row in waiting:
            key = row["recipe"], row["prompt"], row["around"]
            if key not in become:
                final, _ = apply_style(Template(row["around"]), answers[row["prompt"]], "")
                body = json.loads(row["body"]) | {"prompt": final}
                become[key] = recipe_id(db, json.dumps(body, ensure_ascii=False))
            db.execute("UPDATE images SET recipe = ? WHERE id = ?", (become[key], row["image"]))
        _settle(db, [row["image"] for row in waiting])


def drop_rewrites(writer: Writer, session: str) -> None:
    """Leave a session's prompts as they would be without a language model."""
    with writer.transaction() as db:
        db.execute(
            "DELETE FROM rewrites WHERE session = (SELECT id FROM sessions WHERE key = ?)",
            (session,),
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
