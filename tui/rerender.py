"""From images back to work: their rows once more, with other seeds, or on the Sheet screen."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from engine.api import (
    ImageInfo,
    Library,
    SessionInfo,
    SheetError,
    Started,
    StoredRow,
)
from tui.keys import key_of
from tui.text import count_text

_NEIGHBOURS = 8
_KEPT_OF_SOURCE = ("prompt", "negative_prompt", "model", "style")
"""Columns that a row drawn on an image takes over from that image's row."""


AS_BEFORE = "empty: same number as before"


def by_session(images: Sequence[ImageInfo]) -> list[list[ImageInfo]]:
    """The images of each session, in the order in which they come."""
    found: dict[str, list[ImageInfo]] = {}
    for image in images:
        found.setdefault(image.session, []).append(image)
    return list(found.values())


def rows_to_render(images: Sequence[ImageInfo]) -> list[int]:
    """The numbers of the rows of these images of one session."""
    return sorted({image.row for image in images})


def start_again(images: Sequence[ImageInfo], library: Library, count: int | None = None) -> Started:
    """Render the rows of these images again, with new seeds; what was started.

    Args:
        images: some images of one session.
        library: whose they are.
        count: images of each row; None: as many as it had.

    Raises:
        EngineError: the engine process refuses.
        SheetError: the rows cannot be rendered any more.
        LibraryError: the library cannot be read.
    """
    first = images[0].session
    rows = [
        row.newly_seeded()
        for row in _combinations(
            library.sessions.rows(first, rows_to_render(images)),
            [(image.row, image.variation) for image in images],
        )
    ]
    return _start(first, _with_count(rows, count), library, "again")


def _combinations(rows: Iterable[StoredRow], wanted: Iterable[tuple[int, int]]) -> list[StoredRow]:
    """Rows, those that are grids as the plain rows of the combinations that are wanted of them.

    Args:
        rows: of one session.
        wanted: row and variation of images of theirs.
    """
    wanted = sorted(wanted)
    found: dict[tuple[int, int], StoredRow] = {}
    for row in rows:
        grid = row.grid
        for number, variation in wanted:
            if number == row.number:
                combination = 0 if grid is None else grid.combination(variation)
                found.setdefault((number, combination), row.combination(variation))
    numbers: set[int] = {row.number for row in found.values()}
    taken: set[int] = set()
    numbered = []
    for row in found.values():
        # The first combination of a row keeps its number, others come after the last.
        number = row.number if row.number not in taken else max(numbers | taken) + 1
        taken.add(number)
        numbered.append(replace(row, number=number))
    return numbered


def _with_count(rows: Sequence[StoredRow], count: int | None) -> Sequence[StoredRow]:
    if count is None:
        return rows
    return [replace(row, cells={**row.cells, "num_images": str(count)}) for row in rows]


def more_like(image: ImageInfo, library: Library) -> Started:
    """Render the seeds next to those of an image's row; what was started.

    Raises:
        EngineError: the engine process refuses.
        SheetError: the row cannot be rendered any more.
        LibraryError: the library cannot be read.
    """
    (row,) = library.sessions.rows(image.session, [image.row])
    row = row.combination(image.variation)
    rows = row.neighbours(_NEIGHBOURS)
    return _start(image.session, rows, library, f"more of row {image.row}")


def started_words(started: Started) -> str:
    """What was started, and the key that shows it."""
    images = count_text(started.images, "image")
    return f"{images} started as session {started.session}; {key_of('app.jobs')} shows them"


def _start(session: str, rows: Sequence[StoredRow], library: Library, what: str) -> Started:
    info = library.sessions.find(session)
    checked = library.sheets.check_stored(rows, file=info.name)
    if checked.errors:
        problem = checked.errors[0]
        raise SheetError(f"Row {problem.row} can no longer be rendered: {problem.message}")
    return library.sessions.start(checked, name=f"{info.name}, {what}", parent=session)


def rows_of(images: Sequence[ImageInfo], library: Library) -> list[dict[str, str]]:
    """The rows of these images, each with the seed of its first image here, and a cell for a style.

    Of a grid, the plain rows of those combinations that the images are.

    Raises:
        LibraryError: the library cannot be read.
    """
    found = []
    for of_one in by_session(images):
        for row in library.sessions.rows(of_one[0].session, rows_to_render(of_one)):
            grid = row.grid
            firsts: dict[int, ImageInfo] = {}
            for image in of_one:
                if image.row == row.number:
                    combination = 0 if grid is None else grid.combination(image.variation)
                    firsts.setdefault(combination, image)
            for _, image in sorted(firsts.items()):
                cells = row.combination(image.variation).seeded(image.seed).cells
                found.append({**cells, "style": cells.get("style", ""), **row.extra})
    return found


def rows_drawn_on(images: Sequence[ImageInfo], library: Library) -> list[dict[str, str]]:
    """A row drawn on each of these images, with its prompt, to be edited; none where it has none.

    Raises:
        LibraryError: the library cannot be read.
    """
    known: dict[tuple[str, int], StoredRow] = {}
    for session in dict.fromkeys(image.session for image in images):
        numbers = {image.row for image in images if image.session == session}
        known |= {(session, row.number): row for row in library.sessions.rows(session, numbers)}
    rows = []
    for image in images:
        row = known.get((image.session, image.row))
        if row is not None and image.file is not None and not image.trashed:
            said = row.combination(image.variation).cells
            cells = {name: said[name] for name in _KEPT_OF_SOURCE if said.get(name)}
            path = str(library.path.absolute() / image.file)
            rows.append({**cells, "image": path, "strength": "", **row.extra})
    return rows


def duplicate(info: SessionInfo, library: Library, count: int | None = None) -> Started:
    """Render a session's sheet once more; rows without a seed draw another; what was started.

    Args:
        info: the session.
        library: whose it is.
        count: images of each row; None: as many as it had.

    Raises:
        EngineError: the engine process refuses.
        SheetError: a row cannot be rendered any more.
        LibraryError: the library cannot be read.
    """
    rows = _with_count(library.sessions.rows(info.session), count)
    return _start(info.session, rows, library, "again")
