"""Screens over another one that end with an answer, once."""

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen

Answer = TypeVar("Answer")


class EndsOnce(Screen[Answer]):
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

    def on_screen_resume(self) -> None:
        """What was on top is gone."""
        if self.ended and self.is_active:
            super().dismiss(self._answer)


class Dialog(EndsOnce[Answer], ModalScreen[Answer]):
    """One whose keys are all there are."""
