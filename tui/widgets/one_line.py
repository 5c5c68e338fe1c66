"""Text of several lines, edited on one."""

from textual.events import Paste
from textual.widgets import Input

_BREAK = "↵"
"""A line break, while it is edited on one line."""


def on_one_line(text: str) -> str:
    """A text with signs for its line breaks, to be edited on one line."""
    return text.replace("\r\n", "\n").replace("\n", _BREAK)


def off_one_line(text: str) -> str:
    """The text again, its line breaks as they were."""
    return text.replace(_BREAK, "\n")


class OneLine(Input):
    """Takes all lines that are pasted; Textual's own takes the first, and the rest is lost."""

    def on_paste(self, event: Paste) -> None:
        """Put them where the cursor is; breaks before and after them are none of the text."""
        event.prevent_default()
        event.stop()
        lines = event.text.strip("\r\n").splitlines()
        self.replace(on_one_line("\n".join(lines)), *self.selection)
