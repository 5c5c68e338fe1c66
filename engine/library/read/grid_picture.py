"""A row that is a grid as one labelled picture: what its lists vary across and down."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from engine.errors import PromptsheetError
from engine.library.read.chosen import ImageChoice, each_data
from engine.library.read.contact_sheet import print_pngs, refuse_taken
from engine.library.read.reader import ImageInfo, find_session
from engine.library.read.results import Result
from engine.library.read.stored_rows import stored_rows
from engine.library.records import ContactSheets
from engine.picture.formats import kind_of, load_plugin
from engine.picture.lettering import Lettering
from engine.picture.png import small_picture
from engine.sheet.grid_cells import Axis
from engine.sheet.grid_table import GridTable

_INK, _FAINT, _PAPER = "#1a1a1a", "#8a8a8a", "#ffffff"
_MOST_CELL, _LEAST_CELL = 512, 24
_MOST_PIXELS = 60_000_000
_MOST_SIDE = 30_000
_LABEL_LINES, _TITLE_LINES = 3, 2
_MARGIN = 24

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class GridAxes:
    """Which lists are across and down, by what they are called; empty: as the row has them."""

    across: str = ""
    down: str = ""


def grid_pictures(
    library: Path,
    session: str,
    target: Path,
    rows: frozenset[int] | None,
    axes: GridAxes,
    *,
    replacing: bool = False,
    progress: Progress = lambda _, __: None,
) -> ContactSheets:
    """Write rows that are grids as a labelled picture each; one picture is in memory at a time.

    Lists that are neither across nor down make a table each, one below the other. One row's
    picture is called as asked for; several are `NAME-ROW.png`.

    Args:
        library: the library.
        session: the session's id.
        target: a name that ends with `.png`.
        rows: numbers of rows; None: all that are grids.
        axes: which lists are across and down.
        replacing: whether files of these names are replaced.
        progress: told after every image how many of how many are done; what it raises ends it,
            and leaves nothing.

    Raises:
        LibraryError: no such session.
        PromptsheetError: no row is a grid, one that was asked for is none, or it has no such list.
        FileExistsError: something of the name is there, and is not to be replaced.
        OSError: it cannot be written.
    """
    if target.suffix.lower() != ".png":
        raise PromptsheetError(f"A grid is a PNG: give a name that ends with .png, not {target}.")
    tables = _tables(library, session, rows, axes)
    total = sum(table.pages * len(table.rows) * len(table.columns) for table in tables.values())
    files = [target]
    if len(tables) > 1:
        files = [target.with_name(f"{target.stem}-{number}{target.suffix}") for number in tables]
    if not replacing:
        refuse_taken(files)
    name = find_session(library, session).name
    lost: list[str] = []
    without_font: set[str] = set()
    shown = 0

    def pictures() -> Iterator[Image.Image]:
        nonlocal shown
        for number, table in tables.items():
            choice = ImageChoice(rows=frozenset({number}))
            found = [r for r in choice.results(library, session) if r.info.state == "done"]
            if not found:
                raise PromptsheetError(f"No image of row {number} is finished: nothing to show.")
            printer = _GridPrinter(library, table, f"{name}, row {number}", found)
            yield printer.picture(partial(_told, progress, shown, total))
            shown += len(found)
            lost.extend(printer.lost)
            without_font.update(printer.lettering.without_font)

    print_pngs(pictures(), files, replacing=replacing)
    return ContactSheets(files, shown, len(files), lost, sorted(without_font))


def _told(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _tables(
    library: Path, session: str, rows: frozenset[int] | None, axes: GridAxes
) -> dict[int, GridTable]:
    """Row number → its table.

    Raises:
        PromptsheetError: none is a grid, one that was asked for is none, or it has no such list.
    """
    tables: dict[int, GridTable] = {}
    plain: list[int] = []
    for row in stored_rows(library, session, rows):
        if (grid := row.grid) is None:
            plain.append(row.number)
            continue
        table = GridTable.of(grid, enlarged="upscale" in row.cells and "image" not in row.cells)
        try:
            tables[row.number] = table.arranged(axes.across, axes.down)
        except ValueError as error:
            raise PromptsheetError(f"Row {row.number}: {error}") from error
    if rows is not None and (odd := [*plain, *sorted(rows - tables.keys() - set(plain))]):
        raise PromptsheetError(
            f"Row {odd[0]} is not a grid: none of its cells has several values, as in 10 | 20."
        )
    if not tables:
        raise PromptsheetError(
            "No row of this session is a grid: none has a cell with several values, as in 10 | 20."
        )
    return tables


class _GridPrinter:
    """Draws one grid."""

    def __init__(self, library: Path, table: GridTable, title: str, found: list[Result]) -> None:
        self._library = library
        self._table = table
        self._found = found
        self._title = title
        self.lost: list[str] = []
        widest = max(result.info.width for result in found)
        tallest = max(result.info.height for result in found)
        places = table.pages * len(table.rows), len(table.columns)
        cell = min(_MOST_CELL, max(widest, tallest))
        while cell > _LEAST_CELL and not _fits(cell, places):
            cell = cell * 9 // 10
        part = cell / max(widest, tallest)
        self._cell = max(1, round(widest * part)), max(1, round(tallest * part))
        self._gap = max(4, cell // 40)
        self.lettering = Lettering(min(28, max(12, cell // 16)))

    def picture(self, told: Callable[[int], None]) -> Image.Image:
        """It, whole; `told` hears how many images are on it."""
        table, lettering = self._table, self.lettering
        across, down = self._cell[0] + self._gap, self._cell[1] + self._gap
        labels = [self._label(table.down, value) for value in table.rows]
        most = max(120, self._cell[0])
        left = min(most, max((round(lettering.width(each)) + 8 for each in labels), default=0))
        left = left + self._gap if table.down >= 0 else 0
        width = 2 * _MARGIN + max(left + across * len(table.columns), 320)
        inside = width - 2 * _MARGIN
        heads = [
            self._lines(self._label(table.across, each), self._cell[0]) for each in table.columns
        ]
        head = lettering.height * max(map(len, heads)) + self._gap
        titles = self._titles(inside)
        subtitles = [self._subtitle(page) for page in range(table.pages)]
        subtitle = lettering.height * 3 // 2 if any(subtitles) else 0
        one = subtitle + head + down * len(table.rows) + lettering.height
        top = _MARGIN + lettering.height * len(titles) + self._gap
        page_image = Image.new("RGB", (width, top + one * table.pages), _PAPER)
        draw = ImageDraw.Draw(page_image)
        for at, (line, colour) in enumerate(titles):
            place = (_MARGIN, _MARGIN + at * lettering.height)
            lettering.draw(draw, place, line, inside, colour)
        for page, words in enumerate(subtitles):
            y = top + page * one
            for line in lettering.lines(words, inside, 1):
                lettering.draw(draw, (_MARGIN, y), line, inside, _INK)
            for column, lines in enumerate(heads):
                x = _MARGIN + left + column * across
                self._centred(draw, (x, y + subtitle), lines, self._cell[0])
            for row, label in enumerate(labels if table.down >= 0 else ()):
                lines = self._lines(label, left - self._gap)
                middle = (self._cell[1] - len(lines) * lettering.height) // 2
                place = (_MARGIN, y + subtitle + head + row * down + max(0, middle))
                self._stacked(draw, place, lines, left - self._gap)
        places: dict[str, tuple[int, int]] = {}
        for result in self._found:
            page, row, column = table.where(result.info.variation)
            y = top + page * one + subtitle + head + row * down
            places[result.info.image] = (_MARGIN + left + column * across, y)
        small = each_data(self._library, iter(self._found), self._small)
        for done, (info, picture) in enumerate(small, start=1):
            self._put(page_image, draw, places[info.image], info, picture)
            told(done)
        return page_image

    def _titles(self, width: int) -> list[tuple[str, str]]:
        """The session, the row, and what all images share."""
        grid = self._table.grid
        varied = {axis.column for axis in grid.axes}
        seeds = {result.info.seed for result in self._found}
        shared = [f"seed {seeds.pop()}"] if len(seeds) == 1 else []
        for name in ("model", "steps", "guidance", "scheduler"):
            values = {str(getattr(result.info.recipe, name)) for result in self._found}
            if name not in varied and len(values) == 1:
                shared.append(f"{name} {values.pop()}" if name != "model" else values.pop())
        prompt = grid.cells.get("prompt", "")
        return [
            *((line, _INK) for line in self._lines(self._title, width, 1)),
            *((line, _INK) for line in self._lines(prompt, width, _TITLE_LINES)),
            *((line, _FAINT) for line in self._lines(" · ".join(shared), width, 1)),
        ]

    def _label(self, at: int, value: str) -> str:
        return _words(self._table.axes[at], value) if at >= 0 else ""

    def _subtitle(self, page: int) -> str:
        return " · ".join(_words(*each) for each in self._table.page_values(page))

    def _lines(self, text: str, width: int, most: int = _LABEL_LINES) -> list[str]:
        return self.lettering.lines(text, width, most)

    def _centred(
        self, draw: ImageDraw.ImageDraw, place: tuple[int, int], lines: list[str], width: int
    ) -> None:
        for at, line in enumerate(lines):
            taken = min(width, round(self.lettering.width(line)))
            x, y = place[0] + (width - taken) // 2, place[1] + at * self.lettering.height
            self.lettering.draw(draw, (x, y), line, taken, _INK)

    def _stacked(
        self, draw: ImageDraw.ImageDraw, place: tuple[int, int], lines: list[str], width: int
    ) -> None:
        for at, line in enumerate(lines):
            y = place[1] + at * self.lettering.height
            self.lettering.draw(draw, (place[0], y), line, width, _INK)

    def _small(self, result: Result, data: bytes | None) -> tuple[ImageInfo, Image.Image | None]:
        if data is None:
            return result.info, None
        load_plugin(kind_of(Path(result.info.file or "")))
        small = small_picture(data, self._cell)
        contained = small and ImageOps.contain(small, self._cell, Image.Resampling.LANCZOS)
        return result.info, contained

    def _put(
        self,
        page: Image.Image,
        draw: ImageDraw.ImageDraw,
        place: tuple[int, int],
        info: ImageInfo,
        picture: Image.Image | None,
    ) -> None:
        width, height = self._cell
        if picture is None:
            self.lost.append(info.image)
            draw.rectangle((*place, place[0] + width - 1, place[1] + height - 1), outline=_FAINT)
            return
        x, y = place[0] + (width - picture.width) // 2, place[1] + (height - picture.height) // 2
        page.paste(picture, (x, y))


def _fits(cell: int, places: tuple[int, int]) -> bool:
    """Whether a picture with so many places down and across is not too large."""
    height, width = (cell * each * 23 // 20 for each in places)
    return height * width <= _MOST_PIXELS and max(height, width) <= _MOST_SIDE


def _words(axis: Axis, value: str) -> str:
    """`steps 20`; of a text only itself."""
    shown = value or "nothing"
    return shown if axis.column in ("prompt", "negative_prompt") else f"{axis.title} {shown}"
