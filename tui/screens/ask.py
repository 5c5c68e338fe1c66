"""One line of text, asked for over whatever is on the screen; or a yes."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.keys import bind
from tui.text import clean

_CSS = """
    align: center middle;
    & > Vertical { width: 80%; max-width: 80; height: auto; background: $surface;
                   border: round $accent; padding: 0 1; }
    & Input, & Input:focus { border: none; height: 1; margin: 1 0; padding: 0 1; }
    & .caption { color: $text-muted; height: auto; }
"""


class AskLine(ModalScreen[str | None]):
    """Ends with what was typed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("ask.leave", "escape", "leave", "Back")]
    DEFAULT_CSS = f"AskLine {{ {_CSS} }}"

    def __init__(self, question: str, value: str, hint: str = "") -> None:
        super().__init__()
        self._question = question
        self._value = value
        self._hint = hint

    def compose(self) -> ComposeResult:
        """The question and a line."""
        with Vertical():
            yield Static(Content(clean(self._question)), markup=False)
            yield Input(clean(self._value))
            yield Static(
                Content(f"{self._hint}{'; ' if self._hint else ''}enter keeps it, esc does not"),
                classes="caption",
                markup=False,
            )

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Nothing was typed."""
        self.dismiss(None)


class AskYes(ModalScreen[bool]):
    """Ends with whether it is to be done. Asked only before what cannot be taken back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("ask.yes", "y", "answer(True)", "Yes"),
        bind("ask.no", "n,escape", "answer(False)", "No"),
    ]
    DEFAULT_CSS = f"AskYes {{ {_CSS} }}"

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical():
            yield Static(Content(clean(self._question)), markup=False)
            yield Static("y yes · n no", classes="caption", markup=False)

    def action_answer(self, yes: bool) -> None:
        """Yes or no."""
        self.dismiss(yes)
