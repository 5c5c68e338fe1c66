"""From a picture's own words to a row that asks for it."""

from math import gcd

from engine.picture.foreign import Foreign
from engine.plan.recipes import SEEDS
from engine.sheet.wildcards import escaped


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
