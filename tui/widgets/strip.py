"""A line of thumbnails: a glance at a session."""

from collections.abc import Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Grid
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
    ThumbnailStrip Grid { height: 1fr; grid-gutter: 1 1; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._paths: Sequence[Path] = ()
        self._shape = (0, 0)

    def compose(self) -> ComposeResult:
        """Places come with the size."""
        yield Grid()

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
        if (columns, rows) != self._shape:
            self._shape = (columns, rows)
            self.call_later(self._lay_out)
        else:
            self.call_after_refresh(self._load)  # the places have their size only then

    async def _lay_out(self) -> None:
        grid = self.query_one(Grid)
        await grid.remove_children()
        grid.styles.grid_size_columns, grid.styles.grid_size_rows = self._shape
        await grid.mount_all(PictureView() for _ in range(self.places))
        self.call_after_refresh(self._load)

    def _load(self) -> None:
        if self.is_mounted and self._shape[0]:
            self._draw(self._paths)

    @work(exclusive=True, group="strip")
    async def _draw(self, paths: Sequence[Path]) -> None:
        for number, view in enumerate(self.query(PictureView)):
            if number >= len(paths):
                view.draw(None)
                continue
            drawing = await drawn(paths[number], tuple(view.size), self.app.console)  # type: ignore[arg-type]
            if isinstance(drawing, PictureFault):
                view.say(drawing.reason)
            else:
                view.draw(drawing)
