"""How many images: a number that is checked before it is an answer."""

from tui.screens.ask import Ask
from tui.screens.type_prompts import MOST_IMAGES, TIMES


class AskCount(Ask):
    """Ends with a number in figures, with nothing where none was typed, or with None."""

    def __init__(self, question: str, *, unsaid: str = "", note: str = "") -> None:
        """A question.

        Args:
            question: what is asked.
            unsaid: what is done if no number is typed; empty: one has to be.
            note: what else there is to know.
        """
        any_number = f"or any number up to {MOST_IMAGES:,}"
        super().__init__(
            question,
            choices=[str(count) for count in TIMES],
            free=True,
            blank=bool(unsaid),
            note=" · ".join(filter(None, (any_number, unsaid, note))),
        )

    def answer(self, answer: str) -> None:
        """Take a number that can be; of another one say what can."""
        text = answer.strip()
        if text and not (text.isdecimal() and 1 <= int(text[:9]) <= MOST_IMAGES):
            self.say(f"✗ That is no number from 1 to {MOST_IMAGES:,}.")
        else:
            super().answer(text)
