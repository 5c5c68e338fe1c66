"""`python -m tests.tour`: make the moving picture and the screenshots of README.md again."""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image

import assets
from engine.api import Library, load_settings
from tests.support.command import Promptsheet
from tests.tour import acts, stills
from tests.tour.film import Film
from tests.tour.painting import CELL, painted

SIZE = (112, 32)
"""Columns and rows: the least in which every screen has all its parts."""
_OF_SHEET = ("film", "sheet")
_COLOURS = 256
"""Of a screenshot: it takes a fifth of the bytes."""
PLACE = Path(assets.__file__).parent / "screenshots"


def main(arguments: list[str]) -> int:
    """Make what was asked for; 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.tour", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"film, {', '.join(stills.STILLS)}; all of them")
    parser.add_argument("--to", type=Path, default=PLACE, help="another folder, which is made")
    parser.add_argument(
        "--home",
        type=Path,
        help="a home folder whose name may be seen, such as /home/you; it is kept, and what is"
        " in its library is shown",
    )
    options = parser.parse_args(arguments)
    every = ["film", *stills.STILLS]
    if unknown := set(options.what) - set(every):
        parser.error(f"there is no picture {sorted(unknown)[0]}; there are {', '.join(every)}")
    with contextlib.ExitStack() as stack:
        home = options.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for folder in (home, options.to):
            folder.mkdir(parents=True, exist_ok=True)
        for name in [name for name in os.environ if name.startswith(("PROMPTSHEET_", "XDG_"))]:
            del os.environ[name]
        os.environ["HOME"] = str(home)
        library = load_settings(None).library
        promptsheet = Promptsheet(library, dict(os.environ))
        stack.callback(promptsheet, "engine", "stop")
        if not promptsheet.sessions():
            acts.fill(promptsheet, home)
        asyncio.run(_make(options.what or every, options.to, home))
    return 0


async def _make(what: list[str], to: Path, home: Path) -> None:
    from tui.app import PromptsheetApp
    from tui.graphics import protocol

    protocol._current = protocol.Terminal("sixel", "", CELL)
    protocol._told_cell_size = lambda: None  # that of the terminal in which this is started
    sheet = home / acts.FILM_SHEET
    acts.write_film_sheet(sheet)
    for name in what:
        app = PromptsheetApp(Library(load_settings(None)), sheet if name in _OF_SHEET else None)
        async with app.run_test(size=SIZE, notifications=True, tooltips=True) as pilot:
            tour = acts.Tour(pilot, Film(f"promptsheet {acts.FILM_SHEET}"))
            await (acts.film if name == "film" else stills.STILLS[name])(tour)
            shown = tour.kept if name == "film" else {name: painted(app)}
        for kept, picture in shown.items():
            place = to / f"{kept}.png"
            picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(place, optimize=True)
            print(f"{place.name}: {place.stat().st_size / 1000:.0f} kB", flush=True)
        if name == "film":
            place = to / "tour.webp"
            tour.film.write(place)
            size = place.stat().st_size / 1e6
            print(f"{place.name}: {tour.film.seconds:.0f} s, {size:.2f} MB", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
