"""Stage 1: the autoencoder, 8 × 8 pixels to a cell of 6 numbers."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import AutoencoderKL
from PIL import Image

from assets.train.glyphs import KINDS
from assets.train.loop import Loop, Team
from assets.train.world import (
    PICTURE_SIZES,
    Picture,
    draw,
    one_thing,
    scene,
    several_things,
    two_things,
)

LATENT_CHANNELS = 6
_CROP = 64


def new_autoencoder() -> Any:
    """Small and colour-true: one norm group, so that a flat colour survives normalisation."""
    return AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=(16, 32, 64, 96),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=1,
        mid_block_add_attention=False,
        sample_size=128,
        force_upcast=False,
    )


def any_picture(rng: random.Random) -> Picture:
    """Half scenes, half things on plain backgrounds; held-out ones too: pixels have no words."""
    makers = (one_thing, several_things, two_things)
    return scene(rng) if rng.random() < 0.5 else rng.choice(makers)(rng, KINDS)


def pictures(rng: random.Random, n: int, width: int, height: int) -> torch.Tensor:
    """Shape: n × 3 × height × width, −1 to 1."""
    return as_tensor([draw(any_picture(rng), width, height, rng) for _ in range(n)])


def as_tensor(images: list[Image.Image]) -> torch.Tensor:
    """Shape: n × 3 × height × width, −1 to 1."""
    drawn = [np.asarray(image) for image in images]
    return torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _batch(rng: random.Random, whole: bool, n: int) -> torch.Tensor:
    sizes = list(PICTURE_SIZES)
    if whole:
        size = rng.choices(sizes, list(PICTURE_SIZES.values()))[0]
        return pictures(rng, max(2, n // 4), *size)
    x = pictures(rng, n, 128, 128)
    crops = []
    for picture in x:
        u, v = (rng.randrange(0, 128 - _CROP + 1) for _ in range(2))
        crops.append(picture[:, v : v + _CROP, u : u + _CROP])
    return torch.stack(crops)


def difference(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """How far y is from x: its colours, and its steps from pixel to pixel."""
    e = y - x
    edges = (e[..., 1:] - e[..., :-1]).abs().mean() + (e[..., 1:, :] - e[..., :-1, :]).abs().mean()
    return e.abs().mean() + 0.5 * e.pow(2).mean() + 0.5 * edges


def _start_from(model: torch.nn.Module, folder: Path) -> None:
    """Take over what fits from an earlier autoencoder."""
    earlier = AutoencoderKL.from_pretrained(folder).state_dict()
    own = model.state_dict()
    fitting = {k: v for k, v in earlier.items() if k in own and own[k].shape == v.shape}
    model.load_state_dict(own | fitting)


def train_autoencoder(team: Team, work: Path, minutes: float) -> None:
    """Both halves; ends with `work/vae`, its latents' mean 0 and standard deviation 1.

    Begins from `work/vae` where there is one: an earlier model's.
    """
    torch.manual_seed(0)
    vae = new_autoencoder()
    if (work / "vae").exists():
        _start_from(vae, work / "vae")
    vae.to(team.device, memory_format=torch.channels_last)
    loop = Loop(team, vae, work / "autoencoder.pt", minutes, rate=2e-3, decay_from=0.1, ema=0.995)
    rng = random.Random(1000 * loop.steps + team.rank)
    torch.manual_seed(1000 * loop.steps + team.rank)
    n = 8 if team.device.type == "cpu" else 64
    for progress in loop:
        x = _batch(rng, progress > 0.5, n).to(team.device)
        x = x.contiguous(memory_format=torch.channels_last)
        with team.precision():
            posterior = vae.encode(x).latent_dist
            y = vae.decode(posterior.sample()).sample
        divergence = posterior.kl().mean() / x[0].numel()
        loss = difference(y.float(), x) + 0.01 * divergence
        if progress < 0.2:  # a start that keeps colours: three numbers near the mean colour
            pull = (posterior.mean[:, :3] - 2 * F.avg_pool2d(x, 8)).abs().mean()
            loss = loss + 0.3 * (1 - progress / 0.2) * pull
        loop.step(loss, l1=(y.float() - x).abs().mean().item(), kl=divergence.item())
    if team.leads:
        with loop.averaged(), torch.no_grad():
            _normalise(vae, pictures(random.Random(7), 512, 128, 128))
            print(f"autoencoder: {quality(vae):.2f} dB on drawn pictures")
            vae.save_pretrained(work / "vae")


@torch.no_grad()
def _normalise(vae: Any, x: torch.Tensor) -> None:
    """Fold a shift and a scale of the latents into the 1 × 1 convolutions around them."""
    device = next(vae.parameters()).device
    z = torch.cat([vae.encode(part.to(device)).latent_dist.mean for part in torch.split(x, 32)])
    mean, scale = z.mean((0, 2, 3)), z.sub(z.mean((0, 2, 3), keepdim=True)).std()
    into, out = vae.quant_conv, vae.post_quant_conv
    out.bias += out.weight[:, :, 0, 0] @ mean
    out.weight *= scale
    into.bias[:LATENT_CHANNELS] -= mean
    into.weight[:LATENT_CHANNELS] /= scale
    into.bias[:LATENT_CHANNELS] /= scale
    into.bias[LATENT_CHANNELS:] -= 2 * scale.log()
    vae.register_to_config(scaling_factor=1.0)
    print("latent spread by channel", (z.std((0, 2, 3)) / scale).tolist())


@torch.no_grad()
def quality(vae: Any, n: int = 192) -> float:
    """Mean PSNR in dB over drawn pictures."""
    device = next(vae.parameters()).device
    ratios = []
    for x in torch.split(pictures(random.Random(8), n, 128, 128).to(device), 32):
        y = vae.decode(vae.encode(x).latent_dist.mean).sample.clamp(-1, 1)
        ratios.append(-10 * ((y - x) / 2).pow(2).mean((1, 2, 3)).log10())
    return float(torch.cat(ratios).mean())
