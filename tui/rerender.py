"""From images back to work: their rows once more, with other seeds, or on the Sheet screen."""

from collections.abc import Sequence
from dataclasses import replace

from engine.api import (
    EngineError,
    ImageInfo,
    SessionInfo,
    Settings,
    SheetError,
    Started,
    StoredRow,
    check_stored,
    find_session,
    neighbours,
    start_session,
    stored_rows,
    with_drawn_seed,
    with_new_seeds,
)
from tui.keys import key_of
from tui.text import count_text

_NEIGHBOURS = 8


def start_again(images: Sequence[ImageInfo], settings: Settings) -> Started:
    """Render the rows of these images again, with new seeds; what was started.

    Raises:
        EngineError: the engine process refuses, or the rows cannot be rendered any more.
        LibraryError: the library cannot be read.
    """
    first = images[0].session
    numbers = {image.row for image in images if image.session == first}
    rows = [
        replace(row, cells=with_new_seeds(row.cells))
        for row in stored_rows(settings.library, first, numbers)
    ]
    return _start(first, rows, settings, "again")


def more_like(image: ImageInfo, settings: Settings) -> Started:
    """Render the seeds next to those of an image's row; what was started.

    Raises:
        EngineError: the engine process refuses, or the row cannot be rendered any more.
        LibraryError: the library cannot be read.
    """
    (row,) = stored_rows(settings.library, image.session, [image.row])
    near = neighbours(row.cells, row.first_seed, row.images, _NEIGHBOURS)
    rows = [replace(row, number=row.number + n, cells=cells) for n, cells in enumerate(near)]
    return _start(image.session, rows, settings, f"more of row {image.row}")


def started_words(started: Started) -> str:
    """What was started, and the key that shows it."""
    images = count_text(started.images, "image")
    return f"{images} started as {started.session}; {key_of('app.jobs')} shows them"


def _start(session: str, rows: Sequence[StoredRow], settings: Settings, what: str) -> Started:
    info = find_session(settings.library, session)
    try:
        checked = check_stored(rows, settings, file=info.name)
    except SheetError as error:
        raise EngineError(str(error)) from error
    if checked.errors:
        problem = checked.errors[0]
        raise EngineError(f"Row {problem.row} cannot be rendered any more: {problem.message}")
    return start_session(checked, settings, name=f"{info.name}, {what}", parent=session)


def rows_of(images: Sequence[ImageInfo], settings: Settings) -> list[dict[str, str]]:
    """The rows of these images, each with the seed of its first image here.

    Raises:
        LibraryError: the library cannot be read.
    """
    seeds: dict[tuple[str, int], int] = {}
    for image in images:
        seeds.setdefault((image.session, image.row), image.seed)
    found = []
    for session in dict.fromkeys(image.session for image in images):
        numbers = [row for owner, row in seeds if owner == session]
        for row in stored_rows(settings.library, session, numbers):
            cells = with_drawn_seed(row.cells, seeds[session, row.number])
            found.append({**cells, **row.extra})
    return found


def duplicate(info: SessionInfo, settings: Settings) -> Started:
    """Render a session's sheet once more; rows without a seed draw another; what was started.

    Raises:
        EngineError: the engine process refuses, or a row cannot be rendered any more.
        LibraryError: the library cannot be read.
    """
    rows = stored_rows(settings.library, info.session)
    return _start(info.session, rows, settings, "again")
