"""A caption in a person's hands: spread over lines, taken when it keeps to the schema."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from engine.api import read_caption, spread_out
from tui.keys import bind, key_of
from tui.screens.dialog import Dialog
from tui.text import clean

_MOST_TOLD = 3


class EditCaption(Dialog[str | None]):
    """Ends with the caption as the model gets it, another text to the letter, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("prompts.start", "done", "Take it"),
        bind("prompts.leave", "leave", "Back"),
    ]
    DEFAULT_CSS = """
    EditCaption { align: center middle; }
    EditCaption > Vertical { width: 90%; max-width: 110; height: 90%; background: $surface;
                             border: round $accent; padding: 0 1; }
    EditCaption TextArea, EditCaption TextArea:focus { height: 1fr; border: none; padding: 0; }
    EditCaption #note { color: $text-muted; height: auto; max-height: 5; }
    """

    def __init__(self, title: str, prompt: str) -> None:
        """Args: title: what it is; prompt: the caption."""
        super().__init__()
        self._title, self._prompt = title, prompt
        self._warned = ""

    def compose(self) -> ComposeResult:
        """The caption, and what ends this."""
        with Vertical():
            yield Static(f"{self._title}: a caption", markup=False)
            yield TextArea(spread_out(self._prompt), soft_wrap=True, id="caption")
            yield Static("", id="note", markup=False)

    def on_mount(self) -> None:
        """Say how it is taken."""
        takes, leaves = key_of("prompts.start"), key_of("prompts.leave")
        self._say(f"{takes} takes it, {leaves} leaves it as it was.")

    def _say(self, words: str) -> None:
        self.query_one("#note", Static).update(Content(clean(words)))

    def action_done(self) -> None:
        """Take it; what has faults only when it is asked for again."""
        text = self.query_one(TextArea).text.strip()
        told, faults = read_caption(text)
        if faults and text != self._warned:
            self._warned = text
            said = "; ".join(map(str, faults[:_MOST_TOLD]))
            more = f" and {len(faults) - _MOST_TOLD} more" if len(faults) > _MOST_TOLD else ""
            self._say(f"{said}{more}. {key_of('prompts.start')} again takes it to the letter.")
        else:
            self.dismiss(told)

    def action_leave(self) -> None:
        """As it was."""
        self.dismiss(None)
