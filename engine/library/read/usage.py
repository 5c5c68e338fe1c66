"""What the library takes on its disk, and what the running work will still take."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.library.database import database_path, is_new, reading


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes, all of them; from the database's counts, so that no folder is walked."""

    total: int
    """Of the library's filesystem."""
    free: int
    library: int
    """Every image, what they are drawn on, and the database."""
    session: int
    """The images of one session."""
    needed: int
    """What the images still to come will take, from what those before them took."""


def disk_use(library: Path, session: str | None = None) -> DiskUse:
    """What is used and needed.

    Args:
        library: the library's folder; it need not be there yet.
        session: id of the session to count apart.

    Raises:
        LibraryError: not a library this version can read.
    """
    folder = next(parent for parent in (library, *library.parents) if parent.exists())
    disk = shutil.disk_usage(folder)
    if is_new(library):
        return DiskUse(disk.total, disk.free, 0, 0, 0)
    with reading(library) as db:
        whole = db.execute(
            "SELECT coalesce(sum(bytes), 0) AS bytes, coalesce(sum(done), 0) AS done,"
            " coalesce(sum(bytes) FILTER (WHERE key = ?), 0) AS own FROM sessions",
            (session,),
        ).fetchone()
        drawn_on = db.execute("SELECT coalesce(sum(bytes), 0) FROM sources").fetchone()[0]
        # Open sessions whose images are not known yet are reckoned like all others.
        usual = whole["bytes"] / whole["done"] if whole["done"] else 0.0
        needed = db.execute(
            "SELECT coalesce(sum((waiting + rendering) * CASE WHEN done > 0"
            " THEN bytes * 1.0 / done ELSE ? END), 0) FROM sessions"
            " WHERE waiting > 0 OR rendering > 0",
            (usual,),
        ).fetchone()[0]
    files = sum(
        path.stat().st_size
        for path in (database_path(library), database_path(library).with_suffix(".sqlite3-wal"))
        if path.exists()
    )
    taken = whole["bytes"] + drawn_on + files
    return DiskUse(disk.total, disk.free, taken, whole["own"], round(needed))
