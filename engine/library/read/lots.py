"""The batches of a session by model: each model's have ids without a gap."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lot:
    """The batches of one model in a session: their ids have no gaps."""

    number: int
    first: int
    last: int
    model: str


def lots_of(db: sqlite3.Connection, session: int) -> list[Lot]:
    """A session's lots in the order of the plan; the first holds one batch of every model."""
    return [
        Lot(*row)
        for row in db.execute(
            "SELECT lot, first, last, coalesce((SELECT json_extract(r.body, '$.model')"
            " FROM images i JOIN recipes r ON r.id = i.recipe"
            " WHERE i.batch BETWEEN first AND last LIMIT 1), '')"
            " FROM (SELECT lot, min(id) AS first, max(id) AS last FROM batches"
            "       WHERE session = ? AND split_from IS NULL GROUP BY lot) ORDER BY lot",
            (session,),
        ).fetchall()
    ]


def largest_pictures(db: sqlite3.Connection, session: int) -> dict[str, int]:
    """Each model of a session → pixels of the largest image, or tile, that it draws there."""
    found = db.execute(
        "SELECT json_extract(body, '$.model') AS model,"
        " max(coalesce(json_extract(body, '$.tile') * json_extract(body, '$.tile'),"
        " json_extract(body, '$.width') * json_extract(body, '$.height')))"
        " FROM recipes WHERE id IN (SELECT recipe FROM images WHERE session = ?) GROUP BY model",
        (session,),
    )
    return {str(model): int(pixels) for model, pixels in found}
