"""What a session was asked for: its rows as they were, with the seeds that were drawn for them."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.library.database import LibraryError, is_new, reading
from engine.library.read.sources import NAMED_SOURCES
from engine.library.read.stored import source_of
from engine.plan.recipes import SEEDS
from engine.protocol.commands import RowsSource
from engine.sheet.grid_cells import Grid, stored_grid

Kept = Sequence[Sequence[int]]
"""Runs of rows that a session did not render again: number in its own sheet, number in the sheet
of the session it was made from, how many one after the other."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row of a session, as it was accepted."""

    number: int
    cells: Mapping[str, str]
    """Known column → text; blank ones are left out. A picture is named with its digest, by which
    the library finds its copy whatever became of the original: `name#digest`."""
    extra: Mapping[str, str]
    first_seed: int
    """Of its first image: the sheet's, or drawn."""
    images: int
    """How many it had at first; without those that are made of these, larger."""
    failed: bool = False
    """Whether any of its images failed."""

    @property
    def grid(self) -> Grid | None:
        """What it is as a grid; None: it is a plain row."""
        return stored_grid(self.cells, self.images)

    @property
    def each(self) -> int:
        """What its `num_images` was: how many it had at first, or a grid of each combination."""
        grid = self.grid
        return self.images if grid is None else grid.each

    def combination(self, variation: int) -> "StoredRow":
        """The plain row that gives what one image of a grid shows; itself, where it is none.

        Args:
            variation: which image of the row.
        """
        grid = self.grid
        if grid is None:
            return self
        cells = grid.cells_of(variation)
        seed = int(cells.get("seed_number") or self.first_seed)
        return replace(self, cells=cells, first_seed=seed, images=grid.each)

    def newly_seeded(self) -> "StoredRow":
        """Without its seed, so that one is drawn."""
        cells = {name: text for name, text in self.cells.items() if name != "seed_number"}
        return replace(self, cells=cells)

    def seeded(self, seed: int) -> "StoredRow":
        """With a seed that was used, so that it gives the same images."""
        return replace(self, cells={**self.cells, "seed_number": str(seed)})

    def neighbours(self, count: int) -> list["StoredRow"]:
        """Rows that render the seeds next to those it has rendered, half below and half above.

        Args:
            count: how many seeds; where there is none below 0, more come from above.
        """
        below = min(count // 2, self.first_seed)
        above = (self.first_seed + self.images) % SEEDS
        rows: list[StoredRow] = []
        for seed, images in ((self.first_seed - below, below), (above, count - below)):
            if images:
                row = self.seeded(seed)
                cells = {**row.cells, "num_images": str(images)}
                rows.append(replace(row, number=self.number + len(rows), cells=cells))
        return rows


def stored_rows(
    library: Path, session: str, numbers: Iterable[int] | None = None
) -> list[StoredRow]:
    """The rows of the session with id `session`, in the order of the sheet.

    Args:
        library: the library.
        session: the session's id.
        numbers: of the rows; None for all.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    with reading(library) as db:
        return _stored(db, session, numbers)


def _stored(
    db: sqlite3.Connection, session: str, numbers: Iterable[int] | None = None
) -> list[StoredRow]:
    which = "" if numbers is None else " AND r.number IN (SELECT value FROM json_each(?))"
    chosen = [] if numbers is None else [json.dumps(list(numbers))]
    rows = db.execute(
        "SELECT r.number, r.cells, r.extra, r.failed, i.seed,"
        f" {NAMED_SOURCES} AS sources,"
        " (SELECT count(*) FROM images WHERE row = r.id"
        " AND NOT EXISTS (SELECT 1 FROM parents WHERE image = images.id)) AS images FROM rows r"
        " JOIN images i ON i.row = r.id AND i.variation = 1"
        " WHERE r.session = (SELECT id FROM sessions WHERE key = ?)"
        f"{which} ORDER BY r.id",
        (session, *chosen),
    ).fetchall()
    return [
        StoredRow(
            row["number"],
            json.loads(row["cells"]) | json.loads(row["sources"]),
            json.loads(row["extra"]),
            row["seed"],
            row["images"],
            row["failed"] > 0,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class StoredSheet:
    """The sheet of a session as a whole, rows that it kept from an earlier session included."""

    name: str
    """The session's."""
    file: str
    sheet: str | None
    header: tuple[str, ...]
    """As the user wrote it; empty where that was not kept."""
    rows: Sequence[StoredRow]
    """By their numbers in this sheet, ascending."""


def stored_sheet(library: Path, session: str) -> StoredSheet:
    """The sheet that the session with id `session` was made from.

    Rows kept from a session that is in the trash, or gone, are not in it: nothing of them is left.

    Raises:
        LibraryError: no such session, or not a library this version can read.
    """
    with reading(library) as db:
        found = _source(db, session)
        if found is None:
            raise LibraryError(f"Session not found, or in the trash: {session!r}.")
        name, source = found
        return StoredSheet(
            name,
            source.file,
            source.sheet,
            tuple(source.columns),
            _whole(db, session, source),
        )


def _source(db: sqlite3.Connection, session: str) -> tuple[str, RowsSource] | None:
    row = db.execute(
        "SELECT name, source FROM sessions WHERE key = ? AND trashed IS NULL", (session,)
    ).fetchone()
    return (row["name"], source_of(row["source"])) if row else None


def _whole(db: sqlite3.Connection, session: str, source: RowsSource) -> list[StoredRow]:
    """Own rows and kept ones, whichever session in the line of parents rendered them."""
    rows = _stored(db, session)
    # Number in the sheet of the session looked at → number in the sheet asked for.
    names: dict[int, int] | None = None
    while kept := _numbers(source.kept):
        names = {
            then: now if names is None else names[now]
            for now, then in kept.items()
            if names is None or now in names
        }
        session = source.parent or ""
        found = _source(db, session)
        if found is None:
            break
        source = found[1]
        rows += [replace(row, number=names[row.number]) for row in _stored(db, session, names)]
    return sorted(rows, key=lambda row: row.number)


def _numbers(kept: Kept) -> dict[int, int]:
    return {now + n: then + n for now, then, count in kept for n in range(count)}


def as_runs(kept: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Kept rows for a session's `source`: number now → number then, in runs."""
    runs: list[tuple[int, int, int]] = []
    for now, then in sorted(kept.items()):
        first, there, count = runs[-1] if runs else (0, 0, 0)
        if runs and (now, then) == (first + count, there + count):
            runs[-1] = (first, there, count + 1)
        else:
            runs.append((now, then, 1))
    return runs


def session_of_sheet(library: Path, path: Path, worksheet: str | None) -> str | None:
    """The id of the newest session that was made from this sheet, by its path or else its name.

    Raises:
        LibraryError: not a library this version can read.
    """
    if is_new(library):
        return None
    with reading(library) as db:
        row = db.execute(
            "SELECT key FROM sessions WHERE trashed IS NULL AND json_extract(source, '$.file') = ?1"
            " AND json_extract(source, '$.sheet') IS ?2"
            " ORDER BY json_extract(source, '$.path') IS ?3 DESC, created DESC, id DESC LIMIT 1",
            (_as_text(path.name), worksheet, path_text(path)),
        ).fetchone()
    return row["key"] if row else None


def _as_text(path: str) -> str:
    """A file name whose bytes may be no UTF-8, as it is stored."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def path_text(path: Path) -> str:
    """A sheet's path for a session's `source`."""
    return _as_text(str(path.absolute()))
