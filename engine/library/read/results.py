"""What came of a session, one line an image, such that it is a sheet again."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.library.database import LibraryError, reading
from engine.library.read.reader import IMAGE_COLUMNS, ImageInfo, find_session, image_info, paged
from engine.library.read.sources import NAMED_SOURCES
from engine.library.read.stored import source_of
from engine.library.read.stored_rows import stored_rows
from engine.sheet.columns import COLUMNS
from engine.sheet.grid_cells import Grid, may_be_grid
from engine.sheet.picture_names import with_digest

RESULT_COLUMNS = (
    *("result_state", "result_file", "result_rating", "result_favourite", "result_error"),
)
_SEED, _COUNT = "seed_number", "num_images"
_OF_ENLARGED = {
    *("prompt", "negative_prompt", "magic_prompt", "model", "image", "upscale", "strength", "fit"),
    *("steps", "guidance", "scheduler", "lora"),
}
"""Columns by which an image is asked for again that is made of another of its row."""


@dataclass(frozen=True, slots=True)
class Result:
    """One image, with the cells of its row."""

    info: ImageInfo
    cells: dict[str, str]
    """Known column → text, such that this one image comes out of it again."""
    extra: dict[str, str]

    def line(self, columns: Sequence[str], **found: str) -> list[str]:
        """Its cells in the order of `columns`.

        Args:
            columns: as `columns_of` gives them.
            found: the result columns' cells, where they differ from what the library says.
        """
        info = self.info
        results = {
            "result_state": info.state,
            "result_file": info.file or "",
            "result_rating": str(info.rating or ""),
            "result_favourite": "yes" if info.favourite else "",
            "result_error": info.error or "",
        }
        cells = {**self.extra, **self.cells, **results, **found}
        return [cells.get(column, "") for column in columns]


def columns_of(library: Path, session: str) -> list[str]:
    """The columns of a session's results: Promptsheet's, the user's own, what came of it.

    Raises:
        LibraryError: no such session, or not a library this version can read.
    """
    with reading(library) as db:
        identity = _session(db, session)
        used = _keys(db, "cells", identity) | {_SEED, _COUNT}
        if db.execute("SELECT 1 FROM parents WHERE session = ? LIMIT 1", (identity,)).fetchone():
            used |= _OF_ENLARGED
        extra = _keys(db, "extra", identity)
        source = db.execute("SELECT source FROM sessions WHERE id = ?", (identity,)).fetchone()
    written = source_of(source["source"]).columns
    known = [column.name for column in COLUMNS if column.name in used]
    own = [name for name in written if name in extra]
    own += sorted(extra.difference(own))
    # A results sheet that was rendered again has these already, of the time before.
    own = [name for name in own if name not in RESULT_COLUMNS and name not in known]
    return [*known, *own, *RESULT_COLUMNS]


def _session(db: sqlite3.Connection, session: str) -> int:
    found = db.execute("SELECT id FROM sessions WHERE key = ?", (session,)).fetchone()
    if found is None:
        raise LibraryError(f"Session not found: {session!r}.")
    return int(found["id"])


def _keys(db: sqlite3.Connection, column: str, session: int) -> set[str]:
    rows = db.execute(
        f"SELECT DISTINCT j.key FROM rows r, json_each(r.{column}) j WHERE r.session = ?",
        (session,),
    ).fetchall()
    return {row[0] for row in rows}


def results_of(
    library: Path,
    session: str,
    *,
    images: frozenset[str] | None = None,
    favourites: bool = False,
) -> Iterator[Result]:
    """A session's images with their rows' cells, in the order of the sheet, read by the page.

    Args:
        library: the library.
        session: the session's id.
        images: only these, by their ids.
        favourites: only these.

    Raises:
        LibraryError: no such session, or not a library this version can read.
    """
    with reading(library) as db:
        _session(db, session)  # it must exist
    select = IMAGE_COLUMNS.replace(
        "SELECT ",
        f"SELECT r.cells, r.extra, {NAMED_SOURCES} AS sources, {_MADE_OF} AS made_of, ",
        1,
    )
    where = "AND i.trashed IS NULL" + (" AND i.favourite = 1" if favourites else "")
    grid: Grid | None = None
    last: int | None = None
    for row in paged(library, session, select, "i", where):
        if images is None or row["key"] in images:
            if row["number"] != last and may_be_grid(json.loads(row["cells"])):
                found = stored_rows(library, session, [row["number"]])
                grid = next((each.grid for each in found), None)
            elif row["number"] != last:
                grid = None
            last = row["number"]
            yield _result(row, grid)


_MADE_OF = (
    "(SELECT o.file FROM parents p JOIN images o ON o.id = p.parent"
    " WHERE p.image = i.id AND p.source IS NOT NULL)"
)
"""Of an image `i` that is made of another of its row: the name of that one's file."""


def _result(row: sqlite3.Row, grid: Grid | None) -> Result:
    info = image_info(row)
    cells = json.loads(row["cells"]) | json.loads(row["sources"])
    if row["made_of"] is not None:
        cells = _enlarged(info, row["made_of"])
    elif grid is not None:
        cells = grid.cells_of(info.variation)
    if row["made_of"] is None and not json.loads(row["sources"]):
        cells.pop("upscale", None)  # what is made of it has a line of its own
    cells |= {_SEED: str(info.seed), _COUNT: "1"}
    return Result(info, cells, json.loads(row["extra"]))


def _enlarged(info: ImageInfo, made_of: str) -> dict[str, str]:
    """The cells of a row that makes this image again of the one it was made of."""
    from engine.picture.foreign import told_by_recipe  # Pillow, which other results do not need
    from engine.plan.from_pictures import row_of

    drawn_on = with_digest(made_of, info.recipe.image)
    cells = row_of(told_by_recipe(info.recipe)) | {"image": drawn_on}
    return {name: cell for name, cell in cells.items() if cell and name in _OF_ENLARGED}


def results_frame(library: Path, session: str) -> Any:
    """The results as a pandas frame: the sheet's columns, then what is known of each image.

    Args:
        library: the library.
        session: a session's id or name, or `last`.

    Raises:
        LibraryError: no such session, or not a library this version can read.
    """
    import pandas as pd  # a quarter of a second, for those who want it

    session = find_session(library, session).session
    columns = columns_of(library, session)
    lines = []
    for result in results_of(library, session):
        info = result.info
        path = str(library / info.file) if info.file else None
        cells = dict(zip(columns, result.line(columns), strict=True))
        lines.append(
            cells
            | {"row": info.row, "variation": info.variation, "seed": info.seed}
            | {"width": info.width, "height": info.height, "bytes": info.bytes}
            | {"result_rating": info.rating, "result_favourite": info.favourite, "path": path}
        )
    more = ["row", "variation", "seed", "width", "height", "bytes", "path"]
    return pd.DataFrame(lines, columns=[*columns, *more])
