"""A row that is a grid as a labelled table: looked over, opened, decided about, exported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from engine.api import (
    STATES,
    GridTable,
    ImageInfo,
    Library,
    LibraryError,
    SessionInfo,
    Wanted,
    gist,
)
from tui.grid_words import axis_name, place_in_grid, product_words, value_words
from tui.keys import bind
from tui.screens.dialog import Dialog
from tui.screens.export import ExportScreen
from tui.screens.full_screen import FullScreen
from tui.screens.gallery_filter import GalleryTiles
from tui.screens.image_actions import ImageActions
from tui.text import clean
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.grid_sheet import GridView, TableTiles
from tui.widgets.key_line import KeyLine
from tui.workers import hand_over, work


@dataclass(frozen=True, slots=True)
class FoundGrid:
    """A row that is a grid, as the library has it now."""

    session: str
    row: int
    table: GridTable
    """As it is shown first."""
    gallery: GalleryTiles
    images: Mapping[int, ImageInfo]
    """By variation; without those in the trash."""
    order: Sequence[str]
    """Their ids, in the gallery's order."""


def find_grid(library: Library, session: str, row: int) -> FoundGrid | None:
    """Read a row; None: it is no grid. Not for the event loop.

    Raises:
        LibraryError: it cannot be read.
    """
    stored = next(iter(library.sessions.rows(session, [row])), None)
    grid = stored.grid if stored is not None else None
    if grid is None:
        return None
    gallery = library.images.gallery(session, Wanted(rows=(row, row), states=STATES))
    images = gallery.page(0, len(gallery))
    enlarged = any(grid.is_enlarged(image.variation) for image in images)
    return FoundGrid(
        session,
        row,
        GridTable.of(grid, enlarged=enlarged),
        GalleryTiles(gallery, library.path),
        {image.variation: image for image in images},
        [image.image for image in images],
    )


class GridScreen(Dialog[str]):
    """Ends with the id of the image that the cursor was on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("grid.open", "open", "View image"),
        bind("grid.turn", "turn", "Turn"),
        bind("grid.next", "page(1)", "Next table"),
        bind("grid.previous", "page(-1)", "Previous table", show=False),
        bind("grid.favourite", "favour", "Favourite"),
        bind("grid.take_away", "trash", "Trash"),
        bind("grid.undo", "undo", "Undo", show=False),
        bind("grid.write_out", "export", "Export"),
        bind("grid.grid", "leave", "Back", show=False),
        bind("grid.leave", "leave", "Back"),
        bind("grid.quit", "leave", "Back", show=False),
    ]
    KEY_LINE: ClassVar[Sequence[str]] = (
        *("contact.leave", "grid.leave", "grid.open", "grid.turn", "grid.next", "grid.favourite"),
        *("contact.mark", "grid.take_away", "grid.write_out"),
    )
    AUTO_FOCUS = "GridSheet"
    DEFAULT_CSS = """
    GridScreen { background: $background; align: left top; }
    GridScreen Static { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    GridScreen #grid-about { color: $text-muted; }
    """

    def __init__(
        self, found: FoundGrid, here: str | None, library: Library, images: ImageActions
    ) -> None:
        """Args: here: the image that the cursor is to be on."""
        super().__init__()
        self._found = found
        self._library = library
        self._culling = images
        self._table = found.table
        self._page = 0
        self._start = next((i for i in found.images.values() if i.image == here), None)
        self.view = GridView()

    def compose(self) -> ComposeResult:
        """What it varies, the table, the image under the cursor."""
        yield Static("", id="grid-title", markup=False)
        yield self.view
        yield Static("", id="grid-about", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Show the table at the image that one came from."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._go_to(self._start.variation if self._start is not None else 1)

    def _go_to(self, variation: int) -> None:
        """Show the table's page that has an image, with the cursor on it."""
        self._page, row, column = self._table.where(variation)
        self._show((row, column))

    def _show(self, at: tuple[int, int]) -> None:
        found, table = self._found, self._table
        marks = sorted(self._culling.marks)
        tiles = TableTiles(table, self._page, found.images, self._library.path)
        self.view.show(tiles, at, marks)
        self.query_one("#grid-title", Static).update(Content(self._title()), layout=False)
        self._tell_about()
        self.refresh_bindings()

    def _title(self) -> str:
        table = self._table
        ways = [(table.down, "↓"), (table.across, "→")]
        signed = [f"{axis_name(table.axes[at])} {sign}" for at, sign in ways if at >= 0]
        parts = [f"row {self._found.row}", "  ".join(signed)]
        parts += [
            f"{axis_name(axis)} {value_words(value)}"
            for axis, value in table.page_values(self._page)
        ]
        if table.pages > 1:
            parts.append(f"table {self._page + 1} of {table.pages}")
        parts.append(product_words(table.grid))
        return " · ".join(parts)

    @property
    def _image(self) -> ImageInfo | None:
        """The one under the cursor."""
        tiles = self.view.sheet.tiles_shown
        return tiles.image(*self.view.sheet.at) if tiles is not None else None

    @on(ContactSheet.Highlighted)
    def _tell_about(self) -> None:
        image = self._image
        words = ""
        if image is not None:
            star = "★ " if image.favourite else ""
            place = place_in_grid(self._table.grid, image)
            words = f"{star}{place} · seed {image.seed} · {clean(gist(image.recipe.prompt))}"
        self.query_one("#grid-about", Static).update(Content(words), layout=False)
        self.refresh_bindings()

    @on(ContactSheet.MarksChanged)
    def _marked(self) -> None:
        """What is marked here is marked on the page below."""
        self._culling.take_marks(self.view.sheet.marks)

    # ---------------------------------------------------------------- actions

    def action_turn(self) -> None:
        """Other lists across and down; the cursor stays on its image."""
        image, self._table = self._image, self._table.turned
        if image is not None:
            self._go_to(image.variation)
        else:
            self._page = 0
            self._show((0, 0))

    def action_page(self, step: int) -> None:
        """The table of the other lists' next values, or the ones before; in a round."""
        self._page = (self._page + step) % self._table.pages
        self._show(self.view.sheet.at)

    @on(ContactSheet.Selected)
    def action_open(self) -> None:
        """The image under the cursor fills the screen."""
        image, found = self._image, self._found
        if image is None or image.image not in found.order:
            return
        full = FullScreen(
            found.gallery,
            found.order.index(image.image),
            self._library.path,
            self._culling,
            self._culling.marks,
        )
        self.app.push_screen(full, self._back)

    def _back(self, index: int | None) -> None:
        if index is not None and index < len(self._found.order):
            key = self._found.order[index]
            images = self._found.images.values()
            self._go_to(next((i.variation for i in images if i.image == key), 1))
        self.look()

    def action_favour(self) -> None:
        """The image under the cursor becomes a favourite, or no longer is one."""
        if (image := self._image) is not None:
            self._culling.favour([image.image])

    def action_trash(self) -> None:
        """The image under the cursor goes to the trash, and its place is empty."""
        if (image := self._image) is not None:
            self._culling.trash([image.image])

    def action_undo(self) -> None:
        """Undo what was done last."""
        self._culling.undo()

    def action_export(self) -> None:
        """This grid as a labelled picture, or its session as anything else."""
        self._export()

    @work(thread=True, exclusive=True, group="export")
    def _export(self) -> None:
        try:
            info = self._library.sessions.find(self._found.session)
        except LibraryError as error:
            hand_over(self._culling.complain, str(error))
        else:
            hand_over(self._ask_export, info)

    def _ask_export(self, info: SessionInfo) -> None:
        marks, row = frozenset(self._culling.marks), self._found.row
        self.app.push_screen(ExportScreen(info, self._library, marks, row, as_grid=True))

    def action_leave(self) -> None:
        """Back to the page."""
        image = self._image
        self.dismiss(image.image if image is not None else None)

    # ---------------------------------------------------------------- news

    @work(thread=True, exclusive=True, group="look")
    def look(self) -> None:
        """Read the row again: images were finished, or decided about."""
        try:
            found = find_grid(self._library, self._found.session, self._found.row)
        except LibraryError:
            return
        if found is not None:
            hand_over(self._looked, found)

    def _looked(self, found: FoundGrid) -> None:
        self._found = found
        if found.table.axes != self._table.axes:  # larger ones have come
            self._table, self._page = found.table, 0
        self._show(self.view.sheet.at)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """What does nothing is not offered."""
        return action != "page" or self._table.pages > 1

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are."""
        image = self._image if self.is_mounted else None
        if name == "grid.favourite" and image is not None and image.favourite:
            return "Unfavourite"
        return None
