"""What came of a session: as a table, as a ZIP, and to be shown to others."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

from engine.library.read import results
from engine.library.read.paper import UNDER, PageLook, Under
from engine.library.read.tables import TableKind
from engine.library.records import ContactSheets, Exported

_T = TypeVar("_T")
Told = Callable[[int, int], None]


class SessionResults:
    """What is asked of the results of one library's sessions."""

    def __init__(self, path: Path) -> None:
        """Args: path: the library's folder."""
        self._path = path

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
