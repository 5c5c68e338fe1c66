"""The forms in which a setting is given another value: a list of choices, a line, a number."""

import asyncio
import tomllib
from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.api import Library, Setting, SettingsError
from tui.keys import bind, key_of
from tui.screens.dialog import Dialog
from tui.screens.remap_keys import unknown_actions
from tui.text import clean, count_text
from tui.widgets.dialog_box import DialogBox
from tui.workers import work

_NOTHING = "–"


def shown_value(setting: Setting) -> str:
    """Its value as people read it: on and off, how many keys are others."""
    if setting.kind == "switch":
        return "on" if setting.text == "true" else "off"
    if setting.name == "app.keys":
        keys = own_keys(setting.text)
        return f"{count_text(len(keys), 'action')} changed" if keys else _NOTHING
    if setting.text.isdecimal():
        return f"{int(setting.text):,}"
    return setting.text or _NOTHING


def own_keys(text: str) -> dict[str, str]:
    """Action → its keys, of the setting `app.keys` as it stands; no file is read for it."""
    keys: dict[str, str] = tomllib.loads(f"keys = {text or '{}'}")["keys"]
    return keys


def _title(setting: Setting) -> str:
    return f"{setting.name} · default: {setting.default or 'empty'}"


class ChooseSetting(Dialog[str | None]):
    """Ends with one of the choices, or None; each is shown as it would be, where that can be."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("setting.leave", "leave", "Back"),
        bind("setting.down", "choose(1)", "Next choice", show=False),
        bind("setting.up", "choose(-1)", "Previous choice", show=False),
    ]
    DEFAULT_CSS = "ChooseSetting OptionList { max-height: 12; margin-bottom: 1; }"

    def __init__(self, setting: Setting, preview: Callable[[str], None] | None) -> None:
        """One of few.

        Args:
            setting: with its choices.
            preview: shows a choice before it is taken; None: it cannot be shown.
        """
        super().__init__()
        self._setting = setting
        self._preview = preview or (lambda _: None)

    def compose(self) -> ComposeResult:
        """The name, the choices, what it is for."""
        setting = self._setting
        with DialogBox(_title(setting), enter="Save"):
            options = [Option(Content(clean(choice)), id=choice) for choice in setting.choices]
            yield OptionList(*options)
            yield Static(Content(clean(setting.explanation)), classes="note")

    def on_mount(self) -> None:
        """The cursor is on what holds."""
        if self._setting.text in self._setting.choices:
            at = self._setting.choices.index(self._setting.text)
            self.query_one(OptionList).highlighted = at

    @on(OptionList.OptionHighlighted)
    def _show(self, event: OptionList.OptionHighlighted) -> None:
        if not self.ended:
            self._preview(str(event.option.id))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(str(event.option.id))

    def action_choose(self, step: int) -> None:
        """The next of the choices, or the one before."""
        options = self.query_one(OptionList)
        (options.action_cursor_down if step > 0 else options.action_cursor_up)()

    def action_leave(self) -> None:
        """As it was."""
        self.dismiss(None)


class WriteSetting(Dialog[str | None]):
    """Ends with a text that the setting can be, or None; what it cannot be is said while typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("setting.leave", "leave", "Back"),
        bind("setting.down", "step(-1)", "Less", show=False),
        bind("setting.up", "step(1)", "More", show=False),
    ]
    DEFAULT_CSS = """
    WriteSetting #fault { color: $text-error; height: auto; min-height: 1; }
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self._setting = setting

    def compose(self) -> ComposeResult:
        """The name, the value, what is wrong with it, what it is for."""
        setting = self._setting
        with DialogBox(_title(setting), enter="Save"):
            yield Input(setting.text, select_on_focus=False)
            yield Static("", id="fault", markup=False)
            yield Static(Content("\n".join(map(clean, self._notes()))), classes="note")

    def _notes(self) -> list[str]:
        setting, notes = self._setting, [self._setting.explanation]
        if setting.kind == "number":
            more, less = key_of("setting.up"), key_of("setting.down")
            notes.append(f"It can be {setting.bounds}; {more} adds 1, {less} subtracts 1.")
        elif setting.kind == "list":
            notes.append("Separate them with commas.")
        elif setting.kind == "names":
            notes.append('Pairs separated by commas: "name" = "value".')
        elif setting.bounds:
            notes.append(f"It can be {setting.bounds}.")
        return notes

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._check(event.value)

    @on(Input.Submitted)
    def _kept(self, event: Input.Submitted) -> None:
        self._keep(event.value)

    @work(exclusive=True, group="check")
    async def _check(self, text: str) -> None:
        await self._has_fault(text)

    @work(exclusive=True, group="keep")
    async def _keep(self, text: str) -> None:
        if not await self._has_fault(text):
            self.dismiss(text)

    async def _has_fault(self, text: str) -> bool:
        """Whether it cannot be that, and say why; the settings file is read for it."""
        fault = await asyncio.to_thread(fault_in, self._setting, text)
        said = f"✗ {clean(fault)}" if fault else ""
        self.query_one("#fault", Static).update(Content(said))
        return bool(said)

    def action_step(self, step: int) -> None:
        """One more or one less, where it is a number."""
        if self._setting.kind == "number":
            self._step(step)

    @work(group="step")
    async def _step(self, step: int) -> None:
        box = self.query_one(Input)
        before = box.value
        after = await asyncio.to_thread(stepped, self._setting, before, step)
        if box.value == before:  # nobody has typed meanwhile
            box.value = after
            box.cursor_position = len(after)

    def action_leave(self) -> None:
        """As it was."""
        self.dismiss(None)


def fault_in(setting: Setting, text: str) -> str:
    """What is wrong with a text as the setting's value, in words; empty: nothing."""
    try:
        value = Library.setting_of(setting.name, text)
    except SettingsError as error:
        return str(error)
    return unknown_actions(value) if setting.name == "app.keys" else ""


def stepped(setting: Setting, text: str, step: int) -> str:
    """A number one more or one less, if the setting can be that; otherwise as it is."""
    try:
        number = float(text)
    except ValueError:
        return setting.text
    after = f"{number + step:g}" if "e" not in f"{number + step:g}" else f"{number + step:.0f}"
    return text if fault_in(setting, after) else after
