"""Beside Review's thumbnails: the image under the cursor, large, and its recipe."""

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from engine.api import ImageInfo
from tui.graphics.with_source import source_view
from tui.screens.gallery_filter import GalleryTiles
from tui.screens.review_words import recipe_text
from tui.text import rating_sign
from tui.widgets.image_pane import ImagePane
from tui.widgets.picture_grid import Tile


class LargeImage(Vertical):
    """One image as large as fits, above its recipe in words."""

    DEFAULT_CSS = """
    LargeImage { width: 2fr; min-width: 28; border-left: solid $panel; }
    LargeImage.-hidden { display: none; }
    LargeImage #large { height: 1fr; }
    LargeImage #recipe { height: 6; padding: 0 1; border-top: solid $panel; }
    """

    def compose(self) -> ComposeResult:
        """The picture, and its recipe."""
        yield ImagePane(id="large")
        yield Static("", id="recipe", markup=False)

    def show(self, tile: Tile, image: ImageInfo, tiles: GalleryTiles, library: Path) -> None:
        """Show the image of a tile; `library` is where it lies, with what it was drawn on."""
        star = rating_sign(tile.rating, favourite=tile.favourite)
        self.query_one(ImagePane).show(
            tile.path,
            f"{star} {tiles.caption(image)}".strip(),
            words=f"◌\n\n{tile.words or 'No picture'}",
            source_view=source_view(image.recipe, library),
        )
        self._say(recipe_text(image, tiles.source_name(image.image)))

    def show_newest(self, path: Path) -> None:
        """Show the image that was finished last, of which nothing was read yet."""
        self.query_one(ImagePane).show(path, f"newest: {path.stem}")
        self._say("")

    def show_none(self) -> None:
        """There are no images."""
        self.query_one(ImagePane).show(None)
        self._say("")

    def _say(self, recipe: str) -> None:
        self.query_one("#recipe", Static).update(Content(recipe), layout=False)
