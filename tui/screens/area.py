"""What the four areas have in common: the top line, the footer, and a share of the news."""

import time
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.dom import DOMNode
from textual.events import ScreenResume

from engine.api import ImageInfo
from tui.app_state import AppState, ModelCame, RowsToSheet
from tui.engine_watch import News
from tui.graphics.outlet import outlet_of
from tui.keys import words_of
from tui.screens.base import BaseScreen
from tui.widgets.key_line import KeyLine
from tui.widgets.top_line import TopLine


class AreaScreen(BaseScreen[None]):
    """One of the four areas."""

    AREA: ClassVar[str]
    ready = False
    """Whether its widgets are there, so that it can be told things."""
    _has_come = False
    _is_waiting = False
    """Whether a frame waits for the line to the terminal."""
    _keys: Sequence[tuple[bool | None, str]] = ()

    def __init__(self, app_state: AppState) -> None:
        super().__init__()
        self.app_state = app_state

    def compose(self) -> ComposeResult:
        """Top line, the area's own, footer."""
        yield TopLine(self.AREA, self.app_state)
        yield from self.compose_area()
        yield KeyLine()

    def compose_area(self) -> ComposeResult:
        """The area's own widgets."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """It is composed by now."""
        self.ready = True

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Take up what was left undone while another area was looked at."""
        if not self._has_come:
            # Textual says it twice of a new mode.
            self._has_come = True
            event.prevent_default()
        elif self.ready:
            self.query_one(TopLine).show()
            self.resumed()

    def _on_timer_update(self) -> None:
        """Paint what has changed, at most as often as the line to the terminal can carry."""
        wait = outlet_of(self.app).frame_in(time.monotonic()) if self.is_current else 0.0
        if wait <= 0:
            super()._on_timer_update()
            return
        self._update_timer.pause()
        if not self._is_waiting:
            self._is_waiting = True
            self.set_timer(wait, self._paint_at_last)

    def _paint_at_last(self) -> None:
        self._is_waiting = False
        self._update_timer.resume()

    def refresh_keys(self, *others: DOMNode) -> None:
        """Show other keys if some do what they did not, or are called otherwise; else cost little.

        Args:
            others: nodes that have bindings, too.
        """
        keys = [
            (self.app._check_action_state(binding.action, node), words_of(node, binding))
            for node in (self, *others)
            for _, binding in node._bindings
        ]
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    def resumed(self) -> None:
        """The area is looked at, for the first time or again."""

    @property
    def unsaved(self) -> str:
        """What would be lost with the app; empty: nothing."""
        return ""

    @property
    def unstarted(self) -> str:
        """What would never be started if the app ended now; empty: nothing."""
        return ""

    def leave(self) -> None:
        """The app ends because the user says so. Called in a thread."""

    def tell(self, news: News) -> None:  # noqa: ARG002 - the areas' own take more of it
        """Take in what has happened."""
        self.query_one(TopLine).show()

    def keys_changed(self) -> None:
        """Actions have other keys: what names one is rewritten."""
        self.query_one(TopLine).name_keys()
        self.refresh_bindings()

    def take_rows(self, rows: RowsToSheet) -> None:
        """Rows of a session are to be refined; Sheet takes them."""

    def take_session(self, session: str) -> None:
        """The whole sheet of a session is to be seen again; Sheet takes it."""

    def take_model(self, came: ModelCame) -> None:
        """A model is there now that a cell named; Sheet looks at it again."""

    def show_row(self, session: str, row: int) -> None:
        """The images of a row are to be looked at; Review shows them."""

    def show_session(self, session: str | None, at: ImageInfo | None = None) -> None:
        """Another session is in hand; `at` is the image of it that is meant, if one is."""
