"""Stage 3: the denoiser. The autoencoder and the text encoder stay as they are.

It gets the text twice: by cross-attention, and pooled into the time embedding, which scales and
shifts every block; that is how a small net learns colours and kinds soonest.
"""

import random
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextModel, CLIPTokenizer

from assets.train.autoencoder import LATENT_CHANNELS, as_tensor
from assets.train.captions import caption
from assets.train.glyphs import KINDS
from assets.train.loop import Loop, Team
from assets.train.reading import WIDTH, picture_to_learn, tokens, with_unknown_words
from assets.train.world import PICTURE_SIZES, Picture, draw

SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}
_KINDS_TO_LEARN = (
    *KINDS,
    *("hexagon", "pine tree", "cactus", "flower", "tree", "circle", "cat", "rabbit"),
    *("hexagon", "pine tree", "cactus"),
)
"""Kinds that a trained model still took for others come more often."""
_PAIRS = 0.6
"""Share of the plain pictures with two different things: the last to be learned."""
_EMPTY = 0.1
"""Share of pictures learned without their caption: guidance needs to know what that looks like."""


def new_denoiser() -> Any:
    """Three levels; attention on the lower two, where a cell is 32 and 16 pixels wide.

    On the lowest alone it is not told apart which of two things is where.
    """
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 96, 160),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=8,
    )


def _take_over(unet: Any, earlier: Any) -> None:
    """Give a net what an earlier one learned; where it has more attention, that adds nothing."""
    said = unet.load_state_dict(earlier.state_dict(), strict=False)
    for name in said.missing_keys:
        if ".proj_out." in name:
            torch.nn.init.zeros_(unet.get_parameter(name))


class Pool:
    """Latents of drawn pictures of one size, beside what is on them; grows while training."""

    def __init__(self, size: tuple[int, int], rng: random.Random, vae: Any, most: int) -> None:
        self._size, self._rng, self._vae, self._most = size, rng, vae, most
        self._plain: list[tuple[Picture, torch.Tensor, torch.Tensor]] = []
        self._scenes: list[tuple[Picture, torch.Tensor, torch.Tensor]] = []

    @torch.no_grad()
    def grow(self, n: int, plain: float) -> None:
        """Draw and encode n more pictures; the oldest leave when there are too many."""
        told = [picture_to_learn(self._rng, plain, _KINDS_TO_LEARN, _PAIRS) for _ in range(n)]
        x = as_tensor([draw(picture, *self._size, self._rng) for picture in told])
        device = next(self._vae.parameters()).device
        latents = self._vae.encode(x.to(device)).latent_dist.mean.float()
        for picture, latent, weight in zip(told, latents, _weights(x), strict=True):
            home = self._plain if picture.background else self._scenes
            home.append((picture, latent, weight.to(device)))
            if len(home) > self._most:
                del home[0]

    def choose(self, n: int, plain: float) -> tuple[list[Picture], torch.Tensor, torch.Tensor]:
        """Choose n pictures, their latents and weights; `plain` is the share without a scene."""
        chosen = [
            self._rng.choice(self._plain if self._rng.random() < plain else self._scenes)
            for _ in range(n)
        ]
        told, latents, weights = zip(*chosen, strict=True)
        return list(told), torch.stack(latents), torch.stack(weights)


def _weights(x: torch.Tensor) -> torch.Tensor:
    """How much each latent cell of the pictures counts: shape n × 1 × h × w, mean 1 a picture.

    Flat sky and background are most of a picture and soon learned; what makes a thing a cat is
    in the few cells around its outline.
    """
    spread = F.avg_pool2d(x**2, 8) - F.avg_pool2d(x, 8) ** 2
    busy = F.max_pool2d(spread.amax(1, keepdim=True), 3, 1, 1) > 0.004
    weight = 1 + 3 * busy.float()
    return weight / weight.mean((1, 2, 3), keepdim=True)


def _conditions(tokenizer: Any, told: list[Picture], rng: random.Random) -> torch.Tensor:
    texts = [caption(picture, rng)[0] if rng.random() > _EMPTY else "" for picture in told]
    ids = tokens(tokenizer, texts)
    for i, row in enumerate(ids):
        if row[1] != tokenizer.eos_token_id and rng.random() < 0.05:
            ids[i] = with_unknown_words(row, tokenizer.eos_token_id, rng)
    return ids


def _times(n: int, device: torch.device) -> torch.Tensor:
    """Mostly in the middle and towards noise, where layout, kind and colour are decided."""
    spread = (torch.randperm(n) + torch.rand(n)) / n
    u = torch.sigmoid(torch.special.ndtri(spread.clamp(1e-4, 1 - 1e-4)) * 1.1 + 0.4)
    u = torch.where(torch.rand(n) < 0.3, torch.rand(n), u)
    return (u * 1000).long().clamp(0, 999).to(device)


def train_denoiser(team: Team, work: Path, minutes: float) -> None:
    """Leaves its checkpoints in `work/denoiser.pt`; `export` makes a pipeline of it.

    Begins from `work/unet` where there is one: an earlier model's, more gently.
    """
    torch.manual_seed(0)
    vae: Any = AutoencoderKL.from_pretrained(work / "vae").to(team.device).eval()
    reader: Any = CLIPTextModel.from_pretrained(work / "text_encoder").to(team.device).eval()
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
    on_cpu = team.device.type == "cpu"
    unet = new_denoiser()
    earlier = (work / "unet").exists()
    if earlier:
        _take_over(unet, UNet2DConditionModel.from_pretrained(work / "unet"))
    unet.to(team.device, memory_format=torch.channels_last).train()
    if on_cpu:  # PyTorch's fused attention is slow here, backwards, for so few cells
        unet.set_attn_processor(AttnProcessor())
    n, fresh, first, most = (16, 1, 64, 5000) if on_cpu else (512, 64, 2048, 20000)
    loop = Loop(
        team,
        unet,
        work / "denoiser.pt",
        minutes,
        rate=6e-4 if earlier else 1.5e-3,
        warm_up=200,
        decay_from=0.2 if earlier else 0.35,
        ema=0.9985,
    )
    if team.leads:
        print(sum(p.numel() for p in unet.parameters()) / 1e6, "million parameters", flush=True)
    rng = random.Random(1000 * loop.steps + team.rank)
    torch.manual_seed(1000 * loop.steps + team.rank)
    pools = {size: Pool(size, rng, vae, most) for size in PICTURE_SIZES}
    for pool in pools.values():
        pool.grow(first, 0.5)
    kept = DDPMScheduler(**SCHEDULE).alphas_cumprod.to(team.device)
    for progress in loop:
        # Single things first, scenes more and more.
        plain = max(0.5, (0.7 if earlier else 0.8) - progress)
        pool = pools[rng.choices(list(pools), list(PICTURE_SIZES.values()))[0]]
        with team.precision():
            pool.grow(fresh, 0.5)
            told, x, weight = pool.choose(n, plain)
            ids = _conditions(tokenizer, told, rng).to(team.device)
            with torch.no_grad():
                text = reader(ids).last_hidden_state
            t = _times(n, team.device)
            signal = kept[t].sqrt().view(-1, 1, 1, 1)
            spread = (1 - kept[t]).sqrt().view(-1, 1, 1, 1)
            noise = torch.randn_like(x)
            disturbed = signal * x + spread * noise
            velocity = signal * noise - spread * x
            guess = unet(disturbed.contiguous(memory_format=torch.channels_last), t, text).sample
        loop.step((weight * (guess.float() - velocity) ** 2).mean())
