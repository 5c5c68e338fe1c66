"""From what was rendered to rows that are to be: other seeds, or the same."""

from collections.abc import Mapping
from math import gcd

from engine.picture.foreign import Foreign
from engine.plan.recipes import SEEDS
from engine.sheet.wildcards import escaped

Cells = Mapping[str, str]


def row_of(picture: Foreign) -> dict[str, str]:
    """A row that asks for this picture: column → cell. One of our own comes out the same again.

    Other programs' models have other names and sizes here: of those only the ratio is asked for.
    """
    ours = picture.program == "Promptsheet"
    width, height = picture.size or (0, 0)
    shared = gcd(width, height)
    return {
        "prompt": escaped(picture.prompt),
        "negative_prompt": escaped(picture.negative_prompt),
        "magic_prompt": "off",  # what it added is in the prompt by now
        "aspect_ratio": f"{width // shared}:{height // shared}" if shared and not ours else "",
        "width": str(width) if ours else "",
        "height": str(height) if ours else "",
        "model": picture.model if ours else "",
        "num_images": "1",
        # Other programs count further than we do.
        "seed_number": "" if picture.seed is None else str(picture.seed % SEEDS),
        "steps": "" if picture.steps is None else str(picture.steps),
        "guidance": "" if picture.guidance is None else f"{picture.guidance:g}",
        "scheduler": picture.scheduler,
        "color_palette": " ".join(picture.palette),
    }


def source_of(picture: Foreign) -> dict[str, str]:
    """What no column of ours can ask for, for columns that only a person reads."""
    return {
        "source_program": picture.program,
        "source_model": picture.model,
        "source_sampler": picture.sampler,
        "source_size": f"{picture.size[0]}x{picture.size[1]}" if picture.size else "",
    }


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
