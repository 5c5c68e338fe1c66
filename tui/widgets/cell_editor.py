"""A cell being edited where it stands, with the choices of its column below."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import DescendantBlur
from textual.geometry import Region
from textual.message import Message
from textual.suggester import Suggester, SuggestFromList
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from engine.api import Place
from tui.keys import bind
from tui.passing import passing
from tui.text import clean
from tui.widgets.one_line import OneLine, off_one_line, on_one_line

_LEAST_WIDTH = 28
_MOST_CHOICES = 8
_LEAVE = "Leave as it was"


class LastSuggester(Suggester):
    """Completes what stands behind the last comma by choices that begin so."""

    def __init__(self, choices: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._choices = choices

    async def get_suggestion(self, value: str) -> str | None:
        """The whole text, completed."""
        head, last = parted(value)
        if not last:
            return None
        found = (each for each in self._choices if each.casefold().startswith(last.casefold()))
        return next((f"{head}{last}{each[len(last) :]}" for each in found), None)


def parted(text: str) -> tuple[str, str]:
    """What stands up to the last comma and the space behind it, and what is behind that."""
    last = text[text.rfind(",") + 1 :].lstrip()
    return text[: len(text) - len(last)], last


def fitting(written: str, choices: Sequence[str]) -> list[str]:
    """The choices that have what is written in them; those that begin so come first."""
    wanted = written.casefold()
    found = [choice for choice in choices if wanted in choice.casefold()]
    return sorted(found, key=lambda choice: not choice.casefold().startswith(wanted))


class CellEditor(Vertical):
    """Lies over the table; enter or a click elsewhere takes what is written, esc drops it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("cell.open", "take('')", "Take", first=True),
        bind("cell.onward", "take('right')", "Take, next cell"),
        bind("cell.down", "choose(1)", "Next choice"),
        bind("cell.up", "choose(-1)", "Previous choice", show=False),
    ]
    DEFAULT_CSS = """
    CellEditor {
        display: none; overlay: screen; position: absolute; constrain: inside inside;
        height: auto; background: $surface;
    }
    CellEditor.-open { display: block; }
    CellEditor Input, CellEditor Input:focus {
        height: 1; border: none; padding: 0; background: $accent 30%; color: $foreground;
    }
    CellEditor OptionList {
        height: auto; border: none; padding: 0; background: $panel;
        scrollbar-size-vertical: 1;
    }
    CellEditor.-free OptionList { display: none; }
    """

    @dataclass
    class Taken(Message):
        """What was written into a cell, and where the cursor is to go."""

        place: Place
        text: str
        onward: str
        """`right`, or empty to stay."""

    class Left(Message):
        """Nothing was written."""

    def __init__(self) -> None:
        super().__init__()
        self._place = Place(0, None)
        self._choices: Sequence[str] = ()
        self._several = False
        self._before = ""
        """What was offered to be edited."""

    def compose(self) -> ComposeResult:
        """The text, and the choices that begin so."""
        yield OneLine(id="cell-text", select_on_focus=False)
        yield OptionList(id="cell-choices")

    @property
    def is_open(self) -> bool:
        """Whether a cell is being edited."""
        return self.has_class("-open")

    @property
    def is_changed(self) -> bool:
        """Whether something was written into it that is not taken yet."""
        return self.is_open and self.query_one(Input).value != self._before

    def open(
        self,
        place: Place,
        text: str,
        choices: Sequence[str],
        region: Region,
        suggester: Suggester | None = None,
        *,
        several: bool = False,
    ) -> None:
        """Edit a cell.

        Args:
            place: which.
            text: what stands there.
            choices: what its column offers.
            region: where it is on the screen.
            suggester: completes what is typed; None: the choices do.
            several: whether several choices may stand there, between commas.
        """
        self._place, self._choices, self._several = place, choices, several
        room = self.screen.size.width
        # What is short is not moved off its cell for more room than it needs.
        least = min(_LEAST_WIDTH, room - region.x)
        width = max(region.width, least, min(len(text) + 4, room - 4))
        self.styles.width = min(width, room - 2)
        self.styles.offset = region.x, region.y
        self.set_class(not choices, "-free")
        self.add_class("-open")
        passing(self).begin(_LEAVE, self.action_leave)
        box = self.query_one(Input)
        if suggester is None and choices:
            suggester = (
                LastSuggester(choices)
                if several
                else SuggestFromList(choices, case_sensitive=False)
            )
        box.suggester = suggester
        box.value = self._before = on_one_line(text)
        self._offer("")
        box.focus()
        box.select_all()  # what is typed takes its place
        self.refresh_bindings()

    def offer(self, place: Place, choices: Sequence[str]) -> None:
        """Offer choices that had to be looked for, if the cell is still being edited."""
        if self.is_open and place == self._place and choices:
            self._choices = choices
            self.set_class(False, "-free")
            box = self.query_one(Input)
            self._offer(box.value if box.value != self._before else "")

    def close(self) -> None:
        """Put it away."""
        self.remove_class("-open")
        passing(self).end(_LEAVE)

    def _offer(self, written: str) -> None:
        wanted = self._parted(written)[1]
        offered = fitting(wanted, self._choices) or list(self._choices)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(Content(clean(choice)), id=choice) for choice in offered)
        options.styles.max_height = _MOST_CHOICES
        here = self._parted(self._before)[1]
        options.highlighted = offered.index(here) if not written and here in offered else None

    def _parted(self, text: str) -> tuple[str, str]:
        """What stands before the choice that is being written, and that."""
        return parted(text) if self._several else ("", text)

    def _choose(self, choice: str) -> None:
        box = self.query_one(Input)
        box.value = self._parted(box.value)[0] + choice
        box.cursor_position = len(box.value)

    @on(Input.Changed, "#cell-text")
    def _written(self, event: Input.Changed) -> None:
        written = self._parted(event.value)[1]
        if self._choices and self.query_one(Input).has_focus and written not in self._choices:
            self._offer(event.value)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(str(event.option.id))
        self.action_take("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Without choices there is none to go to."""
        return bool(self._choices) if action == "choose" else True

    def action_choose(self, step: int) -> None:
        """Write the next or previous choice."""
        options = self.query_one(OptionList)
        if not self._choices or not options.option_count:
            return
        before = -1 if options.highlighted is None and step > 0 else options.highlighted or 0
        options.highlighted = (before + step) % options.option_count
        self._choose(str(options.get_option_at_index(options.highlighted).id))

    def action_take(self, onward: str) -> None:
        """Write it into the cell."""
        text = off_one_line(self.query_one(Input).value)
        self.close()
        self.post_message(self.Taken(self._place, text, onward))

    def action_leave(self) -> None:
        """Leave the cell as it was."""
        self.close()
        self.post_message(self.Left())

    def on_descendant_blur(self, event: DescendantBlur) -> None:  # noqa: ARG002
        """A click elsewhere takes what was written; if nothing was, the cell stays as it was."""
        if not self.is_open or self.has_focus_within or not self.app.app_focus:
            return  # the terminal itself may have lost the focus: it comes back to the text
        if self.is_changed:
            self.action_take("")
        else:
            self.action_leave()
