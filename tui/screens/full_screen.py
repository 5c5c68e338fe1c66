"""One image on the whole screen: step through, zoom in, decide."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from engine.api import ImageInfo, gist
from tui.graphics.encode import pixel_size
from tui.graphics.prepare import PicturePart
from tui.graphics.protocol import cell_size, current
from tui.graphics.with_source import SourceView, is_across, joined_size
from tui.graphics.with_source import source_view as source_view_of
from tui.keys import bind, key_of
from tui.passing import passing
from tui.screens.dialog import Overlay
from tui.screens.gallery_filter import GalleryTiles, source_words
from tui.terminal.download import can_download
from tui.text import clean, rating_sign
from tui.widgets.image_pane import ImagePane
from tui.widgets.key_line import KeyLine
from tui.workers import work

_ZOOMS = (1.0, 2.0, 4.0, 8.0)
"""Screen pixels for one of the picture's; before the first the whole picture is shown."""
_WHOLE = "Whole picture"
_BESIDE = "Side by side"
_STEP = 0.25
"""How much of the view one key pans."""


_WIPE = 5
"""Per cent of the width that one key wipes."""
Alone = Literal["source", "result"]


class Culling(Protocol):
    """What can be decided about the image on the screen."""

    def favour(self, keys: list[str]) -> None:
        """Make them favourites, or no longer."""

    def rate(self, keys: list[str], then: Callable[[], object]) -> None:
        """Ask how they are rated, and rate them; `then` goes on."""

    def trash(self, keys: list[str]) -> None:
        """Move them to the trash."""

    def mark(self, key: str) -> None:
        """Mark or unmark one."""

    def restore(self, keys: list[str]) -> None:
        """Bring them back from the trash."""

    def undo(self) -> None:
        """Undo the last thing."""

    def copy_files(self, keys: list[str]) -> None:
        """Ask for a folder, and copy them there."""

    def download(self, keys: list[str]) -> None:
        """Send them through the terminal."""


def view_of(
    image: tuple[int, int], screen: tuple[int, int], zoom: float, centre: tuple[float, float]
) -> PicturePart:
    """The part of a picture that fills the screen.

    Args:
        image: its width and height in pixels.
        screen: those of the screen.
        zoom: screen pixels for one of its.
        centre: what should be in the middle, from 0 to 1 each way; kept inside as far as need be.
    """
    part = []
    for size, room, at in zip(image, screen, centre, strict=True):
        shown = max(1, min(size, round(room / zoom)))
        start = max(0, min(size - shown, round(at * size - shown / 2)))
        part.append((start, start + shown))
    (left, right), (upper, lower) = part
    return left, upper, right, lower


def _cells_of(size: tuple[int, int], zoom: float) -> tuple[int, int]:
    """Columns and rows that a picture of a size fills at a zoom."""
    one = pixel_size(current().protocol, (1, 1), cell_size())
    width, height = size[0] * zoom, size[1] * zoom
    return math.ceil(width / one[0]), math.ceil(height / one[1])


class FullScreen(Overlay[int]):
    """Ends with the position of the image looked at last.

    A key means the image one has stepped to, also while that is still being read: it waits for it,
    and what is pressed meanwhile waits behind it. To the trash goes only what can be seen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("full.left", "across(-1, 0)", "Previous"),
        bind("full.right", "across(1, 0)", "Next"),
        bind("full.up", "across(0, -1)", "Up", show=False),
        bind("full.down", "across(0, 1)", "Down", show=False),
        bind("full.previous", "step(-1)", "Previous image", show=False),
        bind("full.next", "step(1)", "Next image", show=False),
        bind("full.page_up", "step(-1)", "Previous image", show=False),
        bind("full.page_down", "step(1)", "Next image", show=False),
        bind("full.zoom", "zoom", "1:1"),
        bind("full.larger", "zoom_by(1)", "Zoom in", show=False),
        bind("full.smaller", "zoom_by(-1)", "Zoom out", show=False),
        bind("full.flip", "flip", "Flip source/result"),
        bind("full.wipe", "wipe", "Wipe"),
        bind("full.wipe_left", "wipe_by(-1)", "Move wipe left", show=False),
        bind("full.wipe_right", "wipe_by(1)", "Move wipe right", show=False),
        bind("full.mark", "mark", "Mark"),
        bind("full.favourite", "favour", "Favourite"),
        bind("full.rate", "rate", "Rate"),
        bind("full.take_away", "trash", "Trash"),
        bind("full.undo", "undo", "Undo"),
        bind("full.copy_to", "files", "Copy to a folder"),
        bind("full.download", "download", "Download"),
    ]
    KEY_LINE: ClassVar[Sequence[str]] = (
        *("overlay.leave", "full.favourite", "full.take_away", "full.mark", "full.right"),
        *("full.left", "full.flip", "full.wipe", "full.zoom", "full.undo", "full.copy_to"),
    )
    DEFAULT_CSS = """
    FullScreen { background: $background; }
    FullScreen ImagePane { height: 1fr; }
    FullScreen #about { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
                        color: $text-muted; }
    """

    _has_source = False
    """Whether the image that is shown is drawn on a picture."""
    _look_of_keys: tuple[bool, ...] = ()
    """What the key line depends on, when it was last drawn."""

    def __init__(
        self,
        tiles: GalleryTiles,
        index: int,
        library: Path,
        culling: Culling,
        marked: set[str],
    ) -> None:
        super().__init__()
        self._tiles = tiles
        self._index = index
        self._library = library
        self._culling = culling
        self._marked = marked
        self._image: ImageInfo | None = None
        self._read: int | None = None
        """The position that the image is of; another one than the index while that is read."""
        self._waiting: deque[Callable[[], None]] = deque()
        self._zoom = 0
        """0: the whole picture; else a position in the zooms, from 1."""
        self._centre = (0.5, 0.5)
        self._alone: Alone | None = None
        """Which is shown of an image and its source; None: both."""
        self._wiped: int | None = None
        """Per cent of the width that show the source; None: it is not wiped over the image."""

    def compose(self) -> ComposeResult:
        """The image, and a line about it."""
        yield ImagePane()
        yield Static("", id="about", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Show it."""
        self.look()

    def look(self) -> None:
        """Read the image again, and show it."""
        self._look()

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        index = self._index
        found = await asyncio.to_thread(self._tiles.read, index, index + 1)
        self._image, self._read = found[0] if found else None, index
        self._show()
        while self._waiting and self._is_read:
            self._waiting.popleft()()

    @property
    def _is_read(self) -> bool:
        return self._read == self._index

    def _in_turn(self, act: Callable[[], None], *, reads: bool = True) -> None:
        """Do it at once, or once it can be: what needs the image waits until that is read."""
        if self._waiting or (reads and not self._is_read):
            self._waiting.append(act)
        else:
            act()

    def _with_image(self, act: Callable[[ImageInfo], None]) -> None:
        self._in_turn(lambda: act(self._image) if self._image is not None else None)

    def _show(self) -> None:
        if not self._is_read:
            return
        image, pane = self._image, self.query_one(ImagePane)
        if image is None:
            pane.show(
                None,
                words="◌\n\nThis image cannot be read. Check that the library's disk is mounted.",
            )
            return
        star = rating_sign(image.rating, favourite=image.favourite)
        signs = f"{star} " if star else ""
        signs += "● " if image.image in self._marked else ""
        zoom = f" · {_ZOOMS[self._zoom - 1]:g}:1" if self._zoom else ""
        where = f"{signs}{self._index + 1:,}/{len(self._tiles):,}{zoom}"
        caption = f"{where} · {self._tiles.caption(image)} · seed {image.seed}"
        if image.trashed or image.file is None:
            back = f"In the trash; {key_of('full.undo')} restores it."
            words = back if image.trashed else image.error or "No file"
            pane.show(None, caption, words=f"◌\n\n{words}")
        else:
            part, source_view = self._part(image), self._source_view(image)
            shown = (part[2] - part[0], part[3] - part[1]) if part else None
            if shown and source_view and source_view.way == "beside":
                shown = joined_size(shown, self._screen)
            most = _cells_of(shown, _ZOOMS[self._zoom - 1]) if shown else None
            if image.recipe.image:
                caption += f" · {self._way(source_view)}"
            file = self._library / image.file
            pane.show(file, caption, part=part, most=most, source_view=source_view)
        source = source_words(image, self._tiles.source_name(image.image))
        words = " · ".join(filter(None, (source, gist(image.recipe.prompt))))
        self.query_one("#about", Static).update(Content(clean(words)))
        self._has_source = bool(image.recipe.image)
        if (look := (self._has_source, image.favourite, image.trashed)) != self._look_of_keys:
            self._look_of_keys = look
            self.refresh_bindings()

    @property
    def _screen(self) -> tuple[int, int]:
        """Pixels that there are for pictures, width and height."""
        pane = self.query_one(ImagePane)
        cells = max(1, pane.size.width), max(1, pane.size.height - 1)
        return pixel_size(current().protocol, cells, cell_size())

    def _source_view(self, image: ImageInfo) -> SourceView | None:
        """What it is drawn on, as that is to be shown; None: it is shown alone."""
        found = source_view_of(image.recipe, self._library)
        if found is None or self._alone == "result":
            return None
        if self._alone == "source":
            return replace(found, way="instead")
        if self._wiped is not None:
            return replace(found, way="wipe", at=self._wiped)
        return found

    @staticmethod
    def _way(source_view: SourceView | None) -> str:
        if source_view is None:
            return "result"
        whole = {"beside": "source and result", "instead": "source"}
        return whole.get(source_view.way, f"source up to {source_view.at} %")

    def _part(self, image: ImageInfo) -> PicturePart | None:
        if not self._zoom:
            return None
        size, (width, height) = (image.width, image.height), self._screen
        source_view = self._source_view(image)
        if source_view is not None and source_view.way == "beside":
            across = is_across(size, self._screen)
            width, height = (width // 2, height) if across else (width, height // 2)
        return view_of(size, (width, height), _ZOOMS[self._zoom - 1], self._centre)

    # ---------------------------------------------------------------- actions

    def action_step(self, step: int) -> None:
        """Another image; the ends hold, the view stays where it is."""
        self._in_turn(partial(self._step, step), reads=False)

    def _step(self, step: int) -> None:
        index = max(0, min(len(self._tiles) - 1, self._index + step))
        if index != self._index:
            self._index = index
            self.look()

    def action_across(self, right: int, down: int) -> None:
        """Pan while zoomed in, wipe while wiping, step otherwise."""
        if self._wiped is not None and right and not self._zoom:
            self.action_wipe_by(right)
        elif self._zoom:
            self._with_image(partial(self._pan, right, down))
        else:
            self.action_step(right + down)

    def _pan(self, right: int, down: int, image: ImageInfo) -> None:
        part = self._part(image)
        if part is None:
            return
        x = (part[0] + part[2]) / 2 / image.width + right * _STEP * (
            part[2] - part[0]
        ) / image.width
        y = (part[1] + part[3]) / 2 / image.height
        y += down * _STEP * (part[3] - part[1]) / image.height
        self._centre = (max(0.0, min(1.0, x)), max(0.0, min(1.0, y)))
        self._show()

    def action_zoom(self) -> None:
        """One pixel of the picture for one of the screen, or the whole picture again."""
        self._zoom_to(0 if self._zoom else 1)

    def action_zoom_by(self, step: int) -> None:
        """Closer, or further away."""
        self._zoom_to(max(0, min(len(_ZOOMS), self._zoom + step)))

    def _zoom_to(self, zoom: int) -> None:
        self._zoom = zoom
        leave = partial(self._in_turn, partial(self._zoom_to, 0), reads=False)
        passing(self).note(_WHOLE, leave, is_open=bool(zoom))
        self._show()

    def _note_way(self) -> None:
        """Whether it is shown otherwise than beside its source."""
        is_open = self._wiped is not None or self._alone is not None
        leave = partial(self._in_turn, self._beside_again, reads=False)
        passing(self).note(_BESIDE, leave, is_open=is_open)
        self._show()
        self.refresh_bindings()

    def _beside_again(self) -> None:
        self._wiped = self._alone = None
        self._note_way()

    def action_flip(self) -> None:
        """The source in the place of the result, or the other way round."""
        self._wiped = None
        self._alone = "result" if self._alone == "source" else "source"
        self._note_way()

    def action_wipe(self) -> None:
        """The source from the left up to a line, and the result from there on; or no longer."""
        self._alone = None
        self._wiped = 50 if self._wiped is None else None
        self._note_way()

    def action_wipe_by(self, step: int) -> None:
        """Move that line."""
        if self._wiped is not None:
            self._wiped = max(0, min(100, self._wiped + step * _WIPE))
            self._show()

    def action_favour(self) -> None:
        """A favourite, or no longer, and on to the next."""
        self._with_image(self._favour)

    def _favour(self, image: ImageInfo) -> None:
        self._culling.favour([image.image])
        self._step(1)

    def action_rate(self) -> None:
        """From 0 to 5 stars, and on to the next."""
        self._with_image(
            lambda image: self._culling.rate([image.image], partial(self.action_step, 1))
        )

    def action_trash(self) -> None:
        """To the trash, or back from there, and on to the next.

        What is not on the screen yet is not meant: a held key goes on as fast as there is
        something to see, and stops when it is let go.
        """
        image = self._image
        if image is not None and self._alone == "source" and image.recipe.image:
            self.action_flip()  # that it is not the source which goes is to be seen
            return
        if image is None or self._waiting or not self._is_read or not self._is_seen(image):
            return
        if image.trashed:
            self._culling.restore([image.image])
        else:
            self._culling.trash([image.image])
            self._image = replace(image, trashed=True)
        self._step(1)

    def _is_seen(self, image: ImageInfo) -> bool:
        """Whether its picture is on the screen, or why there is none."""
        if self._alone == "source" and image.recipe.image:
            return False
        if image.trashed or image.file is None:
            return True
        return self.query_one(ImagePane).shown == self._library / image.file

    def action_mark(self) -> None:
        """Mark or unmark, and on to the next."""
        self._with_image(self._mark)

    def _mark(self, image: ImageInfo) -> None:
        self._culling.mark(image.image)
        self._show()
        self._step(1)

    def action_undo(self) -> None:
        """Undo what was done last."""
        self._in_turn(self._culling.undo, reads=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """What the terminal cannot do is not offered, nor what takes a source."""
        if action in ("flip", "wipe"):
            return self._has_source
        if action == "wipe_by":
            return self._has_source and self._wiped is not None
        return action != "download" or can_download(current())

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are."""
        image = self._image
        if name in ("full.left", "full.right") and (self._zoom or self._wiped is not None):
            way = name.rpartition(".")[2]
            return way.capitalize() if self._zoom else f"Move wipe {way}"
        if image is None:
            return None
        if name == "full.favourite" and image.favourite:
            return "Unfavourite"
        return "Restore" if name == "full.take_away" and image.trashed else None

    def action_files(self) -> None:
        """Copy the image to a folder."""
        self._with_image(lambda image: self._culling.copy_files([image.image]))

    def action_download(self) -> None:
        """Send the image through the terminal."""
        self._with_image(lambda image: self._culling.download([image.image]))

    def action_leave(self) -> None:
        """The whole picture again; from there back to the page."""
        self._in_turn(self._leave, reads=False)

    def _leave(self) -> None:
        if self._zoom:
            self._zoom_to(0)
        elif self._wiped is not None or self._alone is not None:
            self._beside_again()
        else:
            self.dismiss(self._index)
