"""Storing rows, images and batches of a new session."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.library.read.stored import recipe_body
from engine.library.records import NewRow, RowSource
from engine.picture.recipe import Recipe
from engine.plan.batches import PlannedBatch
from engine.sheet.rows import SourcePicture


def image_key(session: str, row: int, variation: int) -> str:
    """An image's id: known without the database, the same in the file."""
    return f"{session}-{row}-{variation}"


class ImageRow(NamedTuple):
    """A row of `images`."""

    session: int
    row: int
    variation: int
    key: str
    seed: int
    recipe: int
    batch: int
    slot: int
    file: str
    state: str = "waiting"
    conditions: str | None = None
    bytes: int | None = None
    digest: str | None = None
    pixels: str | None = None
    finished: float | None = None
    trashed: float | None = None


_INSERT = (
    f"INSERT INTO images ({', '.join(ImageRow._fields)})"
    f" VALUES ({', '.join('?' for _ in ImageRow._fields)})"
)


def add_images(db: sqlite3.Connection, images: Iterable[ImageRow]) -> None:
    """Store images; the counts of their row and session stay as they are."""
    db.executemany(_INSERT, images)


def recipe_id(db: sqlite3.Connection, recipe: Recipe) -> int:
    """Where a recipe without its seed is stored, from now on."""
    body = recipe_body(recipe)
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


def add_row(
    db: sqlite3.Connection,
    session: int,
    number: int,
    cells: Mapping[str, str],
    extra: Mapping[str, str],
    images: int,
) -> int:
    """Store a row.

    Args:
        db: in a transaction.
        session: its id in the database.
        number: of the row.
        cells: known column → text.
        extra: the user's own columns → text.
        images: how many wait.

    Returns:
        Its id in the database.
    """
    row = db.execute(
        "INSERT INTO rows (session, number, cells, extra, images, waiting)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (session, number, _json(cells), _json(extra), images, images),
    ).lastrowid
    assert row is not None
    return row


def _json(cells: Mapping[str, str]) -> str:
    return json.dumps(dict(cells), ensure_ascii=False)


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
    recipe_ids: dict[Recipe, int] = {}
    for row in rows:
        row_id = add_row(db, session, row.number, row.cells, row.extra, len(row.recipes))
        for source in row.sources:
            add_row_source(db, row_id, source)
        images = []
        for variation, (recipe, file) in enumerate(
            zip(row.recipes, row.files, strict=True), start=1
        ):
            seedless = recipe.with_seed(0)
            if seedless not in recipe_ids:
                recipe_ids[seedless] = recipe_id(db, recipe)
            named = image_key(key, row.number, variation)
            identity, (batch, slot) = recipe_ids[seedless], next(places)
            images.append(
                ImageRow(
                    session, row_id, variation, named, recipe.seed, identity, batch, slot, file
                )
            )
        add_images(db, images)
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
