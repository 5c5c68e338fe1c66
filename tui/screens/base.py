"""What all screens of the app do otherwise than Textual's."""

from typing import TypeVar

from textual.events import ScreenResume
from textual.geometry import Size
from textual.screen import Screen

Answer = TypeVar("Answer")


class BaseScreen(Screen[Answer]):
    """One whose styles are applied once, and whose widgets are as large as what they show."""

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Styles were applied when it was mounted, and are again whenever the theme is another."""
        event.refresh_styles = False

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        """Lay out, and measure again at the next layout what asked for one before this.

        Textual keeps a widget's size until a layout is asked for, and counts no second time while
        the first is waiting: a text that changes once more by then kept the size of the one before.
        """
        super()._refresh_layout(size, scroll)
        for widget in self._compositor.widgets:
            if widget._layout_required:
                widget._layout_updates += 1
