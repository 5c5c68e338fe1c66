"""From recipes to batches: images of equal shape that one call of the pipeline renders."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from engine.picture.recipe import Recipe
from engine.plan.sizes import Enlarged


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch by the positions of its images in the plan."""

    size: int
    """Images in the call; slots past the members are padded."""
    members: tuple[int, ...]
    """Positions of the images, in the order of slots from 0."""
    lot: int = 0
    """0: the first batch of its model; else one number for all the others of that model."""
    work: float = 0.0
    """Pixels × steps × size: what its time grows with."""


def shape_of(recipe: Recipe) -> Hashable:
    """What all images of one pipeline call must share."""
    return (
        recipe.model,
        recipe.model_hash,
        recipe.width,
        recipe.height,
        recipe.steps,
        recipe.guidance,
        recipe.scheduler,
        # Where no image of a call has one, some pipelines use zeros instead of an encoded "";
        # mixed, the others' pixels would depend on their companions.
        bool(recipe.negative_prompt),
        # What is drawn on pictures is another pipeline's, and takes steps by its strength.
        bool(recipe.image),
        bool(recipe.mask),
        recipe.strength,
        recipe.tile,
        # They change the model's own layers, for all images of a call.
        recipe.loras,
    )


def power_of_two_within(limit: int) -> int:
    """The largest of 1, 2, 4, 8 … that is at most `limit` (at least 1)."""
    return 1 << (max(1, limit).bit_length() - 1)


def batch_size_holding(count: int) -> int:
    """The smallest of 1, 2, 4, 8 … that holds `count` images."""
    return 1 << (count - 1).bit_length()


def plan_batches(recipes: Sequence[Recipe], largest: Callable[[Recipe], int]) -> list[PlannedBatch]:
    """Every recipe in exactly one batch, in the order in which one renderer should take them.

    First one batch of every model, so that something of each is seen early; then model by model,
    so that each is loaded as seldom as can be, and of each what has the same LoRAs, so that calls
    can run side by side; within that in the order of the sheet. Sizes are
    powers of two, so that a session sees few of them: an image depends on its batch's size, not
    on its companions.

    Args:
        recipes: in the order of the sheet.
        largest: most images of a recipe's shape in one call.
    """
    groups: dict[Hashable, list[int]] = {}
    for position, recipe in enumerate(recipes):
        groups.setdefault(shape_of(recipe), []).append(position)
    batches = []
    for positions in groups.values():
        first = recipes[positions[0]]
        work = Enlarged(first.width, first.height, first.tile).drawn * first.steps
        full = power_of_two_within(largest(first))
        for start in range(0, len(positions), full):
            members = tuple(positions[start : start + full])
            size = batch_size_holding(len(members))
            batches.append(PlannedBatch(size, members, work=float(work * size)))
    batches.sort(key=lambda batch: batch.members[0])
    return _by_model(batches, [recipes[batch.members[0]] for batch in batches])


def _by_model(batches: Sequence[PlannedBatch], firsts: Sequence[Recipe]) -> list[PlannedBatch]:
    """The batches, each model's first in front, the others in one lot a model."""
    alike: dict[str, dict[Hashable, list[PlannedBatch]]] = {}
    for batch, recipe in zip(batches, firsts, strict=True):
        alike.setdefault(recipe.model, {}).setdefault(recipe.loras, []).append(batch)
    lots = {model: [*chain(*sets.values())] for model, sets in alike.items()}
    # The model whose first batch was the last to be rendered is loaded then: its lot comes next.
    order = list(reversed(lots.values())) if len(lots) > 1 else list(lots.values())
    rest = [
        replace(batch, lot=number) for number, lot in enumerate(order, start=1) for batch in lot[1:]
    ]
    return [*(lot[0] for lot in lots.values()), *rest]
