"""Pictures that are drawn on, at the size that is drawn, and what a mask keeps of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.picture.recipe import Recipe
from engine.render.pipelines import device_of

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ReadySource:
    """A picture that is drawn on, at the size that is drawn."""

    pixels: Pixels
    """Height × width × 3."""
    mask: Pixels | None = None
    """Height × width: 255 where it is redrawn."""

    def kept_around(self, drawn: Pixels) -> Pixels:
        """What was drawn, with the picture as it was wherever its mask says so."""
        if self.mask is None:
            return drawn
        redrawn = self.mask[..., None].astype(np.float32) / 255
        mixed = drawn * redrawn + self.pixels * (1 - redrawn)
        return np.round(mixed).astype(np.uint8)


class KeptLatents:
    """Where a mask says so, latents stay the picture's own, with as much noise as all have.

    So any text-to-image denoiser draws on a part of a picture, in sight of the rest of it: what
    diffusers' own pipelines do for denoisers of four channels.
    """

    def __init__(
        self, pipeline: Any, recipes: Sequence[Recipe], sources: Sequence[ReadySource]
    ) -> None:
        vae = pipeline.vae
        pictures = batched([source.pixels for source in sources]).to(device_of(pipeline), vae.dtype)
        with torch.no_grad():  # one by one: then none depends on its companions
            encoded = [vae.encode(p.unsqueeze(0) * 2 - 1).latent_dist.mode() for p in pictures]
        self._own = _scaled(torch.cat(encoded), vae.config)
        shape = self._own.shape[1:]
        generators = (torch.Generator().manual_seed(recipe.seed) for recipe in recipes)
        noise = [torch.randn(shape, generator=generator) for generator in generators]
        self._noise = torch.stack(noise).to(self._own)
        masks = batched([source.mask for source in sources if source.mask is not None])
        self._redrawn = torch.nn.functional.interpolate(masks, size=shape[1:], mode="area")

    def around(self, told: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """What is called after each step, with the latents put right first."""

        def after_step(pipe: Any, index: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            later, kept = [t for t in pipe.scheduler.timesteps if t < time], self._own
            if later:
                kept = pipe.scheduler.add_noise(kept, self._noise, later[0].reshape(1))
            latents = tensors["latents"]
            redrawn = self._redrawn.to(latents)
            tensors["latents"] = latents * redrawn + kept.to(latents) * (1 - redrawn)
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


def batched(pictures: Sequence[Pixels]) -> torch.Tensor:
    """Pictures × channels × height × width, in 0 … 1."""
    stacked = torch.from_numpy(np.stack(pictures)).float() / 255
    return stacked.permute(0, 3, 1, 2) if stacked.ndim == 4 else stacked.unsqueeze(1)
