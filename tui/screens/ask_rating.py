"""How images are rated: one digit is the answer."""

from textual import on
from textual.widgets import Input

from engine.api import BEST_RATING
from tui.screens.ask import Ask
from tui.text import count_text, stars


class AskRating(Ask):
    """Ends with a rating in one figure, or with None."""

    def __init__(self, count: int) -> None:
        """Args: count: of the images that are rated."""
        choices = [f"{rating} {stars(rating)}" for rating in range(BEST_RATING, -1, -1)]
        choices[0] += " favourite"
        self._figures = [choice[0] for choice in choices]
        super().__init__(f"Rate {count_text(count, 'image')}", choices=choices)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value:
            self.answer(event.value[-1])  # what was no figure of these stands before it, maybe

    def answer(self, answer: str) -> None:
        """Take the figure that an answer begins with; nothing else is one."""
        if answer[:1] in self._figures:
            super().answer(answer[0])
        else:
            self.say(f"✗ Press a number from 0 to {BEST_RATING}.")
