"""The jobs of a session, a page at a time: as quick for a million as for ten."""

import json
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.library.database import LibraryError, connect_reader, database_path, is_new, reading
from engine.library.read.reader import OF_SESSION, ROW_ERROR, STATES, state_of
from engine.library.read.stored import recipe_of
from engine.picture.recipe import Recipe


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
    f"SELECT r.*, p.body, i.seed, {ROW_ERROR} AS error FROM rows r"
    " JOIN images i ON i.row = r.id AND i.variation = 1 JOIN recipes p ON p.id = i.recipe"
)

ORDERS = ("sheet", "state", "newest")
"""By row; by state, what is rendering first; by when an image of the row was finished last."""


class JobPages:
    """The jobs of one session that match a filter.

    Which rows these are is read at once, everything else by the page, which takes its time: that
    is for a thread, one at a time. The rest answers from memory. The library is opened read-only.

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
        self._path = path
        self._db = connect_reader(path)
        self._session = session
        try:
            if not self._rows("SELECT 1 FROM sessions WHERE key = ?", session):
                raise LibraryError(f"Session not found: {session!r}.")
            self._ids, self._numbers = self._matching(text, states, order)
        except BaseException:
            self._db.close()
            raise
        in_order = order == ORDERS[0]
        self._places = {} if in_order else {row: at for at, row in enumerate(self._numbers)}

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _rows(self, query: str, *arguments: object) -> list[sqlite3.Row]:
        # Fetched whole and closed: an open cursor would keep the write-ahead log from shrinking.
        try:
            with closing(self._db.execute(query, arguments)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise LibraryError(f"{self._path} cannot be read: {error}.") from error

    def _matching(
        self, text: str, states: Sequence[str], order: str
    ) -> tuple[Sequence[int], Sequence[int]]:
        """Ids and numbers in order; where every row is wanted, at best only their ends are read."""
        if not text and set(states) == set(STATES) and order == ORDERS[0]:
            return self._all()
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
        return _columns(wanted)

    def _all(self) -> tuple[Sequence[int], Sequence[int]]:
        ends = self._rows(
            "SELECT min(id) AS first, max(id) AS last, count(*) AS count,"
            " min(number - id) AS least, max(number - id) AS most"
            f" FROM rows WHERE {OF_SESSION}",
            self._session,
        )[0]
        # Rows are stored one after the other, so their ids have no gaps, but for those that a
        # repair has found again; and most sheets have no gaps between their rows.
        count, least = ends["count"], ends["least"]
        if count and ends["last"] - ends["first"] + 1 == count and least == ends["most"]:
            ids = range(ends["first"], ends["last"] + 1)
            return ids, range(ids.start + least, ids.stop + least)
        query = f"SELECT id, number FROM rows WHERE {OF_SESSION} ORDER BY number"
        return _columns(self._rows(query, self._session))

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

    def keys(self, start: int, stop: int) -> Sequence[int]:
        """The row numbers at positions `start` up to, not with, `stop`."""
        return self._numbers[start:stop]

    def position(self, row: int) -> int | None:
        """Where the job of the row with number `row` is; None if the filter leaves it out."""
        if self._places:
            return self._places.get(row)
        at = bisect_left(self._numbers, row)
        return at if at < len(self) and self._numbers[at] == row else None


def recipe_of_row(library: Path, session: str, row: int) -> Recipe | None:
    """The recipe of a row's first image; None where there is no such row.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    with reading(library) as db:
        found = db.execute(
            "SELECT p.body, i.seed FROM rows r JOIN images i ON i.row = r.id AND i.variation = 1"
            f" JOIN recipes p ON p.id = i.recipe WHERE r.{OF_SESSION} AND r.number = ?",
            (session, row),
        ).fetchone()
    return recipe_of(found) if found else None


def _columns(rows: Iterable[sqlite3.Row]) -> tuple[Sequence[int], Sequence[int]]:
    """Ids and numbers, 8 bytes each."""
    ids, numbers = array("q"), array("q")
    for row in rows:
        ids.append(row["id"])
        numbers.append(row["number"])
    return ids, numbers


def _job(row: sqlite3.Row) -> Job:
    recipe = recipe_of(row)
    return Job(
        row=row["number"],
        state=state_of(row),
        images=row["images"],
        done=row["done"],
        prompt=json.loads(row["cells"]).get("prompt", ""),
        model=recipe.model,
        size=(recipe.width, recipe.height),
        steps=recipe.steps,
        error=row["error"],
    )
