"""A page of thumbnails with a cursor and marks; paged, never scrolled, so that little is sent."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.graphics.prepare import Drawing, PictureFault, drawn
from tui.graphics.protocol import current
from tui.graphics.view import PictureView
from tui.keys import bind
from tui.passing import passing
from tui.widgets.picture_grid import (
    SIZES,
    USUAL,
    PictureGrid,
    PlaceLook,
    Tile,
    grid_for,
    where_text,
    zoom_for,
)
from tui.widgets.table_lines import fit
from tui.workers import work

_STYLES = ("plain", "caption", "cursor", "label", "range", "mark", "favourite", "failed", "page")
_SMALLEST = {"sixel": 0, "kitty": 0}
_SMALLEST_OF_CELLS = 2
"""Which size of places shows something in pictures made of half-cells."""


_LEAVE_RANGE = "Cancel range"
_EMPTY = "-empty"
"""Class of a view without a tile: dozens of blank ones cost 50 kB of cursor moves."""
_PATIENCE = 0.08
"""Seconds in which pictures may come together, before places are emptied for those to come."""


class Tiles(Protocol):
    """What a contact sheet shows. May be slow: it is asked in a thread."""

    def __len__(self) -> int:
        """How many there are."""

    def tiles(self, start: int, stop: int) -> Sequence[Tile]:
        """Those from position `start` up to, not with, `stop`."""

    def keys(self, start: int, stop: int) -> Sequence[str]:
        """Their keys."""


class ContactSheet(Widget, can_focus=True):
    """Any number of pictures, a page at a time.

    Captions and the cursor's frame are drawn around the pictures, so that moving the cursor or
    marking sends a few cells and no picture.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("contact.left", "move(-1, 0)", "Left", show=False),
        bind("contact.right", "move(1, 0)", "Right", show=False),
        bind("contact.up", "move(0, -1)", "Up", show=False),
        bind("contact.down", "move(0, 1)", "Down", show=False),
        bind("contact.page_down", "page(1)", "Next page", show=False),
        bind("contact.half_page_down", "page(1)", "Next page", show=False),
        bind("contact.page_up", "page(-1)", "Previous page", show=False),
        bind("contact.half_page_up", "page(-1)", "Previous page", show=False),
        bind("contact.first", "go(0)", "First", show=False),
        bind("contact.last", "go(-1)", "Last", show=False),
        bind("contact.mark", "mark", "Mark"),
        bind("contact.range", "range", "Mark range"),
        bind("contact.mark_all", "mark_all", "Mark all", show=False),
        bind("contact.leave", "unmark", "Unmark all"),
        bind("contact.larger", "size(1)", "Larger thumbnails", show=False),
        bind("contact.smaller", "size(-1)", "Smaller thumbnails", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"contact-sheet--{name}" for name in _STYLES}
    DEFAULT_CSS = """
    ContactSheet { height: 1fr; }
    ContactSheet PictureView { position: absolute; }
    ContactSheet PictureView.-empty { display: none; }
    ContactSheet .contact-sheet--caption { color: $text-muted; }
    ContactSheet .contact-sheet--cursor { color: $text-accent; text-style: bold; }
    ContactSheet .contact-sheet--label { color: $foreground; text-style: bold; }
    ContactSheet .contact-sheet--range { color: $text-muted; }
    ContactSheet .contact-sheet--mark { color: $foreground; text-style: bold; }
    ContactSheet .contact-sheet--favourite { color: $text-warning; }
    ContactSheet .contact-sheet--failed { color: $text-error; }
    ContactSheet .contact-sheet--page { color: $text-muted; }
    """

    @dataclass
    class Highlighted(Message):
        """The cursor is on another picture, or on one that has changed."""

        index: int
        tile: Tile

    class Selected(Message):
        """A picture was chosen by a double click."""

    class MarksChanged(Message):
        """Other pictures are marked now."""

    class Turned(Message):
        """Another page is shown, or the same one in other places; its pictures follow."""

    class Shown(Message):
        """All pictures of the page are on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.cursor = 0
        self.marks: set[str] = set()
        """Keys of the marked pictures, on any page."""
        self._source: Tiles | None = None
        self._count = 0
        self._tiles: dict[int, Tile] = {}
        """Of the page on the screen, by position."""
        self._anchor: int | None = None
        self._zoom: int | None = None
        """Which of `SIZES` the user has chosen; None: none so far."""
        self._whole = False
        self._empty = ""
        self._grid = PictureGrid()
        self._pictures = PagePictures()
        self._looks: dict[str, Style] = {}
        self._told: Tile | None = None

    def compose(self) -> ComposeResult:
        """Nothing yet: places come with the size."""
        yield from ()

    # ---------------------------------------------------------------- what it shows

    def show(
        self,
        source: Tiles | None,
        cursor: int = 0,
        marks: Iterable[str] = (),
        *,
        whole: bool = False,
        empty: str = "",
    ) -> None:
        """Show other pictures.

        Args:
            source: has them.
            cursor: the position that it is on.
            marks: those marked, be they among them or not.
            whole: all on one page, as long as nobody has chosen a size.
            empty: what stands there where there are none.
        """
        self._whole, self._empty = whole, empty
        marks = set(marks)
        self.marks.clear()
        self.marks.update(marks)
        self._anchor = None
        self._source = source
        self._told = None
        self.reload(cursor)

    def reload(self, cursor: int | None = None) -> None:
        """The pictures, or how many there are, have changed; those that stay are not sent again."""
        self._count = 0 if self._source is None else len(self._source)
        wanted = self.cursor if cursor is None else cursor
        self.cursor = max(0, min(self._count - 1, wanted))
        if self._anchor is not None:
            self._anchor = min(self._anchor, max(0, self._count - 1))
        self._load()

    @property
    def tile(self) -> Tile | None:
        """What is under the cursor, as far as it is known."""
        return self._tiles.get(self.cursor)

    def put(self, tile: Tile) -> None:
        """Show one picture's caption and mark as they are now, at once."""
        for index, old in self._tiles.items():
            if old.key == tile.key:
                self._tiles[index] = tile
                self._draw_place(index)
                if old.path != tile.path or old.words != tile.words:
                    self._load()
                if index == self.cursor:
                    self._tell()

    def tiles_by_key(self) -> dict[str, Tile]:
        """Those of the page on the screen."""
        return {tile.key: tile for tile in self._tiles.values()}

    # ---------------------------------------------------------------- places

    def on_resize(self) -> None:
        """As many places as fit."""
        self.call_later(self._lay_out)

    def remake_pictures(self) -> None:
        """All pictures, and as many as fit: the terminal takes others now."""
        self._grid = PictureGrid()
        self.call_later(self._lay_out)

    def fitting(self) -> PictureGrid:
        """The places that there is room for."""
        area = self.size.width, self.size.height - 1
        zoom = USUAL if self._zoom is None else self._zoom
        if self._whole and self._zoom is None:
            least = _SMALLEST.get(current().protocol, _SMALLEST_OF_CELLS)
            zoom = zoom_for(area, self._count, least)
        return grid_for(area, zoom)

    async def _lay_out(self) -> None:
        grid = self.fitting()
        if grid == self._grid or self.size.height < 2:
            return
        self._grid = grid
        views = list(self.query(PictureView))
        if surplus := views[grid.places :]:
            for view in surplus:
                self._pictures.forget(view)
            await self.remove_children(surplus)
        if (missing := grid.places - len(views)) > 0:
            new = [PictureView(classes=_EMPTY, at_bottom=True) for _ in range(missing)]
            await self.mount_all(new)
        for number, view in enumerate(self.query(PictureView)):
            view.styles.offset = grid.corner(number)
            view.styles.width, view.styles.height = grid.picture
            view.draw(None)
            self._pictures.forget(view)
        self.refresh()
        self._load()

    @property
    def places(self) -> int:
        """How many pictures a page has."""
        return self._grid.places

    @property
    def geometry(self) -> PictureGrid:
        """Its places."""
        return self._grid

    @property
    def first(self) -> int:
        """The position of the page's first picture."""
        return self.cursor // self.places * self.places

    # ---------------------------------------------------------------- loading

    def _load(self) -> None:
        if not (self._grid.columns and self.is_mounted):
            return
        if self.fitting() != self._grid:  # there are others, or more
            self.call_later(self._lay_out)
        else:
            self.post_message(self.Turned())
            self._load_page()

    @work(exclusive=True, group="page")
    async def _load_page(self) -> None:
        first, source = self.first, self._source
        stop = min(self._count, first + self.places)
        tiles = await asyncio.to_thread(source.tiles, first, stop) if source is not None else ()
        self._tiles = dict(enumerate(tiles, first))
        self._draw_places(range(first, first + self.places))
        self._tell()
        views = enumerate(self.query(PictureView), first)
        places = [(view, self._tiles.get(index)) for index, view in views]
        await self._pictures.show(places, self._drawn)
        self.post_message(self.Shown())
        await self._look_ahead(first + self.places)

    async def _drawn(self, path: Path) -> Drawing | PictureFault:
        return await drawn(path, self._grid.picture, self.app.console)

    async def _look_ahead(self, first: int) -> None:
        """Make the next page's pictures ready, one after the other, while nothing else is asked."""
        if self._source is None or first >= self._count:
            return
        stop = min(self._count, first + self.places)
        for tile in await asyncio.to_thread(self._source.tiles, first, stop):
            if tile.path is not None:
                await self._drawn(tile.path)

    # ---------------------------------------------------------------- drawing

    def notify_style_update(self) -> None:
        """Forget what was drawn with other colours."""
        super().notify_style_update()
        self._looks.clear()

    def _style(self, name: str) -> Style:
        if name not in self._looks:
            self._looks[name] = self.get_visual_style(f"contact-sheet--{name}").rich_style
        return self._looks[name]

    def render_line(self, y: int) -> Strip:
        """Frames, captions, and the line that says where one is."""
        width, height = self.size.width, self.size.height
        if y == height - 1:
            words = fit(
                where_text(self.cursor, self._count, self.places, self.marks), width - 2, "right"
            )
            return Strip([Segment(f" {words} ", self._style("page"))], width)
        plain, first = self._style("plain"), self.first
        if not self._count and y == 1:
            return Strip([Segment(f" {fit(self._empty, width - 1)}", self._style("page"))], width)
        if not self._grid.columns:
            return Strip.blank(width, plain)
        line = self._grid.line(y, lambda number: self._look(first + number), plain, self._style)
        return Strip(line).adjust_cell_length(width, plain).simplify()

    def _look(self, index: int) -> PlaceLook:
        tile, ranged = self._tiles.get(index), index in self._range()
        marked = ranged or (tile is not None and tile.key in self.marks)
        return PlaceLook(tile, here=index == self.cursor, ranged=ranged, marked=marked)

    def _range(self) -> range:
        if self._anchor is None:
            return range(0)
        return range(min(self._anchor, self.cursor), max(self._anchor, self.cursor) + 1)

    def _draw_place(self, index: int) -> None:
        if not self.first <= index < self.first + self.places:
            return
        self.refresh(*(Region(*box) for box in self._grid.around(index - self.first)))

    def _draw_places(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            self._draw_place(index)
        self.refresh(Region(0, self.size.height - 1, self.size.width, 1))

    # ---------------------------------------------------------------- keys and mouse

    def go_to(self, index: int) -> None:
        """Take the cursor to a position."""
        before, first, ranged = self.cursor, self.first, set(self._range())
        self.cursor = max(0, min(self._count - 1, index))
        if self.first != first:
            # Where one is, at once; the pictures as soon as they can.
            self.refresh(Region(0, self.size.height - 1, self.size.width, 1))
            self._load()
        elif before != self.cursor:
            self._draw_places({before, self.cursor} | (ranged ^ set(self._range())))
            self._tell()

    def _tell(self) -> None:
        tile = self.tile
        if tile is not None and tile != self._told:
            self._told = tile
            self.post_message(self.Highlighted(self.cursor, tile))

    def action_move(self, across: int, down: int) -> None:
        """Move the cursor by pictures and lines."""
        target = self.cursor + across + down * self._grid.columns
        if down and not 0 <= target < self._count:
            return  # there is no line above or below
        self.go_to(target)

    def action_page(self, pages: int) -> None:
        """Turn pages."""
        self.go_to(self.cursor + pages * self.places)

    def action_go(self, index: int) -> None:
        """To the first picture, or the last."""
        self.go_to(index if index >= 0 else self._count + index)

    def action_size(self, step: int) -> None:
        """Larger or smaller thumbnails; fewer or more of them on a page."""
        area = self.size.width, self.size.height - 1
        grids = [grid_for(area, zoom) for zoom in range(len(SIZES))]
        now = self._zoom
        if now is None:
            now = grids.index(self._grid) if self._grid in grids else USUAL
        larger_or_smaller = range(now + step, len(SIZES) if step > 0 else -1, step)
        # On a small screen several sizes come to the same.
        self._zoom = next((z for z in larger_or_smaller if grids[z] != grids[now]), now)
        self.call_later(self._lay_out)

    def action_mark(self) -> None:
        """Mark the range; without one, mark or unmark the picture and move on."""
        if self._anchor is not None:
            self.action_range()
        elif (tile := self.tile) is not None:
            self.marks ^= {tile.key}
            self._draw_places([self.cursor])
            self.go_to(self.cursor + 1)
            self.post_message(self.MarksChanged())

    def action_range(self) -> None:
        """Begin a range here; if there is one, mark its pictures and end it."""
        if not self._count or self._source is None:
            return
        if self._anchor is None:
            self._anchor = self.cursor
            passing(self).begin(_LEAVE_RANGE, self._leave_range)
            self._draw_place(self.cursor)
            return
        wanted = self._range()
        self._end_range()
        self._mark(wanted)

    def action_mark_all(self) -> None:
        """Mark every picture, on all pages."""
        self._end_range()
        self._mark(range(self._count))

    def _mark(self, wanted: range) -> None:
        source = self._source
        if source is not None:
            self._mark_keys(source, wanted)

    @work(group="marks")
    async def _mark_keys(self, source: Tiles, wanted: range) -> None:
        self.marks.update(await asyncio.to_thread(source.keys, wanted.start, wanted.stop))
        self._draw_places(range(self.first, self.first + self.places))
        self.post_message(self.MarksChanged())

    def action_unmark(self) -> None:
        """Leave the range; without one, take all marks away."""
        if self._anchor is not None:
            self._leave_range()
            return
        self.marks.clear()
        self._draw_places(range(self.first, self.first + self.places))
        self.post_message(self.MarksChanged())

    def _end_range(self) -> None:
        self._anchor = None
        passing(self).end(_LEAVE_RANGE)

    def _leave_range(self) -> None:
        self._end_range()
        self._draw_places(range(self.first, self.first + self.places))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Hide what does nothing now, so that its key reaches the screen."""
        return action != "unmark" or bool(self.marks) or self._anchor is not None

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are."""
        if name == "contact.mark" and not self._count:
            return ""
        if name == "contact.range":
            return "Mark range" if self._anchor is not None else ""
        return None

    def on_click(self, event: events.Click) -> None:
        """The mouse moves the cursor; twice opens, with ctrl marks."""
        x, y = event.screen_x - self.region.x, event.screen_y - self.region.y
        number = self._grid.at(x, y)
        if number is None or (index := self.first + number) >= self._count:
            return
        self.go_to(index)
        if event.ctrl:
            self.action_mark()
        elif event.chain > 1:
            self.post_message(self.Selected())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Turn pages by the wheel."""
        event.stop()
        self.action_page(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Turn pages by the wheel."""
        event.stop()
        self.action_page(-1)


class PagePictures:
    """Which view shows which file."""

    def __init__(self) -> None:
        self._paths: dict[PictureView, Path] = {}

    def forget(self, view: PictureView) -> None:
        """It shows nothing any more."""
        self._paths.pop(view, None)

    async def show(
        self,
        places: Iterable[tuple[PictureView, Tile | None]],
        drawn: Callable[[Path], Awaitable[Drawing | PictureFault]],
    ) -> None:
        """Have each view show its tile; returns once all do.

        Args:
            places: the views and what belongs there.
            drawn: makes a file's picture for a view of this page.
        """
        coming: dict[asyncio.Future[Drawing | PictureFault], tuple[PictureView, Path]] = {}
        for view, tile in places:
            view.set_class(tile is None, _EMPTY)
            path = tile.path if tile else None
            if path is None:
                self.forget(view)
                view.say(tile.words if tile else "")
            elif self._paths.get(view) != path:
                self.forget(view)
                coming[asyncio.ensure_future(drawn(path))] = (view, path)
        try:
            await self._put(coming)
        finally:
            for task in coming:
                task.cancel()

    async def _put(
        self, coming: dict[asyncio.Future[Drawing | PictureFault], tuple[PictureView, Path]]
    ) -> None:
        waiting, patience = set(coming), _PATIENCE
        while waiting:
            done, waiting = await asyncio.wait(
                waiting, timeout=patience or None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                view, path = coming[task]
                drawing = task.result()
                if isinstance(drawing, PictureFault):
                    view.say(drawing.reason)
                else:
                    view.draw(drawing)
                    self._paths[view] = path
            if patience and not done:
                for task in waiting:
                    coming[task][0].draw(None)
                patience = 0.0
