"""One question, answered by typing or by choosing."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.keys import bind
from tui.text import clean


class Ask(ModalScreen[str | None]):
    """Ends with the answer, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("ask.leave", "escape", "leave", "Back"),
        bind("ask.down", "down", "move(1)", "Next", show=False),
        bind("ask.up", "up", "move(-1)", "Previous", show=False),
    ]
    DEFAULT_CSS = """
    Ask { align: center middle; }
    Ask > Vertical { width: 80%; max-width: 90; height: auto; max-height: 80%;
                     background: $surface; border: round $accent; padding: 0 1; }
    Ask Input, Ask Input:focus { border: none; height: 1; padding: 0; background: $panel; }
    Ask OptionList, Ask OptionList:focus { height: auto; max-height: 12; border: none;
                                           padding: 0; background: $surface; margin-top: 1; }
    Ask .note { color: $text-muted; height: auto; }
    """

    def __init__(
        self,
        question: str,
        value: str = "",
        *,
        choices: Sequence[str] = (),
        free: bool = False,
        note: str = "",
    ) -> None:
        """A question.

        Args:
            question: what is asked.
            value: what is written there to begin with.
            choices: what is offered.
            free: whether other answers than these are good, too.
            note: a hint.
        """
        super().__init__()
        self._free = free or not choices
        self._question, self._value = question, value
        self._choices, self._note = choices, note

    def compose(self) -> ComposeResult:
        """Question, answer, choices."""
        with Vertical():
            yield Static(Content(clean(self._question)))
            yield Input(self._value, select_on_focus=False)
            if self._choices:
                yield OptionList(*self._options(""))
            yield Static(Content(clean(self._note)), classes="note")

    def on_mount(self) -> None:
        """Without another answer the first choice is at hand."""
        self._highlight_first()

    def _highlight_first(self) -> None:
        for options in self.query(OptionList):
            options.highlighted = None if self._free or not options.option_count else 0

    def _options(self, written: str) -> list[Option]:
        wanted = written.casefold()
        fitting = [choice for choice in self._choices if wanted in choice.casefold()]
        return [Option(Content(clean(choice)), id=choice) for choice in fitting]

    @on(Input.Changed)
    def _written(self, event: Input.Changed) -> None:
        if self._choices:
            options = self.query_one(OptionList)
            options.clear_options()
            options.add_options(self._options(event.value))
            self._highlight_first()

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        options = self.query(OptionList)
        chosen = options.first().highlighted_option if options else None
        answer = str(chosen.id) if chosen is not None else event.value
        self.dismiss(answer or None)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(str(event.option.id))

    def action_move(self, step: int) -> None:
        """Through the choices, while the text keeps the focus."""
        if self._choices and (options := self.query_one(OptionList)).option_count:
            before = -1 if options.highlighted is None and step > 0 else options.highlighted or 0
            options.highlighted = (before + step) % options.option_count

    def action_leave(self) -> None:
        """No answer."""
        self.dismiss(None)
