"""What the pane beside the jobs shows: what is being drawn, or the row that someone looks at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.screen import Screen
from textual.timer import Timer

from engine.api import Library, LibraryError, Previewed, Stepped, image_place
from tui.graphics.with_source import SourceView, source_view
from tui.widgets.live_pane import LivePane
from tui.workers import hand_over, hand_to, work

_MOST_SOURCES = 1000
_REST_SECONDS = 0.25
"""For so long the cursor must rest on a row before its picture is looked for."""


@dataclass(frozen=True, slots=True)
class _FoundSource:
    place: tuple[str, int]
    source_view: SourceView


@dataclass(frozen=True, slots=True)
class _OfRow:
    place: tuple[str, int]
    newest: Path | None


class JobPictures:
    """Chooses the picture of one pane: of the row looked at, else of what is drawn now."""

    def __init__(self, node: Screen[None], pane: LivePane, library: Library) -> None:
        self.node = node
        self._pane = pane
        self._library = library
        self._session: str | None = None
        self._row: int | None = None
        """The row that someone looks at; None: they look on."""
        self._why = ""
        """Why it failed; empty: it did not."""
        self._newest: Path | None = None
        """The image that is shown; None: a preview is, or nothing."""
        self._resting: Timer | None = None
        self._sources: dict[tuple[str, int], SourceView | None] = {}
        """Session and row → what it is drawn on; None: on nothing, or not known yet."""

    def take_session(self, session: str | None, newest: Path | None) -> None:
        """Another session is in hand, or the same was read again; its newest image."""
        if session != self._session:
            self._session, self._row, self._why = session, None, ""
        if self._row is None:
            self._show(newest)
        else:
            self._find_of_row((session or "", self._row))

    def look_at(self, row: int | None, why: str = "") -> None:
        """Someone looks at a row, which failed because of `why`; None: at what is drawn now."""
        if (row, why) == (self._row, self._why):
            return
        self._row, self._why = row, why
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.node.set_timer(_REST_SECONDS, self._rested)

    def _rested(self) -> None:
        if self._session is None:
            return
        if self._row is None:
            self._find_newest(self._session)
        else:
            self._find_of_row((self._session, self._row))

    def changed(self, rows: set[int] | None, newest: Path | None, *, drawn: bool) -> None:
        """Rows of the session changed.

        Args:
            rows: their numbers; None: any may have.
            newest: the last image that was finished since; None: none was.
            drawn: whether previews will come.
        """
        if self._row is not None:
            if self._session is not None and (rows is None or self._row in rows):
                self._find_of_row((self._session, self._row))
        elif newest is not None and not drawn:
            self._show(newest)

    def show_preview(self, preview: Previewed, steps: Mapping[str, Stepped], name: str) -> None:
        """Show what is being denoised, unless someone looks at another row.

        Of another session it is shown while the one in hand has no picture of its own.

        Args:
            preview: it.
            steps: device → its running batch.
            name: of its session.
        """
        if preview.session != self._session:
            if self._row is not None or self._newest is not None:
                return
        elif self._row not in (None, preview.row):
            return
        self._newest = None
        step = steps.get(preview.device)
        whose = f"{name}, " if preview.session != self._session else ""
        where = f"{preview.device}: {whose}row {preview.row}, image {preview.variation}"
        how_far = f", step {step.step}/{step.steps}" if step else ""
        under = self._source_of_row(preview.session, preview.row)
        self._pane.show_preview(preview, where + how_far, under)

    def _show(self, path: Path | None) -> None:
        self._newest = path
        place = image_place(path.name) if path is not None else None
        if path is None or place is None or self._session is None:
            words = f"✗\n\n{self._why}" if self._why else "◌\n\nNo picture yet"
            caption = "" if self._row is None else f"row {self._row}"
            self._pane.show(path, path.stem if path else caption, words=words)
            return
        row, variation = place
        under = self._source_of_row(self._session, row)
        self._pane.show(path, f"row {row}, image {variation}", source_view=under)

    @work(thread=True, exclusive=True, group="picture of a row")
    def _find_of_row(self, place: tuple[str, int]) -> None:
        try:
            newest = self._library.images.newest(*place)
        except LibraryError:
            return
        hand_over(self._take_of_row, _OfRow(place, newest))

    def _take_of_row(self, found: _OfRow) -> None:
        if found.place == (self._session, self._row) and (
            found.newest is None or found.newest != self._newest
        ):
            self._show(found.newest)

    @work(thread=True, exclusive=True, group="picture of a row")
    def _find_newest(self, session: str) -> None:
        try:
            newest = self._library.images.newest(session)
        except LibraryError:
            return
        hand_over(self._take_newest, newest)

    def _take_newest(self, newest: Path | None) -> None:
        if self._row is None:
            self._show(newest)

    def _source_of_row(self, session: str, row: int) -> SourceView | None:
        """What a row is drawn on, once that is known: it is looked for when it is first shown."""
        place = session, row
        if place not in self._sources:
            if len(self._sources) > _MOST_SOURCES:
                self._sources.clear()
            self._sources[place] = None
            self._find_source(*place)
        return self._sources[place]

    @work(thread=True, group="source")
    def _find_source(self, session: str, row: int) -> None:
        try:
            recipe = self._library.sessions.recipe_of(session, row)
        except LibraryError:
            return
        if recipe and (found := source_view(recipe, self._library.path)):
            hand_to(self.node, self._take_source, _FoundSource((session, row), found))

    def _take_source(self, found: _FoundSource) -> None:
        self._sources[found.place] = found.source_view
        if self._newest is not None:
            self._show(self._newest)
