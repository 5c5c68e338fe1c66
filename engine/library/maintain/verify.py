"""Holding database and files against each other."""

import sqlite3
from pathlib import Path

from engine.library.database import reading
from engine.library.files import SESSIONS, TEMPORARY_PREFIX, digest_of
from engine.library.records import VerifyReport
from engine.library.sources import digest_of_file, source_path
from engine.library.write.recovery import INTERRUPTED, places_of
from engine.library.write.trash import TRASH, image_in_trash, session_in_trash
from engine.picture.metadata import read_record
from engine.picture.png import PictureError, decode

_COUNTS = ("waiting", "rendering", "stopped", "failed", "done")


def verify(library: Path) -> VerifyReport:
    """Check every file and every count. Safe while the engine process works.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    # Files first: one that appears meanwhile is not looked at, one that was there must be known.
    found = {
        path.relative_to(library).as_posix()
        for folder in (SESSIONS, TRASH)
        for path in (library / folder).rglob("*")
        if path.is_file() and not path.name.startswith(TEMPORARY_PREFIX)
    }
    with reading(library) as db:
        rows = db.execute(
            "SELECT i.key, i.state, i.file, i.trashed, s.folder, s.trashed AS whole, i.digest"
            " FROM images i JOIN sessions s ON s.id = i.session JOIN batches b ON b.id = i.batch"
            # Of what the emptied trash held, only the recipe is left.
            " WHERE (i.state = 'done' AND (i.trashed IS NULL OR i.digest IS NOT NULL))"
            f" OR (i.state <> 'done' AND {INTERRUPTED})"
        ).fetchall()
        miscounted = _miscounted(db)
        sources = db.execute("SELECT digest FROM sources").fetchall()
    done = {place_of(row): row for row in rows if row["state"] == "done"}
    # Linked to its name, its commit still to come: adopted at the next start, so no orphan.
    coming = {
        path.relative_to(library).as_posix(): row["key"]
        for row in rows
        if row["state"] != "done"
        for path in places_of(library, row)
    }
    missing = [file for file in done if not (library / file).is_file()]
    orphans = [
        file
        for file in sorted(found - done.keys())
        if file not in coming
        or (record := read_record(library / file)) is None
        or record.image != coming[file]
    ]
    lost = set(missing)
    corrupt = [
        file
        for file, row in done.items()
        if file not in lost and not _intact(library / file, row["key"], row["digest"])
    ]
    # What is drawn on; what nobody has noted may be on its way to a session.
    for (digest,) in sources:
        path = source_path(library, digest)
        if not path.is_file():
            missing.append(path.relative_to(library).as_posix())
        elif digest_of_file(path) != digest:
            corrupt.append(path.relative_to(library).as_posix())
    images = sum(row["trashed"] is None and row["whole"] is None for row in done.values())
    return VerifyReport(images, missing, orphans, corrupt, miscounted)


def place_of(row: sqlite3.Row) -> str:
    """Where a finished image's file must be, relative to the library.

    Args:
        row: with the image's `file` and `trashed`, its session's `folder`, and that one's `trashed`
            as `whole`.
    """
    if row["trashed"] is not None:
        return image_in_trash(row["folder"], row["file"])
    folder = row["folder"] if row["whole"] is None else session_in_trash(row["folder"])
    return f"{folder}/{row['file']}"


def _miscounted(db: sqlite3.Connection) -> list[str]:
    """Sessions and rows whose counts are not those of their images; trashed ones do not count."""
    sums = [("images", "count(i.id)")]
    sums += [(state, f"coalesce(sum(i.state = '{state}'), 0)") for state in _COUNTS]
    of_sessions = [
        ("favourites", "coalesce(sum(i.favourite), 0)"),
        ("bytes", "coalesce(sum(CASE i.state WHEN 'done' THEN i.bytes END), 0)"),
    ]
    accepted = "WHERE t.trashed IS NOT 0"  # of others only a part is there
    return [
        str(row[0])
        for table, column, name, which, counts in (
            ("sessions", "session", "'session ' || t.key", accepted, [*sums, *of_sessions]),
            ("rows", "row", "'row ' || t.number || ' (id ' || t.id || ')'", "", sums),
        )
        for row in db.execute(
            f"SELECT {name} FROM {table} t LEFT JOIN images i"
            f" ON i.{column} = t.id AND i.trashed IS NULL {which} GROUP BY t.id HAVING "
            + " OR ".join(f"t.{count} <> {true}" for count, true in counts)
        ).fetchall()
    ]


def _intact(path: Path, image: str, digest: str) -> bool:
    """Whether the file is byte for byte what was written, and a whole picture of `image`."""
    try:
        if digest_of(path.read_bytes()) != digest:
            return False
        decode(path)
    except (OSError, PictureError):
        return False
    record = read_record(path)
    return record is not None and record.image == image
