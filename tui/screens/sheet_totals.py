"""What the totals of a sheet say that takes its time: its cost, and what a start would render.

The sheet is held against the session that was made from it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from textual.screen import Screen

from engine.api import (
    Changes,
    Checked,
    Draft,
    Estimate,
    Library,
    LibraryError,
    RowValues,
    SessionInfo,
    SettingsError,
)
from tui.sheet_document import REST_A_ROW, Opened, SheetDocument
from tui.workers import hand_over, work

_DELAY = 0.2


@dataclass(frozen=True, slots=True)
class SessionDiff:
    """The session, and what differs from it."""

    session: SessionInfo
    changes: Changes


@dataclass(frozen=True, slots=True)
class Estimated:
    """What a draft costs."""

    draft: Draft
    estimate: Estimate


def find_diff(sheet: Opened, library: Library) -> SessionDiff | None:
    """What differs from the session the sheet was rendered as; None if there is none.

    That is the session it was restored from, else whichever was made from the file. Reads the
    database: not for the event loop.
    """
    session = sheet.restored.session if sheet.restored else None
    try:
        if session is None and sheet.path is not None:
            session = library.sessions.of_sheet(sheet.path, sheet.draft.worksheet)
        if session is None:
            return None
        info = library.sessions.find(session)
        return SessionDiff(
            info, library.sheets.changes_since(session, Checked.of_draft(sheet.draft))
        )
    except LibraryError:
        return None


class SheetTotals:
    """Finds them after each change, in threads; tells when there is something else to say."""

    def __init__(
        self,
        node: Screen[None],
        document: SheetDocument,
        library: Library,
        *,
        costs: Callable[[], object],
        differs: Callable[[], object],
    ) -> None:
        """`costs` and `differs` are told when the estimate, or the difference, is another one."""
        self.node = node
        self.estimate: Estimate | None = None
        self.diff: SessionDiff | None = None
        self._document = document
        self._library = library
        self._costs, self._differs = costs, differs

    def forget(self) -> None:
        """Another sheet is shown."""
        self.estimate = self.diff = None

    def find(self, draft: Draft) -> None:
        """The draft has changed."""

        def begin() -> None:
            now = self._document.now()
            if now is not None and draft is now.draft:
                self._estimate(draft, draft.work)
                self._find_diff(now)

        self.node.set_timer(_DELAY, begin)

    @work(thread=True, exclusive=True, group="estimate")
    def _estimate(self, draft: Draft, work: list[RowValues]) -> None:
        try:
            hand_over(self._estimated, Estimated(draft, self._library.sheets.estimate(work)))
        except SettingsError:
            return

    def _estimated(self, found: Estimated) -> None:
        if found.draft is self._document.draft:
            self.estimate = found.estimate
            self._costs()

    @work(exclusive=True, group="diff")
    async def _find_diff(self, sheet: Opened) -> None:
        # Of many rows it takes a while, so that it waits for the hands to rest.
        await asyncio.sleep(len(sheet.draft.numbers) * REST_A_ROW)
        diff = await asyncio.to_thread(find_diff, sheet, self._library)
        if sheet.draft is self._document.draft and diff != self.diff:
            self.diff = diff
            self._differs()
