"""A new session stored piece by piece, so that no other change waits for a large one.

It shows nowhere before its last piece: until then its mark of being trashed is 0, no time at which
anything was trashed.

What was half stored when the disk became full must go again, and that takes room, too: each page
that changes is written to the log first. So some is kept by a file, given up before the clearing.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from engine.library.database import compact
from engine.library.files import SESSIONS, sync_folder
from engine.library.read.counts import tally_of
from engine.library.read.stored import source_body
from engine.library.records import NewRow, NewSession
from engine.library.write.insert import add_batches, add_rows
from engine.library.write.requests import carried_out
from engine.protocol.answers import Accepted

_PIECE = 1000
"""Batches, or images, of one piece."""
_PIECE_BYTES = 2 << 20
"""What a piece takes in the database, about."""
_LONG_PIECE = 200
"""Rows, or recipes, that are deleted at a time: their texts may be long."""
_KEPT = ".promptsheet-room"
_KEPT_BYTES = 16 << 20
"""The log as it is before it is folded in, and one piece's deletion, with as much again."""
_LOG_BYTES = 8 << 20

_LAST_USED = "SELECT coalesce(max(recipe), 0) FROM images"

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]


def bytes_of(new: NewSession) -> int:
    """What a session takes in the database, about; never too little.

    Measured: 220 to 1,100 bytes an image with prompts of 60 characters, 15 kB with one of 3,000.
    """
    return (sum(map(_row_bytes, new.rows)) + 100 * len(new.batches)) * 11 // 10


def _row_bytes(row: NewRow) -> int:
    # Texts are there twice: as cells and as words to be searched, as recipe and in its index. Half
    # as much again is lost at the ends of pages.
    told = sum(len(name) + _bytes(text) + 6 for name, text in {**row.cells, **row.extra}.items())
    prompts = {(recipe.prompt, recipe.negative_prompt) for recipe in row.recipes}
    recipes = sum(_bytes(prompt) + _bytes(negative) + 300 for prompt, negative in prompts)
    asked = sum(_bytes(each.prompt) + _bytes(each.around) + 60 for each in row.rewrites if each)
    files = sum(220 + _bytes(file) for file in row.files) + 60 * len(row.parents)
    return 150 + 2 * told + 5 * recipes // 2 + 2 * asked + files


def _bytes(text: str) -> int:
    return len(text.encode())


def lacking_room(library: Path, new: NewSession, reserve: int) -> str | None:
    """Why a session should not be stored: in words, if the disk has no room for its records.

    Args:
        library: the library.
        new: the session.
        reserve: bytes of the disk that are to stay free. A small session is stored all the same,
            and waits for its images to have room.

    Raises:
        OSError: the disk cannot be asked.
    """
    free = shutil.disk_usage(library).free
    if _is_small(new):
        needed, room = 2 * bytes_of(new), free
    else:
        needed, room = bytes_of(new) + _LOG_BYTES + _KEPT_BYTES, free - reserve
    if needed <= room:
        return None
    images = sum(len(row.recipes) for row in new.rows)
    return (
        f"Not enough disk space for this session in {library}: the records of its"
        f" {len(new.rows):,} rows and {images:,} images alone take {_mib(needed)} MiB, and"
        f" {_mib(free)} MiB are free, with a reserve of {_mib(reserve)} MiB (engine.reserve_mib)."
        " Nothing was stored: free some space, or use fewer rows."
    )


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f}"


def _is_small(new: NewSession) -> bool:
    """Whether it is stored in one piece, of which nothing can be left half stored."""
    images = sum(len(row.recipes) for row in new.rows)
    return (
        max(images, len(new.batches)) <= _PIECE and sum(map(_row_bytes, new.rows)) <= _PIECE_BYTES
    )


def store_session(transaction: Transaction, library: Path, new: NewSession) -> Iterator[None]:
    """Store a session, a piece at each step; other changes may come between.

    One session at a time: then there are no gaps between the ids of its rows, nor of its images.

    Args:
        transaction: of the library's writer.
        library: the library.
        new: the session; once the last step is taken it is there.

    Raises:
        OSError, sqlite3.OperationalError: the disk is full, or fails; nothing of it is there.
    """
    yield from drop_unfinished(transaction, library)
    if _is_small(new):
        with _folder(library, new), transaction() as db:
            session = _begin(db, new)
            slots = add_batches(db, session, new.batches)
            places = iter([slots[position] for position in range(len(slots))])
            add_rows(db, session, new.key, new.rows, places)
            _show(db, new.key, len(slots))
        return
    try:
        _keep_room(library)
        with transaction() as db:
            session = _begin(db, new)
        slots = {}
        for start in range(0, len(new.batches), _PIECE):
            yield
            with transaction() as db:
                slots |= add_batches(db, session, new.batches[start : start + _PIECE])
        places = iter([slots[position] for position in range(len(slots))])
        for rows in _pieces(new.rows):
            yield
            with transaction() as db:
                add_rows(db, session, new.key, rows, places)
        yield
        with _folder(library, new), transaction() as db:
            _show(db, new.key, len(slots))
    except Exception:
        with suppress(sqlite3.Error):  # else whoever comes next does it
            yield from drop_unfinished(transaction, library)
        raise
    _give_up_room(library)


@contextmanager
def _folder(library: Path, new: NewSession) -> Iterator[None]:
    """A session's folder is there before the session is; and not without it."""
    folder = library / SESSIONS / new.folder
    folder.mkdir(mode=0o700, parents=True)
    try:
        sync_folder(folder.parent)
        yield
    except Exception:
        with suppress(OSError):
            folder.rmdir()
        raise


def _pieces(rows: Sequence[NewRow]) -> Iterator[Sequence[NewRow]]:
    """The rows in their order, some at a time."""
    start = images = size = 0
    for number, row in enumerate(rows, start=1):
        images += len(row.recipes)
        size += _row_bytes(row)
        if images >= _PIECE or size >= _PIECE_BYTES or number == len(rows):
            yield rows[start:number]
            start, images, size = number, 0, 0


def _begin(db: sqlite3.Connection, new: NewSession) -> int:
    session = db.execute(
        "INSERT INTO sessions (key, name, created, position, source, folder, images, waiting,"
        " trashed) VALUES (?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM sessions), ?, ?,"
        " 0, 0, 0)",
        (
            new.key,
            new.name,
            time.time(),
            source_body(new.source),
            f"{SESSIONS}/{new.folder}",
        ),
    ).lastrowid
    assert session is not None
    return session


def _show(db: sqlite3.Connection, session: str, images: int) -> None:
    db.execute(
        "UPDATE sessions SET images = ?, waiting = ?, trashed = NULL WHERE key = ?",
        (images, images, session),
    )
    carried_out(db, Accepted(tally_of(db, session)))


def _keep_room(library: Path) -> None:
    with (library / _KEPT).open("xb") as file:  # ours alone: no link is followed
        os.posix_fallocate(file.fileno(), 0, _KEPT_BYTES)


def _give_up_room(library: Path) -> None:
    (library / _KEPT).unlink(missing_ok=True)


def drop_unfinished(transaction: Transaction, library: Path) -> Iterator[None]:
    """Remove what is there of a session whose last piece never came, a piece at each step.

    Raises:
        sqlite3.OperationalError: not even for that there is room. It shows nowhere, and goes the
            next time.
    """
    _give_up_room(library)
    with transaction() as db:
        found = [row[0] for row in db.execute("SELECT id FROM sessions WHERE trashed = 0")]
    for session in found:
        for table, key, piece in (
            ("rewrites", "image", _PIECE),
            ("parents", "image", _PIECE),
            ("images", "id", _PIECE),
            ("batches", "id", _PIECE),
            ("rows", "id", _LONG_PIECE),
        ):
            some = f"SELECT {key} FROM {table} WHERE session = ? LIMIT {piece}"
            if table == "rows":
                named = f"DELETE FROM row_sources WHERE row IN ({some})"
                with transaction():
                    db.execute(named.replace(f" LIMIT {piece}", ""), (session,))
            delete = f"DELETE FROM {table} WHERE session = ? AND {key} IN ({some})"
            yield from _emptied(transaction, db, delete, (session, session))
        # What it brought has higher ids than all that is used.
        some = f"SELECT id FROM recipes WHERE id > ({_LAST_USED}) LIMIT {_LONG_PIECE}"
        yield from _emptied(
            transaction, db, f"DELETE FROM recipes WHERE id IN ({some})", unused=True
        )
        with transaction() as db:
            db.execute("DELETE FROM sessions WHERE id = ?", (session,))
        compact(db)


def _emptied(
    transaction: Transaction,
    db: sqlite3.Connection,
    delete: str,
    arguments: Sequence[object] = (),
    *,
    unused: bool = False,
) -> Iterator[None]:
    """Delete some, again and again; the log is folded in each time, so that it does not grow.

    Args:
        transaction: of the library's writer.
        db: its connection.
        delete: what deletes some.
        arguments: its arguments.
        unused: nothing refers to what it deletes. SQLite would look through all images for that.
    """
    gone = 1
    while gone:
        db.execute(f"PRAGMA foreign_keys = {'OFF' if unused else 'ON'}")
        try:
            with transaction():
                gone = db.execute(delete, arguments).rowcount
        finally:
            db.execute("PRAGMA foreign_keys = ON")
        with suppress(sqlite3.OperationalError):
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        yield
