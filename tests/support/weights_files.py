"""Weights files of a few bytes: a header with any names and shapes, and nothing but zeros."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path


def put(path: Path, **tensors: tuple[str, list[int], int]) -> None:
    """A weights file of these tensors: dtype, shape, bytes of one number."""
    header, at = {}, 0
    for name, (dtype, shape, each) in tensors.items():
        size = each * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    write_with_header(path, json.dumps(header).encode(), at)


def put_shapes(
    path: Path, shapes: Mapping[str, Sequence[int]], metadata: Mapping[str, str] | None = None
) -> Path:
    """A whole weights file of tensors with these shapes, in half precision; sparse on the disk."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    write_with_header(path, json.dumps(header).encode(), at)
    return path


def weights_of(numbers: bytes) -> bytes:
    """What a weights file holds of one tensor in half precision, by its bytes."""
    at = {"data_offsets": [0, len(numbers)], "dtype": "F16", "shape": [len(numbers) // 2]}
    header = json.dumps({"w": at}).encode()
    return len(header).to_bytes(8, "little") + header + numbers


def write_with_header(path: Path, header: bytes, size: int) -> None:
    """A file with this header, and so many bytes behind it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)


# ---------------------------------------------------------------- of well-known kinds

Shapes = dict[str, list[int]]

UNET = "model.diffusion_model"
TO_K = f"{UNET}.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
VAE = {"first_stage_model.decoder.conv_in.weight": [512, 4, 3, 3]}
CLIP = {"cond_stage_model.transformer.text_model.embeddings.position_ids": [1, 77]}
OPEN_CLIP = {"cond_stage_model.model.token_embedding.weight": [10, 4]}
BOTH = {
    "conditioner.embedders.0.transformer.text_model.embeddings.position_ids": [1, 77],
    "conditioner.embedders.1.model.token_embedding.weight": [10, 4],
}
REFINER = {"conditioner.embedders.0.model.token_embedding.weight": [10, 4]}


def unet(channels: int = 4, context: int = 768) -> Shapes:
    """A UNet of Stable Diffusion's: channels of its input, and how wide the text it reads is."""
    return {f"{UNET}.input_blocks.0.0.weight": [320, channels, 3, 3], TO_K: [320, context]}


def flux(before: str = "", channels: int = 64, *, guided: bool = True) -> Shapes:
    """A transformer of FLUX.1's; what is put before its names, and channels of its input."""
    names = ["double_blocks.0.img_attn.qkv.weight", "single_blocks.0.linear1.weight"]
    names += ["vector_in.in_layer.weight"] + ["guidance_in.in_layer.weight"] * guided
    return {before + n: [8, 8] for n in names} | {f"{before}img_in.weight": [3072, channels]}


def kohya(name: str, width: int) -> Shapes:
    """A LoRA of one layer that takes so many numbers."""
    return {
        f"{name}.lora_down.weight": [16, width],
        f"{name}.lora_up.weight": [320, 16],
        f"{name}.alpha": [],
    }


DOWN = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"


def flux_folder(path: Path) -> Path:
    """A folder in diffusers' format with a transformer, a decoder and a text encoder."""
    classes = {"transformer": "FluxTransformer2DModel", "vae": "AutoencoderKL"}
    classes |= {"text_encoder": "CLIPTextModel", "scheduler": "FlowMatchEulerDiscreteScheduler"}
    index = {name: ["diffusers", cls] for name, cls in classes.items()}
    path.mkdir(parents=True)
    (path / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"} | index))
    for name in classes:
        (path / name).mkdir()
        if name != "scheduler":
            (path / name / "config.json").write_text("{}")
            put_shapes(path / name / "model.safetensors", {"w": [10, 10]})
    return path
