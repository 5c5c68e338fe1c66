"""The line above Review's thumbnails where a filter is typed, or a row's number."""

from collections.abc import Callable
from dataclasses import dataclass

from textual import on
from textual.message import Message
from textual.widgets import Input

from tui.keys import key_of
from tui.passing import passing
from tui.screens.gallery_filter import FILTER_HELP, FILTER_HELP_ALL

DROP = "Clear filter"
"""What leaving a filter is called."""
_NO_ROW = "Stay here"


class FilterLine(Input):
    """There while something is typed into it; a filter acts with each key."""

    DEFAULT_CSS = """
    FilterLine { display: none; }
    FilterLine.-open { display: block; }
    FilterLine, FilterLine:focus { height: 1; border: none; padding: 0 1; }
    """

    class Filtered(Message):
        """Something else is the filter: the line's value, which may be another one by now."""

    @dataclass
    class RowNamed(Message):
        """To this row, as it was typed."""

        row: str

    class Closed(Message):
        """Nothing more is typed."""

    _asks_row = False

    def __init__(self, *, id: str) -> None:  # noqa: A002 - as Textual calls it
        super().__init__(id=id, disabled=True)

    def ask_filter(self, text: str, drop: Callable[[], object], *, of_all: bool) -> None:
        """Have a filter typed.

        Args:
            text: what it is by now.
            drop: takes it away, and closes this.
            of_all: whether it is one of all sessions' images.
        """
        helps = FILTER_HELP_ALL if of_all else FILTER_HELP
        self._ask(text, f"{helps}; {key_of('app.leave')} clears it", asks_row=False)
        passing(self).begin(DROP, drop)

    def ask_row(self) -> None:
        """Have a row's number typed."""
        self._ask("", "row number, then enter", asks_row=True)
        passing(self).begin(_NO_ROW, self.close)

    def _ask(self, text: str, hint: str, *, asks_row: bool) -> None:
        self._asks_row, self.placeholder = asks_row, hint
        self.write(text)
        self.add_class("-open")
        self.disabled = False
        self.focus()

    def write(self, text: str) -> None:
        """Have a text in it as if it had been typed, and told."""
        with self.prevent(Input.Changed):
            self.value = text

    @on(Input.Changed)
    def _typed(self) -> None:
        if not self._asks_row:
            self.post_message(self.Filtered())

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        if self._asks_row:
            self.post_message(self.RowNamed(event.value.strip()))
        self.close()

    def close(self) -> None:
        """Nothing more is typed; what was is the filter."""
        self.remove_class("-open")
        self.disabled = True
        passing(self).end(_NO_ROW)
        self.post_message(self.Closed())
