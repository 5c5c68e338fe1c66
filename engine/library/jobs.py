"""The jobs of a session, a page at a time: as quick for a million as for ten."""

import json
import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.library.database import LibraryError, connect_reader, database_path, is_new
from engine.library.reader import STATES, state_of


@dataclass(frozen=True, slots=True)
class Job:
    """A row at work in a session, as the job table shows it."""

    row: int
    state: str
    images: int
    done: int
    prompt: str
    model: str
    size: tuple[int, int]
    """Width and height in pixels."""
    steps: int
    error: str | None
    """Why its first failed image failed."""


_COLUMNS = (
    "SELECT r.*, p.body, (SELECT error FROM images e WHERE e.row = r.id AND e.state = 'failed'"
    " ORDER BY e.variation LIMIT 1) AS error FROM rows r"
    " JOIN images i ON i.row = r.id AND i.variation = 1 JOIN recipes p ON p.id = i.recipe"
)


class JobPages:
    """The jobs of one session that match a filter, in the order of the sheet.

    Opens the library read-only and keeps it open; use it from one thread.

    Raises:
        LibraryError: no such library or session.
    """

    def __init__(
        self, library: Path, session: str, *, text: str = "", states: Sequence[str] = STATES
    ) -> None:
        path = database_path(library)
        if is_new(library):
            raise LibraryError(f"There is no library in {library} yet.")
        self._db = connect_reader(path)
        found = self._rows("SELECT id FROM sessions WHERE key = ?", session)
        if not found:
            self._db.close()
            raise LibraryError(f"There is no session {session!r}.")
        self._session = int(found[0]["id"])
        self._ids = self._matching(text, states)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _rows(self, query: str, *arguments: object) -> list[sqlite3.Row]:
        # Fetched whole and closed: an open cursor would keep the write-ahead log from shrinking.
        with closing(self._db.execute(query, arguments)) as cursor:
            return cursor.fetchall()

    def _matching(self, text: str, states: Sequence[str]) -> Sequence[int]:
        """Ids in order; without a filter nothing but the first and the last is read."""
        if not text and set(states) == set(STATES):
            ends = self._rows(
                "SELECT min(id) AS first, max(id) AS last FROM rows WHERE session = ?",
                self._session,
            )[0]
            # A session's rows are stored in one transaction, so their ids have no gaps.
            return range(ends["first"], ends["last"] + 1)
        wanted = [
            row["id"]
            for row in self._rows(
                "SELECT * FROM rows WHERE session = ? AND instr(lower(cells), lower(?))",
                self._session,
                json.dumps(text, ensure_ascii=False)[1:-1],
            )
            if state_of(row) in states
        ]
        return sorted(wanted)

    def __len__(self) -> int:
        return len(self._ids)

    def page(self, start: int, stop: int) -> list[Job]:
        """The jobs from position `start` up to, not with, `stop`."""
        ids = self._ids[start:stop]
        if not ids:
            return []
        if isinstance(ids, range):
            where, arguments = "r.id BETWEEN ? AND ?", [ids[0], ids[-1]]
        else:
            where, arguments = f"r.id IN ({', '.join('?' for _ in ids)})", list(ids)
        return [_job(r) for r in self._rows(f"{_COLUMNS} WHERE {where} ORDER BY r.id", *arguments)]

    def numbers(self, start: int, stop: int) -> list[int]:
        """The row numbers at positions `start` up to, not with, `stop`."""
        ids = self._ids[start:stop]
        if not ids:
            return []
        wanted = ids if isinstance(ids, range) else set(ids)
        rows = self._rows(
            "SELECT id, number FROM rows WHERE id BETWEEN ? AND ? ORDER BY id", ids[0], ids[-1]
        )
        return [row["number"] for row in rows if row["id"] in wanted]

    def position(self, row: int) -> int | None:
        """Where the job of the row with number `row` is; None if the filter leaves it out."""
        found = self._rows(
            "SELECT id FROM rows WHERE session = ? AND number = ?", self._session, row
        )
        if not found:
            return None
        position = bisect_left(self._ids, found[0]["id"])
        inside = position < len(self._ids) and self._ids[position] == found[0]["id"]
        return position if inside else None


def _job(row: sqlite3.Row) -> Job:
    recipe = json.loads(row["body"])
    return Job(
        row=row["number"],
        state=state_of(row),
        images=row["images"],
        done=row["done"],
        prompt=json.loads(row["cells"]).get("prompt", ""),
        model=recipe["model"],
        size=(recipe["width"], recipe["height"]),
        steps=recipe["steps"],
        error=row["error"],
    )
