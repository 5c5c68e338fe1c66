"""What a pipeline's call is told: a recipe, what it is drawn on, and who hears of its steps."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image

from engine.models.family import Family
from engine.picture.recipe import Recipe
from engine.render.pipelines import parameters_of
from engine.render.ready_sources import ReadySource, batched

AfterStep = Callable[[int, torch.Tensor, Any], None]
"""Called with the number of finished steps, the latents and the scheduler; what it raises ends the
call and leaves the pipeline usable."""


class NoSourceError(Exception):
    """The model cannot draw on a picture; the message says why."""


def call_arguments(
    pipeline: Any, family: Family, recipes: Sequence[Recipe], step: AfterStep
) -> dict[str, Any]:
    """What a call is told, as far as it takes it."""
    first = recipes[0]
    taken = family.steps_taken(first.steps, first.strength)
    accepted = parameters_of(pipeline)

    def told(done: int, latents: torch.Tensor) -> None:
        # Heun's and PNDM's schedulers have more timesteps than steps were asked for.
        times = max(len(pipeline.scheduler.timesteps), first.steps)
        step(min(taken, -(-done * first.steps // times)), latents, pipeline.scheduler)

    def after_step(_: Any, index: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        told(index + 1, tensors["latents"])
        return tensors

    arguments: dict[str, Any] = {
        "width": first.width,
        "height": first.height,
        "num_inference_steps": first.steps,
        # On the CPU, whatever the device: the same seed starts from the same noise everywhere.
        "generator": [torch.Generator().manual_seed(recipe.seed) for recipe in recipes],
        "callback_on_step_end": after_step,
        "callback_on_step_end_tensor_inputs": ["latents"],
        "callback": lambda index, _, latents: told(index + 1, latents),
        "callback_steps": 1,
        # Kontext's own size would be a megapixel, whatever is asked for.
        "max_area": first.width * first.height,
        "_auto_resize": False,
        **family.guided(first.steps, first.guidance),
    }
    arguments |= family.fixed_for(first.steps)
    if (tokens := arguments.get(_TOKENS)) is not None:
        arguments[_TOKENS] = min(tokens, _places_of(pipeline.text_encoder))
    if family.guider:
        _guide(pipeline, first.guidance)
    if family.own_area:
        # A little more, so that rounding takes no pixel away.
        side = (first.width * first.height) ** 0.5 / pipeline.vae_scale_factor
        pipeline.default_sample_size = side * (1 + 1e-9)
    own = pipeline.config.get("sample_sigmas")  # as many steps as its makers chose
    if own is not None and len(own) != first.steps:
        arguments["sigmas"] = [1 - done / first.steps for done in range(first.steps)]
    if not accepted.keys() & {"callback_on_step_end", "callback"}:
        _tell_each_step(pipeline.scheduler, told)
    return {name: value for name, value in arguments.items() if name in accepted}


_TOKENS = "max_sequence_length"


def _places_of(text_encoder: Any) -> int:
    """How many tokens a language model takes at most."""
    config = text_encoder.config
    config = getattr(config, "text_config", config)
    return int(config.max_position_embeddings)


def _guide(pipeline: Any, guidance: float) -> None:
    """Tell a pipeline's guiders the guidance: they are shared with those of other calls."""
    for name in ("guider", "ocr_guider"):
        if (guider := getattr(pipeline, name, None)) is not None:
            setattr(pipeline, name, guider.new(guidance_scale=guidance))


def _tell_each_step(scheduler: Any, told: Callable[[int, torch.Tensor], None]) -> None:
    """Have a scheduler tell of its steps: some pipelines tell nobody, and could not be stopped."""
    step, count = type(scheduler).step, 0

    def and_tell(*arguments: Any, **named: Any) -> Any:
        nonlocal count
        result = step(scheduler, *arguments, **named)
        count += 1
        told(count, result[0] if isinstance(result, tuple) else result.prev_sample)
        return result

    scheduler.step = and_tell


def on_sources(
    pipeline: Any, family: Family, recipes: Sequence[Recipe], sources: Sequence[ReadySource]
) -> tuple[Any, dict[str, Any]]:
    """The pipeline that draws on pictures with the same weights, and what it is told of them.

    Raises:
        NoSourceError: this kind of pipeline draws on none.
    """
    if family.inpaints:
        return pipeline, _shown(recipes, sources)
    if not sources:
        return pipeline, {}
    if family.edits:
        return pipeline, {"image": [Image.fromarray(source.pixels) for source in sources]}
    if not family.image_to_image:
        raise NoSourceError(f"{type(pipeline).__name__} draws on no pictures")
    made = getattr(diffusers, family.image_to_image)
    taken = inspect.signature(made.__init__).parameters
    parts = {name: part for name, part in pipeline.components.items() if name in taken}
    kept = {n: v for n, v in pipeline.config.items() if n in taken and not n.startswith("_")}
    plain = {n: v for n, v in kept.items() if n not in parts and isinstance(v, bool | int | float)}
    other = made(**parts, **plain)
    other.set_progress_bar_config(disable=True)
    # In 0 … 1: the pipelines take that to what their autoencoder needs.
    pictures = batched([source.pixels for source in sources])
    return other, {"image": pictures, "strength": recipes[0].strength}


def _shown(recipes: Sequence[Recipe], sources: Sequence[ReadySource]) -> dict[str, Any]:
    """What an inpainting model is shown: where there is no source, grey, all to be drawn.

    In 0 … 1, as for other pipelines.
    """
    first = recipes[0]
    if not sources:
        shape = (len(recipes), 3, first.height, first.width)
        nothing = torch.full(shape, 0.5)
        return {"image": nothing, "mask_image": torch.ones_like(nothing[:, :1]), "strength": 1.0}
    whole = np.full((first.height, first.width), 255, np.uint8)
    masks = [whole if source.mask is None else source.mask for source in sources]
    return {
        "image": batched([source.pixels for source in sources]),
        "mask_image": batched(masks),
        "strength": first.strength,
    }
