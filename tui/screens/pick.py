"""Pick: one row's variations at a time, as large as fit; a digit keeps one and goes on."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from engine.api import BEST_RATING, ImageInfo, LibraryError, PickRow, PickWay, gist
from tui.app_state import AppState
from tui.keys import bind, key_of
from tui.screens.dialog import Dialog
from tui.screens.duels import Duels
from tui.text import clean, count_text, rating_sign
from tui.undo.actions import DecideAction, RateAction
from tui.undo.undoing import ActionDone, Undoing
from tui.widgets.key_line import KeyLine
from tui.widgets.picture_board import MOST, OnBoard, PictureBoard
from tui.widgets.picture_grid import tile_of
from tui.workers import work

_NO_PICTURE = {"failed": "has failed", "stopped": "was stopped"}


def kept_alone(images: Sequence[ImageInfo], kept: str | None) -> dict[str, int]:
    """The ratings that change when one image of a row is kept, and no other.

    Args:
        images: the row's.
        kept: the id of the one; None: none is.
    """
    wanted = {image.image: BEST_RATING if image.image == kept else 0 for image in images}
    return {
        image.image: wanted[image.image]
        for image in images
        if image.favourite != (image.image == kept)
    }


def rated(images: Sequence[ImageInfo], ratings: Mapping[str, int]) -> tuple[str, ...]:
    """Ids of the images that are kept once they are rated so."""
    return tuple(
        image.image for image in images if ratings.get(image.image, image.rating) == BEST_RATING
    )


class PickScreen(Dialog[ImageInfo | None]):
    """Ends with the first image of the row looked at last.

    What is kept is a favourite. All that is decided is in the library at once, so that it can be
    left and taken up anywhere. The digits mean what can be seen, nothing else.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("pick.leave", "leave", "Back"),
        bind("pick.quit", "leave", "Back", show=False),
        *(
            bind(f"pick.number_{digit}", f"number({digit})", f"Keep {digit}", show=digit == 1)
            for digit in range(1, MOST + 1)
        ),
        bind("pick.number_0", "number(0)", "Keep none", show=False),
        bind("pick.mark", "on", "Next row"),
        bind("pick.back", "back", "Row before"),
        bind("pick.undo", "undo", "Undo"),
        bind("pick.redo", "redo", "Redo", show=False),
        bind("pick.several", "several", "Keep several"),
        bind("pick.page_down", "page(1)", "Next pictures"),
        bind("pick.page_up", "page(-1)", "Previous pictures", show=False),
        bind("pick.next", "neighbour('next')", "Row below", show=False),
        bind("pick.previous", "neighbour('previous')", "Row above", show=False),
        bind("pick.duel", "duel", "Duel"),
    ]
    KEY_LINE: ClassVar[Sequence[str]] = (
        *("pick.number_1", "pick.mark", "pick.leave", "pick.back", "pick.undo", "pick.page_down"),
        *("pick.several", "pick.duel"),
    )
    DEFAULT_CSS = """
    PickScreen { background: $background; }
    PickScreen #where { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    PickScreen #prompt { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
                         color: $text-muted; }
    PickScreen #words { height: 1fr; content-align: center middle; text-align: center;
                        color: $text-muted; padding: 0 2; display: none; }
    PickScreen.-over PictureBoard { display: none; }
    PickScreen.-over #words { display: block; }
    """

    def __init__(self, app_state: AppState, session: str, row: int, duels: Duels) -> None:
        """Args: row: the number of the row to begin with, or the next that is not decided."""
        super().__init__()
        self._app_state = app_state
        self._library = app_state.library
        self._session = session
        self._begin = row
        self._duels = duels
        self._undoing = Undoing(self, app_state.undo_stack, self._done, self._refused)
        self._row: PickRow | None = None
        self._aim: tuple[PickWay | Literal["begin"], int] | None = None
        """Which row is being looked for, and from which on."""
        self._page = self._furthest = 0
        """Which nine of the row's pictures are shown, and the last of these that were."""
        self._before: list[int] = []
        """Numbers of the rows that one came from."""
        self._on_its_way: list[int] = []
        """Rows whose decision is not committed yet."""
        self._several = False

    def compose(self) -> ComposeResult:
        """Where one is, the pictures, the prompt."""
        yield Static("", id="where", markup=False)
        yield PictureBoard()
        yield Static("", id="words", markup=False)
        yield Static("", id="prompt", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """The row one came from; where that is decided, the next that is not."""
        self._go("begin", self._begin)

    # ---------------------------------------------------------------- which row

    def _go(self, way: PickWay | Literal["begin"], row: int) -> None:
        """Show a row that is found from another one; at either end that stays."""
        self._aim = way, row
        self._seek(way, row)

    @work(exclusive=True, group="row")
    async def _seek(self, way: PickWay | Literal["begin"], row: int) -> None:
        try:
            found = await self._find("here" if way == "begin" else way, row)
            if way == "begin" and (found is None or found.decided or found.to_come):
                found = await self._find("open", row)
        except LibraryError as error:  # what is shown stays
            self._aim = None
            self._complain(str(error))
            return
        self._aim = None
        if found is None and way in ("next", "previous"):
            return
        if found is None or self._row is None or found.row != self._row.row:
            self._page = self._furthest = 0
        self._row = found
        self._show()

    async def _find(self, way: PickWay, row: int) -> PickRow | None:
        find, passed = self._library.images.row_to_pick, tuple(self._on_its_way)
        return await asyncio.to_thread(find, self._session, row, way, passed)

    def look_again(self) -> None:
        """Images of the session were finished, or rated: show what is so now."""
        if self._aim is not None:  # one is under way to another row
            self._go(*self._aim)
        elif self._row is not None:
            self._go("here", self._row.row)
        else:
            self._go("open", self._before[-1] if self._before else self._begin)

    # ---------------------------------------------------------------- what is shown

    @property
    def _images(self) -> tuple[ImageInfo, ...]:
        return self._row.images if self._row else ()

    @property
    def _shown(self) -> tuple[ImageInfo, ...]:
        """Those that have a digit now."""
        return self._images[self._page * MOST : (self._page + 1) * MOST]

    @property
    def _pages(self) -> int:
        return -(-len(self._images) // MOST)

    def _show(self) -> None:
        row, board = self._row, self.query_one(PictureBoard)
        self.set_class(row is None, "-over")
        self.refresh_bindings()
        if row is None:
            self._show_end()
            return
        self._furthest = max(self._furthest, self._page)
        board.show(
            [self._place(number, image) for number, image in enumerate(self._shown, start=1)],
            [(image.width, image.height) for image in self._shown],
        )
        parts = [f"row {row.row}, {row.place:,} of {row.rows:,}"]
        parts += ["this row is decided"] if row.decided else []
        parts += [f"{row.kept:,} kept", f"{row.rows_decided:,} decided"]
        if row.to_come:
            there = len(row.images) - row.to_come
            parts.insert(1, f"{there} of {len(row.images)} images done so far")
        if self._pages > 1:
            parts.insert(1, f"pictures {self._page + 1}/{self._pages}")
        parts += ["several per row" if self._several else "one per row"]
        self.query_one("#where", Static).update(Content(" · ".join(parts)), layout=False)
        self.query_one("#prompt", Static).update(Content(clean(gist(row.prompt))), layout=False)

    def _place(self, number: int, image: ImageInfo) -> OnBoard:
        tile = tile_of(image, self._library.path)
        label = str(number)
        if image.favourite:
            label += " ★ kept"
        elif sign := rating_sign(image.rating, favourite=False):
            label += f" {sign}"
        if self._page:
            label += f" · image {image.variation}"
        return OnBoard(image.image, tile.path, tile.words, label, kept=image.favourite)

    @work(exclusive=True, group="end")
    async def _show_end(self) -> None:
        """No row is left that could be decided now."""
        with suppress(LibraryError):  # who looked for the row has said so
            self._say_end(await self._find("here", 0), await self._find("open", 0))

    def _say_end(self, at: PickRow | None, left: PickRow | None) -> None:
        back, undo, leave = key_of("pick.back"), key_of("pick.undo"), key_of("pick.leave")
        if at is None:
            words = "No images to choose from yet. They appear here when they are done."
            where = ""
        else:
            where = f"{at.rows_decided:,} of {count_text(at.rows, 'row')} decided, {at.kept:,} kept"
            words = f"All rows are decided: {count_text(at.kept, 'image')} kept."
            if left is not None:
                words = "The remaining rows are still rendering; they appear here when done."
            words += f"\n\n{back} row before · {undo} undo · {leave} back to Review"
        if self._row is None:
            self.query_one("#where", Static).update(Content(where), layout=False)
            self.query_one("#words", Static).update(Content(words), layout=False)
            self.query_one("#prompt", Static).update("", layout=False)

    @on(PictureBoard.AllShown)
    def _look_ahead(self) -> None:
        """The next row's pictures are made ready while this one's are looked at."""
        if self._row is not None:
            self._prepare(self._row.row)

    @work(exclusive=True, group="ahead")
    async def _prepare(self, row: int) -> None:
        board, following = self.query_one(PictureBoard), self._images[(self._page + 1) * MOST :]
        if not following:
            with suppress(LibraryError):
                found = await self._find("open", row)
                following = found.images if found else ()
        paths: list[Path | None] = [
            self._library.path / image.file if image.file else None for image in following[:MOST]
        ]
        await board.prepare(paths, [(image.width, image.height) for image in following[:MOST]])

    # ---------------------------------------------------------------- deciding

    @on(PictureBoard.Clicked)
    def _clicked(self, event: PictureBoard.Clicked) -> None:
        self.action_number(event.place + 1)

    def action_number(self, number: int) -> None:
        """Keep the picture of that number and go on; of several, keep it or no longer."""
        row, shown = self._row, self._shown
        if row is None or number > len(shown):
            return
        if number == 0:
            self._decide(row, kept_alone(row.images, None))
            return
        image = shown[number - 1]
        if image.file is None:
            words = _NO_PICTURE.get(image.state, "is not finished yet")
            self.notify(f"Picture {number} {words}.", severity="warning", markup=False)
        elif not self.query_one(PictureBoard).is_seen(number - 1):
            return
        elif self._several:
            rating = 0 if image.favourite else BEST_RATING
            self._undoing.do(RateAction(self._library, {image.image: rating}))
            # At once: the same key again means the contrary. What is committed is read afterwards.
            now = replace(image, rating=rating, favourite=not image.favourite)
            self._row = replace(row, images=tuple(now if i is image else i for i in row.images))
            self._show()
        else:
            self._decide(row, kept_alone(row.images, image.image))

    def action_on(self) -> None:
        """What is kept stays kept, and the next row comes; pictures not seen yet come first."""
        row = self._row
        if row is None:
            return
        if self._furthest + 1 < self._pages:
            self._page = self._furthest + 1
            self._show()
        elif row.to_come and not row.decided:
            self._onward(row.row)  # it comes again when all of it is there
        else:
            self._decide(row, {})

    def _decide(self, row: PickRow, ratings: Mapping[str, int]) -> None:
        self._on_its_way.append(row.row)
        kept = rated(row.images, ratings)
        self._undoing.do(DecideAction(self._library, self._session, row.row, ratings, len(kept)))
        self._onward(row.row)

    def _onward(self, row: int) -> None:
        self._before.append(row)
        self._row = None  # what is pressed before the next row is there means no row
        self._go("open", row)

    async def _done(self, done: ActionDone) -> None:
        what = done.what
        if done.again:
            self.notify(clean(done.words), markup=False)
        if not isinstance(what, DecideAction) or what.session != self._session:
            self.look_again()
            return
        if what.row in self._on_its_way:
            self._on_its_way.remove(what.row)
        if done.again:
            if self._before[-1:] == [what.row]:
                self._before.pop()
            self._go("here", what.row)
        else:
            self.look_again()

    def _refused(self, words: str) -> None:
        self._on_its_way.clear()
        self._complain(words)
        self.look_again()

    def _complain(self, words: str) -> None:
        self.notify(clean(words), severity="error", markup=False)

    # ---------------------------------------------------------------- moving

    def action_back(self) -> None:
        """The row that one came from; where one came from none, the one above."""
        if self._before:
            self._go("here", self._before.pop())
        elif self._row is None:
            self._go("here", self._begin)
        else:
            self._go("previous", self._row.row)

    def action_neighbour(self, way: PickWay) -> None:
        """The row above or below, decided or not."""
        if self._row is not None:
            self._go(way, self._row.row)

    def action_page(self, step: int) -> None:
        """Other pictures of a row that has more than there are digits."""
        page = max(0, min(self._pages - 1, self._page + step))
        if page != self._page:
            self._page = page
            self._show()

    def action_several(self) -> None:
        """A digit keeps or unkeeps, and a key of its own goes on; or one per row again."""
        self._several = not self._several
        self._show()

    def action_undo(self) -> None:
        """Undo what was done last, and show its row."""
        self._undoing.undo()

    def action_redo(self) -> None:
        """Do again what was undone last."""
        self._undoing.redo()

    def action_duel(self) -> None:
        """This row's pictures, two at a time."""
        self._duels.begin([image for image in self._images if image.file], self.look_again)

    def action_leave(self) -> None:
        """Back to Review, on the row looked at last."""
        self.dismiss(self._images[0] if self._images else None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What a row has not is not offered."""
        if action == "number":
            return parameters[0] == 0 or int(str(parameters[0])) <= len(self._shown)
        if action == "page":
            return self._pages > 1
        if action == "duel":
            return sum(image.file is not None for image in self._images) > 1
        return True

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are."""
        row, count = self._row, len(self._shown)
        match name:
            case "pick.number_1":
                return f"to {count} keep" if count > 1 else "Keep"
            case "pick.mark" if row is not None and self._furthest + 1 < self._pages:
                return "More pictures"
            case "pick.mark" if row is not None and row.to_come and not row.decided:
                return "Later"
            case "pick.mark" if row is not None and not any(i.favourite for i in row.images):
                return "Keep none"
            case "pick.several" if self._several:
                return "Keep one"
            case "pick.undo" if not self._app_state.undo_stack.can_undo:
                return ""
            case _:
                return None
