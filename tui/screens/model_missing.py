"""A model that a sheet names and that is not there: pulled from the Hub, or added from the disk."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from textual.dom import DOMNode

from engine.api import MissingModel, Offer
from tui.pull_words import offer_line
from tui.screens.ask import Ask
from tui.workers import hand_to, work


@dataclass(frozen=True, slots=True)
class Ways:
    """How a missing model can come."""

    pull: Callable[[str], object]
    """Told what is to be pulled: an offer's label, or OWNER/NAME."""
    pull_other: Callable[[], object]
    add: Callable[[], object]
    leave: Callable[[], object]


@dataclass(frozen=True, slots=True)
class _OnOffer:
    offers: tuple[Offer, ...]
    repository: str
    """On the Hub, that the cell names beside them; empty: none."""


class MissingQuestion:
    """Asks where it is to come from; what is on offer is looked up in a thread."""

    def __init__(self, node: DOMNode, missing: MissingModel, ways: Ways) -> None:
        """Ready to begin.

        Args:
            node: the screen that asks.
            missing: what is missing.
            ways: what follows from each answer.
        """
        self.node = node
        self._missing = missing
        self._ways = ways

    @work(thread=True, exclusive=True, group="missing")
    def begin(self) -> None:
        """Ask."""
        offers, name = tuple(self._missing.offers()), self._missing.repository()
        known = any(offer.repository == name for offer in offers)
        hand_to(self.node, self._ask, _OnOffer(offers, "" if known else name))

    def _ask(self, found: _OnOffer) -> None:
        pull, choices = self._ways.pull, dict[str, Callable[[], object]]()
        for offer in found.offers:
            choices[f"pull {offer_line(offer)}"] = partial(pull, offer.label)
        if name := found.repository:
            choices[f"pull {name} from the Hub"] = partial(pull, name)
        choices["pull another model from the Hub"] = self._ways.pull_other
        choices["add a folder or file from this disk"] = self._ways.add

        def chosen(answer: str | None) -> None:
            choices.get(answer or "", self._ways.leave)()

        called = self._missing.label
        note = f"It gets the label {called}, so the cells that name it become valid."
        self.node.app.push_screen(
            Ask(
                (
                    f"The sheet uses the model {self._missing.text}, which you do not have."
                    " Where should it come from?"
                ),
                choices=tuple(choices),
                note=note
                if called
                else "The cells that name it then change to the model's own label.",
            ),
            chosen,
        )
