"""From rows that were rendered to rows that are to be: other seeds, or the same."""

from collections.abc import Mapping

from engine.plan.recipes import SEEDS

Cells = Mapping[str, str]


def with_new_seeds(cells: Cells) -> Cells:
    """The row without its seed, so that one is drawn."""
    return {name: text for name, text in cells.items() if name != "seed_number"}


def with_drawn_seed(cells: Cells, first_seed: int) -> Cells:
    """The row with the seed that was used, so that it gives the same images."""
    return {**cells, "seed_number": str(first_seed)}


def neighbours(cells: Cells, first_seed: int, images: int, count: int) -> list[Cells]:
    """Rows that render the seeds next to those a row has rendered, half below and half above.

    Args:
        cells: the row's.
        first_seed: of its first image.
        images: how many it made.
        count: how many neighbours; where there is no seed below 0, more come from above.
    """
    below = min(count // 2, first_seed)
    above = count - below
    parts = [(first_seed - below, below), ((first_seed + images) % SEEDS, above)]
    return [
        {**cells, "seed_number": str(seed), "num_images": str(number)}
        for seed, number in parts
        if number
    ]
