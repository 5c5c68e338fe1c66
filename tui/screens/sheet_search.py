"""Looking for a text in the cells of a sheet."""

from collections.abc import Callable

from textual.screen import Screen

from engine.api import Draft, Place
from tui.keys import key_of
from tui.screens.ask import Ask
from tui.sheet_document import SheetDocument
from tui.text import clean
from tui.widgets.draft_table import DraftTable
from tui.workers import hand_over, work


class SheetSearch:
    """Asks for a text, and takes the cursor to the cells that hold it, one after the other."""

    def __init__(
        self, node: Screen[None], document: SheetDocument, table: Callable[[], DraftTable]
    ) -> None:
        """Args: node: whose threads look; document: what is looked through; table: its cursor's."""
        self.node = node
        self._document, self._table = document, table
        self._text = ""

    def ask(self) -> None:
        """Ask for a text, and go to the first cell from here that holds it."""
        following, before = key_of("sheet.find_next"), key_of("sheet.find_previous")
        note = f"{following} next  {before} previous"
        self.node.app.push_screen(Ask("Find", self._text, note=note), self._asked)

    def _asked(self, text: str | None) -> None:
        if text:
            self._text = text
            self.go_on(1)

    def go_on(self, direction: int) -> None:
        """Go to the next cell that holds the text, or the one before."""
        here, draft = self._table().place, self._document.draft
        if self._text and draft is not None and here is not None:
            self._look(draft, self._text, here, direction)

    @work(thread=True, exclusive=True, group="find")
    def _look(self, draft: Draft, text: str, here: Place, direction: int) -> None:
        hand_over(self._show, draft.still(lambda: draft.find(text, here, direction)))

    def _show(self, place: Place | None) -> None:
        if place is None:
            words = clean(f"“{self._text}” was not found.")
            self.node.notify(words, severity="warning", markup=False)
        else:
            self._table().go_to(place.row, place.column)
