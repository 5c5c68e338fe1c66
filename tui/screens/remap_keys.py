"""Other keys for actions, given by pressing them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from engine.api import did_you_mean
from tui.keys import KEYS, all_bindings, all_ids, bind, called, verb_of
from tui.screens.dialog import Dialog, EndsOnce
from tui.text import clean
from tui.widgets.dialog_box import DialogBox
from tui.widgets.key_line import KeyLine
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import ListSource, TableCell, TableRow
from tui.widgets.virtual_table import VirtualTable
from tui.workers import hand_over, work

_COLUMNS = (
    TableColumn("words", "action", 26, share=2),
    TableColumn("keys", "keys", 14),
    TableColumn("default", "default", 14),
    TableColumn("places", "where", 14, share=1),
)
_TYPED_IN = {"ask", "cell", "open", "prompts", "pictures", "export", "setting"}
"""Places where letters are typed: a key there cannot be one."""
_MET = ("app", "sheet", "jobs", "review", "sessions", "models", "table", "contact", "full")
"""Places in the order in which one comes to them."""
_WORDS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Verb:
    """What a key does, wherever it does it."""

    name: str
    words: str
    ids: tuple[str, ...]
    """Of its bindings: `place.verb`."""

    @property
    def places(self) -> list[str]:
        """Where it works."""
        return [each.rpartition(".")[0] for each in self.ids]


def verbs(bindings: Iterable[Binding]) -> list[Verb]:
    """All verbs there are, as the table of keys has them in order."""
    found: dict[str, dict[str, str]] = {}
    for binding in bindings:
        if binding.id and verb_of(binding.id) in KEYS:
            found.setdefault(verb_of(binding.id), {})[binding.id] = binding.description
    order = {verb: at for at, verb in enumerate(KEYS)}
    listed = sorted(found.items(), key=lambda item: order[item[0]])
    return [Verb(verb, _words(ids), tuple(sorted(ids))) for verb, ids in listed]


def _words(ids: Mapping[str, str]) -> str:
    """What it is called, where it is met first."""
    order = {place: at for at, place in enumerate(_MET)}
    by_place = sorted(ids, key=lambda each: order.get(each.rpartition(".")[0], len(order)))
    return ", ".join(list(dict.fromkeys(ids[each] for each in by_place))[:_WORDS_SHOWN])


def keys_now(verb: Verb, changed: Mapping[str, str]) -> tuple[str, ...]:
    """A verb's keys, by Textual's names: the user's own, else the table's."""
    own = next((changed[each] for each in verb.ids if each in changed), KEYS[verb.name])
    return tuple(key.strip() for key in own.split(","))


def refusal(verb: Verb, key: str, all_verbs: Iterable[Verb], changed: Mapping[str, str]) -> str:
    """Why a verb cannot have a key, in words; empty: it can."""
    for other in all_verbs:
        if other.name != verb.name and key in keys_now(other, changed):
            return (
                f"{called(key)} already means “{other.words}”. Give that action another key first."
            )
    is_letter = len(called(key)) == 1 and called(key).isprintable()
    if is_letter and _TYPED_IN.intersection(verb.places):
        return (
            f"{called(key)} would also type a letter here: choose a key with ctrl, or a function"
            " key."
        )
    return ""


def unknown_actions(keys: Mapping[str, str]) -> str:
    """Which actions are given other keys and do not exist, in words; empty: none."""
    known = all_ids()
    wrong = [name for name in keys if name not in known]
    if not wrong:
        return ""
    return f"There is no action {', '.join(wrong)}.{did_you_mean(wrong[0], sorted(known))}"


class RemapKeys(EndsOnce[str | None]):
    """Ends with the keys that are others, as the setting `app.keys` has them; None: none changed.

    One verb keeps one key: it is given to all places where it works.
    """

    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("settings.open", "change", "Press another key", first=True),
        bind("settings.default", "default", "Reset to default"),
        bind("settings.leave", "leave", "Save and go back"),
        bind("settings.quit", "leave", "Save and go back", show=False),
    ]
    KEY_LINE: ClassVar[Sequence[str]] = ("settings.open", "settings.leave")
    DEFAULT_CSS = """
    RemapKeys #keys-title { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, changed: Mapping[str, str]) -> None:
        """Args: changed: action → its keys, for those that have others than the table's."""
        super().__init__()
        self._before = dict(changed)
        self._changed = dict(changed)
        self._verbs: Sequence[Verb] = ()

    def compose(self) -> ComposeResult:
        """What this is, the verbs with their keys."""
        yield Static(
            Content("Keys · ● changed by you · a key means the same everywhere"), id="keys-title"
        )
        yield VirtualTable(_COLUMNS, markable=False, id="keys")
        yield KeyLine()

    def on_mount(self) -> None:
        """Find all bindings, which loads every screen."""
        self._find()

    @work(thread=True, exclusive=True)
    def _find(self) -> None:
        hand_over(self._take, tuple(verbs(all_bindings())))

    def _take(self, found: tuple[Verb, ...]) -> None:
        self._verbs = found
        self._show()

    def _show(self) -> None:
        table = self.query_one(VirtualTable)
        key = table.cursor_key
        table.source = ListSource(self._rows())
        if key is not None:
            table.go_to(key)

    def _rows(self) -> Iterator[TableRow]:
        for verb in self._verbs:
            is_own = any(each in self._changed for each in verb.ids)
            yield TableRow(
                verb.name,
                (
                    TableCell(clean(verb.words)),
                    TableCell(
                        _shown(keys_now(verb, self._changed)),
                        "own" if is_own else "",
                        "● " if is_own else "  ",
                    ),
                    TableCell(_shown(KEYS[verb.name].split(",")), "dim"),
                    TableCell(", ".join(verb.places), "dim"),
                ),
            )

    @property
    def _here(self) -> Verb | None:
        name = self.query_one(VirtualTable).cursor_key
        return next((verb for verb in self._verbs if verb.name == name), None)

    @on(VirtualTable.Selected)
    def action_change(self) -> None:
        """Wait for a key."""
        verb = self._here
        if verb is None:
            return

        def pressed(key: str | None) -> None:
            if key is not None:
                self._changed |= dict.fromkeys(verb.ids, key)
                self._show()

        self.app.push_screen(PressKey(verb, self._verbs, self._changed), pressed)

    def action_default(self) -> None:
        """The table's keys again."""
        if (verb := self._here) is not None:
            for each in verb.ids:
                self._changed.pop(each, None)
            self._show()

    def action_leave(self) -> None:
        """Take what was changed."""
        pairs = ", ".join(
            f"{json.dumps(each)} = {json.dumps(key)}" for each, key in self._changed.items()
        )
        self.dismiss(None if self._changed == self._before else f"{{{pairs}}}")


def _shown(keys: Iterable[str]) -> str:
    return " ".join(called(key) for key in keys)


class PressKey(Dialog[str | None]):
    """Ends with the key that is pressed, once it is one that can be; None: that for leaving was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("setting.leave", "leave", "Back", first=True),
    ]
    DEFAULT_CSS = """
    PressKey #fault { color: $text-error; height: auto; min-height: 1; }
    """

    def __init__(self, verb: Verb, all_verbs: Sequence[Verb], changed: Mapping[str, str]) -> None:
        super().__init__()
        self._verb, self._all_verbs, self._changed = verb, all_verbs, changed

    def compose(self) -> ComposeResult:
        """What is waited for."""
        now = _shown(keys_now(self._verb, self._changed))
        with DialogBox(self._verb.words):
            yield Static(Content(clean(f"Press the new key; it is {now} now.")))
            yield Static("", id="fault", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Take it, or say why not."""
        event.stop()
        event.prevent_default()
        if fault := refusal(self._verb, event.key, self._all_verbs, self._changed):
            self.query_one("#fault", Static).update(Content(f"✗ {clean(fault)}"))
        else:
            self.dismiss(event.key)

    def action_leave(self) -> None:
        """As it was."""
        self.dismiss(None)
