"""A widget that shows one prepared picture, whatever the terminal's protocol."""

import textwrap
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, proxy

from rich.segment import ControlType, Segment
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Tooltip
from textual.widgets._toast import ToastRack

from tui.graphics.encode import Picture, draw, forget, shaded
from tui.graphics.prepare import Drawing
from tui.graphics.protocol import current
from tui.graphics.tmux import passed_on
from tui.text import clean

_MOST_PIXELS = 32_000_000
"""What kitty is asked to keep, at four bytes each: well below its own limit, beyond which it
drops pictures without a word."""
_FAULT = "✗"
_CONTROL = ((ControlType.CURSOR_FORWARD, 0),)
"""Makes a segment count for no cells and keeps styles away from it."""


class PictureView(Widget):
    """One picture in its region. It has no size of its own."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    PictureView { width: 1fr; height: 1fr; color: $text-muted; }
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
        at_bottom: bool = False,
    ) -> None:
        """A view without a picture; those that it is given lie `at_bottom`, or in the middle."""
        super().__init__(name=name, id=id, classes=classes)
        self._at_bottom = at_bottom
        self._drawing: Drawing | None = None
        self._words = ""
        self._covered = False
        self._kept: KeptPictures | None = None
        self._look: tuple[object, ...] = ()
        self._lines: list[Strip] = []
        """As they were last drawn, and what they depended on."""

    @property
    def picture(self) -> Picture | None:
        """What is shown. One larger than the region is not."""
        return self._drawing.picture if self._drawing else None

    def draw(self, drawing: Drawing | None) -> None:
        """Show a picture in place of the one before, or nothing."""
        if drawing is None and self._drawing is None and not self._words:
            return
        before, self._drawing, self._words, self._look = self.picture, drawing, "", ()
        if self._kept:
            if self.picture:
                self._kept.hold(self.picture)
            if before:
                self._kept.release(before)
            self._look_for_overlays(self.screen)
        self.refresh()

    def say(self, words: str) -> None:
        """Show plain words, and no picture."""
        if words != self._words or self._drawing:
            self.draw(None)
            self._words, self._look = words, ()
            self.refresh()

    def on_mount(self) -> None:
        """Send the picture, and watch for what comes to lie over it."""
        self._kept = _kept(self.app)
        if self.picture:
            self._kept.hold(self.picture)
        self.screen.screen_layout_refresh_signal.subscribe(self, self._look_for_overlays)

    def on_unmount(self) -> None:
        """Let the terminal forget the picture."""
        if self._kept and self.picture:
            self._kept.release(self.picture)
        self._kept = None

    def render_line(self, y: int) -> Strip:
        """One row of the picture, between blanks."""
        width = self.size.width
        style = self.rich_style
        place = self._place()
        if self._words:
            return self._line_of_words(y)
        if place is None or self._drawing is None or not place.y <= y < place.bottom:
            return Strip.blank(width, style)
        row = self._rows(self._drawing)[y - place.y]
        if self._drawing.picture.number:
            row = row.apply_style(style)
        left, right = Strip.blank(place.x, style), Strip.blank(width - place.right, style)
        return Strip.join([left, row, right])

    def _line_of_words(self, y: int) -> Strip:
        width, height = self.size
        words = clean(self._words)
        if max(map(len, words.split()), default=0) > width:
            words = words[0] if words[1:2] == " " else _FAULT  # the sign alone
        lines = textwrap.wrap(words, max(1, width))[:height]
        at = y - (height - len(lines)) // 2
        if not 0 <= at < len(lines):
            return Strip.blank(width, self.rich_style)
        line = Strip([Segment(lines[at].center(width), self.rich_style)])
        return line.adjust_cell_length(width, self.rich_style)

    @staticmethod
    def _rows(drawing: Drawing) -> list[Strip]:
        # Half-cells in place of sixels are seldom needed.
        if not drawing.strips:
            drawing.strips.extend(draw(drawing.picture))
        return drawing.strips

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows, with the sixels behind the last of them."""
        if not self.is_attached:  # it was just taken away, and its place is not laid out anew yet
            return [Strip.blank(crop.width)] * crop.height
        # Under a dialog the colours are changed, and kitty's hold the picture's number; and sixels
        # would lie over the dialog.
        if not self.screen.is_active:
            return self._shaded(crop)
        place = self._place()
        if place is None or self.picture is None or not self.picture.sixels:
            return self._rows_of_cells(crop)
        if self._covered or crop != Region(0, 0, *self.size):
            return self._rows_of_cells(crop)
        blank = Strip.blank(crop.width, self.rich_style)
        lines = [blank] * crop.height
        lines[place.bottom - 1] = Strip(
            [*blank, self._sixels(self.picture.sixels, place)], crop.width
        )
        return lines

    def _shaded(self, crop: Region) -> list[Strip]:
        blank, place = Strip.blank(self.size.width, self.rich_style), self._place()
        lines = [blank] * self.size.height
        if place is not None and self.picture is not None:
            left = Strip.blank(place.x, self.rich_style)
            right = Strip.blank(self.size.width - place.right, self.rich_style)
            lines[place.y : place.bottom] = [
                Strip.join([left, row, right]) for row in shaded(self.picture)
            ]
        return [line.crop(*crop.column_span) for line in lines[crop.y : crop.bottom]]

    def _rows_of_cells(self, crop: Region) -> list[Strip]:
        # There is neither border nor padding, and a picture changes as a whole: Textual's way,
        # line by line with each one's segments looked at several times, takes three times as long.
        filters, background = tuple(self.get_line_filters()), self.background_colors[1]
        look = (self.size, self.rich_style, background, filters)
        if look != self._look:
            self._lines = [self.render_line(y) for y in range(self.size.height)]
            for own in filters:
                self._lines = [line.apply_filter(own, background) for line in self._lines]
            self._look = look
        lines = self._lines[crop.y : crop.bottom]
        if crop.column_span != (0, self.size.width):
            lines = [line.crop(*crop.column_span) for line in lines]
        return lines

    def _sixels(self, sixels: str, place: Region) -> Segment:
        # The cursor is put back where the row of blanks has left it.
        column, line = place.x + self.region.x + 1, place.y + self.region.y + 1
        return Segment(f"\x1b7\x1b[{line};{column}H{sixels}\x1b8", None, _CONTROL)

    def _place(self) -> Region | None:
        picture, size = self.picture, self.size
        if picture is None or picture.columns > size.width or picture.rows > size.height:
            return None
        x, spare = (size.width - picture.columns) // 2, size.height - picture.rows
        y = spare if self._at_bottom else spare // 2
        return Region(x, y, picture.columns, picture.rows)

    def _look_for_overlays(self, screen: Screen[Any]) -> None:
        """Sixels lie over everything and are erased cell by cell, so they must know."""
        if self.picture is None or not self.picture.sixels:
            return
        covered = any(
            overlay.display and overlay.region.overlaps(self.region)
            for overlay in _overlays(screen)
        )
        if covered != self._covered:
            self._covered = covered
            self.refresh()


def _overlays(screen: Screen[Any]) -> Iterator[Widget]:
    """What lies over others; a page of pictures asks once for each: no search of the screen."""
    for child in screen.children:
        if isinstance(child, Tooltip):
            yield child
        elif isinstance(child, ToastRack):
            for holder in child.children:
                yield from holder.children


class KeptPictures:
    """The pictures that kitty has been sent, so that each is sent once.

    Those on the screen stay, and of the others as many of the latest as there is room for.
    """

    def __init__(self, write: Callable[[str], None], most_pixels: int = _MOST_PIXELS) -> None:
        self._write = write
        self._most_pixels = most_pixels
        self._sent: OrderedDict[int, Picture] = OrderedDict()
        self._held: Counter[int] = Counter()

    def hold(self, picture: Picture) -> None:
        """Send it, unless kitty has it, and see that it stays."""
        if not picture.number:
            return
        if picture.number not in self._sent:
            self._write(picture.transmission)
        self._sent[picture.number] = picture
        self._sent.move_to_end(picture.number)
        self._held[picture.number] += 1

    def send_again(self) -> None:
        """Send those on the screen once more: the terminal may be another one now."""
        self._sent = OrderedDict((n, sent) for n, sent in self._sent.items() if self._held[n])
        for picture in self._sent.values():
            self._write(picture.transmission)

    def release(self, picture: Picture) -> None:
        """It may go."""
        if not picture.number:
            return
        self._held[picture.number] -= 1
        self._make_room()

    @property
    def held(self) -> int:
        """How many are on the screen."""
        return sum(self._held.values())

    def _make_room(self) -> None:
        pixels = sum(sent.pixels for sent in self._sent.values())
        for number in [number for number in self._sent if not self._held[number]]:
            if pixels <= self._most_pixels:
                return
            pixels -= self._sent.pop(number).pixels
            del self._held[number]
            self._write(forget(number))


_kept_by_app: WeakKeyDictionary[App[Any], KeptPictures] = WeakKeyDictionary()


def _kept(app: App[Any]) -> KeptPictures:
    if app not in _kept_by_app:
        _kept_by_app[app] = KeptPictures(partial(_write, proxy(app)))
    return _kept_by_app[app]


def send_again(app: App[Any]) -> None:
    """Send the pictures on the screen once more, where the terminal keeps them."""
    _kept(app).send_again()


def _write(app: App[Any], text: str) -> None:
    # The driver's own thread writes it, in order with the screen's updates, while the app runs.
    if app._driver is not None and not app._exit:
        app._driver.write(passed_on(text) if current().tmux else text)
