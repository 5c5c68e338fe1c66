"""Settings: grouped, every one with its explanation and the form that suits it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from engine.api import (
    Library,
    Setting,
    SettingsError,
    fault_of,
    settings_path,
)
from tui.app_state import KeysChanged
from tui.graphics.protocol import pictures_words, take_bandwidth
from tui.keys import bind, key_of
from tui.screens.dialog import EndsOnce
from tui.screens.remap_keys import RemapKeys
from tui.screens.setting_forms import ChooseSetting, WriteSetting, own_keys, shown_value
from tui.text import clean
from tui.widgets.key_line import KeyLine
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import ListSource, TableCell, TableRow
from tui.widgets.virtual_table import VirtualTable
from tui.workers import hand_over, hand_to, is_gone, work

_TELLS = "This terminal reports its focus: the notice is sent while it is not in focus."
_TELLS_NOT = "This terminal has not reported its focus yet: notice.unsure decides."
_COLUMNS = (
    TableColumn("name", "setting", 22, share=1),
    TableColumn("value", "value", 22, share=2),
    TableColumn("default", "default", 16, share=1),
)
_GROUPS = {
    "app": "The app",
    "sheet": "Sheets",
    "render": "Rendering",
    "engine": "Engine process",
    "notice": "End of a session",
    "magic": "Magic prompts",
    "share": "Public images",
    "": "Folders",
}
"""Section of the file → what it is called, in the order in which they are listed."""
_APPLIES = {
    "now": "applied",
    "later": "applies to new sessions; in the app after a restart",
    "app": "applies after the app restarts",
    "engine": "applies after the engine process restarts (run `promptsheet engine stop`)",
    "run": "applies to the next `promptsheet run` or `prompt`",
}


class SettingsScreen(EndsOnce[None]):
    """All settings; enter changes one. Ends when it is left."""

    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("settings.open", "change", "Change", first=True),
        bind("settings.default", "default", "Reset to default"),
        bind("settings.leave", "leave", "Back"),
        bind("settings.quit", "leave", "Back", show=False),
    ]
    DEFAULT_CSS = """
    SettingsScreen #settings-title { height: 1; padding: 0 1; text-wrap: nowrap;
                                     text-overflow: ellipsis; }
    SettingsScreen #explanation { height: 8; padding: 0 1; border-top: solid $panel; }
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
        yield Static(Content(f"Settings · {path} · ● changed by you"), id="settings-title")
        yield VirtualTable(_COLUMNS, markable=False, selectable=False, id="settings")
        yield Static("", id="explanation", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Read the file."""
        self._load()

    @work(thread=True, exclusive=True)
    def _load(self) -> None:
        try:
            found = self._library.all_settings()
        except SettingsError as error:
            hand_over(self._complain, str(error))
        else:
            hand_over(self._show, found)

    def _show(self, read: tuple[Setting, ...]) -> None:
        themes = tuple(sorted(self.app.available_themes))
        found = [
            replace(s, choices=themes, kind="choice") if s.name == "app.theme" else s for s in read
        ]
        self._all = {setting.name: setting for setting in found}
        table = self.query_one(VirtualTable)
        key = table.cursor_key
        table.source = ListSource(_grouped(found))
        table.go_to(key if key is not None else next(iter(_in_order(found))).name)

    @property
    def _here(self) -> Setting | None:
        return self._all.get(str(self.query_one(VirtualTable).cursor_key))

    @on(VirtualTable.Highlighted)
    def _explain(self) -> None:
        setting, lines = self._here, list[str]()
        if setting is not None:
            lines = explanation_lines(setting, key_of("settings.open"))
            if _section(setting) == "notice":
                lines.append(_TELLS if self._tells_focus else _TELLS_NOT)
            if setting.name == "app.images":
                lines.append(f"Now: {pictures_words()}.")
        elif isinstance(group := self.query_one(VirtualTable).cursor_key, tuple):
            of_group = (s.section for s in self._all.values() if _section(s) == group[1])
            lines = [next(of_group, "")]
        text = Content("\n".join(map(clean, lines)))
        self.query_one("#explanation", Static).update(text, layout=False)

    @on(VirtualTable.Selected)
    def action_change(self) -> None:
        """Give it another value, in the form that suits it."""
        setting = self._here
        if setting is None:
            return
        app, theme = self.app, self.app.theme
        form: Screen[str | None]
        if setting.kind == "switch":
            self._write(setting, "false" if setting.text == "true" else "true")
            return
        if setting.name == "app.keys":
            form = RemapKeys(own_keys(setting.text))
        elif setting.kind == "choice":
            form = ChooseSetting(setting, self._show_theme if setting.name == "app.theme" else None)
        else:
            form = WriteSetting(setting)

        def given(text: str | None) -> None:
            if text is None:
                app.theme = theme  # it was shown others
            elif text != setting.text:
                self._write(setting, text)

        self.app.push_screen(form, given)

    def _show_theme(self, theme: str) -> None:
        if theme in self.app.available_themes:
            self.app.theme = theme

    def action_default(self) -> None:
        """Take it out of the file."""
        if (setting := self._here) is not None and setting.is_set:
            self._write(setting, None)

    @work(thread=True, exclusive=True, group="write")
    def _write(self, setting: Setting, text: str | None) -> None:
        app = self.app  # it is told even when this has been left
        try:
            written = self._library.change_setting(setting.name, text)
        except (SettingsError, OSError) as error:
            hand_to(app, self._complain, fault_of(error))
            return
        hand_to(app, self._written, written)

    def _written(self, setting: Setting) -> None:
        holds = self._library.settings.app
        if setting.name == "app.theme" and holds.theme in self.app.available_themes:
            self.app.theme = holds.theme
        elif setting.name == "app.bandwidth":
            take_bandwidth(holds.bandwidth)
        elif setting.name == "app.keys":
            self.app.post_message(KeysChanged(holds.keys))
        words = f"{setting.name}: {shown_value(setting)}, {_when(setting)}"
        self.notify(clean(words), markup=False)
        if not is_gone(self):
            self._load()

    def _complain(self, words: str) -> None:
        self.notify(clean(words), severity="error", markup=False)

    def action_leave(self) -> None:
        """Back to where one was."""
        self.dismiss(None)


def explanation_lines(setting: Setting, opens: str) -> list[str]:
    """What a setting is for, what it can be, and when a change of it holds.

    Args:
        setting: the setting.
        opens: the key that changes it.
    """
    does = "switches" if setting.kind == "switch" else "changes"
    when = "applies at once" if setting.applies == "now" else _when(setting)
    line = f"{opens} {does} it: {when}."
    if setting.kind == "choice" and setting.name != "app.theme":
        line = f"One of {', '.join(setting.choices)}. {line}"
    elif setting.bounds and setting.kind != "switch":
        line = f"It can be {setting.bounds}. {line}"
    return [f"{setting.name}: {setting.explanation}", line]


def _when(setting: Setting) -> str:
    """When it holds once it was changed."""
    return _APPLIES[setting.applies]


def _section(setting: Setting) -> str:
    return setting.name.rpartition(".")[0]


def _in_order(found: Iterable[Setting]) -> list[Setting]:
    """By groups; within one as they are declared."""
    order = {section: at for at, section in enumerate(_GROUPS)}
    return sorted(found, key=lambda each: order.get(_section(each), len(order)))


def _grouped(found: Iterable[Setting]) -> Iterator[TableRow]:
    """A row each, below the title of its group."""
    before = None
    for setting in _in_order(found):
        section = _section(setting)
        if section != before:
            before = section
            title = _GROUPS.get(section, section)
            yield TableRow(("group", section), (TableCell(title, "dim", "─ "),))
        yield _row(setting)


def _row(setting: Setting) -> TableRow:
    value, default = shown_value(setting), shown_value(replace(setting, text=setting.default))
    return TableRow(
        setting.name,
        (
            TableCell(f"  {setting.name.rpartition('.')[2]}"),
            TableCell(value, "own" if setting.is_set else "", "● " if setting.is_set else "  "),
            TableCell(default, "dim"),
        ),
    )
