"""Pulling models from the screen: one is chosen or typed, what it takes is shown, then pulled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Static

from engine.api import Library, ModelPull, PromptsheetError, PullPlan, PullProgress
from tui.keys import bind, key_of
from tui.pull_words import pace_words, plan_lines
from tui.pulling import Ended, Pulling
from tui.screens.ask import Ask
from tui.screens.dialog import Dialog
from tui.text import clean, size_text
from tui.workers import hand_to, work


@dataclass(frozen=True, slots=True)
class _Asked:
    coming: ModelPull
    plan: PullPlan


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

    def begin(self) -> None:
        """Ask which one."""
        if self._pulling.name:
            self._complain(
                f"{self._pulling.name} is being pulled: {key_of('models.stop')} stops that."
            )
        else:
            self._offer()

    @work(thread=True, exclusive=True, group="pulling")
    def _offer(self) -> None:
        offers = self._library.models.offers()
        choices = {f"{offer.label:13} {offer.about}": offer.label for offer in offers}
        hand_to(self.node, self._ask_which, choices)

    def _ask_which(self, choices: dict[str, str]) -> None:
        def chosen(answer: str | None) -> None:
            if answer is not None and answer.strip():
                what = choices.get(answer, answer.strip())
                self._said(f"Asking the Hub about {what} …")
                self._ask(what)

        self.node.app.push_screen(
            Ask(
                "Which model of the Hub? OWNER/NAME, or one of these",
                choices=tuple(choices),
                free=True,
                note="Its size and its licence are shown first.",
            ),
            chosen,
        )

    @work(thread=True, exclusive=True, group="pulling")
    def _ask(self, what: str) -> None:
        app, kept = self.node.app, False
        coming: ModelPull | None = None
        try:
            coming = self._pulling.coming = self._library.models.pull(what)
            coming.__enter__()
            kept = hand_to(self.node, self._show, _Asked(coming, coming.ask()))
        except (PromptsheetError, OSError) as error:
            hand_to(app, self._complain, str(error))
        finally:
            if coming is not None and not kept:
                self._pulling.coming = None
                coming.__exit__(None, None, None)

    def _show(self, asked: _Asked) -> None:
        app = self.node.app  # from a thread it cannot be found any more once the screen is left

        def agreed(answer: bool | None) -> None:
            if answer:
                self._pulling.begin(
                    asked.coming, asked.plan, lambda became: hand_to(app, self._tell, became)
                )
            else:
                self._close(asked.coming)

        self._said("")
        app.push_screen(PullModel(asked.plan), agreed)

    @work(thread=True, group="closing")
    def _close(self, coming: ModelPull) -> None:
        coming.__exit__(None, None, None)

    def _tell(self, became: Ended) -> None:
        if became.fault:
            self._complain(became.fault)
        elif became.label:
            words = f"{became.name} is pulled: it is in your models as {became.label}."
            self.node.app.notify(clean(words), markup=False, timeout=15)
        else:
            words = f"{became.name} is stopped. What has come is kept for the next time."
            self.node.app.notify(clean(words), markup=False)

    def _complain(self, words: str) -> None:
        self._said("")
        self.node.app.notify(clean(words), severity="error", markup=False, timeout=15)


class PullModel(Dialog[bool | None]):
    """Shows what pulling a model takes; ends with whether it is to be pulled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("keep.open", "agree", "Pull it"),
        bind("keep.leave", "leave", "Back"),
    ]
    DEFAULT_CSS = """
    PullModel { align: center middle; }
    PullModel > Vertical { width: 90%; max-width: 100; height: auto; max-height: 90%;
                           background: $surface; border: round $accent; padding: 0 1; }
    PullModel .note { color: $text-muted; height: auto; margin-top: 1; }
    """

    def __init__(self, plan: PullPlan) -> None:
        """Args: plan: what it takes."""
        super().__init__()
        self._plan = plan

    def compose(self) -> ComposeResult:
        """What is known of it, and what can be done."""
        plan = self._plan
        adds = "adds it to your models" if plan.is_here else "pulls it, while you work on"
        note = plan.room_fault or f"{key_of('keep.open')} {adds}; {key_of('keep.leave')} leaves it."
        with Vertical():
            yield Static(Content("\n".join(plan_lines(plan))))
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
