"""LoRAs of random numbers for a model's folder, as the tools that people use write them."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

RANK = 2


def _weights(part: Path, *ends: str) -> Iterator[tuple[str, list[int]]]:
    """Names and shapes of a part's weights that end so."""
    for path in sorted(part.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        for name, tensor in header.items():
            if name.removesuffix(".weight").endswith(ends) and name.endswith(".weight"):
                yield name.removesuffix(".weight"), tensor["shape"]


def write_kohya(
    path: Path,
    model: Path,
    *,
    seed: int = 0,
    parts: tuple[str, ...] = ("unet", "text_encoder"),
    wider: int = 0,
) -> Path:
    """A LoRA of denoiser and text encoder, as kohya's scripts write one.

    Args:
        path: where to.
        model: the folder of a Stable Diffusion 1 it is for.
        seed: of its numbers.
        parts: which parts of the model it changes.
        wider: how many more inputs its layers have than the model's, where it is for another.
    """
    random, tensors = np.random.default_rng(seed), {}
    prefixes = {"unet": "lora_unet_", "text_encoder": "lora_te_"}
    layers = {"unet": ("attn1.to_q", "attn2.to_k"), "text_encoder": ("q_proj", "out_proj")}
    for part in parts:
        for name, shape in _weights(model / part, *layers[part]):
            whole = (
                name if part == "unet" or name.startswith("text_model") else f"text_model.{name}"
            )
            key = prefixes[part] + whole.replace(".", "_")
            down = random.normal(0, 0.5, (RANK, shape[1] + wider))
            tensors[f"{key}.lora_down.weight"] = down.astype(np.float32)
            tensors[f"{key}.lora_up.weight"] = random.normal(0, 0.5, (shape[0], RANK)).astype(
                np.float32
            )
            tensors[f"{key}.alpha"] = np.asarray(RANK / 2, np.float32)
    save_file(tensors, path)
    return path


def write_diffusers(path: Path, model: Path, *, seed: int = 0) -> Path:
    """A LoRA of the denoiser, as diffusers writes one."""
    random, tensors = np.random.default_rng(seed), {}
    part = "unet" if (model / "unet").is_dir() else "transformer"
    for name, shape in _weights(
        model / part, "attn1.to_v", "attn2.to_q", "attn.to_q", "attention.to_q"
    ):
        for letter, size in (("A", (RANK, shape[1])), ("B", (shape[0], RANK))):
            numbers = random.normal(0, 0.5, size).astype(np.float32)
            tensors[f"{part}.{name}.lora_{letter}.weight"] = numbers
    save_file(tensors, path)
    return path
