"""The trash: images and sessions leave for a folder of the library, come back, or end there.

The mark in the database is set before files move into the trash and cleared after they have come
back, so whatever an interruption leaves half-moved is among what is marked; `settle` moves it on.
That the trash is being emptied is noted with what the database forgets, until the files are gone.
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from engine.library.database import LibraryError
from engine.library.files import make_folder, sync_folder
from engine.library.read.reader import log_path
from engine.library.read.sessions import size_of_trash
from engine.library.sources import drop_sources, stored_sources
from engine.library.write.requests import carried_out
from engine.library.write.sharing import Sharing, withdraw, withdraw_all
from engine.library.write.states import Scope, move
from engine.library.write.writer import Writer
from engine.protocol.answers import Deleted, Done, ImagesChanged, Moved
from engine.protocol.records import Emptied, Trashed

TRASH = "trash"
_IMAGES = f"{TRASH}/images"
_WHOLE = f"{TRASH}/sessions"
_EMPTYING = "emptying"
"""In `meta`: sessions whose logs are to go, and with them all files in the trash."""


def image_in_trash(folder: str, file: str) -> str:
    """Where a trashed image's file is, relative to the library.

    Args:
        folder: its session's, relative to the library.
        file: its name there.
    """
    return f"{_IMAGES}/{Path(folder).name}/{file}"


def session_in_trash(folder: str) -> str:
    """Where a trashed session's folder is, relative to the library."""
    return f"{_WHOLE}/{Path(folder).name}"


# -------------------------------------------------------------------- images

_FILES = (
    "SELECT i.id, i.key, i.state, i.file, i.favourite, i.batch, i.digest, i.trashed, s.folder"
    " FROM images i JOIN sessions s ON s.id = i.session"
)


def trash_images(writer: Writer, images: Sequence[str], busy: Collection[int]) -> Trashed:
    """Take images out of their sessions and their files to the trash.

    Those that wait are not rendered any more. Favourites and what is being rendered are left.

    Args:
        writer: the library's.
        images: their ids.
        busy: batches at work, whose images may be finished at any moment.
    """
    with writer.transaction() as db:
        rows = db.execute(
            f"{_FILES} WHERE i.key IN (SELECT value FROM json_each(?))"
            " AND i.trashed IS NULL AND s.trashed IS NULL",
            (json.dumps(images),),
        ).fetchall()
        _forget_emptying(db)
        free = [row for row in rows if not row["favourite"]]
        going = [r for r in free if r["state"] != "rendering" and _at_rest(r, busy)]
        ids = json.dumps([row["id"] for row in going])
        db.execute(
            "UPDATE images SET state = 'stopped' WHERE id IN (SELECT value FROM json_each(?))"
            " AND state = 'waiting'",
            (ids,),
        )
        db.execute(
            "UPDATE images SET trashed = ? WHERE id IN (SELECT value FROM json_each(?))",
            (time.time(), ids),
        )
        left = len(rows) - len(free), len(free) - len(going)
        trashed = Trashed([row["key"] for row in going], *left)
        carried_out(db, Moved(trashed))
    _move_in(writer.library, going, writer.sharing)
    return trashed


def _at_rest(row: sqlite3.Row, busy: Collection[int]) -> bool:
    return row["state"] in ("done", "failed") or row["batch"] not in busy


def restore_images(writer: Writer, images: Sequence[str]) -> list[str]:
    """Bring trashed images back, file and row; the ids of those that are back.

    One that waited when it was trashed comes back as stopped.

    Raises:
        LibraryError: none of them is in the trash any more.
    """
    rows = writer.read(
        f"{_FILES} WHERE i.key IN (SELECT value FROM json_each(?)) AND i.trashed IS NOT NULL"
        " AND s.trashed IS NULL AND NOT (i.state = 'done' AND i.digest IS NULL)",
        (json.dumps(images),),
    )
    if images and not rows:
        raise LibraryError("These images are no longer in the trash.")
    names = _move_out(writer.library, rows)
    with writer.transaction() as db:
        db.executemany(
            "UPDATE images SET trashed = NULL, file = ? WHERE id = ?",
            [(names[row["id"]], row["id"]) for row in rows],
        )
        keys = [row["key"] for row in rows]
        carried_out(db, ImagesChanged(keys))
    writer.share(keys)
    return keys


def _move_in(library: Path, rows: Sequence[sqlite3.Row], sharing: Sharing) -> int:
    """Move the files of finished images to the trash, where they still are in their sessions."""
    moved, touched = 0, set()
    for row in rows:
        there = library / image_in_trash(row["folder"], row["file"])
        here = library / row["folder"] / row["file"]
        if row["state"] != "done" or there.exists() or not here.exists():
            continue
        make_folder(there.parent)
        withdraw(here, sharing)
        here.rename(there)
        touched |= {here.parent, there.parent}
        moved += 1
    _sync(touched)
    return moved


def _move_out(library: Path, rows: Sequence[sqlite3.Row]) -> dict[int, str]:
    """Move trashed files back without replacing any; each image's name in its folder."""
    names: dict[int, str] = {}
    touched = set()
    for row in rows:
        names[row["id"]] = row["file"]
        there = library / image_in_trash(row["folder"], row["file"])
        if row["state"] != "done" or not there.exists():
            continue
        here = library / row["folder"] / row["file"]
        make_folder(here.parent)
        stem, attempt = here.stem, 2
        while here.exists():
            here = here.with_stem(f"{stem}~{attempt}")
            attempt += 1
        there.rename(here)
        names[row["id"]] = here.name
        touched |= {here.parent, there.parent}
    _sync(touched)
    return names


def _sync(folders: Collection[Path]) -> None:
    for folder in folders:
        if folder.is_dir():
            sync_folder(folder)


# -------------------------------------------------------------------- whole sessions


def trash_session(writer: Writer, session: str) -> None:
    """Take a session with all its files to the trash. Nothing of it may be at work.

    What waits is stopped with it: somebody may have resumed it a moment ago.

    Raises:
        LibraryError: no such session.
    """
    with writer.transaction() as db:
        _forget_emptying(db)
        move(db, Scope(session), ("waiting",), "stopped")
        found = db.execute(
            "UPDATE sessions SET trashed = ? WHERE key = ? AND trashed IS NULL RETURNING folder",
            (time.time(), session),
        ).fetchall()
        if not found:
            raise LibraryError(f"Session not found, or already in the trash: {session!r}.")
        carried_out(db, Done())
    withdraw_all(writer.library / found[0]["folder"], writer.sharing)
    _move_folder(writer.library, found[0]["folder"], session_in_trash(found[0]["folder"]))


def restore_session(writer: Writer, session: str) -> None:
    """Bring a session back from the trash.

    Raises:
        LibraryError: it is not there.
    """
    found = writer.read("SELECT folder FROM sessions WHERE key = ? AND trashed > 0", (session,))
    if not found:
        raise LibraryError(f"The session {session!r} is not in the trash.")
    _move_folder(writer.library, session_in_trash(found[0]["folder"]), found[0]["folder"])
    with writer.transaction() as db:
        db.execute("UPDATE sessions SET trashed = NULL WHERE key = ?", (session,))
        carried_out(db, Done())
    images = writer.read(
        "SELECT key FROM images WHERE trashed IS NULL AND session ="
        " (SELECT id FROM sessions WHERE key = ?)",
        (session,),
    )
    writer.share([row["key"] for row in images])


def _move_folder(library: Path, source: str, target: str) -> None:
    here, there = library / source, library / target
    if not here.is_dir() or there.exists():
        return
    make_folder(there.parent)
    here.rename(there)
    _sync({here.parent, there.parent})


# -------------------------------------------------------------------- all of it


def empty_trash(writer: Writer) -> Emptied:
    """Delete for good what is in the trash; what that was.

    Sessions go with all that is known of them, their prompts and their logs too, and with what
    nothing else is drawn on. Nothing may be being accepted. Of single images
    the recipe stays, so that their rows stay whole, but they cannot come back.
    """
    with writer.transaction() as db:
        size = size_of_trash(db)
        sessions = [row["key"] for row in db.execute("SELECT key FROM sessions WHERE trashed > 0")]
        _forget_emptying(db)
        _delete_sessions(db)
        db.execute(
            "UPDATE images SET digest = NULL, bytes = NULL, pixels = NULL"
            " WHERE trashed IS NOT NULL AND state = 'done'"
        )
        db.execute("INSERT INTO meta VALUES (?, ?)", (_EMPTYING, json.dumps(sessions)))
        carried_out(db, Deleted(Emptied(size.images, size.sessions, size.bytes)))
    logs = _delete_files(writer, sessions)
    library = writer.library
    left = [path for path in (*logs, *(library / TRASH).rglob("*")) if path.is_file()]
    freed = size.bytes - sum(path.stat().st_size for path in left if path not in logs)
    names = [path.relative_to(library).as_posix() for path in left]
    return Emptied(size.images, size.sessions, max(0, freed), names)


def _delete_files(writer: Writer, sessions: Sequence[str]) -> list[Path]:
    """Delete all files in the trash, these sessions' logs, sources, what the database's files keep.

    Returns:
        Where the logs are, or were.
    """
    logs = [log_path(writer.library, session) for session in sessions]
    for log in logs:
        with suppress(OSError):
            log.unlink(missing_ok=True)
    for folder in (_IMAGES, _WHOLE):
        shutil.rmtree(writer.library / folder, ignore_errors=True)
    _sync({writer.library / TRASH, *(log.parent for log in logs)})
    with suppress(sqlite3.OperationalError):  # the disk is full: with what is next emptied
        drop_unused_sources(writer)
    writer.compact()  # last: on a full disk there is room for it only now
    with suppress(sqlite3.OperationalError), writer.transaction() as db:
        _forget_emptying(db)  # else, on a full disk, whoever next puts something there does it
    return logs


def drop_unused_sources(writer: Writer) -> None:
    """Delete the sources that no row is drawn on any more; also those that nobody has noted.

    Nothing may be being accepted.
    """
    with writer.transaction() as db:
        db.execute(
            "DELETE FROM sources WHERE NOT EXISTS"
            " (SELECT 1 FROM row_sources WHERE source = sources.id)"
            " AND NOT EXISTS (SELECT 1 FROM parents WHERE source = sources.id)"
        )
    known = writer.source_digests()
    drop_sources(path for path in stored_sources(writer.library) if path.name not in known)


def drop_left_sources(writer: Writer) -> None:
    """After an interruption: delete what copying left of sources of sessions that never came to be.

    A database without a session may be a new one beside files of one that is lost, from which
    `verify --repair` makes it again: there nothing is deleted.
    """
    if writer.read("SELECT 1 FROM sessions LIMIT 1"):
        drop_unused_sources(writer)


def _forget_emptying(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM meta WHERE key = ?", (_EMPTYING,))


def _delete_sessions(db: sqlite3.Connection) -> None:
    """Those in the trash, and what only they had: recipes, and words in the index of prompts."""
    gone = "(SELECT id FROM sessions WHERE trashed > 0)"
    db.execute(
        f"DELETE FROM row_sources WHERE row IN (SELECT id FROM rows WHERE session IN {gone})"
    )
    for table in (
        "rewrites",
        "parents",
        "images",
        "conditions",
        "model_changes",
        "batches",
        "rows",
    ):
        db.execute(f"DELETE FROM {table} WHERE session IN {gone}")
    db.execute("DELETE FROM sessions WHERE trashed > 0")
    # Only here is it asked which images use a recipe, so the index that tells is there only now:
    # made in half a second for 500,000 images, where every session would pay to keep it.
    db.execute("CREATE INDEX images_by_recipe ON images (recipe)")
    db.execute(
        "DELETE FROM recipes WHERE NOT EXISTS (SELECT 1 FROM images WHERE recipe = recipes.id)"
    )
    db.execute("DROP INDEX images_by_recipe")
    # The index of prompts only notes that a row is gone; its words go when it is merged.
    db.execute("INSERT INTO prompts (prompts) VALUES ('optimize')")


def settle(writer: Writer) -> int:
    """After an interruption: finish emptying, or moving what is marked; how many files moved."""
    for row in writer.read("SELECT value FROM meta WHERE key = ?", (_EMPTYING,)):
        _delete_files(writer, json.loads(row["value"]))
    for row in writer.read("SELECT folder FROM sessions WHERE trashed > 0"):
        withdraw_all(writer.library / row["folder"], writer.sharing)
        _move_folder(writer.library, row["folder"], session_in_trash(row["folder"]))
    rows = writer.read(
        f"{_FILES} WHERE i.trashed IS NOT NULL AND i.digest IS NOT NULL AND s.trashed IS NULL"
    )
    return _move_in(writer.library, rows, writer.sharing)
