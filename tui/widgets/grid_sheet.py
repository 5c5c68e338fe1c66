"""A row that is a grid as a table of pictures: values above its columns and beside its rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from engine.api import GridTable, ImageInfo
from tui.grid_words import value_words
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.picture_grid import PictureGrid, Tile, tile_of
from tui.widgets.table_lines import fit

_LEAST = (10, 4)
"""Columns and rows of a place."""
_TIGHT = 6
_LABEL = 16
"""Columns of a place up to which its value above has room, however narrow its picture is."""
_LONG = 200


def table_grid(
    area: tuple[int, int], columns: int, rows: int, aspect: float = 1.0, narrowest: float = 1.0
) -> PictureGrid:
    """Places for a table, as many of its columns and rows as can be seen in an area at once.

    None is larger than its picture needs: so pictures stand right below the values above them.

    Args:
        area: columns and rows of cells.
        columns: of the table.
        rows: of the table.
        aspect: width by height of the broadest picture.
        narrowest: the same, of the narrowest.
    """
    across = max(1, min(columns, area[0] // _LEAST[0]))
    down = max(1, min(rows, (area[1] - 1) // _LEAST[1]))
    tight = (area[1] - 1) // down < _TIGHT
    height = max(3 - tight, (area[1] - tight) // down)
    grid = PictureGrid(across, down, 3, height, tight)
    # A cell is about twice as high as it is wide.
    broad = max(_LABEL, round(2.1 * aspect * grid.picture[1]) + 2)
    width = max(3, min(area[0] // across, broad))
    lines = max(1, math.ceil((width - 2) / (2 * narrowest))) + 2 - tight
    return replace(grid, width=width, height=min(height, lines))


class TableTiles:
    """The pictures of one page of a table, of the columns that are seen."""

    def __init__(
        self, table: GridTable, page: int, images: Mapping[int, ImageInfo], library: Path
    ) -> None:
        """Args: images: of the row, by their variations; without those in the trash."""
        self.table = table
        self.page = page
        self._images = images
        self._library = library
        shapes = [i.width / i.height for i in images.values()] or [1.0]
        self.aspect, self.narrowest = max(shapes), min(shapes)
        """Width by height of the broadest picture and of the narrowest."""
        self.seen = range(len(table.columns))
        """The columns that are seen."""

    def __len__(self) -> int:
        return len(self.table.rows) * len(self.seen)

    def image(self, row: int, column: int) -> ImageInfo | None:
        """The image at a place of the page; None: it is in the trash."""
        return self._images.get(self.table.variation(self.page, row, column))

    def tiles(self, start: int, stop: int) -> Sequence[Tile]:
        """Images as tiles; the contact sheet's labels are those of its places elsewhere."""
        return [self._tile(at) for at in range(start, min(stop, len(self)))]

    def keys(self, start: int, stop: int) -> Sequence[str]:
        """Ids of the images that are there."""
        return [tile.key for tile in self.tiles(start, stop) if not tile.trashed]

    def _tile(self, at: int) -> Tile:
        row, column = divmod(at, len(self.seen))
        image = self.image(row, self.seen[column])
        if image is None:
            return Tile(f"place {row} {column}", None, "", words="in the trash", trashed=True)
        return tile_of(image, self._library)


class GridSheet(ContactSheet):
    """A contact sheet whose places are those of a table."""

    def __init__(self) -> None:
        super().__init__()
        self._table: TableTiles | None = None
        self.at = (0, 0)
        """Row and column of the cursor, in the whole table."""

    def show_table(self, tiles: TableTiles, at: tuple[int, int], marks: Sequence[str] = ()) -> None:
        """Show a page of a table, the cursor at a place."""
        self._table, self.at = tiles, at
        self._see()
        self.show(tiles, self._position, marks)

    @property
    def _position(self) -> int:
        tiles = self._table
        return self.at[0] * len(tiles.seen) + self.at[1] - tiles.seen.start if tiles else 0

    def fitting(self) -> PictureGrid:
        """As many columns and rows of the table as there is room for."""
        tiles = self._table
        if tiles is None:
            return super().fitting()
        area = self.size.width, self.size.height - 1
        places = len(tiles.table.columns), len(tiles.table.rows)
        return table_grid(area, *places, tiles.aspect, tiles.narrowest)

    def _see(self) -> None:
        """As many columns as there is room for, that of the cursor among them."""
        if (tiles := self._table) is None:
            return
        count, whole = self.fitting().columns, len(tiles.table.columns)
        first = min(tiles.seen.start, self.at[1], max(0, whole - count))
        first = max(first, self.at[1] - count + 1)
        tiles.seen = range(first, min(whole, first + count))

    def on_resize(self) -> None:
        """More columns may be seen, or fewer."""
        self._see()
        self.reload(self._position)

    def go_to(self, index: int) -> None:
        """Take the cursor to a position among those that are seen."""
        if (tiles := self._table) is not None and len(tiles):
            index = max(0, min(len(tiles) - 1, index))
            row, column = divmod(index, len(tiles.seen))
            self.at = (row, tiles.seen[column])
        super().go_to(index)

    def action_move(self, across: int, down: int) -> None:
        """Move by columns and rows; the edges hold."""
        if (tiles := self._table) is None:
            return
        row = max(0, min(len(tiles.table.rows) - 1, self.at[0] + down))
        column = max(0, min(len(tiles.table.columns) - 1, self.at[1] + across))
        seen, self.at = tiles.seen, (row, column)
        self._see()
        if tiles.seen != seen:
            self.reload(self._position)
        else:
            self.go_to(self._position)

    @property
    def tiles_shown(self) -> TableTiles | None:
        """What it shows."""
        return self._table

    @property
    def first_row(self) -> int:
        """The table's first row that is seen."""
        tiles = self._table
        return self.first // len(tiles.seen) if tiles and tiles.seen else 0


class _ColumnHeads(Widget):
    """The values above the columns."""

    DEFAULT_CSS = "_ColumnHeads { height: 1; color: $text-muted; text-style: bold; }"

    def __init__(self) -> None:
        super().__init__(id="column-heads")
        self.texts: tuple[str, ...] = ()
        self.place = 1

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """Each in the middle of its column."""
        style = self.visual_style.rich_style
        line = "".join(_centred(text, self.place) for text in self.texts)
        return Strip([Segment(fit(line, self.size.width), style)], self.size.width)


class _RowHeads(Widget):
    """The values beside the rows."""

    DEFAULT_CSS = "_RowHeads { width: 0; color: $text-muted; text-style: bold; }"

    def __init__(self) -> None:
        super().__init__(id="row-heads")
        self.texts: tuple[str, ...] = ()
        self.place = 1

    def render_line(self, y: int) -> Strip:
        """Each beside its pictures' upper edge, on as many lines as there is room for."""
        width, style = self.size.width, self.visual_style.rich_style
        row, inside = divmod(y, self.place)
        text = ""
        if row < len(self.texts) and 1 <= inside < max(2, self.place - 1):
            parts = chop_cells(self.texts[row], max(2, width - 1)) if self.texts[row] else []
            text = parts[inside - 1].strip() if inside <= len(parts) else ""
        return Strip([Segment(fit(text, width), style)], width)


def _centred(text: str, width: int) -> str:
    room = max(1, width - 2)
    words = fit(text, min(cell_len(text), room))
    left = (width - cell_len(words)) // 2
    return " " * left + words + " " * (width - left - cell_len(words))


class GridView(Vertical):
    """The table with its labels."""

    DEFAULT_CSS: ClassVar[str] = """
    GridView { height: 1fr; }
    GridView Horizontal { height: 1fr; }
    GridView #heads { height: 1; }
    GridView GridSheet { width: 1fr; }
    GridView #corner { height: 1; width: 0; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.sheet = GridSheet()
        self._columns, self._rows = _ColumnHeads(), _RowHeads()
        self._corner = Static("", id="corner", markup=False)

    def compose(self) -> ComposeResult:
        """Values above, values beside, and the pictures."""
        with Horizontal(id="heads"):
            yield self._corner
            yield self._columns
        with Horizontal():
            yield self._rows
            yield self.sheet

    def show(self, tiles: TableTiles, at: tuple[int, int], marks: Sequence[str] = ()) -> None:
        """Show a page of a table, the cursor at a place."""
        words = [value_words(value, _LONG) for value in tiles.table.rows]
        longest = max(map(cell_len, words), default=0) if tiles.table.down >= 0 else 0
        width = min(longest + 2, max(8, self.size.width // 5)) if longest else 0
        for head in (self._rows, self._corner):
            head.styles.width = width
        self.sheet.show_table(tiles, at, marks)

    @on(GridSheet.Turned)
    def _label(self) -> None:
        """Name the columns and rows that are seen."""
        if (tiles := self.sheet.tiles_shown) is None:
            return
        grid, table = self.sheet.geometry, tiles.table
        columns = [value_words(table.columns[at], _LONG) for at in tiles.seen]
        first = self.sheet.first_row
        rows = [value_words(value, _LONG) for value in table.rows[first : first + grid.rows]]
        self._columns.texts = tuple(columns) if table.across >= 0 else ()
        self._columns.place = grid.width
        self._rows.texts = tuple(rows) if table.down >= 0 else ()
        self._rows.place = grid.height
        self._columns.refresh()
        self._rows.refresh()
