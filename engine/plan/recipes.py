"""From a checked row to the recipes of its images."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.models.catalog import Model
from engine.picture.recipe import Recipe
from engine.plan.sizes import size_for
from engine.sheet.rows import RowValues

SEEDS = 2**31
"""Seeds are 0 … SEEDS-1 and wrap."""


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model as it stands when a session is planned; looked up once for all its rows."""

    model: Model
    scheduler: str
    fingerprint: str


def seed_of(first: int, variation: int) -> int:
    """The seed of a row's `variation` (from 1) whose first image has seed `first`."""
    return (first + variation - 1) % SEEDS


def recipes_for(
    values: RowValues, planned: PlannedModel, draw_seed: Callable[[], int]
) -> list[Recipe]:
    """One recipe for each image of a row, in the order of variations.

    Args:
        values: the row.
        planned: the row's model.
        draw_seed: called once, and only if the row has no seed of its own.
    """
    first = draw_seed() if values.seed_number is None else values.seed_number
    width, height = size_for(values.aspect_ratio, planned.model)
    rendering = planned.model.rendering[values.rendering]
    recipe = Recipe(
        prompt=values.prompt,
        negative_prompt=values.negative_prompt,
        seed=first,
        width=width,
        height=height,
        steps=rendering.steps,
        guidance=rendering.guidance,
        scheduler=planned.scheduler,
        model=planned.model.label,
        model_hash=planned.fingerprint,
    )
    return [recipe.with_seed(seed_of(first, v)) for v in range(1, values.num_images + 1)]
