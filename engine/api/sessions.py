"""Sessions: started, stopped, resumed, exported."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.api.sheets import Checked
from engine.library.read.reader import ImageInfo
from engine.library.read.stored_rows import as_runs, path_text
from engine.library.read.tables import TableKind
from engine.library.records import Copied, Exported
from engine.protocol.commands import (
    Move,
    Pause,
    Places,
    RequestedRow,
    Resume,
    Retry,
    Source,
    Stop,
    Submit,
)
from engine.service.client.connection import connect_or_start
from engine.service.client.curation import ask
from engine.settings import (
    Settings,
)


@dataclass(frozen=True, slots=True)
class Started:
    """A session the engine process has accepted."""

    session: str
    images: int
    warning: str | None
    """What to tell the user of how the engine process outlives the terminal; usually nothing."""


def start_session(
    checked: Checked, settings: Settings, *, name: str | None = None, parent: str | None = None
) -> Started:
    """Have the ready rows of a checked sheet rendered; returns once that is on disk.

    Args:
        checked: rows with errors are left out.
        settings: whose library.
        name: what to call it; the file's name otherwise.
        parent: the session it was made from.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    sheet = checked.sheet
    rows = (
        RequestedRow(row.number, dict(row.cells), dict(row.extra), row.values)
        for row in sheet.ready
        if row.values is not None
    )
    source = Source(
        sheet.file,
        sheet.sheet,
        list(sheet.columns),
        parent,
        path_text(checked.path) if checked.path else None,
        as_runs(checked.kept) if parent else [],
    )
    wanted = Submit(name or Path(sheet.file).stem, source, Submit.packed(rows))
    connection, detachment = connect_or_start(settings.library, asked=True)
    with connection:
        tally = connection.ask(wanted).tally
    return Started(tally.session, tally.images, detachment.warning if detachment else None)


def stop_session(
    session: str | None, settings: Settings, rows: Sequence[int] | None = None
) -> None:
    """Stop after the current step; what is finished is kept.

    Args:
        session: its id; None: everything.
        settings: whose library.
        rows: numbers of the session's rows; None: all of them. An image of theirs that shares a
            running batch with others' still comes out of it.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    ask(settings.library, Stop(session, rows))


def resume_session(
    session: str | None,
    settings: Settings,
    rows: Sequence[int] | None = None,
    *,
    new_files: bool = False,
) -> None:
    """Let what was stopped, or waits to be asked for, go on.

    Args:
        session: as for `stop_session`.
        settings: whose library.
        rows: as for `stop_session`.
        new_files: with the files its models have now, whatever they were when it was planned. None
            of the session's images that are to come is by the old ones then, and each says so.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    ask(settings.library, Resume(session, rows, new_files), asked=True)


def retry_session(
    session: str | None,
    settings: Settings,
    rows: Sequence[int] | None = None,
    *,
    new_files: bool = False,
) -> None:
    """Let failed images be tried again; arguments as for `resume_session`.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    ask(settings.library, Retry(session, rows, new_files), asked=True)


def move_session(session: str, settings: Settings, to: Places) -> None:
    """Have a session rendered sooner or later than others: `first`, `last`, `up` or `down`.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    ask(settings.library, Move(session, to))


def pause_engine(settings: Settings, *, paused: bool) -> None:
    """Render nothing and free the devices until told to go on; or go on. Outlives a restart.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    ask(settings.library, Pause(paused), asked=not paused)


def export_session(
    session: str,
    settings: Settings,
    out: IO[bytes],
    *,
    images: Collection[str] | None = None,
    favourites: bool = False,
    strip_metadata: bool = False,
    table: TableKind = "csv",
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Exported:
    """Write a session's finished images to `out` as a ZIP, with a results sheet; what it wrote.

    Args:
        session: its id.
        settings: whose library.
        out: need not seek: the ZIP is made while it is written.
        images: only these, by their ids.
        favourites: only these.
        strip_metadata: leave recipes out, of the pictures and of the results sheet.
        table: the results sheet's format.
        progress: told how many of how many images were looked at; what it raises ends the export.

    Raises:
        LibraryError: no such session.
        OSError: `out` cannot be written.
    """
    from engine.library.read.export import Wish, export_zip  # numpy and Pillow, which few need

    chosen = None if images is None else frozenset(images)
    wish = Wish(chosen, favourites, strip_metadata, table)
    return export_zip(settings.library, session, out, wish, progress)


def copy_images(
    images: Collection[str],
    settings: Settings,
    folder: Path,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Copied:
    """Copy finished images into a folder, named as in an export; nothing there is replaced.

    Args:
        images: their ids.
        settings: whose library.
        folder: made if need be.
        progress: told how many of how many were looked at; what it raises ends the copying.

    Raises:
        LibraryError: no library there, or not one this version can read.
        OSError: the folder cannot be written.
    """
    from engine.library.read import copying  # numpy and Pillow, which few need

    return copying.copy_images(settings.library, images, folder, progress)


def named_files(
    images: Sequence[ImageInfo], settings: Settings
) -> Iterator[tuple[str, bytes | None]]:
    """The files of images under the names they have in an export; None: missing or damaged.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    from engine.library.read import copying  # numpy and Pillow, which few need

    for image, name in zip(images, copying.names_of(settings.library, images), strict=True):
        yield name, copying.whole_file(settings.library, image)
