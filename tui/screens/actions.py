"""Every action that there is on a screen, found by its name, with its keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.dom import DOMNode
from textual.fuzzy import Matcher
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.keys import bind, words_of
from tui.screens.dialog import Dialog
from tui.widgets.dialog_box import DialogBox

_GAP = 3
_NOTHING = "No such action."


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done on a screen."""

    words: str
    keys: str
    """That do it now; empty where its key means something else, or it has none."""
    names: str
    """By which the settings know its keys."""
    run: Callable[[], object]


def actions_of(screen: Screen[object]) -> list[Action]:
    """Every action of a screen and of the app, by its name."""
    app, active = screen.app, screen.active_bindings
    found: dict[tuple[DOMNode, str], tuple[Binding, list[str], list[str]]] = {}
    for node, bindings in screen._modal_binding_chain:
        for key, binding in bindings:
            if not (binding.id and binding.description):
                continue
            if app._check_action_state(binding.action, node):
                _, names, keys = found.setdefault((node, binding.action), (binding, [], []))
                names.append(binding.id)
                # Where the key means something else, the action is there all the same.
                if (active[key].node, active[key].binding) == (node, binding):
                    keys.append(app.get_key_display(binding))
    actions = [
        Action(
            words_of(node, binding) or binding.description,
            " or ".join(dict.fromkeys(keys)),
            ", ".join(dict.fromkeys(names)),
            partial(app.call_later, app.run_action, action, node),
        )
        for (node, action), (binding, names, keys) in found.items()
    ]
    return sorted(actions, key=lambda each: each.words.casefold())


class ActionsScreen(Dialog[Action | None]):
    """Ends with the one that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("ask.leave", "leave", "Back"),
        bind("ask.down", "move('down')", "Next", show=False),
        bind("ask.up", "move('up')", "Previous", show=False),
    ]
    DEFAULT_CSS = """
    ActionsScreen DialogBox { width: 72; }
    ActionsScreen DialogBox OptionList { height: 55vh; margin: 1 0; }
    """

    def __init__(self, actions: Sequence[Action]) -> None:
        """Args: actions: what is offered."""
        super().__init__()
        self._actions = list(actions)
        self._shown: list[Action] = []

    def compose(self) -> ComposeResult:
        """The search field, and the actions that match it."""
        with DialogBox("Actions", enter="Do it"):
            yield Input(placeholder="a part of its name")
            yield OptionList()
            yield Static("", id="named", classes="note", markup=False)

    def on_mount(self) -> None:
        """All of them, to begin with."""
        self.query_one(OptionList).can_focus = False
        self.set_focus(self.query_one(Input))
        self._show("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value.strip())

    def _show(self, text: str) -> None:
        """Those whose name matches, the likeliest first."""
        matches = Matcher(text).match
        likely = [(matches(each.words) if text else 1.0, each) for each in self._actions]
        self._shown = [each for score, each in sorted(likely, key=lambda pair: -pair[0]) if score]
        width = max((Content(each.words).cell_length for each in self._actions), default=0) + _GAP
        options = self.query_one(OptionList)
        options.clear_options()
        for each in self._shown:
            gap = " " * (width - Content(each.words).cell_length)
            options.add_option(Option(Content.assemble(each.words, gap, (each.keys, "$accent"))))
        options.highlighted = 0 if self._shown else None
        if not self._shown:
            self.query_one("#named", Static).update(_NOTHING)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if (action := self._meant(event)) is not None:
            self.query_one("#named", Static).update(f"its key in the settings: {action.names}")

    def action_move(self, way: str) -> None:
        """To the next one or the previous one."""
        getattr(self.query_one(OptionList), f"action_cursor_{way}")()

    @on(Input.Submitted)
    def _do(self) -> None:
        if (index := self.query_one(OptionList).highlighted) is not None:
            self.dismiss(self._shown[index])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        if (action := self._meant(event)) is not None:
            self.dismiss(action)

    def _meant(self, event: OptionList.OptionMessage) -> Action | None:
        """The action; none: other ones are shown by now."""
        options, index = self.query_one(OptionList), event.option_index
        if index < options.option_count and options.get_option_at_index(index) is event.option:
            return self._shown[index]
        return None

    def action_leave(self) -> None:
        """Do nothing."""
        self.dismiss(None)
