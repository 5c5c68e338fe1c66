"""One question, answered by typing or by choosing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.api import PromptsheetError, fault_of
from tui.keys import bind
from tui.screens.dialog import Dialog
from tui.text import clean
from tui.typed_path import is_there, typed_path
from tui.widgets.dialog_box import DialogBox
from tui.widgets.one_line import OneLine
from tui.workers import hand_to, work

_FEW = 4
"""So many choices, and no other answer, are chosen without a field to type in."""
_TITLE = 56
"""Characters of a question that stand in the frame, on the narrowest screen."""


class Ask(Dialog[str | None]):
    """Ends with the answer, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("ask.leave", "leave", "Back"),
        bind("ask.down", "move(1)", "Next", show=False),
        bind("ask.up", "move(-1)", "Previous", show=False),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-low"),  # a note of three lines and the buttons are seen below the choices
        (30, "-high"),
    ]
    DEFAULT_CSS = """
    Ask OptionList, Ask OptionList:focus { max-height: 12; margin-top: 1; }
    Ask.-low OptionList, Ask.-low OptionList:focus { max-height: 8; }
    Ask DialogBox Input.-unseen { height: 0; }
    Ask #note { margin-top: 1; }
    Ask #note.-empty { display: none; }
    """

    def __init__(
        self,
        question: str,
        value: str = "",
        *,
        choices: Sequence[str] = (),
        free: bool = False,
        blank: bool = False,
        lines: bool = False,
        note: str = "",
        suggester: Suggester | None = None,
    ) -> None:
        """A question.

        Args:
            question: what is asked.
            value: what is written there to begin with.
            choices: what is offered.
            free: whether other answers than these are good, too.
            blank: whether no text at all is an answer, too.
            lines: whether it may have several lines, with signs for their breaks.
            note: a hint.
            suggester: completes what is typed.
        """
        super().__init__()
        self._blank = blank
        self._input = OneLine if lines else Input
        self._free = free or not choices
        self._question, self._value = question, value
        self._choices, self._note = choices, note
        self._suggester = suggester

    def compose(self) -> ComposeResult:
        """Question, answer, choices."""
        short = len(self._question) <= _TITLE
        with DialogBox(self._question if short else "", enter="OK"):
            if not short:
                yield Static(Content(clean(self._question)), classes="question")
            box = self._input(self._value, select_on_focus=False, suggester=self._suggester)
            # Among a few nobody types; what is typed narrows them all the same.
            box.set_class(not self._free and len(self._choices) <= _FEW, "-unseen")
            yield box
            if self._choices:
                yield OptionList(*self._options(""))
            yield self._note_line()

    def _note_line(self) -> Static:
        line = Static(Content(clean(self._note)), id="note", classes="note")
        return line.set_class(not self._note, "-empty")

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
        self.answer(answer)

    def answer(self, answer: str) -> None:
        """Take an answer."""
        self.dismiss(answer if answer or self._blank else None)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.answer(str(event.option.id))

    def say(self, words: str) -> None:
        """Put words in the place of the hint; after the end, over whatever is there."""
        if self.ended:
            self.app.notify(clean(words), markup=False)
        else:
            note = self.query_one("#note", Static)
            note.update(Content(clean(words)))
            note.set_class(not words, "-empty")

    def action_move(self, step: int) -> None:
        """Through the choices, while the text keeps the focus."""
        if self._choices and (options := self.query_one(OptionList)).option_count:
            before = -1 if options.highlighted is None and step > 0 else options.highlighted or 0
            options.highlighted = (before + step) % options.option_count

    def action_leave(self) -> None:
        """No answer."""
        self.dismiss(None)


class AskWhere(Ask):
    """Asks for a file's name and writes the file; ends with what there is to say of it."""

    def __init__(
        self, question: str, value: Path, write: Callable[[Path, bool], str], *, note: str
    ) -> None:
        """A question.

        Args:
            question: what is asked.
            value: the name that is offered.
            write: writes the file, in a thread: given the name and whether it may replace what is
                there, it says what was done.
            note: a hint.
        """
        super().__init__(question, str(value), note=note)
        self._write_file = write
        self._warned: Path | None = None
        self._writing = False

    def answer(self, answer: str) -> None:
        """Write the file; what is there already is replaced on a second enter alone."""
        if self._writing or not answer.strip():
            return
        target = typed_path(answer)
        self._writing = True
        self.say("Writing …")
        self._write(target, target == self._warned)

    @work(thread=True, exclusive=True)
    def _write(self, target: Path, overwrite: bool) -> None:
        app = self.app  # from a thread it cannot be found any more once this has been left
        if not overwrite and is_there(target):
            hand_to(app, self._warn, target)
            return
        try:
            words = self._write_file(target, overwrite)
        except (PromptsheetError, OSError) as error:
            hand_to(app, self._end_writing, fault_of(error))
        else:
            hand_to(app, self._written_there, words)

    def _warn(self, target: Path) -> None:
        self._warned = target
        self._end_writing(f"{target} already exists: press enter again to replace it.")

    def _end_writing(self, words: str) -> None:
        self._writing = False
        self.say(words)

    def _written_there(self, words: str) -> None:
        if self.ended:
            self.say(words)
        else:
            self.dismiss(words)
