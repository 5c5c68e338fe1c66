"""From recipes to batches: images of equal shape that one call of the pipeline renders."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from engine.picture.recipe import Recipe


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch by the positions of its images in the plan."""

    size: int
    """Images in the call; slots past the members are padded."""
    members: tuple[int, ...]
    """Positions of the images, in the order of slots from 0."""


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
    )


def power_of_two_within(limit: int) -> int:
    """The largest of 1, 2, 4, 8 … that is at most `limit` (at least 1)."""
    return 1 << (max(1, limit).bit_length() - 1)


def batch_size_holding(count: int) -> int:
    """The smallest of 1, 2, 4, 8 … that holds `count` images."""
    return 1 << (count - 1).bit_length()


def plan_batches(recipes: Sequence[Recipe], largest: Callable[[Recipe], int]) -> list[PlannedBatch]:
    """Every recipe in exactly one batch, batches in the order of their first image.

    Sizes are powers of two, so that a session sees few of them: an image depends on its batch's
    size, not on its companions.

    Args:
        recipes: in the order of the sheet.
        largest: most images of a recipe's shape in one call.
    """
    groups: dict[Hashable, list[int]] = {}
    for position, recipe in enumerate(recipes):
        groups.setdefault(shape_of(recipe), []).append(position)
    batches = []
    for positions in groups.values():
        full = power_of_two_within(largest(recipes[positions[0]]))
        for start in range(0, len(positions), full):
            members = tuple(positions[start : start + full])
            batches.append(PlannedBatch(batch_size_holding(len(members)), members))
    return sorted(batches, key=lambda batch: batch.members[0])
