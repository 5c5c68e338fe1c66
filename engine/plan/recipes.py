"""From a checked row to the recipes of its images."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.models.catalog import Model
from engine.models.schedulers import FLOW_KINDS, SCHEDULERS
from engine.picture.recipe import NOT_YET, Lora, Recipe
from engine.plan.palettes import resolve_palette
from engine.plan.sizes import enlarged_from, row_size
from engine.plan.wording import Rewrites, Wording, Wordsmith
from engine.plan.words import Words
from engine.sheet.columns import DEFAULT_STRENGTH, ENLARGED_STRENGTH
from engine.sheet.rows import RowValues
from engine.sheet.wildcards import has_wildcards

SEEDS = 2**31
"""Seeds are 0 … SEEDS-1 and wrap."""


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model as it stands when a session is planned; looked up once for all its rows."""

    model: Model
    scheduler: str
    fingerprint: str
    words: Words = field(default_factory=Words)
    """The styles, palettes, wildcards and enrichments that hold."""
    rewrites: Rewrites = field(default_factory=dict)
    """What a language model made of prompts."""

    background: str = "#FFFFFF"
    """What shows where a picture that is drawn on is transparent."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """LoRA → digest of its file; of others it is not asked."""

    @property
    def wordsmith(self) -> Wordsmith:
        """What words its rows."""
        return Wordsmith(self.model.kind, self.words, self.rewrites)


def draw_seed() -> int:
    """A seed by chance."""
    return secrets.randbelow(SEEDS)


def seed_of(first: int, variation: int) -> int:
    """The seed of a row's `variation` (from 1) whose first image has seed `first`."""
    return (first + variation - 1) % SEEDS


def recipes_for(
    values: RowValues, planned: PlannedModel, draw_seed: Callable[[], int]
) -> list[Recipe]:
    """One recipe for each image of a row, in the order of variations.

    Wildcards are drawn by each image's own seed: the same seed gives the same image, whichever
    variation of whichever row it is.

    Args:
        values: the row.
        planned: the row's model.
        draw_seed: called once, and only if the row has no seed of its own.

    Raises:
        WildcardError: the prompt's wildcards cannot be expanded.
        SizeError: the model cannot draw that width and height.
        SettingsError: a style or palette is not there any more.
    """
    first = draw_seed() if values.seed_number is None else values.seed_number
    wordsmith = planned.wordsmith
    recipe = _recipe(values, planned, wordsmith.word(values, first), first)
    alike = not has_wildcards(values.prompt) and not has_wildcards(values.negative_prompt)
    recipes = []
    for variation in range(1, values.num_images + 1):
        seed = seed_of(first, variation)
        if alike or variation == 1:
            recipes.append(recipe.with_seed(seed))
        else:
            words = wordsmith.word(values, seed)
            recipes.append(
                replace(
                    recipe, seed=seed, prompt=words.prompt, negative_prompt=words.negative_prompt
                )
            )
    return recipes


def enlarged_recipes(
    values: RowValues, recipes: Sequence[Recipe], planned: PlannedModel, upscaler: PlannedModel
) -> list[Recipe]:
    """What is made of a row's own images, larger: one recipe for each; none if it asks for none.

    Which picture each is made of is known once that is drawn.

    Args:
        values: the row.
        recipes: of its own images, as `recipes_for` gives them.
        planned: its model.
        upscaler: the model that enlarges them; it may be the same.

    Raises:
        SizeError: it cannot make them so large.
    """
    if not values.enlarges:
        return []
    model = upscaler.model
    size = enlarged_from(values, planned.model, model)
    changes: dict[str, Any] = {
        "image": NOT_YET,
        "upscale": values.enlarges,
        "width": size.width,
        "height": size.height,
        "tile": size.tile,
        "palette": (),  # its colours have been moved by then
        "strength": None if model.kind.upscales else ENLARGED_STRENGTH,
        "background": planned.background.upper(),
    }
    if model.kind.upscales:
        usual = model.rendering[values.rendering]
        changes |= {
            "model": model.label,
            "model_hash": upscaler.fingerprint,
            "scheduler": upscaler.scheduler,
            "negative_prompt": "",
            "steps": usual.steps,
            "guidance": usual.guidance,
            "loras": (),
        }
    return [replace(recipe, **changes) for recipe in recipes]


def _recipe(values: RowValues, planned: PlannedModel, words: Wording, seed: int) -> Recipe:
    model = planned.model
    size = row_size(values, model)
    image, mask = values.image, values.mask
    strength = DEFAULT_STRENGTH if values.strength is None else values.strength
    rendering = model.rendering[values.rendering]
    return Recipe(
        prompt=words.prompt,
        negative_prompt=words.negative_prompt,
        seed=seed,
        width=size.width,
        height=size.height,
        steps=rendering.steps if model.kind.upscales else values.steps or rendering.steps,
        guidance=rendering.guidance if values.guidance is None else values.guidance,
        scheduler=_scheduler(values.scheduler or rendering.scheduler, planned),
        model=model.label,
        model_hash=planned.fingerprint,
        # A caption has its palette in it.
        palette=()
        if model.kind.captions
        else resolve_palette(values.color_palette, planned.words.palettes),
        image=image.digest if image else "",
        strength=strength if image and model.draws_on == "strength" else None,
        mask=mask.digest if image and mask else "",
        fit=values.fit if image else "crop",
        background=planned.background.upper() if image else "#FFFFFF",
        # At weight 0 the model is as it is without.
        loras=tuple(
            Lora(name, planned.digests.get(name, ""), weight)
            for name, weight in values.lora
            if weight
        ),
        upscale=int(values.upscale or 0) if image else 0,
        tile=size.tile,
    )


def _scheduler(name: str, planned: PlannedModel) -> str:
    """What a recipe says of a scheduler: its class, and where it was asked for its name."""
    if not name:
        return planned.scheduler
    kind = FLOW_KINDS.get(name) if planned.model.kind.flow else None
    return f"{kind or SCHEDULERS[name].kind} ({name})"
