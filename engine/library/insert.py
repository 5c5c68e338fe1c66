"""Storing a new session's rows, images and batches."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from engine.library.records import NewSession
from engine.plan.batches import PlannedBatch


def image_key(session: str, row: int, variation: int) -> str:
    """An image's id: known without the database, the same in the file."""
    return f"{session}-{row}-{variation}"


def recipe_id(db: sqlite3.Connection, body: str) -> int:
    """Where a recipe without its seed is stored, from now on."""
    db.execute("INSERT OR IGNORE INTO recipes (body) VALUES (?)", (body,))
    return int(db.execute("SELECT id FROM recipes WHERE body = ?", (body,)).fetchone()[0])


def add_batches(
    db: sqlite3.Connection, session: int | None, batches: Sequence[PlannedBatch]
) -> dict[int, tuple[int | None, int]]:
    """Store batches; position of each member → its batch's id in the database, and its slot."""
    slots: dict[int, tuple[int | None, int]] = {}
    for batch in batches:
        identity = db.execute(
            "INSERT INTO batches (session, size, lot, work) VALUES (?, ?, ?, ?)",
            (session, batch.size, batch.lot, batch.work),
        ).lastrowid
        slots |= {member: (identity, slot) for slot, member in enumerate(batch.members)}
    return slots


def add_rows(
    db: sqlite3.Connection,
    session: int | None,
    new: NewSession,
    slots: Mapping[int, tuple[int | None, int]],
) -> None:
    """Store rows, their images and recipes.

    Args:
        db: in a transaction.
        session: its id in the database.
        new: the session.
        slots: as `add_batches` gave them.
    """
    recipe_ids: dict[str, int] = {}
    position = 0
    for row in new.rows:
        row_id = db.execute(
            "INSERT INTO rows (session, number, cells, extra, images, waiting)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                session,
                row.number,
                json.dumps(dict(row.cells), ensure_ascii=False),
                json.dumps(dict(row.extra), ensure_ascii=False),
                len(row.recipes),
                len(row.recipes),
            ),
        ).lastrowid
        images = []
        for variation, (recipe, file) in enumerate(
            zip(row.recipes, row.files, strict=True), start=1
        ):
            body = recipe.to_json()
            seed = body.pop("seed")
            text = json.dumps(body, ensure_ascii=False)
            if text not in recipe_ids:
                recipe_ids[text] = recipe_id(db, text)
            images.append(
                (
                    session,
                    row_id,
                    variation,
                    image_key(new.key, row.number, variation),
                    seed,
                    recipe_ids[text],
                    *slots[position],
                    file,
                )
            )
            position += 1
        db.executemany(
            "INSERT INTO images (session, row, variation, key, seed, recipe, batch, slot, file)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            images,
        )
        db.executemany(
            "INSERT INTO rewrites (session, image, prompt, around)"
            " SELECT ?, id, ?, ? FROM images WHERE row = ? AND variation = ?",
            [
                (session, rewrite.prompt, rewrite.around, row_id, variation)
                for variation, rewrite in enumerate(row.rewrites, start=1)
            ],
        )
