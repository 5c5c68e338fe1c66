"""Sessions: started, followed, stopped, looked at, curated, exported."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from engine.api.checked import Checked
from engine.library.read import reader, results
from engine.library.read.jobs import JobPages, recipe_of_row
from engine.library.read.pace import Pace, pace, paces
from engine.library.read.paper import UNDER, PageLook, Under
from engine.library.read.reader import STATES, JobInfo, SessionInfo
from engine.library.read.session_origin import SessionOrigin, session_origin
from engine.library.read.sessions import SessionOrder, SessionPages
from engine.library.read.stored_rows import (
    StoredRow,
    as_runs,
    path_text,
    session_of_sheet,
    stored_rows,
)
from engine.library.read.tables import TableKind
from engine.library.records import ContactSheets, Exported
from engine.picture.recipe import Recipe
from engine.protocol.commands import (
    Move,
    Places,
    Rename,
    RequestedRow,
    RestoreSession,
    Resume,
    Retry,
    RowsSource,
    Stop,
    Submit,
    Tag,
    TrashSession,
)
from engine.service.client.follow import FollowProgress, follow_session
from engine.service.client.route import ask, ask_or_start
from engine.settings import Settings

_T = TypeVar("_T")
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Started:
    """A session the engine process has accepted."""

    session: str
    images: int
    warning: str | None
    """What to tell the user of how the engine process outlives the terminal; usually nothing."""


class Sessions:
    """The sessions of one library. Where one is named, by its id, if nothing else is said."""

    def __init__(self, settings: Settings) -> None:
        """Args: settings: whose library, and which hosts may render."""
        self._settings, self._path = settings, settings.library

    # ---------------------------------------------------------------- work

    def start(
        self,
        checked: Checked,
        *,
        name: str | None = None,
        parent: str | None = None,
        progress: Told = lambda _, __: None,
    ) -> Started:
        """Have the ready rows of a checked sheet rendered; returns once that is on disk.

        What they are drawn on is copied into the library first.

        Args:
            checked: rows with errors are left out.
            name: what to call it; the file's name otherwise.
            parent: the session it was made from.
            progress: told again and again how many of how many pictures are copied, 0 of 0 while
                none are; what it raises before all are ends it, and nothing is started.

        Raises:
            EngineError: the engine process cannot be started, or refuses.
        """
        sheet = checked.sheet
        rows = (
            RequestedRow(row.number, dict(row.cells), dict(row.extra), row.values, list(row.grid))
            for row in sheet.ready
            if row.values is not None
        )
        source = RowsSource(
            sheet.file,
            sheet.sheet,
            list(sheet.columns),
            parent,
            path_text(checked.path) if checked.path else None,
            as_runs(checked.kept) if parent else [],
        )
        wanted = Submit(name or Path(sheet.file).stem, source, Submit.packed(rows))
        accepted, detachment = ask_or_start(
            self._path, wanted, asked=True, underway=lambda told: progress(told.copied, told.of)
        )
        tally = accepted.tally
        return Started(tally.session, tally.images, detachment.warning if detachment else None)

    def stop(self, session: str | None, rows: Sequence[int] | None = None) -> None:
        """Stop after the current step; what is finished is kept.

        Args:
            session: its id; None: everything.
            rows: numbers of the session's rows; None: all of them. An image of theirs that shares
                a running batch with others' still comes out of it.

        Raises:
            EngineError: the engine process cannot be started, or refuses.
        """
        ask(self._path, Stop(session, rows))

    def resume(
        self, session: str | None, rows: Sequence[int] | None = None, *, new_files: bool = False
    ) -> None:
        """Let what was stopped, or waits to be asked for, go on.

        Args:
            session: as for `stop`.
            rows: as for `stop`.
            new_files: with the files its models have now, whatever they were when it was planned.
                None of the session's images that are to come is by the old ones then, and each
                says so.

        Raises:
            EngineError: the engine process cannot be started, or refuses.
        """
        ask(self._path, Resume(session, rows, new_files), asked=True)

    def retry(
        self, session: str | None, rows: Sequence[int] | None = None, *, new_files: bool = False
    ) -> None:
        """Let failed images be tried again; arguments as for `resume`.

        Raises:
            EngineError: the engine process cannot be started, or refuses.
        """
        ask(self._path, Retry(session, rows, new_files), asked=True)

    def move(self, session: str, to: Places) -> None:
        """Have a session rendered sooner or later than others: `first`, `last`, `up` or `down`.

        Raises:
            EngineError: the engine process cannot be started, or refuses.
        """
        ask(self._path, Move(session, to))

    def follow(self, session: str, patience: float | None = None) -> Iterator[FollowProgress]:
        """Where a session stands, again and again until it has settled.

        An engine process that ends meanwhile is started again as far as that is wanted.

        Args:
            session: its id.
            patience: seconds for which it is waited while nothing can be rendered, whatever the
                reason; the last report has `given_up` then. None: for ever.

        Raises:
            EngineError: the engine process cannot be talked to.
            LibraryError: there is no such session any more.
        """
        return follow_session(session, self._settings, patience)

    # ---------------------------------------------------------------- looked at

    def all(self) -> list[SessionInfo]:
        """All that are not in the trash, newest first; none where there is no library yet.

        Raises:
            LibraryError: not a library this version can read.
        """
        return reader.list_sessions(self._path)

    def newest(self, most: int) -> list[SessionInfo]:
        """The first `most` of `all`.

        Raises:
            LibraryError: not a library this version can read.
        """
        return reader.list_sessions(self._path, most)

    def images_made(self) -> tuple[int, int]:
        """How many images of all of them are done, and how many have failed.

        Raises:
            LibraryError: not a library this version can read.
        """
        return reader.images_made(self._path)

    def unfinished(self) -> list[SessionInfo]:
        """Those with work left, in the order in which they are rendered.

        Raises:
            LibraryError: not a library this version can read.
        """
        return reader.list_unfinished(self._path)

    def queue(self) -> list[SessionInfo]:
        """As `unfinished`; then those that were stopped and can be resumed, the newest first.

        Raises:
            LibraryError: not a library this version can read.
        """
        return reader.list_queue(self._path)

    def find(self, wanted: str) -> SessionInfo:
        """The session meant by `wanted`: an id, a name, or `last`.

        Raises:
            LibraryError: none, or several of that name.
        """
        return reader.find_session(self._path, wanted)

    def of_sheet(self, path: Path, worksheet: str | None = None) -> str | None:
        """The id of the newest made from this sheet: by its path, else by its name; or None.

        Raises:
            LibraryError: not a library this version can read.
        """
        return session_of_sheet(self._path, path, worksheet)

    def pages(
        self, *, text: str = "", order: SessionOrder = "newest", trashed: bool = False
    ) -> SessionPages:
        """Those that match a search, a page at a time.

        Args:
            text: in the name or a tag, or all of its words (the last may be unfinished) in one of
                the prompts.
            order: of the list.
            trashed: those in the trash, instead of those that are not.

        Raises:
            LibraryError: no such library.
        """
        return SessionPages(self._path, text=text, order=order, trashed=trashed)

    def jobs(self, session: str) -> Iterator[JobInfo]:
        """The jobs of a session, in the order of the sheet, read by the page.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        return reader.each_job(self._path, session)

    def jobs_as_json(self, session: str) -> Iterator[str]:
        """As `jobs`, each a JSON object in ASCII."""
        return reader.jobs_as_json(self._path, session)

    def job_pages(
        self,
        session: str,
        *,
        text: str = "",
        states: Sequence[str] = STATES,
        order: str = "sheet",
    ) -> JobPages:
        """The jobs of a session that match a filter, a page at a time.

        Args:
            session: its id.
            text: in one of the row's cells.
            states: which a job may have.
            order: one of `ORDERS`; as things stand now, they do not move by themselves.

        Raises:
            LibraryError: no such library or session.
        """
        return JobPages(self._path, session, text=text, states=states, order=order)

    def rows(self, session: str, numbers: Iterable[int] | None = None) -> list[StoredRow]:
        """The rows of a session as they were accepted, in the order of the sheet.

        Args:
            session: its id.
            numbers: of the rows; None for all.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        return stored_rows(self._path, session, numbers)

    def origin(self, session: str, prompts: int) -> SessionOrigin | None:
        """Where a session comes from, with so many of its prompts; None where there is none.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        return session_origin(self._path, session, prompts)

    def recipe_of(self, session: str, row: int) -> Recipe | None:
        """The recipe of a row's first image; None where there is no such row.

        Args:
            session: its id.
            row: the row's number.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        return recipe_of_row(self._path, session, row)

    def pace(self, session: str) -> Pace:
        """How a session gets on.

        Raises:
            LibraryError: no such library.
        """
        return pace(self._path, session)

    def paces(self, without: Collection[str] = ()) -> dict[str, Pace]:
        """Session → how it gets on, of all with work left.

        Args:
            without: ids of sessions that are held back: nothing waits for them.

        Raises:
            LibraryError: no such library.
        """
        return paces(self._path, without)

    def log_path(self, session: str) -> Path:
        """Where a session's log is, once there is something in it."""
        return reader.log_path(self._path, session)

    # ---------------------------------------------------------------- curated

    def rename(self, session: str, name: str) -> None:
        """Call a session something else.

        Raises:
            EngineError: the name cannot be, or the engine process cannot be started.
        """
        ask(self._path, Rename(session, name))

    def tag(self, session: str, tags: Sequence[str]) -> list[str]:
        """Give a session these tags and no others; as they were stored.

        Raises:
            EngineError: a tag cannot be, or the engine process cannot be started.
        """
        return ask(self._path, Tag(session, tags)).tags

    def trash(self, session: str) -> None:
        """Stop a session and move all of it to the trash.

        Raises:
            EngineError: it does not come to rest, or the engine process refuses.
        """
        ask(self._path, TrashSession(session))

    def restore(self, session: str) -> None:
        """Bring a session back from the trash.

        Raises:
            EngineError: it is not there, or the engine process refuses.
        """
        ask(self._path, RestoreSession(session))

    # ---------------------------------------------------------------- what came of them

    def results(self, session: str) -> Any:
        """The results as a pandas frame: the sheet's columns, then what is known of each image.

        Args:
            session: its id or name, or `last`.

        Raises:
            LibraryError: no such session, or not a library this version can read.
        """
        return results.results_frame(self._path, session)

    def export(
        self,
        session: str,
        out: IO[bytes],
        *,
        images: Collection[str] | None = None,
        rows: Collection[int] | None = None,
        favourites: bool = False,
        strip_metadata: bool = False,
        table: TableKind = "csv",
        sources: bool = False,
        captions: bool = False,
        progress: Told = lambda _, __: None,
    ) -> Exported:
        """Write a session's finished images to `out` as a ZIP, with a results sheet.

        Args:
            session: its id.
            out: need not seek: the ZIP is made while it is written.
            images: only these, by their ids.
            rows: only those of these rows, by their numbers.
            favourites: only these.
            strip_metadata: leave recipes out, of the pictures and of the results sheet.
            table: the results sheet's format.
            sources: also what they are drawn on, as it was brought.
            captions: also NAME.txt with the final prompt beside each NAME.png, as trainers of
                LoRAs want it; not with `strip_metadata`.
            progress: told how many of how many images were looked at; what it raises ends the
                export.

        Returns:
            What was written.

        Raises:
            LibraryError: no such session.
            OSError: `out` cannot be written.
        """
        from engine.library.read.export import (  # numpy and Pillow, which few need
            ExportWish,
            export_zip,
        )

        wish = ExportWish(
            images=_frozen(images),
            rows=_frozen(rows),
            favourites=favourites,
            strip_metadata=strip_metadata,
            table=table,
            sources=sources,
            captions=captions,
        )
        return export_zip(self._path, session, out, wish, progress)

    def contact_sheet(
        self,
        session: str,
        file: Path,
        *,
        images: Collection[str] | None = None,
        rows: Collection[int] | None = None,
        favourites: bool = False,
        strip_metadata: bool = False,
        columns: int = 4,
        paper: str = "a4",
        under: Sequence[Under] = UNDER,
        replace: bool = False,
        progress: Told = lambda _, __: None,
    ) -> ContactSheets:
        """Write a session's finished images small on pages, to look at or to print.

        Args:
            session: its id.
            file: `NAME.pdf` for all pages, or `NAME.png`; several PNGs are `NAME-1.png`, ….
            images: only these, by their ids.
            rows: only those of these rows, by their numbers.
            favourites: only these.
            strip_metadata: leave the session's name, seeds and prompts out.
            columns: 1 to 20.
            paper: one of `PAPERS`.
            under: what stands under each image.
            replace: whether files that are there are replaced.
            progress: told how many of how many images are on a page; what it raises ends it, and
                leaves nothing.

        Returns:
            What was written.

        Raises:
            PromptsheetError: no such session, no image to show, or a look that cannot be.
            FileExistsError: something of the name is there, and is not to be replaced.
            OSError: it cannot be written.
        """
        from engine.library.read.chosen import ImageChoice
        from engine.library.read.contact_sheet import contact_sheet  # Pillow

        choice = ImageChoice(_frozen(images), _frozen(rows), favourites, strip_metadata)
        look = PageLook(columns, paper, tuple(under))
        return contact_sheet(
            self._path, session, file, choice, look, replacing=replace, progress=progress
        )

    def grids(
        self,
        session: str,
        file: Path,
        *,
        rows: Collection[int] | None = None,
        across: str = "",
        down: str = "",
        replace: bool = False,
        progress: Told = lambda _, __: None,
    ) -> ContactSheets:
        """Write rows that are grids as one labelled picture each.

        Args:
            session: its id.
            file: `NAME.png`; of several rows `NAME-ROW.png`.
            rows: their numbers; None: all that are grids.
            across: the list whose values are the columns; empty: the longer of the last two.
            down: the list whose values are the rows; empty: the other of these.
            replace: whether files that are there are replaced.
            progress: told how many of how many images are on a picture; what it raises ends it,
                and leaves nothing.

        Returns:
            What was written.

        Raises:
            PromptsheetError: no such session, no grid, or no such list.
            FileExistsError: something of the name is there, and is not to be replaced.
            OSError: it cannot be written.
        """
        from engine.library.read.grid_picture import GridAxes, grid_pictures  # Pillow

        axes = GridAxes(across, down)
        return grid_pictures(
            *(self._path, session, file, _frozen(rows), axes),
            replacing=replace,
            progress=progress,
        )

    def web_page(
        self,
        session: str,
        folder: Path,
        *,
        images: Collection[str] | None = None,
        rows: Collection[int] | None = None,
        favourites: bool = False,
        strip_metadata: bool = False,
        progress: Told = lambda _, __: None,
    ) -> Exported:
        """Write a session's finished images into a new folder, with a page that shows them.

        `index.html` in it is opened in any browser: it needs no server and no net.

        Args:
            session: its id.
            folder: a name that is free, or an empty folder.
            images: only these, by their ids.
            rows: only those of these rows, by their numbers.
            favourites: only these.
            strip_metadata: leave recipes and the session's name out, also of names and data.
            progress: told how many of how many images were looked at; what it raises ends it, and
                leaves nothing.

        Returns:
            What was written.

        Raises:
            PromptsheetError: no such session, or no image to show.
            FileExistsError: something is there.
            OSError: it cannot be written.
        """
        from engine.library.read.chosen import ImageChoice
        from engine.library.read.web_page import web_page  # Pillow

        choice = ImageChoice(_frozen(images), _frozen(rows), favourites, strip_metadata)
        return web_page(self._path, session, folder, choice, progress)


def _frozen(values: Collection[_T] | None) -> frozenset[_T] | None:
    return None if values is None else frozenset(values)
