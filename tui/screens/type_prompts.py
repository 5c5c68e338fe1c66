"""Typing or pasting prompts without a sheet: one a line, times a number."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static, TextArea

from tui.keys import bind, key_of
from tui.screens.dialog import Dialog
from tui.widgets.dialog_box import DialogBox

TIMES = (1, 4, 9, 16)
"""Offered at a keypress; any other number can be typed."""
MOST_IMAGES = 2048


@dataclass(frozen=True, slots=True)
class TypedPrompts:
    """What was typed or pasted."""

    text: str
    num_images: int | None = None
    """Images of each prompt; None: as many as a row makes that does not say."""


class TypePrompts(Dialog[TypedPrompts | None]):
    """Ends with the prompts, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("prompts.start", "done", "Continue"),
        bind("prompts.leave", "leave", "Back"),
    ]
    DEFAULT_CSS = """
    TypePrompts DialogBox { width: 90%; max-width: 100; height: 70%; }
    TypePrompts TextArea, TypePrompts TextArea:focus { height: 1fr; margin-top: 1; }
    TypePrompts Horizontal { height: 1; margin-top: 1; }
    TypePrompts Button { min-width: 6; margin-right: 1; }
    TypePrompts Button.-style-default { background: $panel; }
    TypePrompts #count { width: 10; }
    TypePrompts .caption { color: $text-muted; height: 1; }
    TypePrompts Horizontal .caption { width: auto; }
    """

    def compose(self) -> ComposeResult:
        """Prompts, and how many images of each."""
        with DialogBox("Type prompts"):
            words = f"One prompt per line; {key_of('prompts.start')} continues"
            yield Static(words, classes="caption", markup=False)
            yield TextArea(id="prompts")
            with Horizontal():
                yield Static("images per prompt: ", classes="caption", markup=False)
                for count in TIMES:
                    yield Button(f"×{count}", id=f"times-{count}", compact=True)
                yield Input("1", type="integer", id="count")

    @on(Button.Pressed)
    def _times(self, event: Button.Pressed) -> None:
        self.query_one("#count", Input).value = str(event.button.id).removeprefix("times-")

    @on(Input.Submitted)
    def action_done(self) -> None:
        """Take what was typed."""
        text = self.query_one(TextArea).text
        count = self.query_one("#count", Input).value
        if not text.strip():
            self.notify("Type a prompt first.", severity="warning", markup=False)
        elif not count.isdecimal() or not 1 <= int(count) <= MOST_IMAGES:
            self.notify(
                f"Images per prompt: a number from 1 to {MOST_IMAGES:,}.",
                severity="warning",
                markup=False,
            )
        else:
            self.dismiss(TypedPrompts(text, int(count)))

    def action_leave(self) -> None:
        """Nothing was typed."""
        self.dismiss(None)
