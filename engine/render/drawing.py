"""From recipes to pixels: texts, denoising and decoding apart where the pipeline lets us."""

import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import diffusers
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from engine.models.families import family_of
from engine.models.family import Family
from engine.picture.recipe import Recipe
from engine.render.pipelines import parameters_of

Pixels = npt.NDArray[np.uint8]
Drawn = Generator[Pixels, None, None]
AfterStep = Callable[[int, torch.Tensor, Any], None]
"""Called with the number of finished steps, the latents and the scheduler; what it raises ends the
call and leaves the pipeline usable."""

_CACHE_BYTES = 32 << 20
"""Of embeddings: those of 1,600 texts of the built-in model, of 50 (in float32) of SDXL."""


class NoPictureError(Exception):
    """The model computed something that is not a picture."""


class NoSourceError(Exception):
    """The model cannot draw on a picture; the message says why."""


@dataclass(frozen=True, slots=True)
class ReadySource:
    """A picture that is drawn on, at the size that is drawn."""

    pixels: Pixels
    """Height × width × 3."""
    mask: Pixels | None = None
    """Height × width: 255 where it is drawn anew."""

    def kept_around(self, drawn: Pixels) -> Pixels:
        """What was drawn, with the picture as it was wherever its mask says so."""
        if self.mask is None:
            return drawn
        anew = self.mask[..., None].astype(np.float32) / 255
        mixed = drawn * anew + self.pixels * (1 - anew)
        return np.round(mixed).astype(np.uint8)


class DrawingMethod(Protocol):
    """How pictures are drawn with one kind of pipeline."""

    texts: str
    decode: str

    def prepare(self, pipeline: Any, recipes: Sequence[Recipe]) -> None:
        """Do ahead what can be done ahead."""

    def draw(
        self,
        pipeline: Any,
        recipes: Sequence[Recipe],
        step: AfterStep,
        sources: Sequence[ReadySource] = (),
    ) -> Drawn:
        """The pictures of one call, height × width × 3 each, in the order of `recipes`.

        Args:
            pipeline: the model's, with the scheduler that is to be used.
            recipes: of one shape.
            step: told of each step.
            sources: one for each recipe, if they are drawn on pictures; else none.
        """


def method_for(pipeline: Any) -> DrawingMethod:
    """The way for a pipeline: in stages for those whose stages are known, else by one call."""
    stages = _STAGES.get(type(pipeline).__name__)
    return InStages(stages()) if stages else InOneCall()


def _call_arguments(
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

    arguments = {
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
    }
    if family.guidance:
        arguments[family.guidance] = first.guidance
    arguments |= {n: v for n, v in family.fixed if not (n in _OF_TWO_STEPS and first.steps == 2)}
    if not accepted.keys() & {"callback_on_step_end", "callback"}:
        _tell_each_step(pipeline.scheduler, told)
    return {name: value for name, value in arguments.items() if name in accepted}


_OF_TWO_STEPS = ("intermediate_timesteps",)
"""Sana-Sprint's own argument for two steps, which is right as it is there."""


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


def _on_sources(
    pipeline: Any, recipes: Sequence[Recipe], sources: Sequence[ReadySource]
) -> tuple[Any, dict[str, Any]]:
    """The pipeline that draws on pictures with the same weights, and what it is told of them.

    Raises:
        NoSourceError: this kind of pipeline draws on none.
    """
    if not sources:
        return pipeline, {}
    family = family_of(type(pipeline).__name__)
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
    pictures = _batched([source.pixels for source in sources])
    return other, {"image": pictures, "strength": recipes[0].strength}


class _KeptLatents:
    """Where a mask says so, latents stay the picture's own, with as much noise as all have.

    So any text-to-image denoiser draws on a part of a picture, in sight of the rest of it: what
    diffusers' own pipelines do for denoisers of four channels.
    """

    def __init__(
        self, pipeline: Any, recipes: Sequence[Recipe], sources: Sequence[ReadySource]
    ) -> None:
        vae = pipeline.vae
        pictures = _batched([source.pixels for source in sources]).to(vae.device, vae.dtype)
        with torch.no_grad():  # one by one: then none depends on its companions
            encoded = [vae.encode(p.unsqueeze(0) * 2 - 1).latent_dist.mode() for p in pictures]
        self._own = _scaled(torch.cat(encoded), vae.config)
        shape = self._own.shape[1:]
        generators = (torch.Generator().manual_seed(recipe.seed) for recipe in recipes)
        noise = [torch.randn(shape, generator=generator) for generator in generators]
        self._noise = torch.stack(noise).to(self._own)
        masks = _batched([source.mask for source in sources if source.mask is not None])
        self._anew = torch.nn.functional.interpolate(masks, size=shape[1:], mode="area")

    def around(self, told: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """What is called after each step, with the latents put right first."""

        def after_step(pipe: Any, index: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            later, kept = [t for t in pipe.scheduler.timesteps if t < time], self._own
            if later:
                kept = pipe.scheduler.add_noise(kept, self._noise, later[0].reshape(1))
            latents = tensors["latents"]
            anew = self._anew.to(latents)
            tensors["latents"] = latents * anew + kept.to(latents) * (1 - anew)
            return told(pipe, index, time, tensors)

        return after_step


def _scaled(latents: torch.Tensor, config: Any) -> torch.Tensor:
    """Latents as the denoiser has them: the other way round in `_decoded`."""
    mean, deviation = config.get("latents_mean"), config.get("latents_std")
    if mean is not None and deviation is not None:
        shape = (1, -1, 1, 1)
        latents = latents - latents.new_tensor(mean).view(shape)
        latents = latents / latents.new_tensor(deviation).view(shape)
    scaled: torch.Tensor = latents * config.scaling_factor
    return scaled


def _batched(pictures: Sequence[Pixels]) -> torch.Tensor:
    """Pictures × channels × height × width, in 0 … 1."""
    stacked = torch.from_numpy(np.stack(pictures)).float() / 255
    return stacked.permute(0, 3, 1, 2) if stacked.ndim == 4 else stacked.unsqueeze(1)


class InOneCall:
    """Any text-to-image pipeline, by one call that does everything."""

    texts = "together"
    decode = "together"

    def prepare(self, pipeline: Any, recipes: Sequence[Recipe]) -> None:
        """Nothing can be done ahead."""

    def draw(
        self,
        pipeline: Any,
        recipes: Sequence[Recipe],
        step: AfterStep,
        sources: Sequence[ReadySource] = (),
    ) -> Drawn:
        """One call.

        Raises:
            NoPictureError: pixels that are not numbers.
            NoSourceError: it draws on no pictures.
        """
        family = family_of(type(pipeline).__name__)
        drawer, of_sources = _on_sources(pipeline, recipes, sources)
        accepted = parameters_of(drawer)
        arguments = _call_arguments(drawer, family, recipes, step)
        arguments |= {name: value for name, value in of_sources.items() if name in accepted}
        arguments["prompt"] = [recipe.prompt for recipe in recipes]
        unwanted = [recipe.negative_prompt or family.no_negative for recipe in recipes]
        if any(unwanted) and "negative_prompt" in accepted:
            arguments["negative_prompt"] = unwanted
        for image in drawer(**arguments, output_type="pt").images:
            yield _levels(image)


class Stages(Protocol):
    """What differs between the families that are drawn in stages."""

    def encode(self, pipeline: Any, text: str) -> tuple[torch.Tensor, ...]:
        """The embeddings of one text, each with a first dimension of 1."""

    def nothing(self, pipeline: Any) -> tuple[torch.Tensor, ...] | None:
        """What stands for no negative prompt; None: the embeddings of an empty one."""

    def arguments(
        self, wanted: Sequence[torch.Tensor], unwanted: Sequence[torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """The embeddings of a batch as arguments of the pipeline's call."""


class InStages:
    """In stages: each distinct text is encoded once, alone, and kept; each image decoded alone.

    So the batch is but the denoiser's, and what it costs and gives does not hang on how many
    images share a text; a picture goes on its way while the next is decoded.
    """

    texts = "each"
    decode = "each"

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._known = EmbeddingCache(_CACHE_BYTES)
        # Pipelines that share weights share the tokenizer, whose padding is a state of its own.
        self._encoding = threading.Lock()

    def prepare(self, pipeline: Any, recipes: Sequence[Recipe]) -> None:
        """Encode what has not been encoded before."""
        for recipe in recipes:
            self._embeddings(pipeline, recipe.prompt)
            if recipe.guidance > 1:
                self._unwanted(pipeline, recipe.negative_prompt)

    def _embeddings(self, pipeline: Any, text: str) -> tuple[torch.Tensor, ...]:
        found = self._known.get(text)
        if found is None:
            with self._encoding, torch.no_grad():
                found = self._stages.encode(pipeline, text)
            self._known.put(text, found)
        return found

    def _unwanted(self, pipeline: Any, text: str) -> tuple[torch.Tensor, ...]:
        if text:
            return self._embeddings(pipeline, text)
        found = self._known.get(None)
        if found is None:
            with self._encoding, torch.no_grad():
                found = self._stages.nothing(pipeline)
            found = found or self._embeddings(pipeline, "")
            self._known.put(None, found)
        return found

    def draw(
        self,
        pipeline: Any,
        recipes: Sequence[Recipe],
        step: AfterStep,
        sources: Sequence[ReadySource] = (),
    ) -> Drawn:
        """Denoise all of them, then decode one after the other.

        Raises:
            NoPictureError: pixels that are not numbers.
            NoSourceError: it draws on no pictures.
        """
        wanted = _columns([self._embeddings(pipeline, recipe.prompt) for recipe in recipes])
        unwanted = (
            _columns([self._unwanted(pipeline, recipe.negative_prompt) for recipe in recipes])
            if recipes[0].guidance > 1
            else []
        )
        family = family_of(type(pipeline).__name__)
        drawer, told = _on_sources(pipeline, recipes, sources)
        accepted = parameters_of(drawer)  # some take the size from the picture
        arguments = _call_arguments(drawer, family, recipes, step)
        arguments |= self._stages.arguments(wanted, unwanted)
        arguments |= {name: value for name, value in told.items() if name in accepted}
        if sources and sources[0].mask is not None:
            keep = _KeptLatents(pipeline, recipes, sources)
            arguments["callback_on_step_end"] = keep.around(arguments["callback_on_step_end"])
        latents = drawer(**arguments, output_type="latent").images
        for slot, latent in enumerate(latents):
            drawn = _levels(_decoded(pipeline.vae, latent.unsqueeze(0)))
            yield sources[slot].kept_around(drawn) if sources else drawn


class EmbeddingCache:
    """Texts' embeddings, the least recently used forgotten first. Any thread may use it."""

    def __init__(self, most_bytes: int) -> None:
        self._kept: OrderedDict[str | None, tuple[torch.Tensor, ...]] = OrderedDict()
        self._room = most_bytes
        self._turn = threading.Lock()

    def get(self, text: str | None) -> tuple[torch.Tensor, ...] | None:
        """The embeddings of a text (None: of no negative prompt), if they are still known."""
        with self._turn:
            found = self._kept.pop(text, None)
            if found is not None:
                self._kept[text] = found
            return found

    def put(self, text: str | None, embeddings: tuple[torch.Tensor, ...]) -> None:
        """Keep the embeddings of a text; forget others if there are too many."""
        with self._turn:
            if text not in self._kept:
                self._room -= _bytes_of(embeddings)
            self._kept[text] = embeddings
            while self._room < 0 and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._room += _bytes_of(gone)


def _bytes_of(tensors: Sequence[torch.Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _columns(rows: Sequence[tuple[torch.Tensor, ...]]) -> list[torch.Tensor]:
    return [torch.cat(column) for column in zip(*rows, strict=True)]


def _decoded(vae: Any, latent: torch.Tensor) -> torch.Tensor:
    """One image, 3 × height × width, 0 … 1, from a latent of 1 × channels × height × width."""
    config = vae.config
    latent = latent.to(vae.dtype) / config.scaling_factor
    mean, deviation = config.get("latents_mean"), config.get("latents_std")
    if mean is not None and deviation is not None:
        shape = (1, -1, 1, 1)
        latent = latent * latent.new_tensor(deviation).view(shape)
        latent = latent + latent.new_tensor(mean).view(shape)
    with torch.no_grad():
        image: torch.Tensor = vae.decode(latent, return_dict=False)[0][0]
    return (image / 2 + 0.5).clamp(0, 1)


def _levels(image: torch.Tensor) -> Pixels:
    """8-bit levels, height × width × 3, from 3 × height × width in 0 … 1."""
    if not torch.isfinite(image).all():
        raise NoPictureError(
            "the model computed values that are not numbers; another dtype or guidance may help"
        )
    levels = (image.float() * 255).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(1, 2, 0).contiguous().cpu().numpy()


class StableDiffusionStages:
    """Stable Diffusion 1 and 2, and the built-in model."""

    def encode(self, pipeline: Any, text: str) -> tuple[torch.Tensor, ...]:
        """(1 × tokens × width,)."""
        embeddings, _ = pipeline.encode_prompt([text], pipeline.device, 1, False)
        return (embeddings,)

    def nothing(self, pipeline: Any) -> None:
        """No negative prompt is an empty one."""

    def arguments(
        self, wanted: Sequence[torch.Tensor], unwanted: Sequence[torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """As the pipeline calls them."""
        return _named(("prompt_embeds",), wanted, unwanted)


class StableDiffusionXLStages:
    """Stable Diffusion XL, turbo too."""

    def encode(self, pipeline: Any, text: str) -> tuple[torch.Tensor, ...]:
        """(1 × tokens × width, 1 × pooled width)."""
        embeddings, _, pooled, _ = pipeline.encode_prompt(
            prompt=[text],
            device=pipeline.device,
            num_images_per_prompt=1,
            do_classifier_free_guidance=False,
        )
        return embeddings, pooled

    def nothing(self, pipeline: Any) -> tuple[torch.Tensor, ...] | None:
        """Zeros, where the model's folder says so."""
        if not pipeline.config.force_zeros_for_empty_prompt:
            return None
        return tuple(torch.zeros_like(tensor) for tensor in self.encode(pipeline, ""))

    def arguments(
        self, wanted: Sequence[torch.Tensor], unwanted: Sequence[torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """As the pipeline calls them."""
        return _named(("prompt_embeds", "pooled_prompt_embeds"), wanted, unwanted)


def _named(
    names: Sequence[str], wanted: Sequence[torch.Tensor], unwanted: Sequence[torch.Tensor]
) -> dict[str, torch.Tensor]:
    pairs = [*zip(names, wanted, strict=True)]
    if unwanted:
        pairs += zip((f"negative_{name}" for name in names), unwanted, strict=True)
    return dict(pairs)


_STAGES: Mapping[str, Callable[[], Stages]] = {
    "StableDiffusionPipeline": StableDiffusionStages,
    "StableDiffusionXLPipeline": StableDiffusionXLStages,
}
