"""Adding models from the screen: a path is asked for, what is there is shown, then kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Input, Static

from engine.api import FoundModel, Library, ModelInfo, PromptsheetError, fault_of
from tui.keys import bind
from tui.model_words import facts, found_head, found_line, found_remark
from tui.screens.ask import Ask
from tui.screens.dialog import Dialog
from tui.screens.open_sheet import PathSuggester
from tui.text import clean, count_text
from tui.typed_path import typed_path
from tui.widgets.dialog_box import DialogBox
from tui.widgets.pairs import Pairs
from tui.workers import hand_to, work

_ENDINGS = (".safetensors", ".gguf")
_YES, _NONE, _SHOWN = "yes, add", "no, cancel", 12


@dataclass(frozen=True, slots=True)
class _Single:
    found: FoundModel
    info: ModelInfo


@dataclass(frozen=True, slots=True)
class _FoundModels:
    path: Path
    """Where they are."""
    every: tuple[FoundModel, ...]
    fresh: tuple[FoundModel, ...]
    """Those of them that can be added."""


class ModelAdding:
    """Asks step by step; each look at the disk is a thread's."""

    def __init__(
        self, node: DOMNode, library: Library, added: Callable[[tuple[str, ...]], object]
    ) -> None:
        """Ready to begin.

        Args:
            node: the screen that asks.
            library: whose front door the models are behind.
            added: told of the labels of what was added.
        """
        self.node = node
        self._library = library
        self._added = added
        self._label = ""

    def begin(self, label: str = "") -> None:
        """Ask for a path.

        Args:
            label: what it is to be called; empty: after its file.
        """
        self._label = label
        self.node.app.push_screen(
            Ask(
                "Which model? A folder in diffusers' format, a .safetensors or .gguf file, or a"
                " folder full",
                note="→ completes. You see what was found before it is added; files stay in place.",
                suggester=PathSuggester(_ENDINGS),
            ),
            self._typed,
        )

    def _typed(self, text: str | None) -> None:
        if text is not None and text.strip():
            self._look(typed_path(text), None)

    @work(thread=True, exclusive=True, group="adding")
    def _look(self, path: Path, base: Path | None) -> None:
        app = self.node.app
        try:
            found = self._library.models.look_at(path, base)
            if found.is_tree:
                every = tuple(self._library.models.look_through(path))
                known = zip(every, self._library.models.labels_of(*every), strict=True)
                fresh = tuple(each for each, labels in known if not each.fault and not labels)
                if len(fresh) != 1:
                    hand_to(app, self._ask_about_all, _FoundModels(path, every, fresh))
                    return
                found = fresh[0]
            if found.is_lora:
                hand_to(app, self._ask_about_lora, found)
                return
            if found.needs_base:
                hand_to(app, self._ask_base, found)
                return
            single = _Single(found, self._library.models.would_be(found))
        except (PromptsheetError, OSError) as error:
            hand_to(app, self._complain, fault_of(error))
            return
        hand_to(app, self._show_single, single)

    def _ask_base(self, found: FoundModel) -> None:
        def typed(text: str | None) -> None:
            if text is not None and text.strip():
                self._look(found.path, typed_path(text))

        question = f"{found.fault} Which folder?"
        self.node.app.push_screen(Ask(question, suggester=PathSuggester(())), typed)

    def _ask_about_lora(self, found: FoundModel) -> None:
        def chosen(answer: str | None) -> None:
            if answer == _YES:
                self._keep_lora(found)

        self.node.app.push_screen(
            Ask(
                f"{found_head(found)} Add it to your LoRAs?",
                choices=(_YES, _NONE),
                note="Sheets can then use it in the column lora.",
            ),
            chosen,
        )

    @work(thread=True, exclusive=True, group="adding")
    def _keep_lora(self, found: FoundModel) -> None:
        try:
            label = self._library.models.add_lora(found)
        except (PromptsheetError, OSError) as error:
            hand_to(self.node.app, self._complain, fault_of(error))
        else:
            hand_to(self.node.app, self._say, f"{label} is in your LoRAs.")

    def _say(self, words: str) -> None:
        self.node.app.notify(clean(words), markup=False)

    def _show_single(self, single: _Single) -> None:
        def labelled(label: str | None) -> None:
            if label is not None:
                self._keep((single.found,), label)

        self.node.app.push_screen(KeepModel(single.info, single.found, self._label), labelled)

    def _ask_about_all(self, several: _FoundModels) -> None:
        fresh = several.fresh
        if not fresh:
            lines = [found_line(each, ()) for each in several.every[:_SHOWN]]
            said = "; ".join(lines) or "it holds no weights"
            self._complain(f"No new models in {several.path}: {said}")
            return
        everything = f"yes, all {len(fresh)}"
        by_name = {found_line(each, ()).removeprefix("✓ "): each for each in fresh}

        def chosen(answer: str | None) -> None:
            if answer == everything:
                self._keep(fresh, "")
            elif answer in by_name:
                self._keep((by_name[answer],), "")

        left = len(several.every) - len(fresh)
        self.node.app.push_screen(
            Ask(
                f"{count_text(len(fresh), 'model')} in {several.path}. Add them?",
                choices=(everything, _NONE, *by_name),
                note=(
                    f"{count_text(left, 'other file')} skipped: not models, or already in your"
                    " list."
                )
                if left
                else "",
            ),
            chosen,
        )

    @work(thread=True, exclusive=True, group="adding")
    def _keep(self, found: tuple[FoundModel, ...], label: str) -> None:
        app = self.node.app
        models = self._library.models
        try:
            added = [models.add(found[0], label).label] if label else models.add_all(found)
        except (PromptsheetError, OSError) as error:
            hand_to(app, self._complain, fault_of(error))
        else:
            hand_to(app, self._added, tuple(added))

    def _complain(self, words: str) -> None:
        self.node.app.notify(clean(words), severity="error", markup=False, timeout=15)


class KeepModel(Dialog[str | None]):
    """Shows what was found out about a model; ends with the label to keep it under, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("keep.leave", "leave", "Back")]
    DEFAULT_CSS = """
    KeepModel DialogBox { width: 90%; max-width: 100; }
    KeepModel Input { margin: 1 0; }
    """

    def __init__(self, info: ModelInfo, found: FoundModel, label: str) -> None:
        """Args: info: what it would be; found: where; label: offered for it, if not empty."""
        super().__init__()
        self._info, self._found = info, found
        self._label = label or info.label

    def compose(self) -> ComposeResult:
        """What is known, and the label."""
        with DialogBox("Add a model", enter="Add model"):
            yield Static(Content(found_head(self._found)))
            yield Pairs(facts(self._info))
            if remark := found_remark(self._found):
                yield Static(remark, classes="note", markup=False)
            yield Input(self._label, select_on_focus=False)
            yield Static("enter adds it under this label.", classes="note", markup=False)

    @on(Input.Submitted)
    def _kept(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Not kept."""
        self.dismiss(None)
