"""From a picture's own words to a row that asks for it."""

import re
from math import gcd

from engine.picture.foreign import Foreign, told_by_recipe
from engine.picture.recipe import Recipe
from engine.plan.recipes import SEEDS
from engine.sheet.columns import COLUMN
from engine.sheet.data_records import is_json_object
from engine.sheet.loras import tags_in, without_tags
from engine.sheet.picture_names import with_digest
from engine.sheet.wildcards import escaped


def row_of(picture: Foreign) -> dict[str, str]:
    """A row that asks for this picture: column → cell. One of our own comes out the same again.

    Other programs' models have other names and sizes here: of those only the ratio is asked for.
    """
    ours = picture.program == "Promptsheet"
    # Of our own the prompt is what the model was told, to the letter.
    tags = [] if ours else tags_in(picture.prompt)
    prompt = without_tags(picture.prompt) if tags else picture.prompt
    loras = [*tags, *(f"{name}:{weight:g}" for name, weight in picture.loras)]
    width, height = picture.size or (0, 0)
    shared = gcd(width, height)
    return (
        {
            # A caption is plain text as it is.
            "prompt": prompt if is_json_object(prompt) else escaped(prompt),
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
            "scheduler": picture.scheduler or scheduler_of(picture.sampler, picture.schedule),
            "color_palette": " ".join(picture.palette),
        }
        | ({"lora": ", ".join(loras)} if loras else {})
        | (_drawn_on(picture) if picture.image else {})
    )


def upscaled_row(recipe: Recipe, picture: str, factor: int, upscaler: str) -> dict[str, str]:
    """A row that asks for the picture of a recipe, larger: column → cell, blank ones left out.

    Args:
        recipe: by which it was drawn.
        picture: its file, as a cell names it.
        factor: 2 or 4.
        upscaler: the label of one; empty: its own model redraws it, close to what it shows.
    """
    row = row_of(told_by_recipe(recipe)) | {"image": picture, "upscale": str(factor)}
    # Its colours have been moved by now; and by default nothing is put to such a row's prompt.
    for name in ("color_palette", "width", "height", "strength", "fit", "mask", "magic_prompt"):
        row.pop(name, None)
    if upscaler:
        row["model"] = upscaler
        for name in ("negative_prompt", "steps", "guidance", "scheduler", "lora"):
            row.pop(name, None)
    return {name: cell for name, cell in row.items() if cell}


def scheduler_of(sampler: str, schedule: str) -> str:
    """Our name of a scheduler by what other programs call it; empty if we have none like it.

    Args:
        sampler: as `DPM++ 2M Karras`, `dpmpp_2m` or `k_euler_a`.
        schedule: how steps are spaced, where that is said apart: `Karras`.
    """
    words = re.sub(r"[\s_\-]+", " ", f"{sampler} {schedule}".casefold()).strip()
    words = re.sub(r"^k (?=\w)", "", words)
    words = re.sub(r" (?:automatic|normal|simple|uniform|native|beta|sgm uniform)$", "", words)
    words = words.replace("dpmpp", "dpm++").replace("uni pc", "unipc")
    column = COLUMN["scheduler"]
    return words if words in column.choices else column.synonyms.get(words, "")


def _drawn_on(picture: Foreign) -> dict[str, str]:
    """By digest: while the library has its copy, the row comes out the same again."""
    return {
        "image": with_digest("picture", picture.image),
        "strength": "" if picture.strength is None else f"{picture.strength:g}",
        "fit": picture.fit,
        **({"upscale": str(picture.upscale), "width": "", "height": ""} if picture.upscale else {}),
        "mask": with_digest("mask", picture.mask) if picture.mask else "",
    }


def source_of(picture: Foreign) -> dict[str, str]:
    """What no column of ours can ask for, for columns that only a person reads."""
    beyond = picture.seed is not None and picture.seed >= SEEDS
    said = {"source_seed": str(picture.seed) if beyond else "", "source_note": picture.note}
    return {
        "source_program": picture.program,
        "source_model": picture.model,
        "source_sampler": " ".join(filter(None, (picture.sampler, picture.schedule))),
        "source_size": f"{picture.size[0]}x{picture.size[1]}" if picture.size else "",
    } | {name: text for name, text in said.items() if text}
