"""A few pictures side by side, as large as can be, each with a line of words below it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.graphics.encode import EncodedPicture
from tui.graphics.kitty_pictures import kitty_pictures_of
from tui.graphics.prepare import Drawing, PictureFault, drawn, fitting
from tui.graphics.protocol import cell_size
from tui.graphics.view import PictureView
from tui.text import clean
from tui.widgets.table_lines import fit
from tui.workers import work

MOST = 9
"""Pictures on a board: as many as there are digits."""
_WORDS = 16
"""Cells for the words below a picture, where there is room."""


@dataclass(frozen=True, slots=True)
class OnBoard:
    """What stands at one place."""

    key: str
    path: Path | None
    """The picture; None while there is none."""
    words: str
    """In place of a picture: why there is none."""
    label: str
    kept: bool = False


class BoardGrid(NamedTuple):
    """Places of equal size, row by row, in the middle."""

    columns: int
    width: int
    """Of a place, in cells; its last column is left free."""
    height: int
    """Of a place; its last line has the words."""
    left: int
    """Cells before the first place, and lines above it."""
    top: int

    def corner(self, number: int) -> tuple[int, int]:
        """Where a place begins."""
        row, column = divmod(number, self.columns)
        return self.left + column * self.width, self.top + row * self.height

    @property
    def picture(self) -> tuple[int, int]:
        """Columns and rows that there are for a picture."""
        return max(1, self.width - 1), max(1, self.height - 1)

    def at(self, x: int, y: int) -> int | None:
        """The number of the place that has a cell, be there a picture or not."""
        column, row = (x - self.left) // self.width, (y - self.top) // self.height
        return row * self.columns + column if 0 <= column < self.columns and row >= 0 else None


def board_grid(
    area: tuple[int, int],
    cell: tuple[int, int],
    shapes: Sequence[tuple[int, int]],
    *,
    in_a_row: bool = False,
) -> BoardGrid:
    """The grid on which pictures are the largest.

    Args:
        area: its columns and rows.
        cell: width and height of a cell in pixels.
        shapes: width and height of each picture.
        in_a_row: whether they stand side by side, even if they would be larger otherwise.
    """
    count = max(1, len(shapes))

    def fitted(columns: int) -> list[tuple[int, int]]:
        rows = -(-count // columns)
        room = max(1, area[0] // columns - 1), max(1, area[1] // rows - 1)
        return [fitting(shape, room, cell) for shape in shapes or [(1, 1)]]

    def shown(columns: int) -> int:
        return sum(width * height for width, height in fitted(columns))

    columns = max(range(count if in_a_row else 1, count + 1), key=shown)
    rows = -(-count // columns)
    sizes = fitted(columns)
    # No larger than they must be, but that the words below have some room.
    width = min(area[0] // columns, max(_WORDS, *(size[0] for size in sizes)) + 1)
    height = max(size[1] for size in sizes) + 1
    width, height = max(2, width), max(2, height)
    return BoardGrid(
        columns,
        width,
        height,
        max(0, (area[0] - columns * width + 1) // 2),
        max(0, (area[1] - rows * height) // 2),
    )


class PictureBoard(Widget):
    """Its pictures are those of the places: a picture is never seen above another one's words."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {"picture-board--label", "picture-board--kept"}  # noqa: RUF012
    DEFAULT_CSS = """
    PictureBoard { height: 1fr; width: 1fr; }
    PictureBoard PictureView { position: absolute; }
    PictureBoard > .picture-board--label { color: $text-muted; }
    PictureBoard > .picture-board--kept { color: $background; background: $warning;
                                          text-style: bold; }
    """

    @dataclass
    class Clicked(Message):
        """A place was clicked, be it on its picture or its words."""

        place: int

    @dataclass
    class AllShown(Message):
        """All pictures are on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self._in_a_row = False
        self._places: Sequence[OnBoard] = ()
        self._shapes: Sequence[tuple[int, int]] = ()
        self._grid = BoardGrid(1, 2, 2, 0, 0)
        self._shown: dict[int, tuple[Path | None, tuple[int, int]]] = {}
        """Place → the file whose picture, or fault, it shows, or None for words; its room."""
        self._ahead: Sequence[EncodedPicture] = ()
        """Those that will be shown next."""

    def show(
        self,
        places: Sequence[OnBoard],
        shapes: Sequence[tuple[int, int]],
        *,
        in_a_row: bool = False,
    ) -> None:
        """Show these.

        Args:
            places: up to `MOST`.
            shapes: width and height of each one's picture, in its own pixels.
            in_a_row: as for `board_grid`.
        """
        self._in_a_row = in_a_row
        self._places, self._shapes = places[:MOST], shapes[:MOST]
        self._lay_out()

    def is_seen(self, place: int) -> bool:
        """Whether what a place has is on the screen."""
        if place not in self._shown or place >= len(self._places):
            return False
        return self._shown[place][0] == self._places[place].path

    def grid_of(self, shapes: Sequence[tuple[int, int]]) -> BoardGrid:
        """How pictures of these shapes would be laid out."""
        area = self.size.width, self.size.height
        return board_grid(area, cell_size(), shapes[:MOST], in_a_row=self._in_a_row)

    async def prepare(
        self, paths: Sequence[Path | None], shapes: Sequence[tuple[int, int]]
    ) -> None:
        """Have pictures ready that will be shown next; kitty is sent them after all others."""
        room, ahead = self.grid_of(shapes).picture, list[EncodedPicture]()
        for path in paths[:MOST]:
            if path is not None:
                drawing = await drawn(path, room, self.app.console)
                if isinstance(drawing, Drawing):
                    ahead.append(drawing.picture)
        self._hold_ahead(ahead)

    def _hold_ahead(self, pictures: Sequence[EncodedPicture]) -> None:
        kitty = kitty_pictures_of(self.app)
        for picture in pictures:
            kitty.hold(picture, large=True)
        for picture in self._ahead:
            kitty.release(picture)
        self._ahead = pictures

    def on_unmount(self) -> None:
        """What is not seen need not be kept."""
        self._hold_ahead(())

    def on_resize(self) -> None:
        """As large as can be."""
        self._lay_out()

    def _lay_out(self) -> None:
        if self.is_mounted and self._places:
            self._grid = self.grid_of(self._shapes)
        self._draw(self._places)
        self.refresh()

    @work(exclusive=True, group="board")
    async def _draw(self, places: Sequence[OnBoard]) -> None:
        views = list(self.query(PictureView))
        if len(views) < len(places):
            new = [PictureView() for _ in range(len(places) - len(views))]
            await self.mount_all(new)
            views += new
        room = self._grid.picture
        for number, view in enumerate(views):
            view.display = number < len(places)
            if not view.display:
                view.draw(None)
                self._shown.pop(number, None)
                continue
            column, row = self._grid.corner(number)
            view.styles.offset = column, row
            view.styles.width, view.styles.height = room
            if self._shown.get(number) != (places[number].path, room):
                self._shown.pop(number, None)
                view.draw(None)
        for number, (view, place) in enumerate(zip(views, places, strict=False)):
            if place.path is not None and number in self._shown:
                continue
            if place.path is None:
                view.say(place.words)
            else:
                drawing = await drawn(place.path, room, self.app.console)
                if isinstance(drawing, PictureFault):
                    view.say(drawing.reason)
                else:
                    view.draw(drawing)
            self._shown[number] = place.path, room
        self.post_message(self.AllShown())

    # ---------------------------------------------------------------- the words, the mouse

    def render_line(self, y: int) -> Strip:
        """The words below the pictures of a row; nothing between."""
        plain, width, grid = self.rich_style, self.size.width, self._grid
        row, inside = divmod(y - grid.top, grid.height)
        of_row = self._places[row * grid.columns : (row + 1) * grid.columns] if row >= 0 else ()
        if inside != grid.height - 1 or not of_row:
            return Strip.blank(width, plain)
        room = grid.picture[0]
        segments = [Segment(" " * grid.left, plain)]
        for place in of_row:
            name = "kept" if place.kept else "label"
            label = clean(place.label)
            words = f" {fit(label, min(cell_len(label), max(1, room - 2)))} "
            spare = max(0, room - cell_len(words))
            segments += [
                Segment(" " * (spare // 2), plain),
                Segment(words, self.get_component_rich_style(f"picture-board--{name}")),
                Segment(" " * (spare - spare // 2 + 1), plain),
            ]
        return Strip(segments).adjust_cell_length(width, plain)

    def on_click(self, event: events.Click) -> None:
        """Tell which place it was."""
        offset = event.screen_offset - self.region.offset
        place = self._grid.at(offset.x, offset.y)
        if place is not None and place < len(self._places):
            event.stop()
            self.post_message(self.Clicked(place))
