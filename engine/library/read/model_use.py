"""When models were last drawn with, and which sessions still need them."""

from dataclasses import dataclass
from pathlib import Path

from engine.library.database import is_new, reading


def last_used(library: Path) -> dict[str, float]:
    """A model's label → when the newest session that rendered with it had its last image.

    Seconds since 1970; of a session that has none yet, when it was accepted.

    Raises:
        LibraryError: not a library this version can read.
    """
    if is_new(library):
        return {}
    with reading(library) as db:
        return dict(
            db.execute(
                "SELECT c.model, max(coalesce(s.finished, s.created)) FROM conditions c"
                " JOIN sessions s ON s.id = c.session GROUP BY c.model"
            ).fetchall()
        )


@dataclass(frozen=True, slots=True)
class NeedsModel:
    """A session with images that a model is still to draw."""

    session: str
    """Its id."""
    name: str
    images: int
    """How many, those that were stopped included."""


def sessions_needing(library: Path, label: str) -> tuple[NeedsModel, ...]:
    """The sessions with images that a model is still to draw, the first accepted first.

    Args:
        library: a library.
        label: the model's.

    Raises:
        LibraryError: not a library this version can read.
    """
    if is_new(library):
        return ()
    with reading(library) as db:
        rows = db.execute(
            "SELECT s.key, s.name, count(*) FROM sessions s JOIN images i ON i.session = s.id"
            " JOIN recipes r ON r.id = i.recipe"
            " WHERE s.waiting + s.rendering + s.stopped > 0 AND s.trashed IS NULL"
            " AND i.state IN ('waiting', 'rendering', 'stopped') AND i.trashed IS NULL"
            " AND json_extract(r.body, '$.model') = ? GROUP BY s.id ORDER BY s.id",
            (label,),
        ).fetchall()
    return tuple(NeedsModel(*row) for row in rows)
