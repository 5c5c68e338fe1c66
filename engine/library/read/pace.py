"""How fast images come and how long the rest will take, from what the library has recorded."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.library.database import is_new, reading
from engine.library.read.lots import lots_of
from engine.plan.estimate import ModelRate

_RECENT_BATCHES = 64
_WITH_WORK = (
    "SELECT id, key, (waiting + rendering) * 1.0 / max(1, images - done) AS share FROM sessions"
    " WHERE (waiting > 0 OR rendering > 0)"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a session gets on; None while nothing is known."""

    images_per_second: float | None
    """Of all devices together, lately."""
    seconds_left: float | None
    """Until its last image, what is to be rendered before it included."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a batch was computed, and what came of it."""

    model: str
    ended: float
    seconds: float
    work: float
    """Pixels × steps × size."""
    images: int
    bytes: float
    """Of its files, but for those that the emptied trash held."""
    pixels: float
    """Of the pictures in these files."""


def measured_rates(library: Path) -> dict[str, ModelRate]:
    """Model → what its images cost in this library, from its most recent batches."""
    if is_new(library):
        return {}
    with reading(library) as db:
        spans = _recent(db)
    return {
        model: ModelRate(_seconds_per_work(own), _bytes_per_pixel(own))
        for model, own in _by_model(spans).items()
    }


def pace(library: Path, session: str) -> Pace:
    """How the session with id `session` gets on.

    From the database alone, so that it is right at once for whoever looks again.

    Raises:
        LibraryError: no such library.
    """
    with reading(library) as db:
        spans = _recent(db)
        ahead = db.execute(
            f"{_WITH_WORK} AND position <= (SELECT position FROM sessions WHERE key = ?)",
            (session,),
        ).fetchall()
        left = [
            (model, work * row["share"])
            for row in ahead
            for model, work in _work_left(db, row["id"])
        ]
    return _pace(spans, left)


def paces(library: Path, without: Collection[str] = ()) -> dict[str, Pace]:
    """Session → how it gets on, of all with work left, in the order in which they are rendered.

    Args:
        library: its folder.
        without: ids of sessions that are held back: nothing waits for them.

    Raises:
        LibraryError: no such library.
    """
    left: list[tuple[str, float]] = []
    found: dict[str, Pace] = {}
    with reading(library) as db:
        spans = _recent(db)
        for row in db.execute(f"{_WITH_WORK} ORDER BY position").fetchall():
            if row["key"] not in without:
                left += [(model, work * row["share"]) for model, work in _work_left(db, row["id"])]
                found[row["key"]] = _pace(spans, left)
    return found


def _pace(spans: Sequence[Span], left: Iterable[tuple[str, float]]) -> Pace:
    """By what was computed lately, and what is left: models (no name: several), and their work."""
    if not spans:
        return Pace(None, None)
    overall = _seconds_per_work(spans)
    rates = {model: _seconds_per_work(own) for model, own in _by_model(spans).items()}
    return Pace(
        sum(span.images for span in spans) / _covered(spans),
        sum(work * rates.get(model, overall) for model, work in left),
    )


def _recent(db: sqlite3.Connection) -> list[Span]:
    return [
        Span(*row)
        for row in db.execute(
            "SELECT json_extract(p.body, '$.model'), b.ended, b.seconds, b.work, count(*),"
            " coalesce(sum(i.bytes), 0), coalesce(sum(json_extract(p.body, '$.width')"
            " * json_extract(p.body, '$.height')) FILTER (WHERE i.bytes IS NOT NULL), 0)"
            " FROM (SELECT * FROM batches WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT ?) b"
            " JOIN images i ON i.batch = b.id AND i.state = 'done'"
            " JOIN recipes p ON p.id = i.recipe GROUP BY b.id",
            (_RECENT_BATCHES,),
        ).fetchall()
    ]


def _work_left(db: sqlite3.Connection, session: int) -> list[tuple[str, float]]:
    """Models (no name: several), and the work of their batches that have not come to their end.

    Batches that are in the trash as a whole are left out.
    """
    work = dict(
        db.execute(
            "SELECT lot, sum(work) FROM batches WHERE session = ?1 AND ended IS NULL"
            " AND id NOT IN (SELECT batch FROM images i WHERE session = ?1 AND trashed IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM images WHERE batch = i.batch AND trashed IS NULL))"
            " GROUP BY lot",
            (session,),
        ).fetchall()
    )
    return [
        (lot.model if lot.number else "", work[lot.number])
        for lot in lots_of(db, session)
        if lot.number in work
    ]


def _by_model(spans: Sequence[Span]) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for span in spans:
        found.setdefault(span.model, []).append(span)
    return found


def _seconds_per_work(spans: Sequence[Span]) -> float:
    """Of all that computed side by side, together."""
    return _covered(spans) / sum(span.work for span in spans)


def _bytes_per_pixel(spans: Sequence[Span]) -> float | None:
    """None where the emptied trash held all of it."""
    pixels = sum(span.pixels for span in spans)
    return sum(span.bytes for span in spans) / pixels if pixels else None


def _covered(spans: Sequence[Span]) -> float:
    """For how many seconds at least one of the batches was being computed."""
    total, until = 0.0, 0.0
    for began, ended in sorted((span.ended - span.seconds, span.ended) for span in spans):
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return max(total, 1e-6)
