"""A session's results as something to show others: a contact sheet, or a web page."""

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.api import Library
from tui.commands.arguments import folder, paper, under_image, whole_number
from tui.commands.output import OK, SOME, UsageError, note, print_json, say
from tui.commands.parser import OneOf, Parser
from tui.text import clean, count_text

if TYPE_CHECKING:
    from engine.api import ContactSheets, SessionInfo

_OF_A_ZIP = ("table", "sources", "captions")
_OF_A_CONTACT_SHEET = ("columns", "paper", "under")
_OF_A_GRID = ("across", "down")
_COLUMNS, _PAPER = 4, "a4"


def register(command: Parser, places: OneOf) -> None:
    """Declare the options of `promptsheet export` for them.

    Args:
        command: that.
        places: where to, of which one is given at most.
    """
    places.add_argument(
        "--contact-sheet",
        type=Path,
        metavar="FILE.pdf|FILE.png",
        help="instead of a ZIP, pages of thumbnails; several PNGs are FILE-1.png, FILE-2.png",
    )
    places.add_argument(
        "--html",
        type=folder,
        metavar="DIR",
        help="instead of a ZIP, a new folder with a web page that needs no server",
    )
    places.add_argument(
        "--grid",
        type=Path,
        metavar="FILE.png",
        help="instead of a ZIP, rows that are grids as one labelled picture each; see --rows",
    )
    command.add_argument(
        "--across", metavar="COLUMN", help="of a grid: the list whose values are its columns"
    )
    command.add_argument(
        "--down", metavar="COLUMN", help="of a grid: the list whose values are its rows"
    )
    command.add_argument(
        "--columns", type=whole_number, metavar="N", help=f"of a contact sheet; {_COLUMNS}"
    )
    command.add_argument(
        "--paper", type=paper, help=f"of a contact sheet: letter, a3-landscape …; {_PAPER}"
    )
    command.add_argument(
        "--under",
        type=under_image,
        metavar="row,seed",
        help="what to write under each thumbnail: row, variation, seed, prompt; all of it",
    )


def written(options: Namespace, library: Library, info: "SessionInfo") -> int | None:
    """What is asked for instead of a ZIP is written; the exit status. None: a ZIP is asked for.

    Raises:
        UsageError: options that belong to something else, or a name that is taken.
    """
    if options.grid:
        _refuse(options, (*_OF_A_CONTACT_SHEET, *_OF_A_ZIP, "favourites"), "--grid")
        if options.strip_metadata:
            raise UsageError("--grid labels images with settings that --strip-metadata leaves out.")
        return _grid(options, library, info)
    _refuse(options, _OF_A_GRID, "anything but --grid FILE.png")
    if options.html:
        _refuse(options, (*_OF_A_CONTACT_SHEET, *_OF_A_ZIP), "--html")
        if options.force:
            raise UsageError("--html never replaces anything: give a new folder.")
        return _web_page(options, library, info)
    if options.contact_sheet:
        _refuse(options, _OF_A_ZIP, "--contact-sheet")
        return _contact_sheet(options, library, info)
    _refuse(options, _OF_A_CONTACT_SHEET, "a ZIP: give --contact-sheet FILE.pdf, too")
    return None


def _refuse(options: Namespace, names: Iterable[str], form: str) -> None:
    for name in names:
        value = getattr(options, name)
        if value is not None and value is not False:
            raise UsageError(f"--{name} cannot be combined with {form}.")


def _web_page(options: Namespace, library: Library, info: "SessionInfo") -> int:
    from tui.progress import exporting

    name = clean(str(options.html))
    try:
        with exporting() as progress:
            done = library.sessions.web_page(
                info.session,
                options.html,
                rows=options.rows,
                favourites=options.favourites,
                strip_metadata=options.strip_metadata,
                progress=progress,
            )
    except FileExistsError as error:
        raise UsageError(f"{name} already exists and is not empty: choose a new folder.") from error
    page = options.html / "index.html"
    if options.json:
        print_json({"session": info.session, "file": str(page)} | asdict(done))
    else:
        say(f"{count_text(done.images, 'image')}: open {clean(str(page))} in a browser")
    if done.failed:
        note(f"{count_text(len(done.failed), 'image')} not in it (failed, missing or damaged).")
    return OK


def _grid(options: Namespace, library: Library, info: "SessionInfo") -> int:
    """`promptsheet export SESSION --grid FILE`."""
    from tui.progress import exporting

    try:
        with exporting() as progress:
            done = library.sessions.grids(
                info.session,
                options.grid,
                rows=options.rows,
                across=options.across or "",
                down=options.down or "",
                replace=options.force,
                progress=progress,
            )
    except FileExistsError as error:
        name = clean(str(error.filename2 or error.filename))
        raise UsageError(f"{name} already exists; --force replaces it.") from error
    return _say_pages(done, info, "picture", as_json=options.json)


def _contact_sheet(options: Namespace, library: Library, info: "SessionInfo") -> int:
    """`promptsheet export SESSION --contact-sheet FILE`."""
    from tui.progress import exporting

    look: dict[str, Any] = {
        name: value for name in _OF_A_CONTACT_SHEET if (value := getattr(options, name)) is not None
    }
    try:
        with exporting() as progress:
            done = library.sessions.contact_sheet(
                info.session,
                options.contact_sheet,
                rows=options.rows,
                favourites=options.favourites,
                strip_metadata=options.strip_metadata,
                replace=options.force,
                progress=progress,
                **look,
            )
    except FileExistsError as error:
        name = clean(str(error.filename2 or error.filename))
        raise UsageError(f"{name} already exists; --force replaces it.") from error
    return _say_pages(done, info, "page", as_json=options.json)


def _say_pages(done: "ContactSheets", info: "SessionInfo", what: str, *, as_json: bool) -> int:
    """What was written; the exit status."""
    if as_json:
        files = [str(path) for path in done.files]
        print_json({"session": info.session} | asdict(done) | {"files": files})
    else:
        last = f" … {clean(done.files[-1].name)}" if len(done.files) > 1 else ""
        pages = count_text(done.pages, what)
        first = clean(str(done.files[0]))
        say(f"{count_text(done.images, 'image')} on {pages} in {first}{last}")
    if done.without_font:
        scripts = clean(", ".join(done.without_font))
        note(f"Letters that no font on this machine has are shown as boxes ({scripts}).")
    if done.lost:
        note(f"{count_text(len(done.lost), 'image')} missing or damaged: a frame says so.")
    return SOME if done.lost else OK
