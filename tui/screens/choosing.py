"""Review's ways of choosing: the best of each row, and the better of two."""

import asyncio
from collections.abc import Callable

from textual.screen import Screen

from engine.api import ImageInfo, LibraryError
from tui.app_state import AppState
from tui.engine_watch import News
from tui.keys import key_of
from tui.screens.duels import Duels
from tui.screens.image_actions import ImageActions, Reviewed
from tui.screens.pick import PickScreen
from tui.widgets.contact_sheet import ContactSheet
from tui.workers import work


class Choosing:
    """For the screen that shows the images, whose cursor and marks say which are meant."""

    def __init__(
        self,
        node: Screen[None],
        app_state: AppState,
        reviewed: Reviewed,
        sheet: ContactSheet,
        images: ImageActions,
    ) -> None:
        self.node = node
        self._app_state = app_state
        self._reviewed = reviewed
        self._sheet = sheet
        self._images = images
        self._duels = Duels(node, app_state)
        self._pick: PickScreen | None = None

    def _here(self) -> ImageInfo | None:
        tile, tiles = self._sheet.tile, self._reviewed.tiles
        return tiles.image(tile.key) if tile is not None and tiles is not None else None

    def pick(self, then: Callable[[ImageInfo], object]) -> None:
        """Row by row from the one under the cursor; `then` hears where one has come to."""
        session, here = self._reviewed.session, self._here()
        if session is None:
            words = f"Pick goes through one session: {key_of('review.all_images')} leads to it."
            self.node.notify(words, severity="warning", markup=False)
            return

        def left(at: ImageInfo | None) -> None:
            self._pick = None
            if at is not None:
                then(at)

        self._pick = PickScreen(self._app_state, session, here.row if here else 0, self._duels)
        self.node.app.push_screen(self._pick, left)

    def duel(self) -> None:
        """The marked images; without any, those of the row under the cursor."""
        here = self._here()
        if self._sheet.marks:
            self._images.with_images(sorted(self._sheet.marks), self._begin)
        elif here is not None:
            self._duel_of_row(here)

    @work(exclusive=True, group="chosen")
    async def _duel_of_row(self, here: ImageInfo) -> None:
        find = self._app_state.library.images.row_to_pick
        try:
            row = await asyncio.to_thread(find, here.session, here.row)
        except LibraryError as error:
            self._images.complain(str(error))
            return
        if row is not None and row.row == here.row:
            self._begin(list(row.images))

    def _begin(self, images: list[ImageInfo]) -> None:
        self._duels.begin([image for image in images if image.file], lambda: None)

    def tell(self, news: News) -> None:
        """What is chosen among may have changed."""
        session = self._reviewed.session
        changed = session in news.tallies or session in news.curated
        if self._pick is not None and self._pick.is_mounted and changed:
            self._pick.look_again()

    def leave(self) -> None:
        """Another session is looked at."""
        if self._pick is not None:
            self._pick.dismiss(None)
