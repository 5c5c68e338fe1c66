"""Pulling models from the screen: one is chosen or typed, what it takes is shown, then pulled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Static

from engine.api import (
    Library,
    MissingModel,
    ModelPull,
    Offer,
    PromptsheetError,
    PullPlan,
    PullProgress,
    fault_of,
)
from tui.app_state import ModelCame
from tui.keys import bind, key_of
from tui.pull_words import pace_words, plan_facts, plan_head
from tui.pulling import Ended, Pulling
from tui.screens.ask import Ask
from tui.screens.dialog import Dialog
from tui.text import clean, size_text
from tui.widgets.dialog_box import DialogBox
from tui.widgets.pairs import Pairs
from tui.workers import hand_to, work


@dataclass(frozen=True, slots=True)
class _Asked:
    coming: ModelPull
    plan: PullPlan
    facts: tuple[tuple[str, str], ...]
    """What pulling it takes."""
    missing: MissingModel | None
    """What the sheet asked for."""


@dataclass(frozen=True, slots=True)
class _Offered:
    offers: tuple[Offer, ...]
    missing: MissingModel | None
    """What the sheet asked for."""


class ModelPulling:
    """Asks step by step; what the Hub is asked is a thread's."""

    def __init__(
        self, node: DOMNode, library: Library, pulling: Pulling, said: Callable[[str], object]
    ) -> None:
        """Ready to begin.

        Args:
            node: the screen that asks.
            library: whose front door the models are behind.
            pulling: what is being pulled.
            said: told what is being waited for; empty: nothing any more.
        """
        self.node = node
        self._library = library
        self._pulling = pulling
        self._said = said

    def begin(self, missing: MissingModel | None = None) -> None:
        """Ask which one.

        Args:
            missing: what the sheet asks for, after which it is then called.
        """
        if self._is_free():
            self._offer(missing)

    def pull(self, what: str, missing: MissingModel | None = None) -> None:
        """Ask the Hub about one, show what it takes, and pull it.

        Args:
            what: an offer's label, or OWNER/NAME.
            missing: as for `begin`.
        """
        if self._is_free():
            self._said(f"Asking the Hub about {what} …")
            self._ask(what, missing)

    def _is_free(self) -> bool:
        if name := self._pulling.name:
            self._complain(f"{name} is already being pulled: {key_of('models.stop')} stops it.")
        return not name

    @work(thread=True, exclusive=True, group="pulling")
    def _offer(self, missing: MissingModel | None) -> None:
        offered = _Offered(tuple(self._library.models.offers()), missing)
        hand_to(self.node, self._ask_which, offered)

    def _ask_which(self, offered: _Offered) -> None:
        choices = {f"{offer.label:13} {offer.about}": offer.label for offer in offered.offers}

        def chosen(answer: str | None) -> None:
            if answer is not None and answer.strip():
                self.pull(choices.get(answer, answer.strip()), offered.missing)

        self.node.app.push_screen(
            Ask(
                "Pull which model from the Hub? OWNER/NAME, or one of these",
                choices=tuple(choices),
                free=True,
                note="You see its size and licence before anything is downloaded.",
            ),
            chosen,
        )

    @work(thread=True, exclusive=True, group="pulling")
    def _ask(self, what: str, missing: MissingModel | None) -> None:
        app, kept = self.node.app, False
        coming: ModelPull | None = None
        try:
            label = missing.label if missing is not None else ""
            coming = self._pulling.coming = self._library.models.pull(what, label)
            coming.__enter__()
            plan = coming.ask()
            asked = _Asked(coming, plan, tuple(plan_facts(coming, plan)), missing)
            kept = hand_to(self.node, self._show, asked)
        except (PromptsheetError, OSError) as error:
            hand_to(app, self._complain, fault_of(error))
        finally:
            if coming is not None and not kept:
                self._pulling.coming = None
                coming.__exit__(None, None, None)

    def _show(self, asked: _Asked) -> None:
        app = self.node.app  # from a thread it cannot be found any more once the screen is left

        def agreed(answer: bool | None) -> None:
            if answer and self._is_free():  # another may have begun since it was asked about
                self._pulling.begin(
                    asked.coming,
                    asked.plan,
                    lambda became: hand_to(app, lambda b: self._tell(b, asked.missing), became),
                )
            else:
                self._close(asked.coming)

        self._said("")
        app.push_screen(PullModel(asked.plan, asked.facts), agreed)

    @work(thread=True, group="closing")
    def _close(self, coming: ModelPull) -> None:
        coming.__exit__(None, None, None)

    def _tell(self, became: Ended, missing: MissingModel | None) -> None:
        if became.fault:
            self._complain(became.fault)
        elif became.label:
            words = f"{became.name} was pulled and added to your models as {became.label}."
            self.node.app.notify(clean(words), markup=False, timeout=15)
            if missing is not None:
                self.node.app.post_message(ModelCame(missing.text, became.label))
        else:
            words = (
                f"{became.name} was stopped. What was downloaded is kept; pull it again to"
                " continue."
            )
            self.node.app.notify(clean(words), markup=False, timeout=15)

    def _complain(self, words: str) -> None:
        self._said("")
        self.node.app.notify(clean(words), severity="error", markup=False, timeout=15)


class PullModel(Dialog[bool | None]):
    """Shows what pulling a model takes; ends with whether it is to be pulled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("keep.open", "agree", "Pull model"),
        bind("keep.leave", "leave", "Back"),
    ]
    DEFAULT_CSS = """
    PullModel DialogBox { width: 90%; max-width: 100; }
    PullModel VerticalScroll { height: auto; max-height: 55vh; scrollbar-size-vertical: 1; }
    PullModel .note { margin-top: 1; }
    """

    def __init__(self, plan: PullPlan, facts: tuple[tuple[str, str], ...]) -> None:
        """Args: plan: what it takes; facts: the same in words."""
        super().__init__()
        self._plan, self._facts = plan, facts

    def compose(self) -> ComposeResult:
        """What is known of it, and what can be done."""
        plan = self._plan
        adds = "adds it to your models" if plan.is_here else "pulls it in the background"
        note = plan.room_fault or f"{key_of('keep.open')} {adds}; {key_of('keep.leave')} cancels."
        with DialogBox("Pull a model"):
            yield Static(Content(plan_head(plan)))
            with VerticalScroll():
                yield Pairs(self._facts)
            yield Static(Content(clean(note)), classes="note")

    def action_agree(self) -> None:
        """Pull it, if there is room."""
        self.dismiss(not self._plan.room_fault)

    def action_leave(self) -> None:
        """Not pulled."""
        self.dismiss(False)


def pull_line(name: str, step: PullProgress | None) -> str:
    """`Pulling acme/tiny: 13 MB of 20 MB · 2.0 MB/s, 00:00:04 left`, and what stops it."""
    stops = f"{key_of('models.stop')} stops it"
    if step is None:
        return f"Pulling {name} … · {stops}"
    share = f"{size_text(step.done)} of {size_text(step.total)}"
    parts = (share, pace_words(step), stops)
    return f"Pulling {name}: " + " · ".join(part for part in parts if part)
