"""Storing rows, images and batches of a new session."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from engine.library.records import NewRow, RowSource
from engine.plan.batches import PlannedBatch
from engine.sheet.rows import SourcePicture


def image_key(session: str, row: int, variation: int) -> str:
    """An image's id: known without the database, the same in the file."""
    return f"{session}-{row}-{variation}"


def recipe_id(db: sqlite3.Connection, body: str) -> int:
    """Where a recipe without its seed is stored, from now on."""
    db.execute("INSERT OR IGNORE INTO recipes (body) VALUES (?)", (body,))
    return int(db.execute("SELECT id FROM recipes WHERE body = ?", (body,)).fetchone()[0])


def add_source(db: sqlite3.Connection, source: SourcePicture, size: int) -> None:
    """Note a source whose file of `size` bytes is in the library."""
    db.execute(
        "INSERT OR IGNORE INTO sources (digest, bytes, width, height) VALUES (?, ?, ?, ?)",
        (source.digest, size, source.width, source.height),
    )


def add_row_source(db: sqlite3.Connection, row: int, source: RowSource) -> None:
    """Note what a row is drawn on; the source is noted already.

    Args:
        db: in a transaction.
        row: its id in the database.
        source: what it is drawn on.
    """
    db.execute(
        "INSERT INTO row_sources (row, role, source, name)"
        " SELECT ?, ?, id, ? FROM sources WHERE digest = ?",
        (row, source.role, source.name, source.digest),
    )


def add_batches(
    db: sqlite3.Connection, session: int, batches: Sequence[PlannedBatch]
) -> dict[int, tuple[int, int]]:
    """Store batches; position of each member → its batch's id in the database, and its slot."""
    slots: dict[int, tuple[int, int]] = {}
    for batch in batches:
        identity = db.execute(
            "INSERT INTO batches (session, size, lot, work) VALUES (?, ?, ?, ?)",
            (session, batch.size, batch.lot, batch.work),
        ).lastrowid
        assert identity is not None
        slots |= {member: (identity, slot) for slot, member in enumerate(batch.members)}
    return slots


def add_rows(
    db: sqlite3.Connection,
    session: int,
    key: str,
    rows: Sequence[NewRow],
    places: Iterator[tuple[int, int]],
) -> None:
    """Store rows, their images and recipes.

    Args:
        db: in a transaction.
        session: its id in the database.
        key: its id as people see it.
        rows: some of the session's.
        places: of the images that come next: the batch's id in the database, and the slot.
    """
    recipe_ids: dict[str, int] = {}
    for row in rows:
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
        assert row_id is not None
        for source in row.sources:
            add_row_source(db, row_id, source)
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
                    image_key(key, row.number, variation),
                    seed,
                    recipe_ids[text],
                    *next(places),
                    file,
                )
            )
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
                if rewrite is not None
            ],
        )
        if row.parents:
            _add_parents(db, row_id, row.parents)


def _add_parents(db: sqlite3.Connection, row: int, parents: Mapping[int, int]) -> None:
    """Note which images of a row are to be made of which: variation → its parent's."""
    db.executemany(
        "INSERT INTO parents (image, session, parent)"
        " SELECT c.id, c.session, p.id FROM images c JOIN images p ON p.row = c.row"
        " WHERE c.row = ? AND c.variation = ? AND p.variation = ?",
        [(row, child, parent) for child, parent in parents.items()],
    )
