"""Checked rows, and what they are planned with."""

from engine.models.catalog import load_models
from engine.plan.recipes import PlannedModel
from engine.plan.words import load_words
from engine.sheet.rows import RowValues

PLANNED = PlannedModel(load_models()["builtin"], "SomeScheduler", "abcd", load_words())


VALUES = {
    "prompt": "a red circle",
    "visibility": "private",
    "aspect_ratio": "3:2",
    "magic_prompt": True,
    "model": "builtin",
    "num_images": 3,
    "seed_number": 7,
    "rendering": "turbo",
    "negative_prompt": "blue",
    "style": "auto",
    "color_palette": (),
}


def values(**changes: object) -> RowValues:
    return RowValues(**(VALUES | changes))  # type: ignore[arg-type]


def never() -> int:
    raise AssertionError("a seed was drawn although the row has one")
