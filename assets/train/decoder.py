"""Stage 4: the decoder alone, taught to finish what the denoiser leaves unfinished.

Everything else stays as it is, the latent space too. The denoiser's latents are never exact, and a
decoder that weighs all errors alike makes of every doubt a soft edge. This one learns from
latents as they really come: noisy ones of drawn pictures, and such as the denoiser has redrawn
from half-noised ones, whose picture is known. Its loss counts pixels that are not the drawn
colour rather than how far off they are, so half-way colours do not pay; and a critic that sees a
small part of the picture at a time tells drawn edges from others.

Before it the topmost part alone learns to make edges, from its own pictures made flat.
"""

import copy
import itertools
import random
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import AutoencoderKL, StableDiffusionImg2ImgPipeline
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from assets.train.autoencoder import as_tensor, difference, quality
from assets.train.captions import caption
from assets.train.export import assembled
from assets.train.loop import Loop, Team
from assets.train.reading import picture_to_learn
from assets.train.snapping import snapped, span
from assets.train.world import PICTURE_SIZES, draw

_WINDOW = 8
"""Pixels a side in which a step from colour to colour may lie a little elsewhere."""
_MISSED, _BLUNTED, _UNCONVINCING = 0.5, 1.0, 0.0
"""Weights of the three parts of the loss that make edges."""
_DULL = 0.5
"""Weight of steps that are less steep than they are to be, for the topmost part."""
_EDGE = 0.15
"""A change of colour within five pixels that is an edge."""
_REDRAWN = 0.5
"""Share of the latents that come from the denoiser."""


class Critic(nn.Module):
    """Scores every 22 pixels wide patch of a picture: above 0, drawn; below, decoded."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 64)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [spectral_norm(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(widths[-1], 1, 1)))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Shape: n × 3 × height × width → n × 1 × height/8 × width/8."""
        scores: torch.Tensor = self.layers(pictures)
        return scores


class Pupil(nn.Module):
    """The decoder with its critic: they learn together."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.vae, self.critic = vae, Critic()
        for part in (vae.encoder, vae.quant_conv):
            part.requires_grad_(False)

    def loss(self, z: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What both have to learn from latents z and their pictures x; and the decoded ones."""
        y: torch.Tensor = self.vae.decode(z).sample.float()
        self.critic.requires_grad_(False)
        convinced = -self.critic(y).mean()
        self.critic.requires_grad_(True)
        told = F.relu(1 - self.critic(x)).mean() + F.relu(1 + self.critic(y.detach())).mean()
        parts = (_MISSED * missed(y, x), _BLUNTED * blunted(y, x), _UNCONVINCING * convinced, told)
        return difference(y, x) + sum(parts), y


def missed(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """How many pixels have another colour than the drawn one, more than how far off it is.

    A colour half-way between the two sides of an edge is dearer than either.
    """
    return ((y - x).pow(2).mean(1) + 1e-3).pow(0.25).mean()


def blunted(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """How far the steps from pixel to pixel are from being as steep as drawn ones thereabouts.

    Where exactly they lie does not matter: that is what the denoiser leaves in doubt.
    """
    return (_steepness(y) - _steepness(x)).abs().mean()


def _steepness(x: torch.Tensor) -> torch.Tensor:
    right = F.pad((x[..., 1:] - x[..., :-1]).pow(2), (0, 1))
    down = F.pad((x[..., 1:, :] - x[..., :-1, :]).pow(2), (0, 0, 0, 1))
    both = F.avg_pool2d(torch.cat((right, down), 1), _WINDOW, _WINDOW // 2)
    return (F.avg_pool2d(both, 3, 1) + 1e-4).sqrt()


class Lessons:
    """Pictures of one size with latents that the denoiser drew of them; grows while training."""

    def __init__(self, size: tuple[int, int], rng: random.Random, pipeline: Any, most: int) -> None:
        self._size, self._rng, self._most = size, rng, most
        self._pipeline = pipeline
        self._kept: list[tuple[torch.Tensor, torch.Tensor]] = []

    def drawn(self, n: int) -> tuple[list[str], torch.Tensor]:
        """Captions and pictures."""
        told = [picture_to_learn(self._rng, 0.6, pairs=0.4) for _ in range(n)]
        pictures = as_tensor([draw(picture, *self._size, self._rng) for picture in told])
        return [caption(picture, self._rng)[0] for picture in told], pictures

    @torch.no_grad()
    def grow(self, n: int) -> None:
        """Have the denoiser draw n more pictures, all from as much noise."""
        texts, pictures = self.drawn(n)
        latents = self._pipeline(
            texts,
            image=(pictures / 2 + 0.5).to(self._pipeline.device),
            strength=self._rng.uniform(0.3, 0.9),
            num_inference_steps=self._rng.choice((6, 8, 12)),
            guidance_scale=self._rng.uniform(2.5, 5),
            output_type="latent",
        ).images
        self._kept += zip(latents, pictures, strict=True)
        del self._kept[: -self._most]

    def choose(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents and their pictures."""
        z, x = zip(*self._rng.sample(self._kept, n), strict=True)
        return torch.stack(z), torch.stack(x)


def deepened(vae: Any) -> Any:
    """The same autoencoder with one more residual layer a level, which changes nothing yet."""
    config = {**vae.config, "layers_per_block": vae.config.layers_per_block + 1}
    deeper: Any = AutoencoderKL.from_config(config)
    deeper.load_state_dict(vae.state_dict(), strict=False)
    for block in (*deeper.encoder.down_blocks, *deeper.decoder.up_blocks):
        nn.init.zeros_(block.resnets[-1].conv2.weight)
        nn.init.zeros_(block.resnets[-1].conv2.bias)
    return deeper


class Top(nn.Module):
    """The decoder's part above half the picture's size, where edges are made."""

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.grow = decoder.up_blocks[-2].upsamplers
        self.last = decoder.up_blocks[-1]
        self.norm, self.out = decoder.conv_norm_out, decoder.conv_out

    def forward(self, half: torch.Tensor) -> torch.Tensor:
        """Shape: n × channels × h × w → n × 3 × 2h × 2w."""
        for layer in self.grow:
            half = layer(half)
        picture: torch.Tensor = self.out(F.silu(self.norm(self.last(half))))
        return picture


@torch.no_grad()
def _below(vae: Any, z: torch.Tensor) -> torch.Tensor:
    """What `Top` gets for latents."""
    half: torch.Tensor = vae.decoder.mid_block(vae.decoder.conv_in(vae.post_quant_conv(z)))
    for block in vae.decoder.up_blocks[:-2]:
        half = block(half)
    for layer in vae.decoder.up_blocks[-2].resnets:
        half = layer(half, None)
    return half


class Sharpened:
    """Halves of pictures with what they are to become; grows while training."""

    def __init__(self, pipeline: Any, rng: random.Random, most: int) -> None:
        self._pipeline, self._rng, self._most = pipeline, rng, most
        self._kept: dict[tuple[int, int], list[tuple[torch.Tensor, torch.Tensor]]] = {}

    @torch.no_grad()
    def grow(self, n: int) -> None:
        """Add n pictures of one size: drawn by the denoiser from captions, or by the world."""
        size = self._rng.choices(list(PICTURE_SIZES), list(PICTURE_SIZES.values()))[0]
        told = [picture_to_learn(self._rng, 0.6, pairs=0.2) for _ in range(n)]
        vae = self._pipeline.vae
        if self._rng.random() < _REDRAWN:
            z = self._pipeline(
                [caption(picture, self._rng)[0] for picture in told],
                width=size[0],
                height=size[1],
                num_inference_steps=self._rng.choice((6, 8, 12)),
                guidance_scale=self._rng.uniform(2.5, 5),
                output_type="latent",
            ).images
        else:
            drawn = as_tensor([draw(picture, *size, self._rng) for picture in told])
            z = vae.encode(drawn.to(self._pipeline.device)).latent_dist.mean
        half = _below(vae, z)
        soft = Top(vae.decoder)(half).float().clamp(-1, 1).cpu()
        kept = self._kept.setdefault(size, [])
        kept += zip(half.half().cpu(), (snapped(y).half() for y in soft), strict=True)
        while sum(map(len, self._kept.values())) > self._most:
            del max(self._kept.values(), key=len)[:n]

    def choose(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Halves of pictures, and the pictures."""
        by_size = [kept for kept in self._kept.values() if len(kept) >= n]
        kept = self._rng.choices(by_size, [len(each) for each in by_size])[0]
        half, x = zip(*self._rng.sample(kept, n), strict=True)
        return torch.stack(half).float(), torch.stack(x).float()


def unlike(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """How many pixels are off, more than how far, those near an edge of x five times as dear.

    Where it is in doubt which side of an edge a pixel is on, either colour is better than none.
    """
    weight = 1 + 4 * (span(x, 5) > _EDGE).float()
    off = (y - x).pow(2).mean(1, keepdim=True)
    return (weight * (off + 1e-3).pow(0.25)).mean()


def train_edges(team: Team, work: Path, minutes: float) -> None:
    """The decoder's topmost part alone, on its own pictures made flat; `work/vae` is replaced.

    Nearly all of what makes an edge sharp is there, and below it nothing has to be reckoned twice.
    Whole pictures, for the layers' norms are taken over all of one.
    """
    torch.manual_seed(0)
    pipeline = assembled(work).to(team.device)
    pipeline.set_progress_bar_config(disable=True)
    if pipeline.vae.config.layers_per_block == 1:
        pipeline.vae = deepened(pipeline.vae)
    vae = pipeline.vae.to(team.device)
    decoder = copy.deepcopy(vae.decoder)
    top = Top(decoder)
    loop = Loop(team, top, work / "edges.pt", minutes, rate=2e-3, decay_from=0.3, ema=0.995)
    rng = random.Random(1000 * loop.steps + team.rank + 1)
    torch.manual_seed(1000 * loop.steps + team.rank + 1)
    n, most = (3, 1200) if team.device.type == "cpu" else (64, 8192)
    lessons = Sharpened(pipeline, rng, most)
    more = max(8, n)  # so that there is a batch of some size from the beginning
    for _ in range(12):
        lessons.grow(more)
    for _ in loop:
        if loop.steps % 25 == 24:
            lessons.grow(more)
        half, x = (part.to(team.device) for part in lessons.choose(n))
        y = top(half)
        off = (y.detach() - x).abs().mean().item()
        dull = blunted(y, x)
        loop.step(unlike(y, x) + _DULL * dull, off=off, blunted=dull.item())
    if team.leads:
        with loop.averaged():
            vae.decoder = decoder
            print(f"edges: {quality(vae):.2f} dB on drawn pictures")
            vae.save_pretrained(work / "vae")


def train_decoder(team: Team, work: Path, minutes: float) -> None:
    """Replaces `work/vae`."""
    torch.manual_seed(0)
    pipeline = StableDiffusionImg2ImgPipeline(**assembled(work).components).to(team.device)
    pipeline.set_progress_bar_config(disable=True)
    vae = pipeline.vae
    pupil = Pupil(vae).to(team.device)
    loop = Loop(team, pupil, work / "decoder.pt", minutes, rate=4e-4, decay_from=0.3, ema=0.995)
    rng = random.Random(1000 * loop.steps + team.rank + 1)
    torch.manual_seed(1000 * loop.steps + team.rank + 1)
    n, more, most = (4, 8, 1500) if team.device.type == "cpu" else (64, 64, 10000)
    lessons = {size: Lessons(size, rng, pipeline, most) for size in PICTURE_SIZES}
    for lesson in lessons.values():
        lesson.grow(2 * more)
    for _ in loop:
        lesson = lessons[rng.choices(list(lessons), list(PICTURE_SIZES.values()))[0]]
        if loop.steps % more == 0:
            lesson.grow(more)
        redrawn = round(n * _REDRAWN)
        with team.precision():
            _, x = lesson.drawn(n - redrawn)
            x = x.to(team.device)
            with torch.no_grad():
                z = vae.encode(x).latent_dist.mean
            z = z + 0.3 * torch.rand(len(z), 1, 1, 1, device=z.device) * torch.randn_like(z)
            others = [part.to(team.device) for part in lesson.choose(redrawn)]
            z, x = torch.cat((z, others[0])), torch.cat((x, others[1]))
            loss, y = pupil.loss(z, x)
        off = (y.detach() - x).abs().mean((1, 2, 3))
        split = {"drawn": off[: n - redrawn].mean(), "redrawn": off[n - redrawn :].mean()}
        also = {name: value.item() for name, value in split.items()}
        loop.step(loss, blunted=blunted(y.detach(), x).item(), **also)
    if team.leads:
        with loop.averaged():
            print(f"decoder: {quality(vae):.2f} dB on drawn pictures")
            vae.save_pretrained(work / "vae")
