"""How large a batch the memory of a device holds: measured, or found out by running out of it."""

from engine.library.records import Batch
from engine.library.write.writer import Writer
from engine.picture.recipe import Recipe


def shape_text(recipe: Recipe) -> str:
    """A recipe's shape, as far as memory cares."""
    return f"{recipe.width}x{recipe.height}"


def fits_on(writer: Writer, device: str) -> dict[tuple[str, str], int]:
    """What is known of a device: model's fingerprint and shape → the largest batch."""
    found = writer.read("SELECT model, shape, size FROM fits WHERE device = ?", (device,))
    return {(row["model"], row["shape"]): row["size"] for row in found}


def remember_fit(writer: Writer, device: str, model: str, shape: str, size: int) -> None:
    """Remember the largest batch that memory holds, unless something is known already.

    Args:
        writer: the library's.
        device: its name.
        model: its fingerprint.
        shape: as `shape_text` has it.
        size: images.
    """
    with writer.transaction() as db:
        db.execute(
            "INSERT OR IGNORE INTO fits (device, model, shape, size) VALUES (?, ?, ?, ?)",
            (device, model, shape, size),
        )


def halve(writer: Writer, batch: Batch, device: str, *, remember: bool = True) -> None:
    """Split `batch` into two of half its size, after running out of memory.

    Args:
        writer: the library's.
        batch: as `next_batch` gave it.
        device: the name of the one whose memory it was.
        remember: whether later sessions begin with that size there. Not if other calls ran beside
            it: they may have had the memory.
    """
    half = batch.size // 2
    recipe = batch.images[0].recipe
    with writer.transaction() as db:
        if remember:
            db.execute(
                "INSERT INTO fits (device, model, shape, size) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET size = min(size, excluded.size)",
                (device, recipe.model_hash, shape_text(recipe), half),
            )
        halves = [
            db.execute(
                "INSERT INTO batches (session, size, split_from, lot, work)"
                " SELECT session, ?, id, lot, work / 2 FROM batches WHERE id = ?",
                (half, batch.id),
            ).lastrowid
            for _ in range(2)
        ]
        db.execute("UPDATE batches SET attempts = 0, work = 0 WHERE id = ?", (batch.id,))
        rows = db.execute(
            "SELECT id, slot FROM images WHERE batch = ? AND state <> 'done'", (batch.id,)
        ).fetchall()
        for row in rows:
            db.execute(
                "UPDATE images SET batch = ?, slot = ?, state = CASE state WHEN 'rendering'"
                " THEN 'waiting' ELSE state END WHERE id = ?",
                (halves[row["slot"] // half], row["slot"] % half, row["id"]),
            )


def split_from(writer: Writer, batch: Batch) -> int | None:
    """The size of the batch that `batch` is part of since memory ran out; None if whole."""
    (row,) = writer.read(
        "WITH RECURSIVE up (id, size, split_from) AS ("
        " SELECT id, size, split_from FROM batches WHERE id = ? UNION ALL"
        " SELECT b.id, b.size, b.split_from FROM batches b JOIN up ON b.id = up.split_from)"
        " SELECT max(size) AS largest FROM up",
        (batch.id,),
    )
    return int(row["largest"]) if row["largest"] > batch.size else None
