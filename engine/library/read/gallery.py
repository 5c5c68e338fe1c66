"""The images of a session, or of all, a page at a time: as quick for a million as for ten."""

import json
import sqlite3
import threading
import weakref
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import filterfalse
from pathlib import Path
from typing import Literal

from engine.library.database import (
    LibraryError,
    connect_reader,
    database_path,
    is_new,
    reading,
)
from engine.library.read.reader import IMAGE_COLUMNS, OF_SESSION, STATES, ImageInfo, image_info
from engine.library.read.searching import rows_with_words, sessions_called
from engine.library.read.sources import SOURCE_NAMES

ImageOrder = Literal["sheet", "newest", "rating"]
IMAGE_ORDERS: tuple[ImageOrder, ...] = ("sheet", "newest", "rating")

_BY_END = "INDEXED BY images_by_end"
_MANY_ROWS = 20_000
"""From so many found rows on it is quicker to go through all images than through theirs."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which images, and in which order."""

    text: str = ""
    """Of a session: in the row's prompt, capitals do not matter; of all: what a search of sessions
    finds, in their names, tags and prompts. Empty: any."""
    rows: tuple[int, int] | None = None
    """First and last row number."""
    favourites: bool = False
    """Only those."""
    states: tuple[str, ...] = ("done",)
    order: ImageOrder = "sheet"
    ratings: tuple[int, int] | None = None
    """Lowest and highest rating; None: any, and none at all."""
    session: str = ""
    """In the session's name or one of its tags, or its id; empty: any."""

    @property
    def is_narrow(self) -> bool:
        """Whether images are left out that have one of the states."""
        narrow = self.text or self.session or self.rows or self.favourites
        return bool(narrow) or self.ratings is not None


class Gallery:
    """Ids of the wanted images are held (8 bytes each), everything else is read by the page.

    Trashed images are in none. Safe to use from several threads. In the order of the sheet several
    sessions' images come session by session, the oldest first.

    Raises:
        LibraryError: no such library or session.
    """

    def __init__(
        self,
        library: Path,
        session: str | None,
        wanted: Wanted | None = None,
        *,
        first: int | None = None,
    ) -> None:
        """Find the images.

        Args:
            library: the library.
            session: a session's id; None for all sessions.
            wanted: which of its images; all that are done, if it is not said.
            first: so many are enough for now, where all would take a while; `take_in` finds the
                rest.
        """
        if is_new(library):
            raise LibraryError(f"There is no library in {library} yet.")
        self._lock = threading.Lock()
        self._db = connect_reader(database_path(library))
        self.wanted = wanted or Wanted()
        self._session = session
        self._latest = 0.0
        self.has_more = False
        """Whether only the first were found so far."""
        try:
            if session is not None:
                found = self._rows(
                    "SELECT 1 FROM sessions WHERE key = ? AND trashed IS NULL", session
                )
                if not found:
                    raise LibraryError(f"Session not found: {session!r}.")
            self._ids = self._find(first)
        except BaseException:
            self._db.close()
            raise
        # Not before the last screen or thread that reads from it has let go of it.
        weakref.finalize(self, self._db.close)

    def source_names(self, images: Sequence[str]) -> dict[str, str]:
        """What users called the pictures that images are drawn on, by the images' ids."""
        rows = self._rows(SOURCE_NAMES, json.dumps(images))
        return {row["key"]: row["name"] for row in rows}

    def leave_off(self) -> None:
        """End what is being read, in whichever thread: there it fails as unreadable."""
        self._db.interrupt()

    def close(self) -> None:
        """Close the database now; else it is closed when nobody holds this any more."""
        with self._lock:
            self._db.close()

    def _rows(self, query: str, *arguments: object) -> list[sqlite3.Row]:
        # Fetched whole and closed: an open cursor would keep the write-ahead log from shrinking.
        try:
            with self._lock, closing(self._db.execute(query, arguments)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise LibraryError(f"The library cannot be read: {error}.") from error

    # ---------------------------------------------------------------- which

    def _condition(self) -> tuple[str, list[object]]:
        wanted = self.wanted
        parts = [f"i.trashed IS NULL AND i.state IN ({', '.join('?' for _ in wanted.states)})"]
        arguments: list[object] = [*wanted.states]
        if self._session is not None:
            parts.append(f"i.{OF_SESSION}")
            arguments.append(self._session)
        else:
            parts.append("i.session NOT IN (SELECT id FROM sessions WHERE trashed IS NOT NULL)")
        if wanted.session:
            called, names = sessions_called(wanted.session)
            parts.append(f"i.session IN (SELECT id FROM sessions WHERE {called})")
            arguments += names
        if wanted.favourites:
            parts.append("i.favourite = 1")
        if wanted.ratings is not None:
            # Without the second condition, which says no more, the index would not be used.
            parts.append("i.rating BETWEEN ? AND ?" + " AND i.rating > 0" * (wanted.ratings[0] > 0))
            arguments += wanted.ratings
        if self._session is None and wanted.text:
            rows, words = rows_with_words(wanted.text)
            called, names = sessions_called(wanted.text)
            sessions = f"SELECT id FROM sessions WHERE {called}"
            parts.append(f"(i.row IN ({rows}) OR i.session IN ({sessions}))")
            arguments += [*words, *names]
        if wanted.rows or (wanted.text and self._session is not None):
            first, last = wanted.rows or (0, 1 << 62)
            text = wanted.text if self._session is not None else ""
            within = OF_SESSION if self._session is not None else "? IS NULL"
            parts.append(
                f"i.row IN (SELECT id FROM rows WHERE {within} AND number BETWEEN ? AND ?"
                " AND (? = '' OR instr(lower(json_extract(cells, '$.prompt')), lower(?))))"
            )
            arguments += [self._session, first, last, text, text]
        return " AND ".join(parts), arguments

    def _find(self, first: int | None = None) -> "array[int] | range":
        self._look_at_latest()
        self.has_more = False
        if (whole := self._whole()) is not None:
            return whole
        condition, arguments = self._condition()
        order = "i.finished DESC, i.id" if self.wanted.order == "newest" else "i.id"
        by_end, most = "", -1
        if self._are_most():
            # SQLite reads this index from its beginning, and has nothing to sort.
            by_end, most = _BY_END, -1 if first is None else first
            condition += " AND i.state = 'done'"
            order = "i.finished DESC, i.session, i.id"
        ids = self._ids_of(
            f"SELECT i.id FROM images i {by_end} WHERE {condition} ORDER BY {order} LIMIT ?",
            *arguments,
            most,
        )
        self.has_more = len(ids) == most
        if self.wanted.order == "rating":
            query = "SELECT id, rating FROM images WHERE rating > 0 AND trashed IS NULL"
            rated = {row["id"]: row["rating"] for row in self._rows(query)}
            # Those of equal rating stay in the order of the sheet.
            some = sorted(filter(rated.__contains__, ids), key=rated.__getitem__, reverse=True)
            return array("q", some) + array("q", filterfalse(rated.__contains__, ids))
        return ids

    def _are_most(self) -> bool:
        """Whether it is a large part of all there is, the newest first."""
        wanted = self.wanted
        newest = wanted.order == "newest" and wanted.states == ("done",)
        if self._session is not None or not newest:
            return False
        if not wanted.text or replace(wanted, text="").is_narrow:
            return not wanted.is_narrow
        rows, words = rows_with_words(wanted.text)
        found = self._rows(f"SELECT count(*) FROM ({rows} LIMIT ?)", *words, _MANY_ROWS)
        return bool(found[0][0] == _MANY_ROWS)

    def _ids_of(self, query: str, *arguments: object) -> "array[int]":
        # A million rows would take a hundred times the room of their ids.
        try:
            with self._lock, closing(self._db.execute(query, arguments)) as cursor:
                return array("q", (row[0] for row in cursor))
        except sqlite3.Error as error:
            raise LibraryError(f"The library cannot be read: {error}.") from error

    def _look_at_latest(self) -> None:
        if self._session is None:
            query = "SELECT max(finished) FROM images WHERE trashed IS NULL AND state = 'done'"
            latest = self._rows(query)
        else:
            latest = self._rows(
                f"SELECT max(finished) FROM images WHERE {OF_SESSION} AND state = 'done'",
                self._session,
            )
        self._latest = latest[0][0] or 0.0

    def _whole(self) -> range | None:
        """All ids of a session that is shown whole, without reading them; None otherwise.

        Its images were stored one after the other, so there are no gaps between their ids.
        """
        wanted = self.wanted
        if self._session is None or wanted.is_narrow or wanted.order != "sheet":
            return None
        (counts,) = self._rows("SELECT * FROM sessions WHERE key = ?", self._session)
        (ends,) = self._rows(
            "SELECT (SELECT min(id) FROM images WHERE row ="
            f" (SELECT min(id) FROM rows WHERE {OF_SESSION})) AS first,"
            " (SELECT max(id) FROM images WHERE row ="
            f" (SELECT max(id) FROM rows WHERE {OF_SESSION})) AS last",
            self._session,
            self._session,
        )
        if ends["first"] is None:
            return None
        whole = range(ends["first"], ends["last"] + 1)
        shown = sum(counts[state] for state in wanted.states)
        return whole if len(whole) == shown == counts["images"] else None

    def take_in(self) -> int:
        """Let images join that were finished meanwhile, or not looked for yet; their number."""
        before = len(self._ids)
        if self.has_more:
            self._ids = self._find()
            return len(self._ids) - before
        if "done" not in self.wanted.states:
            return 0
        if set(self.wanted.states) == set(STATES) and not self.wanted.is_narrow:
            return 0  # they are all here already
        condition, arguments = self._condition()
        by_end = _BY_END if self._session is None else ""  # it might begin with the words searched
        # One commit has one time: those of the last time seen may not have been all of it.
        rows = self._rows(
            f"SELECT i.id, i.finished FROM images i {by_end} WHERE {condition}"
            " AND i.state = 'done' AND i.finished >= ? ORDER BY i.finished, i.id DESC",
            *arguments,
            self._latest,
        )
        if not rows:
            return 0
        self._latest = max(self._latest, *(row[1] for row in rows))
        if len(rows) > 1000 or self.wanted.order == "rating":
            self._ids = self._find()
            return len(self._ids) - before
        if isinstance(self._ids, range):
            self._ids = array("q", self._ids)
        for identity, _ in rows:
            _insert(self._ids, identity, self.wanted.order)
        return len(self._ids) - before

    # ---------------------------------------------------------------- what is asked of it

    def __len__(self) -> int:
        return len(self._ids)

    def page(self, start: int, stop: int) -> list[ImageInfo]:
        """The images from position `start` up to, not with, `stop`."""
        ids = self._ids[start:stop]
        found = self._by_id(ids)
        return [found[identity] for identity in ids if identity in found]

    def _by_id(self, ids: Sequence[int]) -> dict[int, ImageInfo]:
        rows = self._rows(
            f"{IMAGE_COLUMNS} WHERE i.id IN (SELECT value FROM json_each(?))"
            " AND (?2 IS NULL OR s.key = ?2)",
            json.dumps(list(ids)),
            self._session,
        )
        return {row["id"]: image_info(row) for row in rows}

    def images(self, keys: Iterable[str]) -> list[ImageInfo]:
        """The images with these ids, wherever they are, in the order of the sheet."""
        rows = self._rows(
            f"{IMAGE_COLUMNS} WHERE i.key IN (SELECT value FROM json_each(?)) ORDER BY i.id",
            json.dumps(list(keys)),
        )
        return [image_info(row) for row in rows]

    def keys(self, start: int, stop: int) -> list[str]:
        """The ids of the images from position `start` up to, not with, `stop`."""
        ids = self._ids[start:stop]
        rows = self._rows(
            "SELECT i.id, i.key FROM images i JOIN sessions s ON s.id = i.session"
            " WHERE i.id IN (SELECT value FROM json_each(?)) AND (?2 IS NULL OR s.key = ?2)",
            json.dumps(list(ids)),
            self._session,
        )
        found = {row["id"]: str(row["key"]) for row in rows}
        return [found[identity] for identity in ids if identity in found]

    def index_of(self, key: str) -> int | None:
        """Where the image with this id is; None if it is not among them."""
        rows = self._rows("SELECT id FROM images WHERE key = ?", key)
        if not rows:
            return None
        if self.wanted.order == "sheet":
            at = bisect_left(self._ids, rows[0][0])
            return at if at < len(self._ids) and self._ids[at] == rows[0][0] else None
        try:
            return self._ids.index(rows[0][0])
        except ValueError:
            return None

    def index_of_row(self, number: int) -> int | None:
        """Where the first image of a row is, or of the next row that has one here."""
        rows = self._rows(
            "SELECT i.id FROM images i JOIN rows r ON r.id = i.row"
            f" WHERE r.{OF_SESSION} AND r.number = ? ORDER BY i.id",
            self._session,
            number,
        )
        if self.wanted.order == "sheet":
            if not rows:
                rows = self._rows(
                    "SELECT min(i.id) FROM images i WHERE i.row = (SELECT id FROM rows"
                    f" WHERE {OF_SESSION} AND number > ? ORDER BY number LIMIT 1)",
                    self._session,
                    number,
                )
            if not rows or rows[0][0] is None:
                return None
            at = bisect_left(self._ids, rows[0][0])
            return at if at < len(self._ids) else None
        ids = {row[0] for row in rows}
        return next((at for at, identity in enumerate(self._ids) if identity in ids), None)


def _insert(ids: "array[int]", identity: int, order: ImageOrder) -> None:
    """Put a newly finished image where it belongs, unless it is there."""
    if order == "sheet":
        at = bisect_left(ids, identity)
        if at == len(ids) or ids[at] != identity:
            ids.insert(at, identity)
    elif identity not in ids[:4096]:
        ids.insert(0, identity)


def glance(library: Path, session: str, count: int) -> list[ImageInfo]:
    """A few finished images of a session: favourites first, then some from all over it.

    Raises:
        LibraryError: no such library.
    """
    with reading(library) as db:
        ends = db.execute(
            "SELECT s.id, (SELECT min(id) FROM images WHERE session = s.id AND trashed IS NULL AND"
            " state = 'done') AS first, (SELECT max(id) FROM images WHERE session = s.id AND"
            " trashed IS NULL AND state = 'done') AS last FROM sessions s WHERE s.key = ?",
            (session,),
        ).fetchone()
        if ends is None or ends["first"] is None:
            return []
        marked = db.execute(
            "SELECT id FROM images WHERE favourite = 1 AND trashed IS NULL AND state = 'done'"
            " AND session = ? AND id BETWEEN ? AND ? LIMIT ?",
            (*ends, count),
        ).fetchall()
        chosen = [row["id"] for row in marked]
        span = ends["last"] - ends["first"] + 1
        for place in range(count):
            found = db.execute(
                "SELECT id FROM images WHERE session = ? AND trashed IS NULL AND state = 'done'"
                " AND id >= ? ORDER BY id LIMIT 1",
                (ends["id"], ends["first"] + span * place // count),
            ).fetchone()
            if found is not None and found["id"] not in chosen:
                chosen.append(found["id"])
        rows = db.execute(
            f"{IMAGE_COLUMNS} WHERE i.id IN (SELECT value FROM json_each(?))",
            (json.dumps(chosen[:count]),),
        ).fetchall()
    found_infos = {row["id"]: image_info(row) for row in rows}
    return [found_infos[identity] for identity in chosen[:count]]
