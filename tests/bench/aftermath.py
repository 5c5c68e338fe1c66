"""What must hold of a library after an interruption, given what people knew before it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.library.database import is_new, reading
from engine.library.files import SESSIONS, TEMPORARY_PREFIX, digest_of
from engine.library.maintain.verify import verify
from engine.library.write.trash import TRASH
from engine.picture.metadata import read_record
from engine.picture.png import decode


@dataclass(frozen=True)
class Known:
    """What whoever asked had been told."""

    done: frozenset[str] = frozenset()
    """Images that were seen done."""
    trashed: frozenset[str] = frozenset()
    """Images that were in the trash."""
    asked: frozenset[str] = frozenset()
    """Images that were on their way into the trash, or out of it."""
    whole: Mapping[str, int] = field(default_factory=dict)
    """Session → its images, all of which must be there."""
    perhaps: Mapping[str, int] = field(default_factory=dict)
    """Session → its images: all of them, or no trace of it."""
    damaged: bool = False
    """The database was overwritten: `verify --repair` has to rebuild it from the files."""


def done_images(library: Path) -> frozenset[str]:
    """Ids of the images that are done, in the trash or not."""
    if is_new(library):
        return frozenset()
    with reading(library) as db:
        rows = db.execute("SELECT key FROM images WHERE state = 'done'").fetchall()
    return frozenset(row["key"] for row in rows)


def pixels(library: Path) -> dict[str, str]:
    """Image → digest of its pixels, of every picture file; twice the same image is an error."""
    files = [
        path
        for folder in (SESSIONS, TRASH)
        for path in sorted((library / folder).rglob("*.png"))
        if not path.name.startswith(TEMPORARY_PREFIX)
    ]
    records = [read_record(path) for path in files]
    count = Counter(record.image for record in records if record)
    if twice := [image for image, number in count.items() if number > 1]:
        raise AssertionError(f"{len(twice)} images have two files: {twice[0]}")
    return {
        record.image: digest_of(decode(path).tobytes())
        for path, record in zip(files, records, strict=True)
        if record
    }


def faults_of(library: Path, known: Known) -> list[str]:
    """What does not hold, in words."""
    verdict = verify(library)
    faults = [
        f"verify: {len(found)} {kind}, {found[0]} for one"
        for kind in ("missing", "orphans", "corrupt", "miscounted")
        if (found := getattr(verdict, kind))
    ]
    with reading(library) as db:
        check = db.execute("PRAGMA integrity_check").fetchone()[0]
        images = db.execute("SELECT key, state, trashed FROM images").fetchall()
        half = db.execute("SELECT count(*) FROM sessions WHERE trashed = 0").fetchone()[0]
        sizes = dict(
            db.execute(
                "SELECT s.name, count(i.id) FROM sessions s LEFT JOIN images i ON i.session = s.id"
                " GROUP BY s.id"
            ).fetchall()
        )
    done = {row["key"] for row in images if row["state"] == "done"}
    trashed = {row["key"] for row in images if row["trashed"] is not None}
    faults += [f"integrity: {check}"] if check != "ok" else []
    faults += [f"{half} sessions are half accepted"] if half else []
    for what, wrong in (
        ("were done and are not", known.done - done),
        ("left the trash", known.trashed - trashed - known.asked),
        ("are in the trash and were never put there", trashed - known.trashed - known.asked),
    ):
        faults += [f"{len(wrong)} images {what}: {min(wrong)} for one"] if wrong else []
    for names, allowed in ((known.whole, ()), (known.perhaps, (None,))):
        faults += [
            f"session {name} has {sizes.get(name)} images of {count}"
            for name, count in names.items()
            if sizes.get(name) not in (count, *allowed)
        ]
    return faults
