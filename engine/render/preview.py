"""A small picture of what is being denoised: latents to colours by a matrix, without decoding."""

import io
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

_PATCHES = 16
_LONGEST_SIDE = 128
_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Factors:
    """Latent channels to red, green and blue, for one autoencoder."""

    matrix: torch.Tensor
    """(channels + 1) × 3; the last row is the offset. Levels 0 … 1."""


def factors_of(vae: Any) -> Factors:
    """The matrix that fits best, by least squares over a mosaic of colours that `vae` encodes."""
    side = _PATCHES * 2 ** (len(vae.config.block_out_channels) - 1)
    colours = torch.rand(1, 3, _PATCHES, _PATCHES, generator=torch.Generator().manual_seed(0))
    mosaic = torch.nn.functional.interpolate(colours, (side, side), mode="bilinear")
    with torch.no_grad():
        encoded = vae.encode((mosaic * 2 - 1).to(vae.device, vae.dtype)).latent_dist.mode()
    latents = (encoded * vae.config.scaling_factor).float().cpu()[0].flatten(1).T
    small = torch.nn.functional.interpolate(mosaic, encoded.shape[-2:], mode="area")
    ones = torch.ones(len(latents), 1)
    wanted = small[0].flatten(1).T
    return Factors(torch.linalg.lstsq(torch.cat([latents, ones], 1), wanted).solution)


def clean_latents(latents: torch.Tensor, scheduler: Any) -> torch.Tensor:
    """What the model believes the noiseless latents to be, where the scheduler keeps that."""
    config = scheduler.config
    if config.get("algorithm_type") == "dpmsolver++" or config.get("predict_x0"):
        believed = [output for output in scheduler.model_outputs if output is not None]
        if believed:
            return torch.as_tensor(believed[-1])
    return latents


def draw_preview(latent: torch.Tensor, factors: Factors) -> bytes:
    """A JPEG file of one latent, channels × height × width."""
    channels, height, width = latent.shape
    flat = latent.detach().float().cpu().flatten(1).T
    levels = flat @ factors.matrix[:channels] + factors.matrix[channels]
    image = (levels.clamp(0, 1) * 255).to(torch.uint8).view(height, width, 3).numpy()
    scale = max(1, _LONGEST_SIDE // max(height, width))
    picture = Image.fromarray(image).resize(
        (width * scale, height * scale), Image.Resampling.BICUBIC
    )
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
