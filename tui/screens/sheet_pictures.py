"""Pictures that become rows of a sheet, each drawn on one."""

from collections.abc import Callable
from functools import partial

from textual.screen import Screen

from engine.api import DEFAULT_STRENGTH
from tui.app_state import AppState
from tui.screens.add_pictures import AddedPictures, AddPictures
from tui.screens.ask import Ask
from tui.screens.sheet_opening import SheetOpening
from tui.sheet_document import SheetDocument
from tui.text import count_text
from tui.widgets.draft_table import DraftTable

_OWN_SHEET = "in a new sheet"


class SheetPictures:
    """Asks for pictures, and adds their rows to the sheet in hand, or to one of their own."""

    def __init__(
        self,
        node: Screen[None],
        app_state: AppState,
        document: SheetDocument,
        opening: SheetOpening,
        table: Callable[[], DraftTable],
    ) -> None:
        """Args: node: asks; document: the sheet in hand; opening, table: take the rows."""
        self._node, self._app_state, self._document = node, app_state, document
        self._opening, self._table = opening, table

    def ask(self) -> None:
        """Ask for pictures; where they cannot be added here, whether in a sheet of their own."""
        draft = self._document.draft
        if draft is None or not draft.is_own("image"):
            self._ask_which()
            return
        note = (
            "The column image in this sheet does not name pictures, so no pictures can be added."
            " Rename that column in your file first."
        )

        def answered(where: str | None) -> None:
            if where is not None:
                self._ask_which(apart=True)

        ask = Ask("Where to add the pictures?", choices=[_OWN_SHEET], note=note)
        self._node.app.push_screen(ask, answered)

    def _ask_which(self, *, apart: bool = False) -> None:
        library, memory = self._app_state.library, self._app_state.memory
        dialog = AddPictures(library, memory.pictures, strength=f"{DEFAULT_STRENGTH:g}")
        self._node.app.push_screen(dialog, partial(self._add, apart=apart))

    def _add(self, added: AddedPictures | None, *, apart: bool) -> None:
        if added is None:
            return
        for searched in added.folders:
            self._app_state.memory.looked_in(searched)
        count = count_text(len(added.pictures), "row")
        rows_on = partial(
            self._app_state.library.sheets.rows_on,
            added.pictures,
            prompt=added.prompt,
            strength=added.strength,
        )
        if apart or self._document.draft is None:
            self._opening.take_pictures(rows_on)
        else:
            words = f"{count} with pictures added"
            self._table().add_pictures(
                lambda draft: rows_on(draft.vocabulary.picture_folder), words
            )
