"""A line of thumbnails: a glance at a session."""

from collections.abc import Sequence
from pathlib import Path

from textual.widget import Widget

from tui.graphics.prepare import PictureFault, drawn
from tui.graphics.view import PictureView
from tui.workers import work

_CELL = (14, 6)
"""Columns and rows of a thumbnail, at least."""
MOST = 12
"""Pictures that it shows at most."""


class ThumbnailStrip(Widget):
    """As many of the pictures as fit."""

    DEFAULT_CSS = """
    ThumbnailStrip { height: 1fr; }
    ThumbnailStrip PictureView { position: absolute; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._paths: Sequence[Path] = ()
        self._shape = (0, 0)
        self._place = (0, 0)

    @property
    def places(self) -> int:
        """How many pictures it can show."""
        return max(1, self._shape[0] * self._shape[1])

    def show(self, paths: Sequence[Path]) -> None:
        """Show these pictures, the first of them if there are too many."""
        self._paths = paths
        self._load()

    def on_resize(self) -> None:
        """As many places as fit."""
        columns = max(1, (self.size.width - 2) // (_CELL[0] + 1))
        rows = max(1, self.size.height // (_CELL[1] + 1))
        while columns * rows > MOST:
            columns, rows = (columns - 1, rows) if columns > rows else (columns, rows - 1)
        place = (self.size.width - 2) // columns, self.size.height // rows
        if (shape := (columns, rows)) != self._shape or place != self._place:
            self._shape, self._place = shape, place
            self.call_later(self._lay_out)

    def remake_pictures(self) -> None:
        """The same pictures: the terminal takes others now."""
        self._load()

    async def _lay_out(self) -> None:
        views = list(self.query(PictureView))
        await self.remove_children(views[self.places :])
        await self.mount_all(PictureView() for _ in range(self.places - len(views)))
        for number, view in enumerate(self.query(PictureView)):
            row, column = divmod(number, self._shape[0])
            view.styles.offset = 1 + column * self._place[0], row * self._place[1]
            view.styles.width, view.styles.height = self._room
        self._load()

    @property
    def _room(self) -> tuple[int, int]:
        """Of a picture; between two of them is a cell."""
        return max(1, self._place[0] - 1), max(1, self._place[1] - 1)

    def _load(self) -> None:
        if self.is_mounted and self._shape[0]:
            self._draw(self._paths)

    @work(exclusive=True, group="strip")
    async def _draw(self, paths: Sequence[Path]) -> None:
        for number, view in enumerate(self.query(PictureView)):
            if number >= len(paths):
                view.draw(None)
                continue
            drawing = await drawn(paths[number], self._room, self.app.console)
            if isinstance(drawing, PictureFault):
                view.say(drawing.reason)
            else:
                view.draw(drawing)
