"""From recipes to pixels: texts, denoising and decoding apart where the pipeline lets us."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from typing import Any, Protocol

import torch

from engine.models.families import family_of
from engine.picture.recipe import Lora, Recipe
from engine.render.added import as_diffusers_names_it, clip_skip_of
from engine.render.calls import AfterStep, call_arguments, on_sources
from engine.render.pipelines import device_of, parameters_of
from engine.render.ready_sources import KeptLatents, Pixels, ReadySource

Drawn = Generator[Pixels, None, None]
_CACHE_BYTES = 32 << 20
"""Of embeddings: those of 1,600 texts of the built-in model, of 50 (in float32) of SDXL."""
_WITH_ALPHA = 4
"""Channels of pictures that know transparency."""


class NoPictureError(Exception):
    """The model computed something that is not a picture."""


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
        drawer, of_sources = on_sources(pipeline, family, recipes, sources)
        accepted = parameters_of(drawer)
        arguments = call_arguments(drawer, family, recipes, step)
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
            self._wanted(pipeline, recipe)
            if recipe.guidance > 1:
                self._unwanted(pipeline, recipe)

    def _wanted(self, pipeline: Any, recipe: Recipe) -> tuple[torch.Tensor, ...]:
        return self._embeddings(pipeline, recipe.prompt, recipe.loras)

    def _embeddings(
        self, pipeline: Any, text: str, loras: tuple[Lora, ...]
    ) -> tuple[torch.Tensor, ...]:
        found = self._known.get((text, loras))
        if found is None:
            with self._encoding, torch.no_grad():
                found = self._stages.encode(pipeline, text)
            self._known.put((text, loras), found)
        return found

    def _unwanted(self, pipeline: Any, recipe: Recipe) -> tuple[torch.Tensor, ...]:
        text, loras = recipe.negative_prompt, recipe.loras
        if text:
            return self._embeddings(pipeline, text, loras)
        found = self._known.get((None, loras))
        if found is None:
            with self._encoding, torch.no_grad():
                found = self._stages.nothing(pipeline)
            found = found or self._embeddings(pipeline, "", loras)
            self._known.put((None, loras), found)
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
        wanted = _columns([self._wanted(pipeline, recipe) for recipe in recipes])
        unwanted = (
            _columns([self._unwanted(pipeline, recipe) for recipe in recipes])
            if recipes[0].guidance > 1
            else []
        )
        family = family_of(type(pipeline).__name__)
        drawer, told = on_sources(pipeline, family, recipes, sources)
        accepted = parameters_of(drawer)  # some take the size from the picture
        arguments = call_arguments(drawer, family, recipes, step)
        arguments |= self._stages.arguments(wanted, unwanted)
        arguments |= {name: value for name, value in told.items() if name in accepted}
        if sources and sources[0].mask is not None:
            keep = KeptLatents(pipeline, recipes, sources)
            arguments["callback_on_step_end"] = keep.around(arguments["callback_on_step_end"])
        latents = drawer(**arguments, output_type="latent").images
        for slot, latent in enumerate(latents):
            drawn = _levels(_decoded(pipeline.vae, latent.unsqueeze(0)))
            yield sources[slot].kept_around(drawn) if sources else drawn


class EmbeddingCache:
    """Texts' embeddings, the least recently used forgotten first. Any thread may use it."""

    def __init__(self, most_bytes: int) -> None:
        self._kept: OrderedDict[Hashable, tuple[Any, ...]] = OrderedDict()
        self._room = most_bytes
        self._turn = threading.Lock()

    def get(self, text: Hashable) -> tuple[Any, ...] | None:
        """The embeddings of a text, if they are still known.

        Args:
            text: it, or None for no negative prompt, with what was on the model that encoded it.
        """
        with self._turn:
            found = self._kept.pop(text, None)
            if found is not None:
                self._kept[text] = found
            return found

    def put(self, text: Hashable, embeddings: tuple[Any, ...]) -> None:
        """Keep the embeddings of a text; forget others if there are too many."""
        with self._turn:
            if text not in self._kept:
                self._room -= _bytes_of(embeddings)
            self._kept[text] = embeddings
            while self._room < 0 and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._room += _bytes_of(gone)


def _bytes_of(tensors: Sequence[Any]) -> int:
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
    """8-bit levels, height × width × 3, from 3 × height × width in 0 … 1.

    A fourth channel tells how much of the picture covers white.
    """
    if len(image) == _WITH_ALPHA:
        image = image[:3] * image[3:] + (1 - image[3:])
    if not torch.isfinite(image).all():
        raise NoPictureError(
            "the model computed invalid values (not numbers); try another dtype or guidance"
        )
    levels = (image.float() * 255).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(1, 2, 0).contiguous().cpu().numpy()


class StableDiffusionStages:
    """Stable Diffusion 1 and 2, and the built-in model."""

    def encode(self, pipeline: Any, text: str) -> tuple[torch.Tensor, ...]:
        """(1 × tokens × width,)."""
        with as_diffusers_names_it(pipeline.text_encoder):
            embeddings, _ = pipeline.encode_prompt(
                [text], device_of(pipeline), 1, False, clip_skip=clip_skip_of(pipeline)
            )
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
            device=device_of(pipeline),
            num_images_per_prompt=1,
            do_classifier_free_guidance=False,
            clip_skip=clip_skip_of(pipeline),
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
    "StableDiffusionInpaintPipeline": StableDiffusionStages,
    "StableDiffusionXLInpaintPipeline": StableDiffusionXLStages,
}
