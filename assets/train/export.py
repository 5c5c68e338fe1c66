"""Stage 4: what was learned, as a standard `StableDiffusionPipeline` folder in fp16; and back."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel, CLIPTokenizer

from assets.train.denoiser import SCHEDULE, new_denoiser
from assets.train.loop import averaged_parameters


def assembled(work: Path) -> Any:
    """The pipeline as far as it has been trained, in float32."""
    if (work / "denoiser.pt").exists():
        unet = new_denoiser()
        averaged_parameters(unet, work / "denoiser.pt")
    else:
        unet = UNet2DConditionModel.from_pretrained(work / "unet")
    return StableDiffusionPipeline(
        vae=AutoencoderKL.from_pretrained(work / "vae"),
        text_encoder=CLIPTextModel.from_pretrained(work / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(work / "tokenizer"),
        unet=unet.eval(),
        scheduler=DPMSolverMultistepScheduler(**SCHEDULE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def export(work: Path, folder: Path) -> None:
    """Write the pipeline to `folder`, weights in parts under 16 MiB."""
    pipeline = assembled(work).to(torch.float16)
    pipeline.save_pretrained(folder, safe_serialization=True, max_shard_size="16MB")
    for config in folder.rglob("config.json"):
        said = json.loads(config.read_text())
        said.pop("_name_or_path", None)  # the folder it was learned in
        config.write_text(json.dumps(said, indent=2) + "\n")
    size = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    print(f"{folder}: {size / 1e6:.1f} MB of weights")


def adopt(folder: Path, work: Path) -> None:
    """Put an exported pipeline's nets into `work`, in float32, for the stages to begin from."""
    AutoencoderKL.from_pretrained(folder / "vae").save_pretrained(work / "vae")
    UNet2DConditionModel.from_pretrained(folder / "unet").save_pretrained(work / "unet")
    CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).save_pretrained(
        work / "text_encoder"
    )
    CLIPTokenizer.from_pretrained(folder / "tokenizer").save_pretrained(work / "tokenizer")
