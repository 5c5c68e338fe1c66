"""After an interruption: which images are on disk after all, and which must be rendered again."""

import sqlite3
import time
from glob import escape
from pathlib import Path

from engine.library.files import digest_of, holds_image
from engine.library.write.states import mark_done
from engine.picture.metadata import read_record

INTERRUPTED = (
    "(i.state = 'rendering' OR (i.state = 'stopped' AND b.attempts > 0 AND i.trashed IS NULL))"
)
"""Of images `i` of batches `b`: their files may be on disk, and are adopted at the next start.

Stopped ones of a batch that did not come to its end may be there all the same.
"""


def adopt_or_requeue(db: sqlite3.Connection, library: Path, deaths: int) -> tuple[int, int]:
    """Adopt whole files of images that were being rendered, by the id inside; requeue the rest.

    Args:
        db: in a transaction.
        library: the library.
        deaths: a batch that was interrupted so often in a row has failed.

    Returns:
        How many images were adopted, how many wait again.
    """
    rows = db.execute(
        "SELECT i.id, i.key, i.file, i.state, s.folder, b.attempts FROM images i"
        " JOIN sessions s ON s.id = i.session JOIN batches b ON b.id = i.batch"
        f" WHERE {INTERRUPTED}"
    ).fetchall()
    adopted = requeued = 0
    for row in rows:
        path = _finished_file(library, row)
        if path is not None:
            _adopt(db, library, row["key"], path)
            adopted += 1
        elif row["state"] == "stopped":
            pass
        elif row["attempts"] >= deaths:
            reason = (
                f"the engine process or its renderer died {row['attempts']} times in a row while"
                " rendering this batch"
            )
            db.execute(
                "UPDATE images SET state = 'failed', error = ? WHERE id = ?", (reason, row["id"])
            )
        else:
            db.execute("UPDATE images SET state = 'waiting' WHERE id = ?", (row["id"],))
            requeued += 1
    return adopted, requeued


def places_of(library: Path, row: sqlite3.Row) -> list[Path]:
    """Where the file of an image whose commit did not come to pass may be, the likeliest first.

    Args:
        library: the library.
        row: with the `folder` of its session and its planned `file`.
    """
    planned = library / row["folder"] / row["file"]
    return [planned, *planned.parent.glob(f"{escape(planned.stem)}~*{planned.suffix}")]


def _finished_file(library: Path, row: sqlite3.Row) -> Path | None:
    """The whole file of an image whose commit did not come to pass."""
    return next((path for path in places_of(library, row) if holds_image(path, row["key"])), None)


def _adopt(db: sqlite3.Connection, library: Path, image: str, path: Path) -> None:
    data, record = path.read_bytes(), read_record(path)
    assert record is not None, "holds_image has read it"
    mark_done(
        db,
        image,
        library=library,
        path=path,
        size=len(data),
        digest=digest_of(data),
        record=record,
        at=time.time(),
    )
