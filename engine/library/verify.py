"""Holding database and files against each other."""

from dataclasses import dataclass
from pathlib import Path

from engine.library.database import reading
from engine.library.files import TEMPORARY_PREFIX, digest_of
from engine.library.writer import SESSIONS
from engine.picture.metadata import read_record
from engine.picture.png import PictureError, decode

_COUNTS = ("waiting", "rendering", "stopped", "failed", "done")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found; paths are relative to the library."""

    images: int
    """Images that are done."""
    missing: list[str]
    """Done, but their file is not there."""
    orphans: list[str]
    """Files that belong to no image."""
    corrupt: list[str]
    """Done, but the file is damaged or another image's."""
    miscounted: list[str]
    """Sessions and rows whose counts do not match their images' states."""

    @property
    def whole(self) -> bool:
        """Whether database and files agree."""
        return not (self.missing or self.orphans or self.corrupt or self.miscounted)


def verify(library: Path) -> Verdict:
    """Check every file and every count. Safe while the engine process works.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    # Files first: one that appears meanwhile is not looked at, one that was there must be known.
    found = {
        path.relative_to(library).as_posix()
        for path in (library / SESSIONS).rglob("*")
        if path.is_file() and not path.name.startswith(TEMPORARY_PREFIX)
    }
    with reading(library) as db:
        rows = db.execute(
            "SELECT i.key, i.state, s.folder || '/' || i.file AS file, i.digest, i.bytes"
            " FROM images i JOIN sessions s ON s.id = i.session"
            " WHERE i.state <> 'failed'"
        ).fetchall()
        miscounted = [
            str(row[0])
            for table, column, name in (
                ("sessions", "session", "'session ' || t.key"),
                ("rows", "row", "'row ' || t.number || ' (id ' || t.id || ')'"),
            )
            for row in db.execute(
                f"SELECT {name} FROM {table} t JOIN images i ON i.{column} = t.id GROUP BY t.id"
                f" HAVING t.images <> count(*)"
                + "".join(f" OR t.{state} <> sum(i.state = '{state}')" for state in _COUNTS)
            ).fetchall()
        ]
    done = {row["file"]: row for row in rows if row["state"] == "done"}
    # Linked to its name, its commit still to come: adopted at the next start, so no orphan.
    coming = {row["key"] for row in rows if row["state"] != "done"}
    missing = [file for file in done if not (library / file).is_file()]
    orphans = [
        file
        for file in sorted(found - done.keys())
        if (record := read_record(library / file)) is None or record.image not in coming
    ]
    lost = set(missing)
    corrupt = [
        file
        for file, row in done.items()
        if file not in lost and not _intact(library / file, row["key"], row["digest"])
    ]
    return Verdict(len(done), missing, orphans, corrupt, miscounted)


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
