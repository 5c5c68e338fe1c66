"""Images of a session small on pages, as one PDF or as PNGs."""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO

from PIL import Image, ImageDraw, ImageOps

from engine.atomic_files import open_new, place
from engine.caption.outline import gist
from engine.errors import PromptsheetError, said_of
from engine.library.read.chosen import ImageChoice, each_data
from engine.library.read.paper import MOST_COLUMNS, PAPERS, PageLook
from engine.library.read.reader import ImageInfo, find_session
from engine.library.read.results import Result
from engine.library.records import ContactSheets
from engine.picture.formats import kind_of, load_plugin
from engine.picture.lettering import Lettering
from engine.picture.pdf import PdfPages
from engine.picture.png import jpeg_of, small_picture
from engine.unfinished_files import unfinished, written_beside

SUFFIXES = (".pdf", ".png")
_DPI = 200
_INCH = 25.4
_JPEG_QUALITY = 90
_PNG_LEVEL = 3
_MARGIN_MM = 10
_INK, _FAINT, _PAPER = "#1a1a1a", "#8a8a8a", "#ffffff"
_PROMPT_LINES = 2
_OF_A_RECIPE = ("seed", "prompt")
_LOST = "missing or damaged"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _PageLayout:
    """A page, in pixels."""

    width: int
    height: int
    margin: int
    gap: int
    """Between two places, across."""
    below: int
    """The same, down."""
    columns: int
    cell: int
    """Width of a place, and of its thumbnail at most."""
    thumbnail: int
    """Height of a thumbnail at most."""
    text: int
    """Height of what stands under it."""
    lines: int
    """How many pictures stand below each other."""
    letter: int
    """Size of letters."""

    @property
    def images(self) -> int:
        """On a page."""
        return self.columns * self.lines

    def at(self, position: int) -> tuple[int, int]:
        """Left and top of a place of the page."""
        line, column = divmod(position, self.columns)
        top = self.margin + 2 * self.letter + line * (self.thumbnail + self.text + self.below)
        return self.margin + column * (self.cell + self.gap), top


def contact_sheet(
    library: Path,
    session: str,
    target: Path,
    choice: ImageChoice,
    look: PageLook,
    *,
    replacing: bool = False,
    progress: Progress = lambda _, __: None,
) -> ContactSheets:
    """Write finished images of a session small on pages; a page at a time is in memory.

    A PDF holds all pages. Several PNGs are called `NAME-1.png`, `NAME-2.png`, with as many digits
    as the last one. The same images give the same bytes on the same machine.

    Args:
        library: the library.
        session: the session's id.
        target: a name that ends with `.pdf` or `.png`.
        choice: which images.
        look: how it is to be.
        replacing: whether files of these names are replaced.
        progress: told after every image how many of how many are on a page; what it raises ends
            it, and leaves nothing.

    Raises:
        LibraryError: no such session.
        PromptsheetError: no image to show, or a look that cannot be.
        FileExistsError: something of the name is there, and is not to be replaced.
        OSError: it cannot be written.
    """
    if target.suffix.lower() not in SUFFIXES:
        raise PromptsheetError(
            f"A contact sheet is a PDF or a PNG: give a name that ends with .pdf or .png, not"
            f" {target.name}."
        )
    if choice.strip_metadata:
        look = replace(look, under=tuple(each for each in look.under if each not in _OF_A_RECIPE))
    chosen: dict[str, float] = {}
    for result in choice.results(library, session):
        if result.info.state == "done":
            chosen[result.info.image] = result.info.height / result.info.width
    if not chosen:
        raise PromptsheetError("None of these images is finished: there is nothing to show.")
    layout = _layout(look, max(chosen.values()))
    pages = -(-len(chosen) // layout.images)
    is_pdf = target.suffix.lower() == ".pdf"
    files = [target] if is_pdf else _png_names(target, pages)
    if not replacing:
        refuse_taken(files)
    title = "" if choice.strip_metadata else find_session(library, session).name
    printer = _PagePrinter(library, look, layout, title, pages)
    # Only what was there at the beginning: the session may be at work.
    results = replace(choice, images=frozenset(chosen)).results(library, session)
    made = printer.pages(results, lambda done: progress(done, len(chosen)))
    if is_pdf:
        with written_beside(target, replace=replacing) as (_, file):
            _print_pdf(made, file)
    else:
        print_pngs(made, files, replacing=replacing)
    without_font = sorted(printer.lettering.without_font)
    return ContactSheets(files, len(chosen), pages, printer.lost, without_font)


def _layout(look: PageLook, tallest: float) -> _PageLayout:
    """The page for pictures of up to this height, as a part of their width.

    Raises:
        PromptsheetError: so many columns, or such paper, cannot be.
    """
    if not 1 <= look.columns <= MOST_COLUMNS:
        raise PromptsheetError(f"A contact sheet has 1 to {MOST_COLUMNS} columns.")
    if look.paper not in PAPERS:
        raise PromptsheetError(f"There is no paper {look.paper}: it is one of {', '.join(PAPERS)}.")
    width, height = (round(side * _DPI / _INCH) for side in look.millimetres)
    margin = round(_MARGIN_MM * _DPI / _INCH)
    gap = max(8, 60 // look.columns)
    cell = (width - 2 * margin - gap * (look.columns - 1)) // look.columns
    letter = min(24, max(11, cell // 14))
    told = set(look.under)
    text = round(letter * 1.35) * (bool(told - {"prompt"}) + _PROMPT_LINES * ("prompt" in told))
    room = height - 2 * margin - 2 * letter
    thumbnail = min(round(cell * min(tallest, 1.5)), room - text)
    below = gap + letter // 2
    lines = (room + below) // (thumbnail + text + below)
    return _PageLayout(
        width=width,
        height=height,
        margin=margin,
        gap=gap,
        below=below,
        columns=look.columns,
        cell=cell,
        thumbnail=thumbnail,
        text=text,
        lines=max(1, lines),
        letter=letter,
    )


class _PagePrinter:
    """Draws the pages, one after the other."""

    def __init__(
        self, library: Path, look: PageLook, layout: _PageLayout, title: str, pages: int
    ) -> None:
        self._library = library
        self._layout = layout
        self._title = title
        self._pages = pages
        self._under = look.under
        self.lettering = Lettering(layout.letter)
        self.lost: list[str] = []

    def pages(
        self, results: Iterator[Result], told: Callable[[int], None]
    ) -> Iterator[Image.Image]:
        """The pages; `told` hears how many images are on them."""
        small = each_data(self._library, results, self._small)
        done = 0
        for number in range(1, self._pages + 1):
            page = Image.new("RGB", (self._layout.width, self._layout.height), _PAPER)
            draw = ImageDraw.Draw(page)
            self._head(draw, number)
            for position, (info, picture) in enumerate(islice(small, self._layout.images)):
                self._put(page, draw, position, info, picture)
                done += 1
                told(done)
            yield page

    def _small(self, result: Result, data: bytes | None) -> tuple[ImageInfo, Image.Image | None]:
        info = result.info
        if data is None:
            return info, None
        load_plugin(kind_of(Path(info.file or "")))
        box = (self._layout.cell, self._layout.thumbnail)
        small = small_picture(data, box)
        # What is smaller than its place fills it, too.
        return info, small and ImageOps.contain(small, box, Image.Resampling.LANCZOS)

    def _head(self, draw: ImageDraw.ImageDraw, number: int) -> None:
        layout, lettering = self._layout, self.lettering
        paged = f"page {number} of {self._pages}"
        taken = round(lettering.width(paged))
        right = (layout.width - layout.margin - taken, layout.margin)
        lettering.draw(draw, right, paged, taken, _FAINT)
        width = layout.width - 2 * layout.margin - taken - layout.letter
        for line in lettering.lines(self._title, width, 1):
            lettering.draw(draw, (layout.margin, layout.margin), line, width, _INK)

    def _put(
        self,
        page: Image.Image,
        draw: ImageDraw.ImageDraw,
        position: int,
        info: ImageInfo,
        picture: Image.Image | None,
    ) -> None:
        layout, lettering = self._layout, self.lettering
        left, top = layout.at(position)
        if picture is None:
            self.lost.append(info.image)
            box = (left, top, left + layout.cell - 1, top + layout.thumbnail - 1)
            draw.rectangle(box, outline=_FAINT)
            for at, line in enumerate(lettering.lines(_LOST, layout.cell - 8, 3)):
                inside = (left + 4, top + 4 + at * lettering.height)
                lettering.draw(draw, inside, line, layout.cell - 8, _FAINT)
        else:
            across, down = layout.cell - picture.width, layout.thumbnail - picture.height
            page.paste(picture, (left + across // 2, top + down))
        below = top + layout.thumbnail + layout.letter // 4
        for line, colour in self._lines(info):
            lettering.draw(draw, (left, below), line, layout.cell, colour)
            below += lettering.height

    def _lines(self, info: ImageInfo) -> list[tuple[str, str]]:
        width, under = self._layout.cell, self._under
        told = {"row": f"row {info.row}", "variation": f"variation {info.variation}"}
        if "row" in under and "variation" in under:  # as `--images` takes them
            told = {"row": f"{info.row}:{info.variation}"}
        told["seed"] = f"seed {info.seed}"
        numbers = " · ".join(told[each] for each in under if each in told)
        found = [(line, _FAINT) for line in self.lettering.lines(numbers, width, 1)]
        if "prompt" in under:
            prompt = gist(info.recipe.prompt)
            found += [(line, _INK) for line in self.lettering.lines(prompt, width, _PROMPT_LINES)]
        return found


def _print_pdf(pages: Iterator[Image.Image], file: IO[bytes]) -> None:
    book = PdfPages(file, _DPI)
    for page in pages:
        book.page(jpeg_of(page, _JPEG_QUALITY), page.width, page.height)
    book.close()


def _png_names(target: Path, pages: int) -> list[Path]:
    if pages == 1:
        return [target]
    digits = len(str(pages))
    return [
        target.with_name(f"{target.stem}-{number:0{digits}d}{target.suffix}")
        for number in range(1, pages + 1)
    ]


def refuse_taken(names: Sequence[Path]) -> None:
    """Raises FileExistsError: before any work is done for it, one of the names is taken."""
    for name in names:
        if name.exists() or name.is_symlink():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(name))


def print_pngs(pages: Iterator[Image.Image], names: Sequence[Path], *, replacing: bool) -> None:
    """Write pages beside their places, and give them their names when all are whole."""
    with unfinished(names[0].parent) as folder, said_of(names[0], folder):
        folder.mkdir(mode=0o700)
        for name, page in zip(names, pages, strict=True):
            with open_new(folder / name.name, 0o666) as file:
                page.save(file, "PNG", dpi=(_DPI, _DPI), compress_level=_PNG_LEVEL)
        with ExitStack() as undone:
            for name in names:
                if replacing:
                    (folder / name.name).replace(name)
                else:
                    place(folder / name.name, name)
                    undone.callback(name.unlink, missing_ok=True)
            undone.pop_all()
