"""A widget that shows one prepared picture, whatever the terminal's protocol."""

import textwrap
from collections.abc import Sequence
from typing import Any

from rich.segment import Segment
from textual.errors import NoWidget
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Tooltip
from textual.widgets._toast import ToastRack

from tui.graphics.encode import EncodedPicture, SixelStrip, draw, shaded
from tui.graphics.kitty_pictures import KittyPictures, kitty_pictures_of
from tui.graphics.outlet import outlet_of
from tui.graphics.prepare import Drawing
from tui.text import clean

_FAULT = "✗"


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
        large: bool = False,
    ) -> None:
        """A view without a picture.

        Args:
            name: as of any widget.
            id: as of any widget.
            classes: as of any widget.
            at_bottom: those that it is given lie there, or else in the middle.
            large: on a thin line they wait for the small ones, and until no key is pressed.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._at_bottom = at_bottom
        self._large = large
        self._drawing: Drawing | None = None
        self._words = ""
        self._covered = range(0)
        """Rows over which something else lies."""
        self._sixels = _Sixels(self)
        self._kitty: KittyPictures | None = None
        self._look: tuple[object, ...] = ()
        self._lines: list[Strip] = []
        """As they were last drawn, and what they depended on."""

    @property
    def picture(self) -> EncodedPicture | None:
        """What is shown. One larger than the region is not."""
        return self._drawing.picture if self._drawing else None

    @property
    def is_coming(self) -> bool:
        """Whether a part of the picture has still to reach the terminal."""
        picture = self.picture
        if picture is None or self._kitty is None:
            return False
        return outlet_of(self.app).pacer.has(self._sixels) or not self._kitty.has(picture)

    def draw(self, drawing: Drawing | None) -> None:
        """Show a picture in place of the one before, or nothing."""
        if drawing is None and self._drawing is None and not self._words:
            return
        before, self._drawing, self._words, self._look = self.picture, drawing, "", ()
        if self._kitty:
            if self.picture:
                self._kitty.hold(self.picture, self._came, large=self._large)
            if before:
                self._kitty.release(before)
            self._look_for_overlays(self.screen)
        if self._sixels.take_the_place_of(before):
            outlet_of(self.app).send(self._sixels)
        else:
            self.refresh()

    def _came(self) -> None:
        """Kitty has the picture."""
        outlet_of(self.app).picture_came()
        self._look = ()
        self.refresh()

    def sixels_on_screen(self) -> list[str]:
        """What draws the picture's sixels, as far as they are seen."""
        return [self._sixels.drawn(strip) for strip in self._sixels.wanted]

    def was_painted(self) -> None:
        """A frame was written: what is not there of the sixels is sent."""
        if not self._sixels.is_over:
            outlet_of(self.app).pacer.put(self._sixels)

    def say(self, words: str) -> None:
        """Show plain words, and no picture."""
        if words != self._words or self._drawing:
            self.draw(None)
            self._words, self._look = words, ()
            self.refresh()

    def on_mount(self) -> None:
        """Send the picture, and watch for what comes to lie over it."""
        self._kitty = kitty_pictures_of(self.app)
        if self.picture:
            self._kitty.hold(self.picture, self._came, large=self._large)
        outlet_of(self.app).views.add(self)
        self.screen.screen_layout_refresh_signal.subscribe(self, self._look_for_overlays)

    def on_unmount(self) -> None:
        """Let the terminal forget the picture."""
        outlet_of(self.app).views.discard(self)
        if self._kitty and self.picture:
            self._kitty.release(self.picture)
        self._kitty = None

    def render_line(self, y: int) -> Strip:
        """One row of the picture, between blanks."""
        width = self.size.width
        style = self.rich_style
        place = self._place()
        if self._words:
            return self._line_of_words(y)
        if place is None or self._drawing is None or not place.y <= y < place.bottom:
            return Strip.blank(width, style)
        picture = self._drawing.picture
        if self._kitty is not None and not self._kitty.has(picture):
            return Strip.blank(width, style)
        row_of_it = y - place.y
        if picture.sixels and row_of_it not in self._covered:
            stand_in = next(s.stand_in for s in picture.sixels if row_of_it < s.first + s.rows)
            row = Strip([Segment(stand_in * picture.columns, style)], picture.columns)
        else:
            row = self._rows(self._drawing)[row_of_it]
        if picture.number:
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
        """The rows; where sixels are, their stand-ins."""
        if not self.is_attached:  # it was just taken away, and its place is not laid out again yet
            return [Strip.blank(crop.width)] * crop.height
        # Under a dialog the colours are changed, and kitty's hold the picture's number. Sixels stay
        # beside it: to send them again would take too long.
        if not (self.screen.is_active or (self.picture and self.picture.sixels)):
            return self._shaded(crop)
        return self._rows_of_cells(crop)

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
        covered = self._sixels.covered(_overlays(screen))
        if covered != self._covered:
            before, self._covered, self._look = self._covered, covered, ()
            if (place := self._place()) is not None:
                for rows in (before, covered):
                    self.refresh(Region(0, place.y + rows.start, self.size.width, len(rows)))


class _Sixels:
    """What of a view's sixels has to be sent: what is to be seen, and is not shown."""

    has_begun = False

    def __init__(self, view: PictureView) -> None:
        self._view = view

    @property
    def large(self) -> bool:
        return self._view._large

    @property
    def is_over(self) -> bool:
        return self._next() is None

    @property
    def place(self) -> Region | None:
        """Where the picture is on the screen, if it is there."""
        view, inside = self._view, self._view._place()
        if inside is None or not view.is_attached:
            return None
        try:
            return inside.translate(view.screen.find_widget(view).region.offset)
        except NoWidget:
            return None

    @property
    def wanted(self) -> list[SixelStrip]:
        """Those that nothing lies over."""
        picture, place = self._view.picture, self.place
        if picture is None or place is None or not picture.sixels:
            return []
        over = _regions_above(self._view)
        return [
            strip
            for strip in picture.sixels
            if over is not None
            and strip.first not in self._view._covered
            and not any(map(_region(strip, place).overlaps, over))
        ]

    def _next(self) -> SixelStrip | None:
        place, shown = self.place, outlet_of(self._view.app).shown
        for strip in self.wanted:
            if place is not None and not shown.has(_region(strip, place), strip.stand_in):
                return strip
        return None

    def piece(self) -> str:
        strip, place = self._next(), self.place
        if strip is None or place is None:
            return ""
        outlet_of(self._view.app).shown.put(_region(strip, place), strip.stand_in)
        return self.drawn(strip)

    def drawn(self, strip: SixelStrip) -> str:
        """What draws a strip; nothing where there is no place for it."""
        place = self.place
        if place is None:
            return ""
        # The cursor is put back where the frame has left it.
        return f"\x1b7\x1b[{place.y + strip.first + 1};{place.x + 1}H{strip.text}\x1b8"

    def take_the_place_of(self, before: EncodedPicture | None) -> bool:
        """Whether these are drawn over the picture before: they hide it, and are soon there."""
        view, now = self._view, self._view.picture
        if before is None or now is None or not (before.sixels and now.sixels):
            return False
        same = (before.columns, before.rows) == (now.columns, now.rows)
        return (
            same
            and not view._covered
            and view.is_attached
            and view.screen.is_active
            and not outlet_of(view.app).line.is_thin
        )

    def covered(self, over: Sequence[Region]) -> range:
        """The rows of strips that are not seen whole, from the first to the last."""
        view, place = self._view, self.place
        if place is None or view.picture is None:
            return range(0)
        seen = view.screen.find_widget(view).visible_region
        rows = []
        for strip in view.picture.sixels:
            region = _region(strip, place)
            if not seen.contains_region(region) or any(map(region.overlaps, over)):
                rows += [strip.first, strip.first + strip.rows]
        return range(min(rows), max(rows)) if rows else range(0)


def _region(strip: SixelStrip, place: Region) -> Region:
    """On the screen, of a strip of the picture at a place."""
    return Region(place.x, place.y + strip.first, place.width, strip.rows)


def _regions_above(view: PictureView) -> list[Region] | None:
    """What lies over the view's screen; None: that is not to be seen."""
    above: list[Region] = []
    for screen in reversed(view.app.screen_stack):
        if screen is view.screen:
            return above + _overlays(screen)
        if screen.styles.background.a == 1:
            break
        widgets = screen._compositor.visible_widgets.items()
        above += [
            region.intersection(clip) for widget, (region, clip) in widgets if widget != screen
        ]
    return None


def _overlays(screen: Screen[Any]) -> list[Region]:
    """What lies over others; a page of pictures asks once for each: no search of the screen."""
    over: list[Widget] = []
    for child in screen.children:
        if isinstance(child, Tooltip):
            over.append(child)
        elif isinstance(child, ToastRack):
            over += (toast for holder in child.children for toast in holder.children)
    return [widget.region for widget in over if widget.display and widget.region]
