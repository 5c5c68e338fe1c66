"""The row under the cursor as it will be rendered, read in a thread."""

from textual.content import Content
from textual.widgets import Static

from engine.api import PromptsheetError, Row
from tui.app_state import AppState
from tui.screens.sheet_words import preview_text
from tui.text import clean
from tui.workers import hand_over, work


class RowPreviewPane(Static):
    """Size, seeds, final prompt, and what each column did."""

    DEFAULT_CSS = "RowPreviewPane { height: auto; }"

    def __init__(self, app_state: AppState, *, id: str) -> None:  # noqa: A002
        super().__init__("", id=id, markup=False)
        self._app_state = app_state
        self._row: Row | None = None

    def show(self, row: Row) -> None:
        """Show a row."""
        self._row = row
        self._read(row)

    @work(thread=True, exclusive=True, group="preview")
    def _read(self, row: Row) -> None:
        text = preview_text(row, self._app_state.library)
        hand_over(self._put, row, text)

    def _put(self, row: Row, text: Content) -> None:
        if row is self._row:
            self.update(text)

    def rewrite(self, row: Row) -> None:
        """Have the language model write a row's magic prompt now."""
        if not self._app_state.settings.magic.model:
            self.notify(
                "The settings name no language model (magic.model): prompts are enriched without"
                " one, as the preview shows.",
                markup=False,
            )
            return
        self.notify("The language model is asked …", markup=False)
        self._rewrite(row)

    @work(thread=True, exclusive=True, group="magic")
    def _rewrite(self, row: Row) -> None:
        try:
            self._app_state.library.sheets.rewrite(row)
        except PromptsheetError as error:
            hand_over(self.notify, clean(str(error)), severity="error", markup=False, timeout=15)
        if self._row is not None:
            hand_over(self.show, self._row)
