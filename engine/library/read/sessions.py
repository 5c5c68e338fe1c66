"""The list of sessions, a page at a time, and the search through everything ever asked for."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal

from engine.library.database import LibraryError, connect_reader, database_path, is_new, reading
from engine.library.read.reader import SESSION_COLUMNS, SessionInfo, session_info
from engine.library.read.searching import rows_with_words, sessions_called
from engine.protocol.records import TrashSize

SessionOrder = Literal["newest", "name", "size", "favourites"]
SESSION_ORDERS: tuple[SessionOrder, ...] = ("newest", "name", "size", "favourites")
_ORDER = {
    "newest": "created DESC, id DESC",
    "name": "name COLLATE NOCASE, id DESC",
    "size": "bytes DESC, id DESC",
    "favourites": "favourites DESC, created DESC, id DESC",
}


class SessionPages:
    """The sessions that match a search.

    Which these are is read at once, everything else by the page, which takes its time: that is for
    a thread. The rest answers from memory. Safe to use from several threads.

    Raises:
        LibraryError: no such library.
    """

    def __init__(
        self,
        library: Path,
        *,
        text: str = "",
        order: SessionOrder = "newest",
        trashed: bool = False,
    ) -> None:
        """Find the sessions.

        Args:
            library: the library.
            text: in the name or a tag, or all of its words (the last may be unfinished) in one of
                the prompts.
            order: of the list.
            trashed: those in the trash, instead of those that are not.
        """
        if is_new(library):
            raise LibraryError(f"There is no library in {library} yet.")
        self._library = library
        self._lock = threading.Lock()
        self._db = connect_reader(database_path(library))
        try:
            found = self._find(text.strip(), order, trashed=trashed)
        except BaseException:
            self._db.close()
            raise
        self._ids = [row["id"] for row in found]
        self._keys = [str(row["key"]) for row in found]
        self._places = {key: at for at, key in enumerate(self._keys)}

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _rows(self, query: str, *arguments: object) -> list[sqlite3.Row]:
        try:
            with self._lock, closing(self._db.execute(query, arguments)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            path = database_path(self._library)
            raise LibraryError(f"{path} cannot be read: {error}.") from error

    def _find(self, text: str, order: SessionOrder, *, trashed: bool) -> list[sqlite3.Row]:
        there = "trashed > 0" if trashed else "trashed IS NULL"
        if not text:
            return self._rows(
                f"SELECT id, key FROM sessions WHERE {there} ORDER BY {_ORDER[order]}"
            )
        called, names = sessions_called(text)
        rows, words = rows_with_words(text)
        return self._rows(
            f"SELECT id, key FROM sessions WHERE {there}"
            f" AND ({called} OR id IN (SELECT session FROM rows WHERE id IN ({rows})))"
            f" ORDER BY {_ORDER[order]}",
            *names,
            *words,
        )

    def __len__(self) -> int:
        return len(self._ids)

    def page(self, start: int, stop: int) -> list[SessionInfo]:
        """The sessions from position `start` up to, not with, `stop`."""
        ids = self._ids[start:stop]
        found = {
            row["id"]: session_info(self._library, row)
            for row in self._rows(
                f"{SESSION_COLUMNS} WHERE id IN (SELECT value FROM json_each(?))",
                json.dumps(ids),
            )
        }
        return [found[identity] for identity in ids if identity in found]

    def keys(self, start: int, stop: int) -> Sequence[str]:
        """Their ids."""
        return self._keys[start:stop]

    def position(self, key: str) -> int | None:
        """Where the session with this id is; None if it is not among them."""
        return self._places.get(key)

    def totals(self) -> tuple[int, int]:
        """Images and bytes of all sessions that are not in the trash."""
        row = self._rows(
            "SELECT coalesce(sum(done), 0), coalesce(sum(bytes), 0) FROM sessions"
            " WHERE trashed IS NULL"
        )[0]
        return row[0], row[1]


def trash_size(library: Path) -> TrashSize:
    """What the trash holds.

    Raises:
        LibraryError: not a library this version can read.
    """
    if is_new(library):
        return TrashSize(0, 0, 0)
    with reading(library) as db:
        return size_of_trash(db)


def size_of_trash(db: sqlite3.Connection) -> TrashSize:
    """What the trash holds."""
    images = db.execute(
        "SELECT count(*), coalesce(sum(bytes), 0) FROM images"
        " WHERE trashed IS NOT NULL AND state = 'done' AND digest IS NOT NULL"
    ).fetchone()
    sessions = db.execute(
        "SELECT count(*), coalesce(sum(bytes), 0) FROM sessions WHERE trashed > 0"
    ).fetchone()
    return TrashSize(images[0], sessions[0], images[1] + sessions[1])
