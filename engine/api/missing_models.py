"""A model that a cell names and the list lacks: what may be had for it, and the cell then."""

from dataclasses import dataclass

from engine.models.hub.offers import Offer, offers_like
from engine.models.hub.repository import PullError, named
from engine.sheet.editing import Draft
from engine.sheet.problem_navigation import Place
from engine.sheet.repair import bare, is_foreign_model
from engine.sheet.rows import Severity

_COLUMN = "model"
_OF_SHEETS = "ideogram-4"
"""The offer that is drawn with where a sheet means a model of Ideogram's."""


@dataclass(frozen=True, slots=True)
class MissingModel:
    """A model that is not there."""

    text: str
    """What the cell says."""
    label: str
    """What it is to be called so that the cell is whole; empty: a name of its own, since the cell's
    is one of Ideogram's."""

    def offers(self) -> tuple[Offer, ...]:
        """The Hub's models that may be meant, the likeliest first."""
        return offers_like(self.label or _OF_SHEETS)

    def repository(self) -> str:
        """The Hub's repository that the cell names itself, as OWNER/NAME; empty: none."""
        try:
            return named(self.label).name
        except PullError:
            return ""

    @classmethod
    def of(cls, draft: Draft, place: Place) -> "MissingModel | None":
        """What is missing where a cell names a model that is not there; None: nothing is."""
        if place.column != _COLUMN or draft.is_own(_COLUMN) or _COLUMN not in draft.columns:
            return None
        vocabulary, text = draft.vocabulary, draft.text(place.row, _COLUMN)
        if (
            text in vocabulary.models
            or text in vocabulary.model_faults
            or not (plain := bare(text))
        ):
            return None
        if not _is_faulty(draft, place):
            return None
        if not is_foreign_model(text):
            return cls(text, plain)
        has_one = any(model.captions for model in vocabulary.models.values())
        return None if has_one else cls(text, "")


def take_model(draft: Draft, text: str, label: str) -> int:
    """Write a model's label into all cells that read `text` and name none; how many rows."""
    for number in draft.numbers:
        place = Place(number, _COLUMN)
        if draft.text(number, _COLUMN) == text and _is_faulty(draft, place):
            return draft.take(place, label, everywhere=True)
    return 0


def _is_faulty(draft: Draft, place: Place) -> bool:
    problem = draft.problem(place)
    return problem is not None and (problem.column, problem.severity) == (_COLUMN, Severity.ERROR)
