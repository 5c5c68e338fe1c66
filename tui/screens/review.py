"""Review: a page of thumbnails, the one under the cursor large, and the keys to decide by."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from engine.api import (
    IMAGE_ORDERS,
    STATES,
    Gallery,
    ImageInfo,
    LibraryError,
    SessionInfo,
    Wanted,
)
from tui.app_state import AppState, TakeInHand
from tui.engine_watch import News
from tui.graphics.protocol import current
from tui.keys import bind, key_of
from tui.passing import passing
from tui.screens.area import AreaScreen
from tui.screens.choosing import Choosing
from tui.screens.compare import MOST, CompareScreen
from tui.screens.filter_line import DROP, FilterLine
from tui.screens.full_screen import FullScreen
from tui.screens.gallery_filter import (
    GalleryTiles,
    row_number,
    wanted_by,
)
from tui.screens.image_actions import ImageActions, Reviewed
from tui.screens.large_image import LargeImage
from tui.screens.review_words import no_images_text, title_text
from tui.screens.row_grids import RowGrids
from tui.terminal.download import can_download
from tui.text import shorten
from tui.widgets.contact_sheet import ContactSheet
from tui.workers import hand_over, hand_to, work

LIVE = 256
"""Up to so many images a session is seen whole while it renders, finished or not."""
_WITH_IMAGES = (
    *("duel", "full", "chosen", "favour", "rate", "trash"),
    *("compare", "grid", "more", "export"),
)
"""Actions that mean an image."""
_SHOW_ALL = {"favourites": "Show all, not only favourites", "failed": "Show all, not only failed"}
_BACK = "Back"
_HIDE = "Hide large picture"
_NO_MATCH = "No image matches. Shorten or clear the filter."
_FIRST = 1000
"""Images of all sessions that are shown before the others are looked for."""
_REST = 0.15
"""Seconds without a key after which all sessions' images are looked through for what was typed."""
_OF_ALL = ("contact.range", "review.compare", "review.grid", "review.all_images")
_KEYS = (
    *("contact.range", "review.compare", "review.grid", "review.open", "review.favourite"),
    *("review.take_away", "contact.mark", "contact.leave", "review.pick", "review.undo"),
    *("review.find", "review.all_images", "review.rate", "review.watch", "review.to_sheet"),
    *("review.again", "review.write_out"),
)
_KEYS_OF_ALL = tuple(dict.fromkeys((*_OF_ALL, "review.to_sheet", "review.watch", *_KEYS)))
"""The ways on from an image come first."""
_NO_FILTER, _ALL_NEWEST = ("", Wanted()), ("", Wanted(order="newest"))


@dataclass(frozen=True, slots=True)
class _FoundImages:
    """Images that were asked for, where the cursor goes, and the newest while a session renders."""

    info: SessionInfo | None
    gallery: Gallery | None
    cursor: int = 0
    newest: Path | None = None


@dataclass(frozen=True, slots=True)
class _TakenIn:
    """Images that were read again."""

    tiles: GalleryTiles
    info: SessionInfo | None
    here: str | None
    """What was under the cursor when it began; its position now is the next."""
    cursor: int | None


@dataclass(frozen=True, slots=True)
class _Newest:
    session: str
    path: Path


class ReviewScreen(AreaScreen):
    """The images of the session in hand, or of all."""

    AREA = "review"
    AUTO_FOCUS = "ContactSheet"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("review.open", "full", "View image"),
        bind("review.favourite", "favour", "Favourite"),
        bind("review.rate", "rate", "Rate"),
        bind("review.take_away", "trash", "Trash"),
        bind("review.undo", "undo", "Undo"),
        bind("review.redo", "redo", "Redo", show=False),
        bind("review.pick", "pick", "Pick row by row"),
        bind("review.duel", "duel", "Duel", show=False),
        bind("review.compare", "compare", "Compare"),
        bind("review.grid", "grid", "Show as grid"),
        bind("review.find", "ask('filter')", "Filter"),
        bind("review.favourites", "only('favourites')", "Show favourites only", show=False),
        bind("review.failed", "only('failed')", "Show failed only", show=False),
        bind("review.order", "sort", "Change order", show=False),
        bind("review.row", "ask('row')", "Jump to row", show=False),
        bind("review.watch", "watch", "Show in Jobs"),
        bind("review.again", "chosen('again')", "Render again"),
        bind("review.more", "more", "More like this", show=False),
        bind("review.upscale", "chosen('upscale')", "Upscale", show=False),
        bind("review.to_sheet", "chosen('refine')", "Refine"),
        bind("review.pictures", "chosen('draw_on')", "Use as sources", show=False),
        bind("review.copy_path", "chosen('path')", "Copy path", show=False),
        bind("review.copy", "chosen('prompt')", "Copy prompt", show=False),
        bind("review.copy_to", "chosen('files')", "Copy to folder", show=False),
        bind("review.download", "chosen('download')", "Download", show=False),
        bind("review.write_out", "export", "Export"),
        bind("review.picture", "preview", "Show large picture", show=False),
        bind("review.all_images", "everything", "All sessions", first=True),
    ]
    KEY_LINE: Sequence[str] = _KEYS
    DEFAULT_CSS = """
    ReviewScreen #review-title { height: 1; padding: 0 1; text-wrap: nowrap;
                                 text-overflow: ellipsis; }
    ReviewScreen ContactSheet { width: 3fr; }
    """

    _text = ""
    _wanted = Wanted()
    _following = False
    _everything = False
    """Whether the images of all sessions are shown."""
    _stale = False
    """Whether there are others by now, of which nothing was taken in."""
    _resting: Timer | None = None
    """Runs while a filter of all sessions is being typed."""
    _was_at: str | None = None
    """The image of the session in hand from which one went to those of all."""
    _full: FullScreen | None = None

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self.reviewed = Reviewed()
        self._sheet = ContactSheet()
        self.images = images = ImageActions(self, app_state, self.reviewed, self._sheet)
        self.choosing = Choosing(self, app_state, self.reviewed, self._sheet, images)
        self._acts = {
            "again": images.again,
            "upscale": images.upscale,
            "refine": images.refine,
            "draw_on": images.draw_on,
            "path": images.copy_paths,
            "prompt": images.copy_prompts,
            "files": images.copy_files,
            "download": images.download,
        }
        """What is done to chosen images."""
        self._grids = RowGrids(self, app_state.library, self.reviewed, images, self._sheet)
        self._marks: dict[str | None, set[str]] = {}
        """Session → its marked images; None: those of all."""
        self._filters = {False: _NO_FILTER, True: _ALL_NEWEST}
        """What is typed, and wanted: of the session in hand, and of all."""

    def compose_area(self) -> ComposeResult:
        """Title, filter, thumbnails, the large one, its recipe."""
        yield Static(no_images_text(), id="review-title", markup=False)
        yield FilterLine(id="ask")
        with Horizontal():
            yield self._sheet
            yield LargeImage()

    def on_mount(self) -> None:
        """Show the session in hand, or the last."""
        self.show_session(self.app_state.memory.session)

    def show_session(self, session: str | None, at: ImageInfo | None = None) -> None:
        """Take a session in hand; one image of another is no longer looked at."""
        if self._full is not None:
            self._full.dismiss()
        self.choosing.leave()
        failed = at is not None and at.state == "failed"
        self._turn_to(("", Wanted(states=("failed",))) if failed else _NO_FILTER, everything=False)
        self._load(session, at.image if at is not None else None)

    def show_row(self, session: str, row: int) -> None:
        """Look at the images of a row."""
        self._turn_to(_NO_FILTER, everything=False)
        self._load(session, row=row)

    def see_all(self, text: str = "") -> None:
        """Look at the images of all sessions, the newest first, as far as they match."""
        self._turn_to((text, _ALL_NEWEST[1]), everything=True)
        self._load(None)

    def _turn_to(self, filtered: tuple[str, Wanted], *, everything: bool) -> None:
        self._filters[self._everything] = self._text, self._wanted
        (self._text, self._wanted), self._everything = _NO_FILTER, False
        self._note_filters()  # nothing is open any more
        if self.ready:
            self._line.write(filtered[0])
            self._line.close()
        (self._text, self._wanted), self._everything = filtered, everything
        self.KEY_LINE = _KEYS_OF_ALL if everything else _KEYS
        self._note_filters()

    # ---------------------------------------------------------------- which images

    @work(thread=True, exclusive=True, group="images")
    def _load(
        self,
        session: str | None,
        keep: str | None = None,
        otherwise: int = 0,
        *,
        row: int | None = None,
        far: bool = True,
    ) -> None:
        """Open the images.

        Args:
            session: whose; if not those of all are shown.
            keep: the image that the cursor stays on.
            otherwise: where it goes if that is not among them.
            row: the number of the row whose first image it goes to.
            far: whether it is worth looking for among all of a million, which takes seconds.
        """
        library = self.app_state.library
        newest: Path | None = None
        try:
            info = None if self._everything else library.sessions.find(session or "last")
            of = info.session if info else None
            gallery = library.images.gallery(of, self._shown_of(info), first=_FIRST)
            if info is not None and self._is_running(info):
                newest = library.images.newest(info.session)
            cursor = gallery.index_of(keep) if keep else None
            if row is not None:
                cursor = gallery.index_of_row(row)
            if far and keep and cursor is None and gallery.has_more:
                gallery.take_in()
                cursor = gallery.index_of(keep)
        except LibraryError:
            hand_over(self._show, _FoundImages(None, None))
            return
        if not hand_over(
            self._show, _FoundImages(info, gallery, otherwise if cursor is None else cursor, newest)
        ):
            gallery.close()

    def _shown_of(self, info: SessionInfo | None) -> Wanted:
        wanted = wanted_by(self._text, self._wanted)
        live = info is not None and self._is_running(info) and info.images <= LIVE
        if live and wanted.states == ("done",) and not wanted.is_narrow:
            return replace(wanted, states=STATES)
        return wanted

    @staticmethod
    def _is_running(info: SessionInfo) -> bool:
        return bool(info.waiting or info.rendering)

    def _show(self, found: _FoundImages) -> None:
        info, gallery, newest, sheet = found.info, found.gallery, found.newest, self._sheet
        if self.reviewed.tiles is not None:
            self._marks[self.reviewed.session] = set(sheet.marks)
            if self.reviewed.tiles.gallery.has_more:
                self.reviewed.tiles.gallery.leave_off()
        path, of_all = self.app_state.library.path, info is None
        tiles = None if gallery is None else GalleryTiles(gallery, path, of_all=of_all)
        self.reviewed.info, self.reviewed.tiles = info, tiles
        self._following = newest is not None and info is not None and info.images > LIVE
        live = info is not None and self._is_running(info) and info.images <= LIVE
        marks = self._marks.get(self.reviewed.session, ())
        sheet.show(tiles, found.cursor, marks, whole=live, empty="" if tiles is None else _NO_MATCH)
        if not tiles:  # none, or none that matches
            self._large.show_none()
        if self._following and newest is not None:
            self._large.show_newest(newest)
        self._show_title()
        self.refresh_bindings()
        if gallery is not None and gallery.has_more:
            self._take_in()

    def keys_changed(self) -> None:
        """Also what stands where there is nothing."""
        super().keys_changed()
        self._show_title()

    def _show_title(self) -> None:
        tiles = self.reviewed.tiles
        title = (
            no_images_text()
            if tiles is None
            else title_text(
                self.reviewed.info, tiles.gallery, self._text, following=self._following
            )
        )
        self.query_one("#review-title", Static).update(Content(title), layout=False)

    def reopen(self) -> None:
        """The same session by another filter or order; the cursor stays on its image."""
        self._load(self.reviewed.session, self._here, far=False)

    def tell(self, news: News) -> None:
        """New images join; what is looked at stays."""
        super().tell(news)
        self.choosing.tell(news)
        if self._everything:
            if not self.is_current:
                self._stale |= bool(news.finished or news.curated)
            elif news.finished:
                self._take_in()
            return
        session = self.reviewed.session
        if session is None and self.reviewed.tiles is None and news.finished:
            self._load(self.app_state.memory.session)
        if session in news.tallies or session in news.curated:
            self._take_in()
            self._grids.look()
        if self._following and session in news.finished:
            self._large.show_newest(news.finished[session])

    def resumed(self) -> None:
        """Take in what became of all sessions' images while something else was looked at."""
        if self._stale and self._everything:
            self._load(None, self._here, self._sheet.cursor)
        self._stale = False

    def _take_in(self) -> None:
        if self.reviewed.tiles is not None:
            self._read_news(self.reviewed.tiles, self.reviewed.session, self._here)

    @property
    def _large(self) -> LargeImage:
        return self.query_one(LargeImage)

    @property
    def _line(self) -> FilterLine:
        return self.query_one(FilterLine)

    @property
    def _here(self) -> str | None:
        return self._sheet.tile.key if self._sheet.tile else None

    @work(thread=True, exclusive=True, group="news")
    def _read_news(self, tiles: GalleryTiles, session: str | None, here: str | None) -> None:
        try:
            info = self.app_state.library.sessions.find(session) if session else None
            tiles.gallery.take_in()
            cursor = tiles.gallery.index_of(here) if here else None
        except LibraryError:
            return
        hand_to(self, self._taken_in, _TakenIn(tiles, info, here, cursor))

    def _taken_in(self, taken: _TakenIn) -> None:
        if taken.tiles is not self.reviewed.tiles:
            return
        if taken.here != self._here:  # who moved on meanwhile is not taken back
            self._take_in()
            return
        self.reviewed.info = taken.info
        self._sheet.reload(taken.cursor)
        self._show_title()

    # ---------------------------------------------------------------- the one under the cursor

    @on(ContactSheet.Highlighted)
    def _moved(self, event: ContactSheet.Highlighted) -> None:
        self.refresh_keys(self._sheet)
        if event.index and self._following:
            self._following = False
            self._show_title()
        tiles = self.reviewed.tiles
        image = tiles.image(event.tile.key) if tiles is not None else None
        if tiles is None or image is None or self._following:
            return
        self._large.show(event.tile, image, tiles, self.app_state.library.path)

    @on(ContactSheet.MarksChanged)
    def _marked(self) -> None:
        self.refresh_keys(self._sheet)

    # ---------------------------------------------------------------- deciding

    def _targets(self) -> list[str]:
        """The marked images; without any, the one under the cursor."""
        if self._sheet.marks:
            return sorted(self._sheet.marks)
        return [self._sheet.tile.key] if self._sheet.tile else []

    def action_chosen(self, what: str) -> None:
        """Do something to the marked images, or the one under the cursor."""
        self._acts[what](self._targets())

    def action_favour(self) -> None:
        """The marked images; without marks, the one under the cursor, and on to the next."""
        if keys := self._targets():
            self.images.favour(keys)
            self._move_on()

    def action_rate(self) -> None:
        """As `action_favour`, with 0 to 5 stars."""
        self.images.rate(self._targets(), self._move_on)

    def action_trash(self) -> None:
        """The marked images to the trash; without marks, the one under the cursor, and on.

        One that lies there already comes back.
        """
        if self._can_restore:
            self.images.restore(self._targets())
            self._move_on()
        elif keys := self._targets():
            self.images.trash(keys)
            self._move_on()

    def _move_on(self) -> None:
        if not self._sheet.marks:
            self._sheet.go_to(self._sheet.cursor + 1)

    @property
    def _can_restore(self) -> bool:
        tile = self._sheet.tile
        return not self._sheet.marks and tile is not None and tile.trashed

    def action_more(self) -> None:
        """More of the one under the cursor."""
        if (tile := self._sheet.tile) is not None:
            self.images.more(tile.key)

    def action_undo(self) -> None:
        """Undo what was done last."""
        self.images.undo()

    def action_redo(self) -> None:
        """Do again what was undone last."""
        self.images.redo()

    def action_export(self) -> None:
        """A ZIP of the marked images, the favourites, or all."""
        self.images.export()

    # ---------------------------------------------------------------- looking

    @on(ContactSheet.Selected)
    def action_full(self) -> None:
        """The image under the cursor fills the screen."""
        sheet = self._sheet
        if self.reviewed.tiles is not None and sheet.tile is not None:
            library = self.app_state.library.path
            self._full = FullScreen(
                self.reviewed.tiles, sheet.cursor, library, self.images, sheet.marks
            )
            self.app.push_screen(self._full, self._back)

    def _back(self, index: int | None) -> None:
        self._full = None
        sheet = self._sheet
        if index is not None:
            sheet.go_to(index)
        sheet.refresh()

    def action_pick(self) -> None:
        """The variations of one row after the other: which are kept."""
        self.choosing.pick(self._picked)

    def _picked(self, at: ImageInfo) -> None:
        self._load(at.session, at.image, self._sheet.cursor)

    def action_duel(self) -> None:
        """The marked images, or those of the row under the cursor, two at a time."""
        self.choosing.duel()

    def action_compare(self) -> None:
        """Two to four marked images side by side."""
        keys = self._sheet.marks
        if self.reviewed.tiles is None or not 2 <= len(keys) <= MOST:
            self.notify(
                f"Mark 2 to {MOST} images with {key_of('contact.mark')} first; {len(keys)} marked"
                " now.",
                severity="warning",
                markup=False,
            )
            return
        library = self.app_state.library.path
        self.images.with_images(
            sorted(keys), lambda images: self.app.push_screen(CompareScreen(images, library))
        )

    def action_grid(self) -> None:
        """The row of the one under the cursor as a table of what it varies."""
        if (image := self._image) is not None:
            self._grids.open(image)

    @property
    def _seems_grid(self) -> bool:
        """Whether the row of the one under the cursor is probably a grid."""
        tiles = self.reviewed.tiles
        return tiles is not None and tiles.seems_of_grid(self._image)

    @property
    def _image(self) -> ImageInfo | None:
        """The one under the cursor."""
        tile, tiles = self._sheet.tile, self.reviewed.tiles
        return None if tile is None or tiles is None else tiles.image(tile.key)

    @property
    def _can_follow(self) -> bool:
        """Whether a session is looked at of which images are still to come."""
        return self.reviewed.info is not None and self._is_running(self.reviewed.info)

    def action_watch(self) -> None:
        """Follow the newest of a session that is at work; else see the image's row in Jobs."""
        if self._can_follow:
            self._follow_newest()
        elif (image := self._image) is not None:
            self.post_message(TakeInHand(image.session, "jobs", image))

    def _follow_newest(self) -> None:
        """Show the newest image large whenever one is finished, until the cursor moves."""
        self._following = True
        self._show_title()
        if self.reviewed.info is not None:
            self._find_newest(self.reviewed.info.session)

    @work(thread=True, exclusive=True, group="newest")
    def _find_newest(self, session: str) -> None:
        try:
            path = self.app_state.library.images.newest(session)
        except LibraryError as error:
            hand_over(self.images.complain, str(error))
            return
        if path is not None:
            hand_over(self._take_newest, _Newest(session, path))

    def _take_newest(self, newest: _Newest) -> None:
        if self._following and self.reviewed.session == newest.session:
            self._large.show_newest(newest.path)

    def action_preview(self) -> None:
        """The large picture comes or goes; without it more thumbnails fit."""
        side = self._large.toggle_class("-hidden")
        passing(self).note(_HIDE, self.action_preview, is_open=not side.has_class("-hidden"))

    def action_sort(self) -> None:
        """The next order: sheet, newest first, best rated first."""
        at = IMAGE_ORDERS.index(self._wanted.order)
        order = IMAGE_ORDERS[(at + 1) % len(IMAGE_ORDERS)]
        self._wanted = replace(self._wanted, order=order)
        self.reopen()

    def action_only(self, what: str) -> None:
        """Only favourites, or only failed images; or all again."""
        wanted = self._wanted
        if what == "favourites":
            self._wanted = replace(wanted, favourites=not wanted.favourites, states=("done",))
        else:
            failed = wanted.states == ("failed",)
            self._wanted = replace(
                wanted, favourites=False, states=("done",) if failed else ("failed",)
            )
        self._note_filters()
        self.reopen()

    def _note_filters(self) -> None:
        """What is left by the key of leaving: each filter, and the images of all sessions."""
        passing(self).note(_BACK, self._back_to_session, is_open=self._everything)
        only = {
            "favourites": self._wanted.favourites,
            "failed": self._wanted.states == ("failed",),
        }
        for what, is_open in only.items():
            leave = partial(self.action_only, what)
            passing(self).note(_SHOW_ALL[what], leave, is_open=is_open)
        passing(self).note(DROP, self._drop_filter, is_open=bool(self._text))

    def action_everything(self) -> None:
        """This image among those of all sessions; from there, among those of its own."""
        image = self._image
        if not self._everything:
            self._was_at = self._here
            self._turn_to(self._filters[True], everything=True)
            self._load(None, self._here)
        elif image is not None:
            self.post_message(TakeInHand(image.session, "review", image))
        else:
            self._back_to_session()

    def _back_to_session(self) -> None:
        """The session in hand again, as it was left."""
        self._turn_to(self._filters[False], everything=False)
        self._load(self.app_state.memory.session, self._was_at)

    def action_ask(self, what: str) -> None:
        """Type a filter, or a row's number."""
        if what == "filter":
            self._line.ask_filter(self._text, self._drop_filter, of_all=self._everything)
        else:
            self._line.ask_row()

    @on(FilterLine.Filtered)
    def _typed(self) -> None:
        self._text = self._line.value.strip()
        if self._resting is not None:
            self._resting.stop()
        if self._everything:
            self._resting = self.set_timer(_REST, self.reopen)
        else:
            self.reopen()

    @on(FilterLine.RowNamed)
    def _named(self, event: FilterLine.RowNamed) -> None:
        self._jump(event.row)

    @on(FilterLine.Closed)
    def _nothing_typed(self) -> None:
        self._sheet.focus()
        self._note_filters()

    @work(exclusive=True, group="jump")
    async def _jump(self, row: str) -> None:
        found, number, tiles = None, row_number(row), self.reviewed.tiles
        try:
            if tiles is not None and number is not None:
                found = await asyncio.to_thread(tiles.gallery.index_of_row, number)
        except LibraryError as error:
            self.images.complain(str(error))
            return
        if tiles is not self.reviewed.tiles:  # others are shown by now
            return
        if found is None:
            self.notify(
                shorten(f"Row {row} has no image here.", 80), severity="warning", markup=False
            )
        else:
            self._sheet.go_to(found)

    def _drop_filter(self) -> None:
        """Show all images again; the marks stay until the next time."""
        self._line.write("")
        if self._text:
            self._text = ""
            self.reopen()
        self._line.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without images there is little to do."""
        if parameters == ("download",) and not can_download(current()):
            return False
        if self._everything and (action in ("export", "pick") or parameters == ("row",)):
            return False  # of one session alone
        if action == "watch":
            return self._can_follow or bool(self.reviewed.tiles)
        if action in _WITH_IMAGES:
            return True if self.reviewed.tiles else None
        return True

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are."""
        tile, marks = self._sheet.tile, len(self._sheet.marks)
        match name:
            case "review.favourite" if not marks and tile is not None and tile.favourite:
                return "Unfavourite"
            case "review.take_away" if self._can_restore:
                return "Restore"
            case "review.all_images" if self._everything:
                return "Its session"
            case "review.watch" if self._can_follow:
                return "Follow newest"
            case "review.compare" if not 2 <= marks <= MOST:
                return ""
            case "review.grid" if not self._seems_grid:
                return ""
            case "review.find" if self.reviewed.tiles is None:
                return ""
            case "review.undo" if not self.app_state.undo_stack.can_undo:
                return ""
            case _:
                return None

    def on_unmount(self) -> None:
        """Let go of the database, which is closed when the last thread that reads has done so."""
        self.reviewed.tiles = None
