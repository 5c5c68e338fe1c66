"""Settings: every one with its explanation, checked as it is typed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from engine.api import (
    Library,
    Setting,
    SettingsError,
    all_settings,
    as_text,
    load_settings,
    settings_path,
    understood,
    write_setting,
)
from tui.graphics.protocol import spare_the_line
from tui.keys import all_ids, bind, key_of
from tui.screens.dialog import Dialog, EndsOnce
from tui.text import clean
from tui.widgets.key_line import KeyLine
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import Cell, ListSource, TableRow
from tui.widgets.virtual_table import VirtualTable
from tui.workers import hand_over, hand_to, is_gone, work

_TELLS = "This terminal tells: the notice goes while it does not have the focus."
_TELLS_NOT = "This terminal has not told so far whether anyone looks at it: notice.unsure decides."
_COLUMNS = (
    TableColumn("name", "setting", 20, share=1),
    TableColumn("value", "value", 24, share=2),
    TableColumn("default", "default", 18, share=1),
)


def _row(setting: Setting) -> TableRow:
    return TableRow(
        setting.name,
        (
            Cell(setting.name),
            Cell(setting.text, "own" if setting.is_set else "", "● " if setting.is_set else ""),
            Cell(setting.default, "dim"),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Written:
    setting: Setting
    value: Any


class SettingsScreen(EndsOnce[None]):
    """All settings; enter changes one. Ends when it is left."""

    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("settings.open", "change", "Change"),
        bind("settings.default", "default", "Back to the default"),
        bind("settings.leave", "leave", "Back"),
        bind("settings.quit", "leave", "Back", show=False),
    ]
    DEFAULT_CSS = """
    SettingsScreen #settings-title { height: 1; padding: 0 1; text-wrap: nowrap;
                                     text-overflow: ellipsis; }
    SettingsScreen #explanation { height: 5; padding: 0 1; border-top: solid $panel; }
    """

    def __init__(self, library: Library, *, tells_focus: bool) -> None:
        """All settings.

        Args:
            library: the one that is looked at.
            tells_focus: whether the terminal tells whether someone looks at it.
        """
        super().__init__()
        self._tells_focus = tells_focus
        self._library = library
        self._all: dict[str, Setting] = {}

    def compose(self) -> ComposeResult:
        """The file, the settings, what the one under the cursor is for."""
        path = clean(str(settings_path()))
        yield Static(Content(f"Settings · {path} · ● is set there"), id="settings-title")
        yield VirtualTable(_COLUMNS, markable=False, id="settings")
        yield Static("", id="explanation", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the file."""
        self._load()

    @work(thread=True, exclusive=True)
    def _load(self) -> None:
        try:
            found = all_settings(load_settings(self._library.path))
        except SettingsError as error:
            hand_over(self._complain, str(error))
        else:
            hand_over(self._show, found)

    def _show(self, found: list[Setting]) -> None:
        themes = tuple(sorted(self.app.available_themes))
        found = [replace(s, choices=themes) if s.name == "app.theme" else s for s in found]
        self._all = {setting.name: setting for setting in found}
        table = self.query_one(VirtualTable)
        key = table.cursor_key
        table.source = ListSource(map(_row, found))
        if key is not None:
            table.go_to(key)

    @property
    def _here(self) -> Setting | None:
        return self._all.get(str(self.query_one(VirtualTable).cursor_key))

    @on(VirtualTable.Highlighted)
    def _explain(self) -> None:
        setting = self._here
        words = setting.explanation if setting else ""
        if setting and setting.choices:
            words += f"\nOne of: {', '.join(setting.choices)}"
        if setting and setting.name.startswith("notice."):
            words += f"\n{_TELLS if self._tells_focus else _TELLS_NOT}"
        self.query_one("#explanation", Static).update(Content(clean_lines(words)), layout=False)

    @on(VirtualTable.Selected)
    def action_change(self) -> None:
        """Type another value."""
        setting = self._here
        if setting is None:
            return

        def typed(text: str | None) -> None:
            if text is not None:
                self._write(setting, text)

        self.app.push_screen(ChangeSetting(setting), typed)

    def action_default(self) -> None:
        """Take it out of the file."""
        if (setting := self._here) is not None and setting.is_set:
            self._write(setting, None)

    @work(thread=True, exclusive=True, group="write")
    def _write(self, setting: Setting, text: str | None) -> None:
        app = self.app  # it is told even when this has been left
        try:
            value = None if text is None else understood(setting.name, text)
            write_setting(setting.name, value)
        except (SettingsError, OSError) as error:
            hand_to(app, self._complain, str(error))
            return
        hand_to(app, self._written, _Written(setting, value))

    def _written(self, written: _Written) -> None:
        setting = written.setting
        value = setting.default if written.value is None else as_text(written.value)
        at_once = setting.name in ("app.theme", "app.bandwidth")
        if setting.name == "app.theme" and value in self.app.available_themes:
            self.app.theme = value
        elif setting.name == "app.bandwidth":
            spare_the_line(value == "low")
        when = "holds now" if at_once else "holds from the next start on"
        self.notify(clean(f"{setting.name}: {value or 'empty'}, {when}"), markup=False)
        if not is_gone(self):
            self._load()

    def _complain(self, words: str) -> None:
        self.notify(clean(words), severity="error", markup=False)

    def action_leave(self) -> None:
        """Back to where one was."""
        self.dismiss(None)


class ChangeSetting(Dialog[str | None]):
    """Ends with a text that the setting can be, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("setting.leave", "leave", "Back"),
        bind("setting.down", "choose(1)", "Next choice", show=False),
        bind("setting.up", "choose(-1)", "Previous choice", show=False),
    ]
    DEFAULT_CSS = """
    ChangeSetting { align: center middle; }
    ChangeSetting > Vertical { width: 80%; max-width: 90; height: auto; max-height: 80%;
                               background: $surface; border: round $accent; padding: 0 1; }
    ChangeSetting Input, ChangeSetting Input:focus { border: none; height: 1; padding: 0;
                                                     background: $panel; margin: 1 0; }
    ChangeSetting .note { color: $text-muted; height: auto; }
    ChangeSetting #fault { color: $error; height: auto; min-height: 1; }
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self._setting = setting

    def compose(self) -> ComposeResult:
        """The name, the value, what is wrong with it, what it is for."""
        setting = self._setting
        with Vertical():
            yield Static(Content(f"{setting.name} (default: {clean(setting.default) or 'empty'})"))
            yield Input(setting.text, select_on_focus=False)
            yield Static("", id="fault", markup=False)
            note = setting.explanation
            if setting.choices:
                up, down = key_of("setting.up"), key_of("setting.down")
                note += f"\nOne of: {', '.join(setting.choices)}; {up} and {down} go through them."
            yield Static(Content(clean_lines(note)), classes="note")

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

    def _unknown(self, text: str) -> str:
        return unknown_words(self._setting, understood(self._setting.name, text))

    async def _has_fault(self, text: str) -> bool:
        """Whether it cannot be that, and say why; the settings file is read for it."""
        try:
            fault = await asyncio.to_thread(self._unknown, text)
        except SettingsError as error:
            fault = str(error)
        said = f"✗ {clean(fault)}" if fault else ""
        self.query_one("#fault", Static).update(Content(said))
        return bool(said)

    def action_choose(self, step: int) -> None:
        """The next of the choices, or the one before."""
        choices, box = self._setting.choices, self.query_one(Input)
        if choices:
            at = choices.index(box.value) if box.value in choices else min(-step, 0)
            box.value = choices[(at + step) % len(choices)]

    def action_leave(self) -> None:
        """As it was."""
        self.dismiss(None)


def unknown_words(setting: Setting, value: Any) -> str:
    """What a value names that the app does not have, in words; empty: nothing."""
    if setting.name == "app.theme" and value not in setting.choices:
        return f"There is no theme {value}.{_nearest(value, setting.choices)}"
    if setting.name == "app.keys":
        return unknown_actions(value)
    return ""


def unknown_actions(keys: Mapping[str, str]) -> str:
    """Which actions are given other keys and do not exist, in words; empty: none."""
    known = all_ids()
    wrong = [name for name in keys if name not in known]
    if not wrong:
        return ""
    return f"There is no action {', '.join(wrong)}.{_nearest(wrong[0], sorted(known))}"


def _nearest(word: str, words: Sequence[str]) -> str:
    near = get_close_matches(word, words, 3)
    return f" Do you mean {' or '.join(near)}?" if near else ""


def clean_lines(text: str) -> str:
    """Several lines of text, each cleaned."""
    return "\n".join(map(clean, text.split("\n")))
