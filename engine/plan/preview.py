"""A row as it will be rendered, and what each of its columns did, in words."""

from collections.abc import Container, Iterator
from dataclasses import dataclass

from msgspec import structs

from engine.picture.recipe import Recipe
from engine.plan.recipes import PlannedModel, recipes_for
from engine.plan.styles import AUTO, PLACE, template_of
from engine.plan.wording import Wording
from engine.settings import SettingsError
from engine.sheet.columns import CAPTION_COLUMNS
from engine.sheet.rows import RowValues


@dataclass(frozen=True, slots=True)
class Note:
    """What one column did."""

    column: str
    words: str


@dataclass(frozen=True, slots=True)
class RowPreview:
    """A row's first image as it would be now."""

    recipe: Recipe | None
    """None: it cannot be rendered as it is, and `notes` say why. A seed that will be drawn at the
    start reads 0."""
    notes: tuple[Note, ...]
    """In the order in which the columns act."""


def preview(values: RowValues, planned: PlannedModel) -> RowPreview:
    """What a row will be.

    Args:
        values: the row.
        planned: its model.
    """
    try:
        (recipe,) = recipes_for(structs.replace(values, num_images=1), planned, lambda: 0)
        return RowPreview(recipe, tuple(_notes(values, planned, recipe)))
    except (SettingsError, ValueError) as error:
        return RowPreview(None, (Note("prompt", str(error)),))


def _notes(values: RowValues, planned: PlannedModel, recipe: Recipe) -> Iterator[Note]:
    words = planned.wordsmith.word(values, recipe.seed)
    edited, captions = bool(values.final_prompt), planned.model.kind.captions
    yield from _on_picture(values, planned, recipe)
    if edited:
        columns = "all other columns" if captions else "magic_prompt and style"
        yield Note("final_prompt", f"is used exactly as you wrote it: {columns} add nothing")
    if words.expanded != values.prompt and not edited:
        each = " (each image picks again)" if values.num_images > 1 else ""
        seed = "" if values.seed_number is not None else ", for example"
        yield Note("prompt", f"becomes “{words.expanded}”{seed}{each}")
    if captions:
        yield from _on_caption(values, words)
    elif values.magic_prompt and not edited:
        yield Note("magic_prompt", _magic(words.expanded, words.enriched))
    if values.style != AUTO and not captions:
        template = template_of(values.style, planned.model.kind.name, planned.words.styles)
        around = template.prompt.replace(PLACE, "…")
        does = [] if edited else [f"says “{around}”"]
        does += [f"avoids {template.negative}"] if template.negative else []
        if does:
            yield Note("style", f"{values.style} {' and '.join(does)}")
    if recipe.negative_prompt and not planned.model.heeds_negative(
        values.rendering, values.guidance
    ):
        yield Note("negative_prompt", f"has no effect: {recipe.model} ignores it here")
    if values.color_palette and not captions:
        yield Note("color_palette", f"shifts the colours to {' '.join(recipe.palette)}")
    if values.lora:
        on = ", ".join(f"{lora.name} at {lora.weight:g}" for lora in recipe.loras)
        yield Note("lora", f"applied to the model: {on}" if on else "has no effect at weight 0")
    if factor := values.enlarges:
        by = f"enlarged by {values.upscaler}" if values.upscaler else "redrawn"
        size = f"{recipe.width * factor}×{recipe.height * factor}"
        yield Note("upscale", f"adds a larger version of each, {by}, about {size}")
    if values.scheduler:
        yield Note("scheduler", f"uses {recipe.scheduler}")
    if values.visibility == "public":
        yield Note("visibility", "others on this machine can read it in the shared folder")


def _on_caption(values: RowValues, words: Wording) -> Iterator[Note]:
    """What a model of captions is told, and which columns are in it."""
    if (made := words.captioned) is None:
        return
    if made.is_own:
        if made.prompt == words.expanded:
            yield Note("prompt", "is a caption, used as it is")
        else:
            acting = _acting(values, {clash.column for clash in made.clashes})
            yield Note("prompt", f"is a caption; {acting} filled in what was missing")
        yield from (Note(clash.column, f"has no effect: {clash.words}") for clash in made.clashes)
        return
    acting = _acting(values, set())
    with_columns = f", with {acting}" if acting else ""
    if made.is_answer:
        yield Note("magic_prompt", f"is a caption by a language model{with_columns}")
    elif values.magic_prompt:
        said = f"is a plain caption of these words{with_columns}"
        yield Note("magic_prompt", f"{said}: no language model is set to write a fuller one")
    elif made.is_caption:
        yield Note(
            "magic_prompt", f"is off, but {acting} need a caption: these words became a plain one"
        )


def _acting(values: RowValues, clashing: Container[str]) -> str:
    """The columns that have something to put into a caption."""
    asked = {"style": values.style != AUTO, "color_palette": bool(values.color_palette)}
    asked |= {name: bool(getattr(values, name)) for name in CAPTION_COLUMNS}
    names = [name for name, says in asked.items() if says and name not in clashing]
    return ", ".join(names[:-1]) + " and " * (len(names) > 1) + "".join(names[-1:])


def _on_picture(values: RowValues, planned: PlannedModel, recipe: Recipe) -> Iterator[Note]:
    """How the picture that a row is drawn on is used."""
    if (image := values.image) is None:
        return
    size, drawn = (image.width, image.height), (recipe.width, recipe.height)
    same_shape = abs(size[0] * drawn[1] - size[1] * drawn[0]) < max(*size, *drawn)
    how = {"crop": "cropped", "pad": "padded", "stretch": "stretched"}[recipe.fit]
    words = f"has {size[0]}×{size[1]} pixels"
    if values.upscale:
        words += f", enlarged to {drawn[0]}×{drawn[1]}"
        words += f", in tiles of {recipe.tile}×{recipe.tile}" if recipe.tile else ""
    elif size != drawn:
        words += f", {'scaled' if same_shape else how} to {drawn[0]}×{drawn[1]}"
    yield Note("image", words)
    if values.mask is not None:
        yield Note("mask", "black areas stay unchanged")
    if planned.model.kind.upscales:
        yield Note("upscale", f"{recipe.model} only enlarges it")
        return
    if recipe.strength is None:
        yield Note("strength", "is not used: the prompt says what to change")
        return
    steps = planned.model.kind.steps_taken(recipe.steps, recipe.strength)
    yield Note("strength", f"{recipe.strength:g}: {steps} of {recipe.steps} steps are used")


def _magic(before: str, after: str) -> str:
    if after == before:
        return "has nothing to add"
    if after.startswith(before):
        return f"adds “{after[len(before) :].strip(' ,')}”"
    return f"makes it “{after}”"
