"""The jobs of a session, a page at a time: as quick for a million as for ten."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.library.database import LibraryError, connect_reader, database_path, is_new
from engine.library.read.reader import OF_SESSION, ROW_ERROR, STATES, state_of


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
    """Why its first failed image failed, or else what is to be said of its first stopped one."""


_COLUMNS = (
    f"SELECT r.*, p.body, {ROW_ERROR} AS error FROM rows r"
    " JOIN images i ON i.row = r.id AND i.variation = 1 JOIN recipes p ON p.id = i.recipe"
)

ORDERS = ("sheet", "state", "newest")
"""By row; by state, what is rendering first; by when an image of the row was finished last."""


class JobPages:
    """The jobs of one session that match a filter.

    Opens the library read-only and keeps it open; use it from one thread at a time.

    Raises:
        LibraryError: no such library or session.
    """

    def __init__(
        self,
        library: Path,
        session: str,
        *,
        text: str = "",
        states: Sequence[str] = STATES,
        order: str = "sheet",
    ) -> None:
        """Args: order: one of `ORDERS`; as things stand now, they do not move by themselves."""
        path = database_path(library)
        if is_new(library):
            raise LibraryError(f"There is no library in {library} yet.")
        self._db = connect_reader(path)
        if not self._rows("SELECT 1 FROM sessions WHERE key = ?", session):
            self._db.close()
            raise LibraryError(f"There is no session {session!r}.")
        self._session = session
        self._ids = self._matching(text, states, order)
        listed = () if isinstance(self._ids, range) else self._ids
        self._places = {key: at for at, key in enumerate(listed)}

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _rows(self, query: str, *arguments: object) -> list[sqlite3.Row]:
        # Fetched whole and closed: an open cursor would keep the write-ahead log from shrinking.
        with closing(self._db.execute(query, arguments)) as cursor:
            return cursor.fetchall()

    def _matching(self, text: str, states: Sequence[str], order: str) -> Sequence[int]:
        """Ids in order; where every row is wanted, only the first and the last are read."""
        if not text and set(states) == set(STATES) and order == ORDERS[0]:
            ends = self._rows(
                "SELECT min(id) AS first, max(id) AS last, count(*) AS count"
                f" FROM rows WHERE {OF_SESSION}",
                self._session,
            )[0]
            # Rows are stored one after the other, so their ids have no gaps, but for those that a
            # repair has found again.
            if ends["count"] and ends["last"] - ends["first"] + 1 == ends["count"]:
                return range(ends["first"], ends["last"] + 1)
        query = f"SELECT * FROM rows WHERE {OF_SESSION}"
        arguments: list[object] = [self._session]
        if text:
            # What is typed is looked for in the cells' JSON, as it is written there.
            query += " AND instr(lower(cells), lower(?))"
            arguments.append(json.dumps(text, ensure_ascii=False)[1:-1])
        query += " ORDER BY number"
        wanted = [row for row in self._rows(query, *arguments) if state_of(row) in states]
        if order == "state":
            wanted.sort(key=lambda row: (STATES.index(state_of(row)), row["id"]))
        elif order == "newest":
            finished = self._rows(
                "SELECT row, max(finished) AS last FROM images"
                f" WHERE {OF_SESSION} AND state = 'done' GROUP BY row",
                self._session,
            )
            last = {row["row"]: row["last"] for row in finished}
            wanted.sort(key=lambda row: (-last.get(row["id"], 0.0), row["id"]))
        return [row["id"] for row in wanted]

    def __len__(self) -> int:
        return len(self._ids)

    def page(self, start: int, stop: int) -> list[Job]:
        """The jobs from position `start` up to, not with, `stop`, unless the session is deleted."""
        ids = self._ids[start:stop]
        if not ids:
            return []
        found = self._rows(
            # The + keeps the database from going through the whole session for a page.
            f"{_COLUMNS} WHERE r.id IN (SELECT value FROM json_each(?)) AND +r.{OF_SESSION}",
            json.dumps(list(ids)),
            self._session,
        )
        jobs = {row["id"]: _job(row) for row in found}
        return [jobs[key] for key in ids if key in jobs]

    def numbers(self, start: int, stop: int) -> list[int]:
        """The row numbers at positions `start` up to, not with, `stop`."""
        ids = self._ids[start:stop]
        if not ids:
            return []
        rows = self._rows(
            "SELECT id, number FROM rows"
            f" WHERE id IN (SELECT value FROM json_each(?)) AND +{OF_SESSION}",
            json.dumps(list(ids)),
            self._session,
        )
        numbers = {row["id"]: row["number"] for row in rows}
        return [numbers[key] for key in ids if key in numbers]

    def position(self, row: int) -> int | None:
        """Where the job of the row with number `row` is; None if the filter leaves it out."""
        found = self._rows(
            f"SELECT id FROM rows WHERE {OF_SESSION} AND number = ?", self._session, row
        )
        if not found:
            return None
        key = found[0]["id"]
        if isinstance(self._ids, range):
            return self._ids.index(key) if key in self._ids else None
        return self._places.get(key)


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
