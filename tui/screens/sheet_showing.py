"""What the Sheet screen shows of a sheet: title, cell and row under the cursor, totals."""

import asyncio
import gc
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.api import Draft, Estimate, RowValues, SessionInfo, SettingsError
from tui.screens.area import AreaScreen
from tui.screens.row_preview import RowPreviewPane
from tui.screens.session_diff import SessionDiff, diff_lines, find_diff, row_text
from tui.screens.sheet_words import (
    counts_text,
    help_text,
    place_text,
    title_text,
    totals_text,
)
from tui.text import clean, count_text
from tui.widgets.cell_editor import CellEditor
from tui.widgets.draft_table import DraftTable
from tui.widgets.virtual_table import VirtualTable
from tui.workers import hand_over, work

REST_A_ROW = 2e-5
"""Seconds without a change, for each row, before the sheet is held against its session."""
_ESTIMATE_DELAY = 0.2
_CHANGING = ("edit", "take", "problem", "undo", "start", "save", "worksheet")
"""Actions that can be done at some places, or times, alone."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A draft, and where its rows come from."""

    draft: Draft
    path: Path | None = None
    seen: tuple[int, int] | None = None
    """When the file was last read, it had this time of change and this size."""
    origin: str | None = None
    """The session that the rows come from."""
    restored: SessionInfo | None = None
    """The session that this is the whole sheet of."""
    marks: Collection[Hashable] = ()
    """The marked rows."""


class SheetShowing(AreaScreen):
    """An area with a draft in a table, and panels that follow it; what is slow comes later."""

    _path: Path | None = None
    _origin: str | None = None
    """The session that the rows come from."""
    _restored: SessionInfo | None = None
    """The session that this is the whole sheet of."""
    _diff: SessionDiff | None = None
    _estimate: Estimate | None = None
    _able: Sequence[bool | None] = ()

    @property
    def draft(self) -> Draft | None:
        """The sheet being mended."""
        tables = self.query(DraftTable)
        return tables.first().draft if tables else None

    @property
    def _table(self) -> DraftTable:
        return self.query_one(DraftTable)

    @property
    def _is_writing(self) -> bool:
        """Whether text is being written into a cell."""
        return self.query_one(CellEditor).is_open

    def _show(self, draft: Draft) -> None:
        self._estimate = self._diff = None
        # Many rows stay: looking through them for garbage would stall the screen.
        gc.freeze()
        self._table.show(draft)
        if not self._is_writing:
            self._table.focus()
        self._show_all()

    def _say(self, text: str) -> None:
        self.query_one("#sheet-title", Static).update(Content(clean(text)))

    def _say_done(self, words: str) -> None:
        if self.draft is not None:
            self._say(f"{title_text(self.draft)} · {words}")

    @on(DraftTable.Changed)
    def _changed(self, event: DraftTable.Changed) -> None:
        self._show_all()
        self._say_done(event.words)

    def _show_all(self) -> None:
        """After any change: title, problem, totals; the estimate follows from a thread."""
        draft = self.draft
        if draft is None:
            return
        self._say(title_text(draft))
        self.query_one("#sheet-counts", Static).update(counts_text(draft))
        self._show_totals()
        self._show_place()
        self._measure(draft)
        self._refresh_keys()

    def _refresh_keys(self) -> None:
        """Only when some key can do what it could not: the footer costs more than all the rest."""
        able = [
            *(self._table.check_action(action, ()) for action in _CHANGING),
            *(self.check_action(action, ()) for action in _CHANGING),
            self.check_action("start", (True,)),
        ]
        if able != self._able:
            self._able = able
            self.refresh_bindings()

    def _show_totals(self) -> None:
        if self.draft is not None:
            text = totals_text(self.draft, self._estimate, diff_lines(self._diff))
            lines = [Content(self._stopped_words), text] if self._is_stopped else [text]
            self.query_one("#totals", Static).update(Content("\n").join(lines))

    @property
    def _is_stopped(self) -> bool:
        """Whether the session that this is the sheet of waits until it is resumed."""
        session = self._restored
        return session is not None and bool(
            session.stopped or (session.waiting and session.session in self.app_state.held)
        )

    @property
    def _stopped_words(self) -> str:
        session = self._restored
        if session is None:
            return ""
        left = session.images - session.done - session.failed
        return f"■ stopped with {count_text(left, 'image')} to come · r resumes it"

    def _measure(self, draft: Draft) -> None:
        def start() -> None:
            if draft is self.draft:
                self._estimate_rows(draft, draft.work)
                self._find_diff(draft, self._restored.session if self._restored else None)

        self.set_timer(_ESTIMATE_DELAY, start)

    @work(thread=True, exclusive=True, group="estimate")
    def _estimate_rows(self, draft: Draft, work: list[RowValues]) -> None:
        try:
            estimate = self.app_state.library.sheets.estimate(work)
        except SettingsError:
            return
        if draft is self.draft:
            self._estimate = estimate
            hand_over(self._show_totals)

    @work(exclusive=True, group="diff")
    async def _find_diff(self, draft: Draft, session: str | None) -> None:
        # Of many rows it takes a while, so that it waits for the hands to rest.
        await asyncio.sleep(len(draft.numbers) * REST_A_ROW)
        diff = await asyncio.to_thread(
            find_diff, draft, self._path, session, self.app_state.library
        )
        self._show_diff(draft, diff)

    def _show_diff(self, draft: Draft, diff: SessionDiff | None) -> None:
        if draft is self.draft and diff != self._diff:
            self._diff = diff
            self._show_totals()
            self._show_place()
            self._refresh_keys()

    @on(VirtualTable.Highlighted)
    def _moved(self) -> None:
        self._show_place()
        self._refresh_keys()

    def _show_place(self) -> None:
        place, draft = self._table.place, self.draft
        if place is not None and draft is not None:
            text = place_text(draft, place, row_text(self._diff, place.row))
            self.query_one("#problem", Static).update(text)
            self.query_one(RowPreviewPane).show(draft.row(place.row))
            self.query_one("#help", Static).update(help_text(draft, place))

    def action_scroll_place(self, direction: int) -> None:
        """Through a long preview, while the cursor stays where it is."""
        self.query_one("#place", VerticalScroll).scroll_relative(y=2 * direction, animate=False)

    @on(DraftTable.Walked)
    def _walked(self, event: DraftTable.Walked) -> None:
        self._say_done(f"{event.which} of {event.count}")

    def _not_started(self, reason: str) -> None:
        self._say(f"✗ {reason}")
        self.notify(clean(reason), severity="error", markup=False, timeout=15)
