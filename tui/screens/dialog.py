"""Screens over another one that end with an answer, once."""

from typing import ClassVar

from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.events import ScreenResume
from textual.screen import ModalScreen

from tui.keys import bind
from tui.screens.base import Answer, BaseScreen


class EndsOnce(BaseScreen[Answer]):
    """Can be told to end by two keys pressed together, or by a thread, whatever is on top of it.

    Textual's screen would each time take off whatever is on top, at last the area itself.
    """

    ended = False
    """Whether there is an answer, be it none."""
    _answer: Answer | None = None

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """End with an answer, unless there is one; below another screen, once that is gone."""
        if not self.ended:
            self.ended, self._answer = True, result
            if self.is_active:
                return super().dismiss(result)
        return AwaitComplete()

    def on_screen_resume(self, event: ScreenResume) -> None:
        """What was on top is gone."""
        super().on_screen_resume(event)
        if self.ended and self.is_active:
            super().dismiss(self._answer)


class Dialog(EndsOnce[Answer], ModalScreen[Answer]):
    """One whose keys are all there are, but for those that work over whatever is on the screen.

    It lies over what it came from, dimmed.
    """

    # Textual takes over the styles of the first class alone that one is derived from.
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("overlay.settings", "app.settings", "Settings", show=False),
        bind("overlay.help", "app.help", "Help", show=False),
        bind("overlay.redraw", "app.redraw", "Redraw the screen", show=False),
    ]


class Overlay(Dialog[Answer]):
    """One that is looked at and left by keys alone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("overlay.leave", "leave", "Back"),
        bind("overlay.open", "leave", "Back", show=False),
        bind("overlay.quit", "leave", "Back", show=False),
    ]

    def action_leave(self) -> None:
        """Back to what it lies over."""
        self.dismiss(None)
