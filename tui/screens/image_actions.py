"""What is decided about images on a contact sheet, undone, and taken back to work."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from engine.api import ImageInfo, LibraryError, PromptsheetError, SessionInfo, Started
from tui.app_state import RowsToSheet
from tui.rerender import more_like, rows_of, start_again, started_words
from tui.screens.area import AreaScreen
from tui.screens.copy_images import CopyImages
from tui.screens.export import ExportScreen
from tui.screens.full_screen import FullScreen
from tui.screens.gallery_filter import GalleryTiles, tile_of
from tui.terminal.download import MOST, download
from tui.text import clean, count_text, size_text
from tui.undo.actions import Favour, TrashImages
from tui.undo.stack import Undoable
from tui.widgets.contact_sheet import ContactSheet
from tui.workers import hand_over, work

_MOST_CHOSEN = 2000
"""Images that are read at once for what needs their recipes; trash and favourites have no limit."""


class Deciding(AreaScreen):
    """An area with a contact sheet: its marked images, or the one under the cursor, are meant."""

    info: SessionInfo | None = None
    _tiles: GalleryTiles | None = None

    def reopen(self) -> None:
        """Read the images anew; the cursor stays where it is."""
        raise NotImplementedError

    def _targets(self) -> list[str]:
        """The marked images; without any, the one under the cursor."""
        sheet = self.query_one(ContactSheet)
        if sheet.marks:
            return sorted(sheet.marks)
        return [sheet.tile.key] if sheet.tile else []

    # ---------------------------------------------------------------- deciding

    def favour(self, keys: list[str]) -> None:
        """Make images favourites; if all that are known of are, they no longer are."""
        sheet = self.query_one(ContactSheet)
        tiles = sheet.tiles_by_key()
        shown = [tile for key in keys if (tile := tiles.get(key))]
        # The one on the whole screen need not be on the page below it.
        read = [self._tiles.image(key) for key in keys if key not in tiles] if self._tiles else []
        known = [tile.favourite for tile in shown] + [i.favourite for i in read if i is not None]
        on_now = bool(known) and all(known)
        for tile in shown:  # at once; what is committed is read again afterwards
            sheet.put(replace(tile, favourite=not on_now))
        self._do(Favour(self.app_state.library, keys, on=not on_now))

    def trash(self, keys: list[str]) -> None:
        """Move images to the trash; their places stay until the page is opened again."""
        sheet = self.query_one(ContactSheet)
        sheet.marks.difference_update(keys)
        self._do(TrashImages(self.app_state.library, keys))

    def mark(self, key: str) -> bool:
        """Mark or unmark one."""
        marks = self.query_one(ContactSheet).marks
        marks ^= {key}
        return key in marks

    def undo(self) -> None:
        """Undo what was done last."""
        self._undo_or_redo(self.app_state.undo_stack.undo, "undone")

    def _do(self, undoable: Undoable) -> None:
        def done() -> Undoable:
            self.app_state.undo_stack.do(undoable)
            return undoable

        self._undo_or_redo(done, "")

    @work(group="undo_stack")
    async def _undo_or_redo(self, act: Callable[[], Undoable | None], what: str) -> None:
        try:
            undoable = await self.app_state.undo_stack.in_turn(act)
            if undoable is None:
                self.notify(f"Nothing to be {what}.", markup=False)
                return
            images: Sequence[ImageInfo] = ()
            if self._tiles is not None:
                shown = self.query_one(ContactSheet).tiles_by_key()
                keys = [key for key in undoable.images if key in shown]
                images = await asyncio.to_thread(self._tiles.gallery.images, keys)
                self._tiles.remember(images)
        except PromptsheetError as error:
            self._complain(str(error))
        else:
            self._decided(undoable, what, images)

    def _decided(self, undoable: Undoable, what: str, images: Sequence[ImageInfo]) -> None:
        sheet = self.query_one(ContactSheet)
        for image in images:
            sheet.put(tile_of(image, self.app_state.library.path))
        self._look_full()
        if what or len(undoable.images) != 1:
            self.notify(clean(f"{undoable.words}{f', {what}' if what else ''}"), markup=False)

    def _look_full(self) -> None:
        if isinstance(self.app.screen, FullScreen):
            self.app.screen.look()

    def _complain(self, words: str) -> None:
        """Say what went wrong, and show again what is so: a mark was there at once."""
        self.notify(clean(words), severity="error", markup=False)
        self.query_one(ContactSheet).reload()
        self._look_full()

    def action_favour(self) -> None:
        """The marked ones, or the one under the cursor, become favourites, or no longer are."""
        self.favour(self._targets())

    def action_trash(self) -> None:
        """The marked ones, or the one under the cursor, go to the trash."""
        sheet = self.query_one(ContactSheet)
        single = not sheet.marks
        if keys := self._targets():
            self.trash(keys)
            if single:
                sheet.go_to(sheet.cursor + 1)

    def action_undo(self) -> None:
        """Undo what was done last."""
        self.undo()

    def action_redo(self) -> None:
        """Do again what was undone last."""
        self._undo_or_redo(self.app_state.undo_stack.redo, "done again")

    # ---------------------------------------------------------------- back to work

    def _with_images(self, keys: list[str], act: Callable[[list[ImageInfo]], object]) -> None:
        """Read these images in a thread, then act; a word where they are gone, or too many."""
        if len(keys) > _MOST_CHOSEN:
            words = f"That takes up to {_MOST_CHOSEN:,} images; {len(keys):,} are marked."
            self.notify(words, severity="warning", markup=False)
        elif keys and self._tiles is not None:
            self._read_images(self._tiles, keys, act)

    @work(group="chosen")
    async def _read_images(
        self, tiles: GalleryTiles, keys: list[str], act: Callable[[list[ImageInfo]], object]
    ) -> None:
        try:
            images = await asyncio.to_thread(tiles.gallery.images, keys)
        except LibraryError as error:
            self._complain(str(error))
            return
        if images:
            act(images)
        else:
            what = "This image is" if len(keys) == 1 else "These images are"
            self._complain(f"{what} no longer in the library.")

    def action_again(self) -> None:
        """The rows of these images are rendered again, with new seeds, as a session of its own."""
        library = self.app_state.library
        self._with_images(
            self._targets(), lambda chosen: self._start(lambda: start_again(chosen, library))
        )

    def action_more(self) -> None:
        """More of this one: the seeds next to those of its row."""
        tile, library = self.query_one(ContactSheet).tile, self.app_state.library
        self._with_images(
            [tile.key] if tile else [],
            lambda found: self._start(lambda: more_like(found[0], library)),
        )

    @work(thread=True, group="start")
    def _start(self, start: Callable[[], Started]) -> None:
        try:
            started = start()
        except PromptsheetError as error:
            hand_over(self._complain, str(error))
        else:
            hand_over(self._started, started)

    def _started(self, started: Started) -> None:
        self.app_state.started = started.session
        self.notify(clean(started_words(started)), markup=False)

    def action_refine(self) -> None:
        """The rows of these images go to the Sheet screen, to be refined."""
        self._with_images(self._targets(), self._refine)

    @work(group="chosen")
    async def _refine(self, chosen: list[ImageInfo]) -> None:
        name = f"{self.info.name if self.info else 'favourites'}, refined"
        try:
            rows = await asyncio.to_thread(rows_of, chosen, self.app_state.library)
        except LibraryError as error:
            self._complain(str(error))
        else:
            self.post_message(RowsToSheet(rows, chosen[0].session, name))

    def action_copy(self, what: str) -> None:
        """Paths or prompts to the clipboard of the terminal one sits at."""
        self._with_images(self._targets(), partial(self._copy, what))

    def _copy(self, what: str, chosen: list[ImageInfo]) -> None:
        if what == "path":
            lines = [str(self.app_state.library.path / i.file) for i in chosen if i.file]
        else:
            lines = list(dict.fromkeys(i.recipe["prompt"] for i in chosen))
        if lines:
            self.app.copy_to_clipboard("\n".join(lines))
            self.notify(f"{count_text(len(lines), what)} copied", markup=False)

    def action_files(self) -> None:
        """Copy the marked images, or the one under the cursor, to a folder."""
        self.copy_files(self._targets())

    def copy_files(self, keys: list[str]) -> None:
        """Ask for a folder, and copy images there."""

        def copied(folder: str | None) -> None:
            self.app_state.memory.folder = folder or self.app_state.memory.folder

        if keys:
            name = self.info.folder.name if self.info else "favourites"
            folder = Path(self.app_state.memory.folder or Path.home() / name)
            self.app.push_screen(CopyImages(keys, self.app_state.library, folder), copied)

    def action_download(self) -> None:
        """Send the marked images, or the one under the cursor, through the terminal."""
        self.download(self._targets())

    def download(self, keys: list[str]) -> None:
        """Send images through the terminal to the machine one sits at."""
        if keys and self._tiles is not None:
            self._download(self._tiles, keys)

    @work(thread=True, exclusive=True, group="download")
    def _download(self, tiles: GalleryTiles, keys: list[str]) -> None:
        try:
            images = tiles.gallery.images(keys[:_MOST_CHOSEN])
        except LibraryError as error:
            hand_over(self._complain, str(error))
            return
        size = sum(image.bytes or 0 for image in images)
        if size > MOST or len(keys) > _MOST_CHOSEN:
            words = (
                f"{count_text(len(keys), 'image')}, {size_text(size)}: too much for the terminal"
            )
            words += "; x exports them, and says how they come over ssh."
            hand_over(self.notify, words, severity="warning", markup=False)
            return
        try:
            named = self.app_state.library.images.files(images)
            files = [(n, d) for n, d in named if d is not None]
        except LibraryError as error:
            hand_over(self._complain, str(error))
        else:
            hand_over(self._send, [download(n, d) for n, d in files])

    def _send(self, sequences: list[str]) -> None:
        driver = self.app._driver  # as App.bell does
        if driver is not None:
            for sequence in sequences:
                driver.write(sequence)
            self.notify(f"{count_text(len(sequences), 'image')} sent", markup=False)

    def action_export(self) -> None:
        """A ZIP of the marked images, the favourites, or all."""
        if self.info is not None:
            marks = frozenset(self.query_one(ContactSheet).marks)
            self.app.push_screen(ExportScreen(self.info, self.app_state.library, marks))
