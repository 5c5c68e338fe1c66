"""Models: which there are, what each needs and can do, whether it is whole."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.api import MissingModel, ModelInfo, PromptsheetError
from tui.app_state import AppState, ModelCame
from tui.keys import bind, key_of
from tui.model_words import added_words, facts, memory_text, used_text
from tui.screens.dialog import EndsOnce
from tui.screens.model_adding import ModelAdding
from tui.screens.model_missing import MissingQuestion, Ways
from tui.screens.model_pulling import ModelPulling, pull_line
from tui.text import clean, size_text
from tui.undo.actions import TakeOutAction
from tui.undo.undoing import ActionDone, Undoing
from tui.widgets.key_line import KeyLine
from tui.widgets.pairs import Pairs
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import ListSource, TableCell, TableRow
from tui.widgets.virtual_table import VirtualTable
from tui.workers import hand_over, is_gone, work

_COLUMNS = (
    TableColumn("label", "label", 14, share=2),
    TableColumn("family", "family", 18, share=1),
    TableColumn("size", "on disk", 8, align="right"),
    TableColumn("memory", "memory", 18, align="right"),
    TableColumn("whole", "files", 11),
    TableColumn("used", "last used", 10),
    TableColumn("licence", "licence", 12, share=1),
)
_NARROW = ("label", "family", "size", "whole")
"""The columns where there is little room."""
_WIDE = 100
"""Cells from which on there is room for all."""
_PULL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _ListedModels:
    """A model, and what was found when its files were looked at; None: not yet."""

    info: ModelInfo
    faults: tuple[str, ...] | None = None


def _whole_cell(listed: _ListedModels) -> TableCell:
    if listed.faults is None:
        return TableCell("checking", "dim", "… ")
    return (
        TableCell("incomplete", "error", "✗ ")
        if listed.faults
        else TableCell("whole", "success", "✓ ")
    )


def _cells(listed: _ListedModels) -> dict[str, TableCell]:
    info = listed.info
    if info.fault:
        return {"label": TableCell(info.label), "whole": TableCell("unusable", "error", "✗ ")}
    too_large = info.memory is not None and not info.memory.fits
    return {
        "label": TableCell(info.label),
        "family": TableCell(info.family, "dim"),
        "size": TableCell(size_text(info.bytes)),
        "memory": TableCell(memory_text(info), "warning" if too_large else ""),
        "whole": _whole_cell(listed),
        "used": TableCell(used_text(info), "dim"),
        "licence": TableCell(info.licence or "unknown", "" if info.licence else "dim"),
    }


@dataclass(frozen=True, slots=True)
class _Described:
    models: tuple[_ListedModels, ...]
    go_to: str | None
    """The label that the cursor is taken to."""


class ModelsScreen(EndsOnce[None]):
    """All models. Ends when it is left."""

    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("models.add", "add", "Add model"),
        bind("models.pull", "pull", "Pull from the Hub"),
        bind("models.take_away", "remove", "Remove model"),
        bind("models.leave", "leave", "Back"),
        bind("models.undo", "undo", "Undo"),
        bind("models.reload", "look_again", "Reload list"),
        bind("models.stop", "stop_pull", "Stop pull", show=False),
        bind("models.redo", "redo", "Redo", show=False),
        bind("models.quit", "leave", "Back", show=False),
    ]
    KEY_LINE: ClassVar[Sequence[str]] = ("models.add", "models.pull", "models.leave")
    DEFAULT_CSS = """
    ModelsScreen #models-title { height: 1; padding: 0 1; text-wrap: nowrap;
                                 text-overflow: ellipsis; }
    ModelsScreen #pull { height: auto; max-height: 2; padding: 0 1; color: $text-accent; }
    ModelsScreen #facts { height: auto; min-height: 10; max-height: 50%; padding: 0 1;
                          border-top: solid $panel; scrollbar-size-vertical: 1; }
    """

    def __init__(self, app_state: AppState, missing: MissingModel | None = None) -> None:
        """Args: app_state: the app's; missing: a model that is asked for, and is not there."""
        super().__init__()
        self._missing = missing
        self._added_for: MissingModel | None = None
        """What is being added for, if for what is missing."""
        self._library = app_state.library
        self._all: dict[str, _ListedModels] = {}
        self._undoing = Undoing(self, app_state.undo_stack, self._done, self.complain)
        self._pulling = app_state.pulling
        self._ended = self._pulling.ended
        self._asked = ""
        self._asking = ModelPulling(self, self._library, self._pulling, self._say_asked)
        self._adding = ModelAdding(self, self._library, self._added)

    def compose(self) -> ComposeResult:
        """How many, the models, what is known of the one under the cursor."""
        yield Static("Models", id="models-title", markup=False)
        yield VirtualTable(_COLUMNS, markable=False, selectable=False, id="models")
        with VerticalScroll(id="facts", can_focus=False):
            yield Pairs()
        yield Static("", id="pull", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Look at them, and ask where the one that is missing comes from."""
        self.load()
        if (missing := self._missing) is not None:
            ways = Ways(
                pull=lambda what: self._asking.pull(what, missing),
                pull_other=lambda: self._asking.begin(missing),
                add=lambda: self._add(missing),
                leave=self.action_leave,
            )
            MissingQuestion(self, missing, ways).begin()
        self._show_pull()
        self.set_interval(_PULL_SECONDS, self._show_pull)

    def on_resize(self) -> None:
        """The columns there is room for."""
        self._show_columns()

    @work(thread=True, exclusive=True)
    def load(self, go_to: str | None = None) -> None:
        """List them, and then look at the files of each."""
        try:
            found = tuple(_ListedModels(info) for info in self._library.models.described())
        except PromptsheetError as error:
            hand_over(self.complain, str(error))
            return
        if not hand_over(self._show, _Described(found, go_to)):
            return
        for listed in found:
            if listed.info.fault:
                continue
            try:
                faults = tuple(self._library.models.check(listed.info.label))
            except PromptsheetError as error:  # it was taken out meanwhile
                faults = (str(error),)
            if not hand_over(self._show_checked, replace(listed, faults=faults)):
                return

    def _show(self, described: _Described) -> None:
        self._all = {listed.info.label: listed for listed in described.models}
        self._draw()
        if described.go_to is not None:
            self.query_one(VirtualTable).go_to(described.go_to)
        count = len(described.models)
        adds = f"{key_of('models.add')} adds your own: a folder or a .safetensors file"
        words = f"Models · {count} · {adds}"
        self.query_one("#models-title", Static).update(Content(words), layout=False)

    def _show_checked(self, listed: _ListedModels) -> None:
        self._all[listed.info.label] = listed
        self._draw()

    def _draw(self) -> None:
        table = self.query_one(VirtualTable)
        key, empty = table.cursor_key, TableCell("")
        names = [column.name for column in self._columns]
        rows = (
            TableRow(label, tuple(_cells(listed).get(name, empty) for name in names))
            for label, listed in self._all.items()
        )
        table.source = ListSource(rows)
        if key is not None:
            table.go_to(key)
        self._explain()

    @property
    def _columns(self) -> tuple[TableColumn, ...]:
        wide = self.size.width >= _WIDE
        return tuple(column for column in _COLUMNS if wide or column.name in _NARROW)

    def _show_columns(self) -> None:
        table = self.query_one(VirtualTable)
        if table.columns != self._columns:
            table.columns = self._columns
            self._draw()

    @property
    def _here(self) -> _ListedModels | None:
        return self._all.get(str(self.query_one(VirtualTable).cursor_key))

    @on(VirtualTable.Highlighted)
    def _explain(self) -> None:
        listed = self._here
        pairs: list[tuple[str, str]] = []
        if listed is not None and listed.info.fault:
            pairs = [("label", listed.info.label), ("✗", listed.info.fault)]
        elif listed is not None:
            pairs = [("✗", fault) for fault in listed.faults or ()]
            pairs += [("label", listed.info.label), *facts(listed.info)]
            pairs += [("last used", used_text(listed.info))]
        self.query_one(Pairs).show(pairs)

    # ---------------------------------------------------------------- what can be done

    def action_add(self) -> None:
        """Ask for a path, and add what is there."""
        self._add(None)

    def _add(self, missing: MissingModel | None) -> None:
        self._added_for = missing
        self._adding.begin(missing.label if missing is not None else "")

    def action_pull(self) -> None:
        """Ask for a model of the Hub, and pull it."""
        self._asking.begin()

    def action_stop_pull(self) -> None:
        """End the pull that is under way."""
        self._pulling.stop()

    def _say_asked(self, words: str) -> None:
        self._asked = words
        if not is_gone(self):
            self._show_pull()

    def _show_pull(self) -> None:
        """How far the pull is; when one has ended, the models again."""
        name = self._pulling.name
        words = pull_line(name, self._pulling.progress) if name else self._asked
        self.query_one("#pull", Static).update(Content(clean(words)))
        if self._ended != self._pulling.ended:
            self._ended = self._pulling.ended
            self.load()

    def action_look_again(self) -> None:
        """Read the list and look at the files again."""
        self.load()

    def action_remove(self) -> None:
        """Take the model under the cursor out of the list; its files stay."""
        if (listed := self._here) is not None:
            self._undoing.do(TakeOutAction(self._library, listed.info.label))

    def action_undo(self) -> None:
        """Undo what was done last."""
        self._undoing.undo()

    def action_redo(self) -> None:
        """Do again what was undone last."""
        self._undoing.redo()

    def action_leave(self) -> None:
        """Back to where one was."""
        self.dismiss(None)

    async def _done(self, done: ActionDone) -> None:
        self.app.notify(clean(done.words), markup=False)
        if not is_gone(self):
            self.load()

    def _added(self, labels: tuple[str, ...]) -> None:
        self.app.notify(added_words(labels), markup=False)
        if self._added_for is not None and len(labels) == 1:
            self.app.post_message(ModelCame(self._added_for.text, labels[0]))
            self.action_leave()
        elif not is_gone(self):
            self.load(labels[0])

    def complain(self, words: str) -> None:
        """Say what went wrong."""
        self.app.notify(clean(words), severity="error", markup=False)
