"""A session's results as something to show others: a contact sheet."""

from argparse import Namespace, _MutuallyExclusiveGroup
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.api import Library
from tui.commands.arguments import paper, under_image, whole_number
from tui.commands.output import OK, SOME, UsageError, note, print_json, say
from tui.commands.parser import Parser
from tui.text import clean, count_text

if TYPE_CHECKING:
    from engine.api import SessionInfo

_OF_A_ZIP = ("table", "sources", "captions")
_OF_A_CONTACT_SHEET = ("columns", "paper", "under")
_COLUMNS, _PAPER = 4, "a4"


def register(command: Parser, places: _MutuallyExclusiveGroup) -> None:
    """Declare the options of `promptsheet export` for it.

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
        help="what stands under a thumbnail: row, variation, seed, prompt; all of it",
    )


def is_wanted(options: Namespace) -> bool:
    """Whether it is asked for, instead of a ZIP.

    Raises:
        UsageError: options that belong to something else.
    """
    form = "--contact-sheet" if options.contact_sheet else ""
    others = _OF_A_ZIP if form else _OF_A_CONTACT_SHEET
    for name in others:
        value = getattr(options, name)
        if value is not None and value is not False:
            belongs = "a ZIP" if form else "a contact sheet: give --contact-sheet FILE.pdf, too"
            raise UsageError(f"--{name} goes with {belongs}.")
    return bool(form)


def contact_sheet(options: Namespace, library: Library, info: "SessionInfo") -> int:
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
        raise UsageError(f"{name} is there already; --force replaces it.") from error
    if options.json:
        files = [str(path) for path in done.files]
        print_json({"session": info.session} | asdict(done) | {"files": files})
    else:
        last = f" … {clean(done.files[-1].name)}" if len(done.files) > 1 else ""
        pages = count_text(done.pages, "page")
        first = clean(str(done.files[0]))
        say(f"{count_text(done.images, 'image')} on {pages} in {first}{last}")
    if done.without_font:
        scripts = clean(", ".join(done.without_font))
        note(f"Boxes stand for letters that no font of this machine has ({scripts}).")
    if done.lost:
        note(f"{count_text(len(done.lost), 'image')} missing or damaged: a frame says so.")
    return SOME if done.lost else OK
