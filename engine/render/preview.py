"""A small picture of what is being denoised: latents to colours by a matrix, without decoding."""

import io
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

_PATCHES = 16
_LONGEST_SIDE = 128
_QUALITY = 80
_IN_A_ROW = 3
"""Dimensions of latents whose places are in a row."""


@dataclass(frozen=True, slots=True)
class Factors:
    """Latent channels to red, green and blue, for one autoencoder."""

    matrix: torch.Tensor
    """(channels + 1) × 3; the last row is the offset. Levels 0 … 1."""

    @property
    def channels(self) -> int:
        """Of the autoencoder's latents."""
        return len(self.matrix) - 1


def factors_of(vae: Any, scale: int, *, places_first: bool = False) -> Factors:
    """The matrix that fits best, by least squares over a mosaic of colours that `vae` encodes.

    Args:
        vae: the model's autoencoder.
        scale: pixels for one of its latents.
        places_first: as for `unpacked`.
    """
    side = _PATCHES * scale
    colours = torch.rand(1, 3, _PATCHES, _PATCHES, generator=torch.Generator().manual_seed(0))
    mosaic = torch.nn.functional.interpolate(colours, (side, side), mode="bilinear")
    with torch.no_grad():
        encoded = _encoded(vae, mosaic, places_first=places_first)
    latents = encoded.float().cpu()[0].flatten(1).T
    small = torch.nn.functional.interpolate(mosaic, encoded.shape[-2:], mode="area")
    ones = torch.ones(len(latents), 1)
    wanted = small[0].flatten(1).T
    return Factors(torch.linalg.lstsq(torch.cat([latents, ones], 1), wanted).solution)


def _encoded(vae: Any, picture: torch.Tensor, *, places_first: bool) -> torch.Tensor:
    """Latents as a denoiser has them, 1 × channels × height × width; shifts are in the offset."""
    picture = (picture * 2 - 1).to(vae.device, vae.dtype)
    if (vae.config.get("in_channels") or 3) > picture.shape[1]:  # it knows transparency, too
        picture = torch.cat([picture, torch.ones_like(picture[:, :1])], 1)
    # Autoencoders of moving pictures take a still one as the first of its frames.
    moves = vae.config.get("temperal_downsample") is not None or any(
        isinstance(part, torch.nn.Conv3d) for part in vae.modules()
    )
    found = vae.encode(picture.unsqueeze(2) if moves else picture)
    latents = found.latent_dist.mode() if hasattr(found, "latent_dist") else found.latent
    latents = latents.squeeze(2) if moves else latents
    config = vae.config
    if (deviation := config.get("latents_std")) is not None:
        return torch.as_tensor(latents / latents.new_tensor(deviation).view(1, -1, 1, 1))
    if (bn := getattr(vae, "bn", None)) is not None:  # FLUX.2's, over four neighbours at a time
        wide = torch.nn.functional.pixel_unshuffle(latents, 2)
        spread = torch.sqrt(bn.running_var + config.batch_norm_eps)
        spread = _channels_first(spread) if places_first else spread
        wide = wide / spread.view(1, -1, 1, 1)
        return torch.nn.functional.pixel_shuffle(wide, 2)
    return torch.as_tensor(latents * (config.get("scaling_factor") or 1.0))


def _channels_first(packed: torch.Tensor) -> torch.Tensor:
    """… × (2 × 2 × channels) as … × (channels × 2 × 2)."""
    return packed.view(*packed.shape[:-1], 4, -1).transpose(-1, -2).reshape(packed.shape)


def laid_out(
    latents: torch.Tensor,
    size: tuple[int, int],
    factors: Factors,
    *,
    places_first: bool = False,
) -> torch.Tensor:
    """Images × channels × height × width of latents, as their autoencoder has them.

    Args:
        latents: likewise, or images × places × channels; in both, four neighbours may be one, of
            four times the channels.
        size: width and height of the images that are drawn.
        factors: of their autoencoder.
        places_first: whether four neighbours that are one are 2 × 2 × channels; else channels ×
            2 × 2.
    """
    latents = _channels_first(latents) if places_first else latents
    if latents.dim() == _IN_A_ROW:
        count, places, wide = latents.shape
        across = max(1, round((places * size[0] / size[1]) ** 0.5))
        latents = latents.view(count, places // across, across, wide).permute(0, 3, 1, 2)
    if latents.shape[1] == 4 * factors.channels:
        latents = torch.nn.functional.pixel_shuffle(latents, 2)
    return latents


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
