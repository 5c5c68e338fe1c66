"""When models were last drawn with."""

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
