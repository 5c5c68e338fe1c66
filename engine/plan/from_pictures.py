"""From a picture's own words to a row that asks for it."""

from math import gcd

from engine.picture.foreign import Foreign
from engine.plan.recipes import SEEDS
from engine.sheet.picture_names import with_digest
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
    } | (_drawn_on(picture) if picture.image else {})


def _drawn_on(picture: Foreign) -> dict[str, str]:
    """By digest: while the library has its copy, the row comes out the same again."""
    return {
        "image": with_digest("picture", picture.image),
        "strength": "" if picture.strength is None else f"{picture.strength:g}",
        "fit": picture.fit,
        "mask": with_digest("mask", picture.mask) if picture.mask else "",
    }


def source_of(picture: Foreign) -> dict[str, str]:
    """What no column of ours can ask for, for columns that only a person reads."""
    return {
        "source_program": picture.program,
        "source_model": picture.model,
        "source_sampler": picture.sampler,
        "source_size": f"{picture.size[0]}x{picture.size[1]}" if picture.size else "",
    }
