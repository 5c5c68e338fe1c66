"""Duel: two pictures at a time, left or right; at the end stands an order without ties."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from engine.api import BEST_RATING, ImageInfo, LibraryError, gist
from tui.app_state import AppState
from tui.keys import bind, key_of
from tui.ranking import Ranking, most_questions, ratings_of
from tui.screens.dialog import Dialog
from tui.screens.gallery_filter import place_words
from tui.text import clean, count_text
from tui.undo.actions import RateAction
from tui.undo.undoing import ActionDone, Undoing
from tui.widgets.key_line import KeyLine
from tui.widgets.picture_board import MOST, OnBoard, PictureBoard
from tui.widgets.picture_grid import tile_of
from tui.workers import work


class DuelScreen(Dialog[None]):
    """Ends when it is left; the answers stay in the ranking.

    Until the order is known, undo takes answers back; then, first what was written of it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("duel.leave", "leave", "Back"),
        bind("duel.quit", "leave", "Back", show=False),
        bind("duel.left", "answer(True)", "Left is better"),
        bind("duel.right", "answer(False)", "Right is better"),
        bind("duel.back", "back", "Previous two"),
        bind("duel.undo", "undo", "Undo"),
        *(
            bind(
                f"duel.number_{digit}",
                f"keep({digit})",
                "Keep the best" if digit == 1 else f"Keep the best {digit}",
                show=digit == 1,
            )
            for digit in range(1, MOST + 1)
        ),
        bind("duel.rate", "rate", "Rate by order"),
        bind("duel.page_down", "page(1)", "Next pictures"),
        bind("duel.page_up", "page(-1)", "Previous pictures", show=False),
    ]
    KEY_LINE: ClassVar[Sequence[str]] = (
        *("duel.left", "duel.right", "duel.number_1", "duel.rate", "duel.leave", "duel.back"),
        *("duel.undo", "duel.page_down"),
    )
    DEFAULT_CSS = """
    DuelScreen { background: $background; }
    DuelScreen #where { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    DuelScreen #prompt { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
                         color: $text-muted; }
    """

    def __init__(self, app_state: AppState, images: Sequence[ImageInfo], ranking: Ranking) -> None:
        """Args: images: finished ones. ranking: of their ids; may have answers already."""
        super().__init__()
        self._library = app_state.library
        self._images = {image.image: image for image in images}
        self._ranking = ranking
        self._page = 0
        self._written = 0
        """How many things were written of the order, and not undone."""
        self._undoing = Undoing(self, app_state.undo_stack, self._done, self._refused)

    def compose(self) -> ComposeResult:
        """How far one is, the pictures, what they are asked for."""
        yield Static("", id="where", markup=False)
        yield PictureBoard()
        yield Static("", id="prompt", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """The two that are asked for, or the order."""
        self._show()

    # ---------------------------------------------------------------- what is shown

    @property
    def _pages(self) -> int:
        return -(-len(self._ranking.order) // MOST)

    def _show(self) -> None:
        ranking = self._ranking
        count = len(self._images)
        if ranking.pair is not None:
            keys, labels = list(ranking.pair), ["◀ left", "right ▶"]
            asked = len(ranking.answers)
            words = f"{count_text(count, 'image')} · {asked} of at most {most_questions(count)}"
            left, right = key_of("duel.left"), key_of("duel.right")
            words += f" answers · which is better, {left} or {right}?"
        else:
            start = self._page * MOST
            keys = ranking.order[start : start + MOST]
            labels = [f"{place}." for place in range(start + 1, start + len(keys) + 1)]
            words = f"{count_text(count, 'image')} in order, the best first"
            words += f" · pictures {self._page + 1}/{self._pages}" if self._pages > 1 else ""
            words += f" · {count_text(len(ranking.answers), 'answer')}"
        shown = [self._images[key] for key in keys]
        self.query_one(PictureBoard).show(
            [self._place(image, label) for image, label in zip(shown, labels, strict=True)],
            [(image.width, image.height) for image in shown],
            in_a_row=ranking.pair is not None,
        )
        self.query_one("#where", Static).update(Content(words), layout=False)
        prompts = dict.fromkeys(gist(image.recipe.prompt) for image in shown)
        self.query_one("#prompt", Static).update(Content(clean(" ◆ ".join(prompts))), layout=False)
        self.refresh_bindings()

    def _place(self, image: ImageInfo, label: str) -> OnBoard:
        tile = tile_of(image, self._library.path)
        star = " ★" if image.favourite else ""
        # Of an order there are many beside each other: what Review has under them fits.
        place = place_words(image) if self._ranking.pair is not None else tile.label
        label = f"{label}{star} {place}"
        kept = image.favourite and self._ranking.pair is None
        return OnBoard(image.image, tile.path, tile.words, label, kept=kept)

    @on(PictureBoard.AllShown)
    def _look_ahead(self) -> None:
        if self._ranking.pair is not None:
            self._prepare()

    @work(exclusive=True, group="ahead")
    async def _prepare(self) -> None:
        """Whatever may be asked for next is made ready."""
        board = self.query_one(PictureBoard)
        coming = [self._images[key] for key in dict.fromkeys(self._ranking.coming())]
        for image in coming:
            shape = (image.width, image.height)
            path = self._library.path / image.file if image.file else None
            await board.prepare([path], [shape, shape])

    # ---------------------------------------------------------------- answering

    @on(PictureBoard.Clicked)
    def _clicked(self, event: PictureBoard.Clicked) -> None:
        if self._ranking.pair is not None:
            self.action_answer(event.place == 0)

    def action_answer(self, first: bool) -> None:
        """One is better; before both can be seen, nothing is said of them."""
        board = self.query_one(PictureBoard)
        if self._ranking.pair is not None and board.is_seen(0) and board.is_seen(1):
            self._ranking.answer(first=first)
            self._show()

    def action_back(self) -> None:
        """Ask the last question again."""
        if self._ranking.take_back():
            self._page = 0
            self._show()

    def action_undo(self) -> None:
        """What was written of the order is undone first, then the answers."""
        if self._written:
            self._undoing.undo()
        else:
            self.action_back()

    # ---------------------------------------------------------------- what comes of it

    def action_keep(self, count: int) -> None:
        """The best become favourites."""
        if order := self._ranking.order:
            self._write(dict.fromkeys(order[:count], BEST_RATING))

    def action_rate(self) -> None:
        """The best fifth gets five stars, the next four, down to one."""
        if self._ranking.order:
            self._write(ratings_of(self._ranking.order))

    def _write(self, ratings: dict[str, int]) -> None:
        self._undoing.do(RateAction(self._library, ratings))

    async def _done(self, done: ActionDone) -> None:
        self._written = max(0, self._written + (-1 if done.again else 1))
        self.notify(clean(done.words), markup=False)
        self._read()

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        try:
            images = await asyncio.to_thread(self._library.images.named, [*self._images])
        except LibraryError as error:
            self._refused(str(error))
            return
        self._images |= {image.image: image for image in images}
        self._show()

    def _refused(self, words: str) -> None:
        self.notify(clean(words), severity="error", markup=False)

    def action_page(self, step: int) -> None:
        """Other pictures of an order that has more than fit."""
        self._page = max(0, min(self._pages - 1, self._page + step))
        self._show()

    def action_leave(self) -> None:
        """Back; the answers are kept for as long as the app is open."""
        self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What there is an order for waits for it, and the other way round."""
        known = self._ranking.pair is None
        if action == "answer":
            return not known
        if action == "keep":
            return known and int(str(parameters[0])) <= len(self._images)
        if action == "page":
            return known and self._pages > 1
        return known if action == "rate" else True

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are."""
        match name:
            case "duel.number_1":
                return f"to {min(MOST, len(self._images))} keep best"
            case "duel.back" | "duel.undo" if not self._ranking.answers and not self._written:
                return ""
            case _:
                return None
