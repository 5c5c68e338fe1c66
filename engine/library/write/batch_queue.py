"""Which recorded batch is rendered next."""

import sqlite3
from collections.abc import Collection, Iterator

from engine.library.read.lots import Lot
from engine.library.write.parents import AWAITS_PARENT

IS_AWAITED = "EXISTS (SELECT 1 FROM images WHERE id = rewrites.image AND state = 'waiting')"
"""Of a prompt that is to be rewritten: an image that is to be rendered waits for it."""
AWAITS_PROMPTS = f"EXISTS (SELECT 1 FROM rewrites WHERE session = sessions.id AND {IS_AWAITED})"
"""Of a session: its first stage is not over."""


def next_waiting(
    db: sqlite3.Connection,
    session: int,
    lots: Collection[Lot],
    *,
    busy: Collection[int],
    warm: Collection[str],
    without: Collection[str],
) -> int | None:
    """The next batch of a session with waiting images; None if there is none.

    One whose images are to be made of others waits for all of these.

    Args:
        db: the database.
        session: its id there.
        lots: as `lots_of` gave them.
        busy: batches that someone has in hand.
        warm: models that are loaded where it will be rendered: of several lots theirs come first.
        without: what must wait: models, and LoRAs, as `Recipe.needs` calls them.
    """
    marks = ", ".join("?" for _ in without)
    others = (
        " AND NOT EXISTS (SELECT 1 FROM recipes WHERE id = images.recipe"
        f" AND (json_extract(body, '$.model') IN ({marks})"
        " OR EXISTS (SELECT 1 FROM json_each(body, '$.loras')"
        f" WHERE '<lora:' || json_extract(value, '$.name') || '>' IN ({marks}))))"
    )
    for first, last in _ranges(lots, warm):
        found = db.execute(
            "SELECT DISTINCT batch FROM images WHERE session = ? AND state = 'waiting'"
            f" AND batch BETWEEN ? AND ? AND NOT {AWAITS_PARENT}{others if without else ''}"
            f" ORDER BY batch LIMIT {len(busy) + 1}",
            (session, first, last, *without, *without),
        ).fetchall()
        free = [row["batch"] for row in found if row["batch"] not in busy]
        if free:
            return int(free[0])
    return None


def _ranges(lots: Collection[Lot], warm: Collection[str]) -> Iterator[tuple[int, int]]:
    """Where to look: a model's first images, what is warm, then everything in order."""
    early, *rest = lots
    yield early.first, early.last
    yield from ((lot.first, lot.last) for lot in rest if lot.model in warm)
    yield early.first, 1 << 62  # halves of split batches are numbered after all
