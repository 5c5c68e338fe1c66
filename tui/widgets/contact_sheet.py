"""A page of thumbnails with a cursor; paged, never scrolled, so that little is sent."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Grid
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui.keys import bind
from tui.widgets.image_pane import ImagePane

_CELL = (20, 9)
"""Columns and rows of a thumbnail with its caption, at least."""
_MOST = 24
"""Thumbnails on a page, at most: each costs bytes on the line."""


class Thumbnail(ImagePane):
    """One place on the page."""

    class Clicked(Message):
        """The mouse chose this place."""

        def __init__(self, place: int, *, twice: bool) -> None:
            super().__init__()
            self.place = place
            self.twice = twice

    def __init__(self, place: int) -> None:
        super().__init__()
        self._place = place
        self._path: Path | None = None

    def show_if_new(self, path: Path | None, caption: str) -> None:
        """Show a picture that is not there already."""
        if path != self._path:
            self._path = path
            self.show(path, caption)

    def on_click(self, event: Click) -> None:
        """Tell which."""
        self.post_message(self.Clicked(self._place, twice=event.chain > 1))


class ContactSheet(Widget, can_focus=True):
    """Any number of picture files, a page at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("contact.left", "left,h", "move(-1, 0)", "Left", show=False),
        bind("contact.right", "right,l", "move(1, 0)", "Right", show=False),
        bind("contact.up", "up,k", "move(0, -1)", "Up", show=False),
        bind("contact.down", "down,j", "move(0, 1)", "Down", show=False),
        bind("contact.next_page", "pagedown,ctrl+d", "page(1)", "Next page", show=False),
        bind("contact.previous_page", "pageup,ctrl+u", "page(-1)", "Previous page", show=False),
    ]
    DEFAULT_CSS = """
    ContactSheet { height: 1fr; }
    ContactSheet Grid { height: 1fr; grid-gutter: 0 1; padding: 0 1; }
    ContactSheet Thumbnail { height: 1fr; border: blank; }
    ContactSheet Thumbnail.-cursor { border: round $accent; }
    ContactSheet Thumbnail.-unused { visibility: hidden; }
    ContactSheet #contact-page { height: 1; padding: 0 1; color: $text-muted; text-align: right; }
    """

    class Highlighted(Message):
        """The cursor is on another picture."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Selected(Message):
        """A picture was chosen by a double click."""

    def __init__(self) -> None:
        super().__init__()
        self.cursor = 0
        self._paths: Sequence[Path] = ()
        self._shape = (0, 0)

    def compose(self) -> ComposeResult:
        """The page, and which it is."""
        yield Grid()
        yield Static("", id="contact-page", markup=False)

    def show(self, paths: Sequence[Path], *, keep: bool = False) -> None:
        """Show these pictures; `keep` leaves the cursor where it is."""
        before = self._paths
        self._paths = paths
        if not keep or self.cursor >= len(paths):
            self.cursor = 0
        self._draw()
        if not keep or not before:
            self._tell()

    def go_to(self, index: int | None) -> None:
        """Take the cursor to the picture with this number."""
        if index is not None and self._paths:
            self.cursor = max(0, min(len(self._paths) - 1, index))
            self._draw()
            self._tell()

    def on_resize(self) -> None:
        """As many places as fit."""
        columns = max(1, (self.size.width - 2) // (_CELL[0] + 1))
        rows = max(1, (self.size.height - 1) // _CELL[1])
        while columns * rows > _MOST:
            columns, rows = (columns - 1, rows) if columns > rows else (columns, rows - 1)
        if (columns, rows) != self._shape:
            self._shape = (columns, rows)
            self.call_later(self._lay_out)

    async def _lay_out(self) -> None:
        columns, rows = self._shape
        grid = self.query_one(Grid)
        await grid.remove_children()
        grid.styles.grid_size_columns, grid.styles.grid_size_rows = columns, rows
        await grid.mount_all(Thumbnail(place) for place in range(columns * rows))
        self._draw()

    @property
    def _places(self) -> int:
        return max(1, self._shape[0] * self._shape[1])

    def _draw(self) -> None:
        first = self.cursor // self._places * self._places
        for place, thumbnail in enumerate(self.query(Thumbnail)):
            index = first + place
            used = index < len(self._paths)
            thumbnail.set_class(not used, "-unused")
            thumbnail.set_class(used and index == self.cursor, "-cursor")
            thumbnail.show_if_new(self._paths[index] if used else None, str(index + 1))
        pages = -(-len(self._paths) // self._places)
        words = f"{self.cursor + 1}/{len(self._paths)} · page {first // self._places + 1}/{pages}"
        self.query_one("#contact-page", Static).update(Content(words if self._paths else ""))

    def _tell(self) -> None:
        if self._paths:
            self.post_message(self.Highlighted(self.cursor))

    def on_thumbnail_clicked(self, event: Thumbnail.Clicked) -> None:
        """The mouse moves the cursor."""
        self.go_to(self.cursor // self._places * self._places + event.place)
        if event.twice:
            self.post_message(self.Selected())

    def action_move(self, across: int, down: int) -> None:
        """Move the cursor by pictures and lines."""
        self.go_to(self.cursor + across + down * self._shape[0])

    def action_page(self, pages: int) -> None:
        """Turn pages."""
        self.go_to(self.cursor + pages * self._places)
