"""From an image on Review to its row as a table, where that is a grid."""

from dataclasses import dataclass

from textual.screen import Screen

from engine.api import ImageInfo, Library, LibraryError
from tui.screens.gallery_filter import GalleryTiles
from tui.screens.grid import FoundGrid, GridScreen, find_grid
from tui.screens.image_actions import ImageActions, Reviewed
from tui.widgets.contact_sheet import ContactSheet
from tui.workers import hand_over, work


@dataclass(frozen=True, slots=True)
class _GridAt:
    grid: FoundGrid
    image: str
    """The id of the one that the cursor is to be on."""


class RowGrids:
    """Opens them over the screen that shows the images."""

    def __init__(
        self,
        node: Screen[None],
        library: Library,
        reviewed: Reviewed,
        images: ImageActions,
        sheet: ContactSheet,
    ) -> None:
        self.node = node
        self._reviewed = reviewed
        self._library = library
        self._images = images
        self._sheet = sheet
        self._shown: GridScreen | None = None

    def open(self, image: ImageInfo) -> None:
        """Show the row of an image as a table; a word where it is no grid."""
        self._find(image)

    @work(thread=True, exclusive=True, group="grid")
    def _find(self, image: ImageInfo) -> None:
        try:
            found = find_grid(self._library, image.session, image.row)
        except LibraryError as error:
            hand_over(self._images.complain, str(error))
            return
        if found is None:
            hand_over(self._no_grid, image)
        else:
            hand_over(self._show, _GridAt(found, image.image))

    def _no_grid(self, image: ImageInfo) -> None:
        words = f"Row {image.row} is not a grid: none of its cells has several values (10 | 20)."
        self.node.notify(words, severity="warning", markup=False)

    def _show(self, opened: _GridAt) -> None:
        self._shown = GridScreen(opened.grid, opened.image, self._library, self._images)
        self.node.app.push_screen(self._shown, self._left)

    def _left(self, key: str | None) -> None:
        self._shown = None
        if key is not None and (tiles := self._reviewed.tiles) is not None:
            self._find_place(tiles, key)

    @work(thread=True, exclusive=True, group="grid")
    def _find_place(self, tiles: GalleryTiles, key: str) -> None:
        try:
            index = tiles.gallery.index_of(key)
        except LibraryError as error:
            hand_over(self._images.complain, str(error))
            return
        if index is not None:
            hand_over(self._sheet.go_to, index)

    def look(self) -> None:
        """Images were finished, or decided about: what is shown is read again."""
        if self._shown is not None and self._shown.is_mounted:
            self._shown.look()
