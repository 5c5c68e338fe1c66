"""What was written on the Sheet screen outlives the connection, although nobody saved it."""

import asyncio
import threading
from pathlib import Path

from engine.api import Draft, SettingsError, SheetError
from tui.app_state import AppState
from tui.draft_autosave import DraftAutosave, open_autosaved
from tui.screens.sheet_opening import SheetOpening
from tui.screens.sheet_showing import REST_A_ROW, Opened
from tui.text import clean
from tui.workers import hand_over, work

_REST = 1.0
"""Seconds without a change before the sheet is kept."""


class SheetKeeping(SheetOpening):
    """A terminal that goes away takes the app with it at once: what is unsaved is kept before."""

    _behind: tuple[Draft, Path] | None = None
    """What another app left behind, until it is shown."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._autosave = DraftAutosave(app_state.library)
        self._one_keeping = threading.Lock()
        self._is_leaving = False

    def on_mount(self) -> None:
        """Is there something to go on with?"""
        self._find_left_behind()

    def _measure(self, draft: Draft) -> None:
        super()._measure(draft)
        self._keep_draft(draft)

    def _is_saved(self, draft: Draft, revision: int) -> None:
        super()._is_saved(draft, revision)
        self._keep_draft(draft)

    @work(exclusive=True, group="keep")
    async def _keep_draft(self, draft: Draft) -> None:
        await asyncio.sleep(_REST + len(draft.numbers) * REST_A_ROW)
        if draft is self.draft:
            await asyncio.to_thread(self._keep_or_forget, self._missed())

    def _is_missed(self, sheet: Opened) -> bool:
        if self._behind is not None and sheet.draft is self._behind[0]:
            return False  # it lies where it was found until it is shown
        return super()._is_missed(sheet)

    def _keep_or_forget(self, missed: Draft | None) -> None:
        with self._one_keeping:
            if missed is None or self._is_leaving:
                self._autosave.forget()
            else:
                self._autosave.keep(missed)

    def leave(self) -> None:
        """Whoever leaves has been asked: nothing is kept."""
        self._is_leaving = True
        self._keep_or_forget(None)

    @work(thread=True, group="left")
    def _find_left_behind(self) -> None:
        path = self._autosave.left_behind()
        if path is None:
            return
        try:
            draft = open_autosaved(path, self.app_state.library)
        except (SheetError, SettingsError):
            return
        hand_over(self._take_left_behind, draft, path)

    def _take_left_behind(self, draft: Draft, path: Path) -> None:
        self._behind = draft, path
        if self.draft is None and not self._is_reading:
            self._opened(Opened(draft), "as it was when the connection was lost; w saves it")
        elif self._before is None:
            self._before = Opened(draft)
            words = f"{draft.file} was lost with its connection before it was saved: u shows it."
            self.notify(clean(words), markup=False, timeout=15)

    def _take_up(self, opened: Opened) -> None:
        super()._take_up(opened)
        if self._behind is not None and self._behind[0] is opened.draft:
            self._take_over(self._behind[1])
            self._behind = None

    @work(thread=True, group="left")
    def _take_over(self, path: Path) -> None:
        with self._one_keeping:
            if not self._is_leaving:
                self._autosave.take_over(path)
