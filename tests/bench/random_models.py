"""Pipelines of random weights in the shape of well-known models, for measuring without them.

A program, too: KIND FOLDER DEVICE saves one at full size, its numbers drawn on the device, which
takes a GPU seconds; with --small a small one.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from shutil import copytree
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

_TOKENIZER = files("assets") / "models" / "builtin" / "tokenizer"


def _text(width: int, layers: int, heads: int, projection: int) -> CLIPTextConfig:
    tokenizer = CLIPTokenizer.from_pretrained(str(_TOKENIZER))
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        projection_dim=projection,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def _vae(channels: tuple[int, ...], scaling: float) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * len(channels),
        up_block_types=("UpDecoderBlock2D",) * len(channels),
        layers_per_block=2 if channels[0] >= 128 else 1,
        latent_channels=4,
        norm_num_groups=min(32, channels[0]),
        scaling_factor=scaling,
    )


def _parts(channels: tuple[int, ...], scaling: float) -> dict[str, Any]:
    with torch.device("cpu"):  # wherever weights are drawn
        scheduler = DPMSolverMultistepScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        )
    return {
        "vae": _vae(channels, scaling),
        "tokenizer": CLIPTokenizer.from_pretrained(str(_TOKENIZER)),
        "scheduler": scheduler,
    }


@contextmanager
def without_warnings() -> Iterator[None]:
    """Nothing is logged of parts that are cast as a whole, which random weights may be."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _save(pipeline: Any, folder: Path, dtype: torch.dtype) -> None:
    with without_warnings():
        pipeline.to(dtype=dtype)
        pipeline.save_pretrained(folder)
    # transformers writes another form of the tokenizer than the one the library reads everywhere.
    for part in folder.glob("tokenizer*"):
        copytree(str(_TOKENIZER), part, dirs_exist_ok=True)


def save_sd15(folder: Path, *, full: bool) -> None:
    """Stable Diffusion 1.5's shape; small: the same blocks, a tenth of the width."""
    torch.manual_seed(0)
    widths = (320, 640, 1280, 1280) if full else (32, 64, 96)
    blocks = ("CrossAttnDownBlock2D",) * (len(widths) - 1) + ("DownBlock2D",)
    text = _text(768, 12, 12, 768) if full else _text(64, 2, 4, 64)
    unet = UNet2DConditionModel(
        sample_size=64 if full else 16,
        block_out_channels=widths,
        down_block_types=blocks,
        up_block_types=tuple(name.replace("Down", "Up") for name in reversed(blocks)),
        layers_per_block=2 if full else 1,
        cross_attention_dim=text.hidden_size,
        attention_head_dim=8 if full else 4,
        norm_num_groups=32 if full else 16,
    )
    pipeline = StableDiffusionPipeline(
        **_parts((128, 256, 512, 512) if full else (16, 32, 48, 48), 0.18215),
        text_encoder=CLIPTextModel(text),
        unet=unet,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    _save(pipeline, folder, torch.float16 if full else torch.float32)


def save_sdxl(folder: Path, *, full: bool) -> None:
    """Stable Diffusion XL's shape; small: the same blocks, a tenth of the width."""
    torch.manual_seed(0)
    widths = (320, 640, 1280) if full else (32, 64, 96)
    blocks = ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D")
    one = _text(768, 12, 12, 768) if full else _text(32, 2, 4, 32)
    two = _text(1280, 32, 20, 1280) if full else _text(48, 2, 4, 48)
    unet = UNet2DConditionModel(
        sample_size=128 if full else 16,
        block_out_channels=widths,
        down_block_types=blocks,
        up_block_types=tuple(name.replace("Down", "Up") for name in reversed(blocks)),
        layers_per_block=2 if full else 1,
        transformer_layers_per_block=(1, 2, 10) if full else (1, 1, 2),
        cross_attention_dim=one.hidden_size + two.hidden_size,
        attention_head_dim=(5, 10, 20) if full else (2, 4, 6),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256 if full else 32,
        projection_class_embeddings_input_dim=two.projection_dim + 6 * (256 if full else 32),
        norm_num_groups=32 if full else 16,
    )
    parts = _parts((128, 256, 512, 512) if full else (16, 32, 48, 48), 0.13025)
    pipeline = StableDiffusionXLPipeline(
        **parts,
        text_encoder=CLIPTextModel(one),
        text_encoder_2=CLIPTextModelWithProjection(two),
        tokenizer_2=parts["tokenizer"],
        unet=unet,
        force_zeros_for_empty_prompt=True,
    )
    _save(pipeline, folder, torch.float16 if full else torch.float32)


SAVED = {"sd15": save_sd15, "sdxl": save_sdxl}


def main() -> None:
    """Save one."""
    kind, folder, device, *small = sys.argv[1:]
    with torch.device(device):
        SAVED[kind](Path(folder), full=not small)


if __name__ == "__main__":
    main()
