"""What is decided about images on a contact sheet, undone, and taken back to work."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from textual.screen import Screen

from engine.api import (
    BEST_RATING,
    ImageInfo,
    LibraryError,
    PromptsheetError,
    SessionInfo,
    Started,
)
from tui.app_state import AppState, RowsToSheet
from tui.keys import key_of
from tui.rerender import (
    AS_BEFORE,
    by_session,
    more_like,
    rows_drawn_on,
    rows_of,
    rows_to_render,
    start_again,
    started_words,
)
from tui.screens.ask_count import AskCount
from tui.screens.ask_rating import AskRating
from tui.screens.export import CopyImages, ExportScreen
from tui.screens.full_screen import FullScreen
from tui.screens.gallery_filter import GalleryTiles
from tui.terminal.download import MOST, download
from tui.text import clean, count_text, size_text
from tui.undo.actions import FavourAction, RateAction, RestoreAction, TrashAction
from tui.undo.undoing import ActionDone, Undoing
from tui.widgets.contact_sheet import ContactSheet
from tui.workers import hand_over, work

_MOST_CHOSEN = 2000
"""Images that are read at once for what needs their recipes; trash and favourites have no limit."""


def _sessions_of(images: Sequence[ImageInfo]) -> str:
    """What a sheet made of these images is called by."""
    first, *others = dict.fromkeys(image.session_name for image in images)
    return f"{first} and {count_text(len(others), 'other')}" if others else first


@dataclass
class Reviewed:
    """What is looked at."""

    tiles: GalleryTiles | None = None
    info: SessionInfo | None = None
    """The session whose images they are; None: all sessions."""

    @property
    def session(self) -> str | None:
        """Its id."""
        return self.info.session if self.info else None


class ImageActions:
    """What can be done to images, of which the ids are given, for the screen that shows them."""

    def __init__(
        self, node: Screen[None], app_state: AppState, reviewed: Reviewed, sheet: ContactSheet
    ) -> None:
        self.node = node
        self._app_state = app_state
        self._library = app_state.library
        self._reviewed = reviewed
        self._sheet = sheet
        self._undoing = Undoing(node, app_state.undo_stack, self._decided, self.complain)
        self.undo, self.redo = self._undoing.undo, self._undoing.redo

    # ---------------------------------------------------------------- deciding

    def favour(self, keys: list[str]) -> None:
        """Make images favourites; if all that are known of are, they no longer are."""
        tiles, gallery = self._sheet.tiles_by_key(), self._reviewed.tiles
        shown = [tile for key in keys if (tile := tiles.get(key))]
        # The one on the whole screen need not be on the page below it.
        read = [gallery.image(key) for key in keys if key not in tiles] if gallery else []
        known = [tile.favourite for tile in shown] + [i.favourite for i in read if i is not None]
        on_now = bool(known) and all(known)
        for tile in shown:  # at once; what is committed is read again afterwards
            self._sheet.put(replace(tile, favourite=not on_now, rating=0))
        self._undoing.do(FavourAction(self._library, keys, on=not on_now))

    def rate(self, keys: list[str], then: Callable[[], object]) -> None:
        """Ask how they are rated, and rate them; `then` goes on."""

        def answered(text: str | None) -> None:
            if text is not None:
                self.give_ratings(dict.fromkeys(keys, int(text)))
                then()

        if keys:
            self.node.app.push_screen(AskRating(len(keys)), answered)

    def give_ratings(self, ratings: Mapping[str, int]) -> None:
        """Rate images, each as it is said."""
        tiles = self._sheet.tiles_by_key()
        for key, rating in ratings.items():
            if tile := tiles.get(key):
                favourite = rating == BEST_RATING
                self._sheet.put(replace(tile, favourite=favourite, rating=rating))
        self._undoing.do(RateAction(self._library, ratings))

    def trash(self, keys: list[str]) -> None:
        """Move images to the trash; their places stay until the page is opened again."""
        self._sheet.marks.difference_update(keys)
        self._undoing.do(TrashAction(self._library, keys))

    def restore(self, keys: list[str]) -> None:
        """Bring images back from the trash."""
        self._undoing.do(RestoreAction(self._library, keys))

    def mark(self, key: str) -> None:
        """Mark or unmark one."""
        self._sheet.marks ^= {key}

    @property
    def marks(self) -> set[str]:
        """The marked images, on any page."""
        return self._sheet.marks

    def take_marks(self, marks: Iterable[str]) -> None:
        """These are marked now: they were elsewhere than on the page."""
        marks = set(marks)
        self._sheet.marks.clear()
        self._sheet.marks.update(marks)
        self._sheet.refresh()

    async def _decided(self, done: ActionDone) -> None:
        tiles = self._reviewed.tiles
        if done.images and tiles is not None:
            shown = self._sheet.tiles_by_key()
            keys = [key for key in done.images if key in shown]
            images = await asyncio.to_thread(tiles.gallery.images, keys)
            tiles.remember(images)
            for image in images:
                self._sheet.put(tiles.tile(image))
        self._look_full()
        if done.again or len(done.images) != 1:
            self.node.notify(clean(done.words), markup=False)

    def _look_full(self) -> None:
        if isinstance(self.node.app.screen, FullScreen):
            self.node.app.screen.look()

    def complain(self, words: str) -> None:
        """Say what went wrong, and show again what is so: a mark was there at once."""
        self.node.notify(clean(words), severity="error", markup=False)
        self._sheet.reload()
        self._look_full()

    # ---------------------------------------------------------------- back to work

    def with_images(self, keys: list[str], act: Callable[[list[ImageInfo]], object]) -> None:
        """Read these images in a thread, then act; a word where they are gone, or too many."""
        if len(keys) > _MOST_CHOSEN:
            words = f"Choose up to {_MOST_CHOSEN:,} images; {len(keys):,} are marked."
            self.node.notify(words, severity="warning", markup=False)
        elif keys and self._reviewed.tiles is not None:
            self._read_images(self._reviewed.tiles, keys, act)

    @work(group="chosen")
    async def _read_images(
        self, tiles: GalleryTiles, keys: list[str], act: Callable[[list[ImageInfo]], object]
    ) -> None:
        try:
            images = await asyncio.to_thread(tiles.gallery.images, keys)
        except LibraryError as error:
            self.complain(str(error))
            return
        if images:
            act(images)
        else:
            what = "This image is" if len(keys) == 1 else "These images are"
            self.complain(f"{what} no longer in the library.")

    def again(self, keys: list[str]) -> None:
        """Ask how many, and render their rows again, with new seeds.

        What comes of the rows of one session is a session of its own.
        """
        self.with_images(keys, self._ask_again)

    def _ask_again(self, chosen: list[ImageInfo]) -> None:
        def answered(text: str | None) -> None:
            if text is not None:
                count = int(text) if text else None
                self._start([partial(start_again, of, self._library, count) for of in sessions])

        sessions = by_session(chosen)
        rows = [row for of in sessions for row in rows_to_render(of)]
        which = f"row {rows[0]}" if len(rows) == 1 else f"each of {count_text(len(rows), 'row')}"
        ask = AskCount(f"Render how many new images of {which}?", unsaid=AS_BEFORE)
        self.node.app.push_screen(ask, answered)

    def more(self, key: str) -> None:
        """More of this one: the seeds next to those of its row."""
        self.with_images(
            [key], lambda found: self._start([partial(more_like, found[0], self._library)])
        )

    @work(thread=True, group="start")
    def _start(self, starts: Sequence[Callable[[], Started]]) -> None:
        for start in starts:
            try:
                started = start()
            except PromptsheetError as error:
                hand_over(self.complain, str(error))
            else:
                hand_over(self._started, started)

    def _started(self, started: Started) -> None:
        self._app_state.started = started.session
        self.node.notify(clean(started_words(started)), markup=False)

    def refine(self, keys: list[str]) -> None:
        """Their rows go to the Sheet screen, to be refined."""
        self.with_images(keys, self._refine)

    @work(group="chosen")
    async def _refine(self, chosen: list[ImageInfo]) -> None:
        name = f"{_sessions_of(chosen)}, refined"
        try:
            rows = await asyncio.to_thread(rows_of, chosen, self._library)
        except LibraryError as error:
            self.complain(str(error))
        else:
            self.node.post_message(RowsToSheet(rows, chosen[0].session, name))

    def draw_on(self, keys: list[str]) -> None:
        """They go to the Sheet screen as what new rows are drawn on."""
        self.with_images(keys, self._draw_on)

    @work(group="chosen")
    async def _draw_on(self, chosen: list[ImageInfo]) -> None:
        name = f"on {_sessions_of(chosen)}"
        try:
            rows = await asyncio.to_thread(rows_drawn_on, chosen, self._library)
        except LibraryError as error:
            self.complain(str(error))
            return
        if rows:
            self.node.post_message(RowsToSheet(rows, chosen[0].session, name))
        else:
            self.complain("These cannot be used as sources: they have no finished image.")

    def upscale(self, keys: list[str]) -> None:
        """They go to the Sheet screen as rows that enlarge them, whose cost is shown there."""
        self.with_images(keys, self._upscale)

    @work(group="chosen")
    async def _upscale(self, chosen: list[ImageInfo]) -> None:
        name = f"{_sessions_of(chosen)}, upscaled"
        try:
            rows = await asyncio.to_thread(self._library.sheets.upscaled, chosen)
        except PromptsheetError as error:
            self.complain(str(error))
            return
        if rows:
            self.node.post_message(RowsToSheet(rows, chosen[0].session, name))
        else:
            self.complain("These cannot be upscaled: they have no finished image.")

    # ---------------------------------------------------------------- elsewhere

    def copy_paths(self, keys: list[str]) -> None:
        """Their paths to the clipboard of the terminal one sits at."""
        self.with_images(
            keys,
            lambda found: self._copy(
                "path", [self._library.path / i.file for i in found if i.file]
            ),
        )

    def copy_prompts(self, keys: list[str]) -> None:
        """Their prompts to the clipboard of the terminal one sits at."""
        self.with_images(
            keys,
            lambda found: self._copy("prompt", dict.fromkeys(i.recipe.prompt for i in found)),
        )

    def _copy(self, what: str, lines: Iterable[object]) -> None:
        if texts := list(map(str, lines)):
            self.node.app.copy_to_clipboard("\n".join(texts))
            self.node.notify(f"{count_text(len(texts), what)} copied", markup=False)

    def copy_files(self, keys: list[str]) -> None:
        """Ask for a folder, and copy images there."""
        memory, info = self._app_state.memory, self._reviewed.info

        def copied(folder: str | None) -> None:
            memory.folder = folder or memory.folder

        if keys:
            folder = Path(memory.folder or Path.home() / (info.folder.name if info else "images"))
            self.node.app.push_screen(CopyImages(keys, self._library, folder), copied)

    def download(self, keys: list[str]) -> None:
        """Send images through the terminal to the machine one sits at."""
        if keys and self._reviewed.tiles is not None:
            self._download(self._reviewed.tiles, keys)

    @work(thread=True, exclusive=True, group="download")
    def _download(self, tiles: GalleryTiles, keys: list[str]) -> None:
        try:
            images = tiles.gallery.images(keys[:_MOST_CHOSEN])
            size = sum(image.bytes or 0 for image in images)
            if size > MOST or len(keys) > _MOST_CHOSEN:
                words = f"{count_text(len(keys), 'image')}, {size_text(size)}"
                hand_over(self._too_much, words)
                return
            files = self._library.images.files(images)
            sequences = [download(name, data) for name, data in files if data is not None]
        except LibraryError as error:
            hand_over(self.complain, str(error))
        else:
            hand_over(self._send, sequences)

    def _too_much(self, what: str) -> None:
        exports = key_of("review.write_out")
        words = (
            f"{what}: too much to send through the terminal; {exports} exports them and shows how"
            " to download over ssh."
        )
        self.node.notify(words, severity="warning", markup=False)

    def _send(self, sequences: list[str]) -> None:
        driver = self.node.app._driver  # as App.bell does
        if driver is not None:
            for sequence in sequences:
                driver.write(sequence)
            self.node.notify(f"{count_text(len(sequences), 'image')} sent", markup=False)

    def export(self) -> None:
        """A ZIP of the marked images, the favourites, or all; of one session alone."""
        if self._reviewed.info is not None:
            marks, tile, tiles = (
                frozenset(self._sheet.marks),
                self._sheet.tile,
                self._reviewed.tiles,
            )
            image = tiles.image(tile.key) if tile is not None and tiles is not None else None
            is_grid = image is not None and tiles is not None and tiles.seems_of_grid(image)
            grid = image.row if image is not None and is_grid else None
            self.node.app.push_screen(ExportScreen(self._reviewed.info, self._library, marks, grid))
