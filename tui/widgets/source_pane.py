"""The picture that a row of a sheet is drawn on."""

import asyncio
from importlib import import_module
from pathlib import Path

from textual.containers import Container

from engine.api import Draft, Row, SourcePicture
from tui.workers import hand_over, work


class SourcePane(Container):
    """There as long as the row in hand has a picture; its widget comes with the first."""

    DEFAULT_CSS = """
    SourcePane { display: none; width: 1fr; max-width: 24; border-right: solid $panel; }
    SourcePane.-there { display: block; }
    """

    def __init__(self, library: Path, *, id: str) -> None:  # noqa: A002 - as Textual calls it
        """`library` is where pictures lie that sessions have taken in."""
        super().__init__(id=id)
        self._library = library

    def show(self, draft: Draft, row: Row) -> None:
        """Show the picture of a row, or none."""
        self.workers.cancel_group(self, "source")
        cell = row.cells.get("image", "")
        if row.values is None and cell:  # with another fault, say no prompt: written by the picture
            self._find(draft, cell)
        else:
            self._take(row.values.image if row.values is not None else None)

    @work(thread=True, exclusive=True, group="source")
    def _find(self, draft: Draft, cell: str) -> None:
        found = draft.vocabulary.pictures([cell]).get(cell)
        hand_over(self._take, found.picture if found is not None else None)

    def _take(self, image: SourcePicture | None) -> None:
        self.set_class(image is not None, "-there")
        if image is not None:
            self._draw(image.file_in(self._library), f"{image.width}×{image.height}")

    @work(exclusive=True, group="draw source")
    async def _draw(self, path: Path, caption: str) -> None:
        # What decodes pictures takes a third of a second to load, and few sheets have any.
        image_pane = await asyncio.to_thread(import_module, "tui.widgets.image_pane")
        if not self.children:
            await self.mount(image_pane.ImagePane())
        self.query_one(image_pane.ImagePane).show(path, caption)
