"""How large a model is, by the headers of its weights and its configuration; nothing is loaded."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.models.model_files import DENOISERS, INDEX, ModelFiles, parts_of
from engine.models.upscaler_files import TILE, upscaler_shape
from engine.models.weights_file import read_header
from engine.models.weights_header import WeightsFileError

_DECODER = "vae"
_LINEAR = 2
"""Dimensions of a linear layer's weights."""
_CHECKPOINT = {
    "model.diffusion_model.": "unet",
    "first_stage_model.": "vae",
    "cond_stage_model.": "text_encoder",
    "conditioner.embedders.0.": "text_encoder",
    "conditioner.embedders.1.": "text_encoder_2",
}
"""What is loaded of a checkpoint, by the beginnings of its tensors' names → the part that it
becomes: not the averages that training leaves beside it."""


class Role(StrEnum):
    """When a part of a model computes."""

    TEXTS = "texts"
    DENOISE = "denoise"
    DECODE = "decode"


def role_of(part: str) -> Role:
    """When a part computes, by its name in diffusers: what is not known denoises."""
    if part.startswith(("text", "prompt")):
        return Role.TEXTS
    return Role.DECODE if part.startswith(("vae", "vq")) else Role.DENOISE


@dataclass(frozen=True, slots=True)
class PartSize:
    """The size of one part of a model."""

    name: str
    """As diffusers calls it."""
    numbers: int
    """Weights that are loaded in the dtype that is computed in."""
    other_bytes: int = 0
    """Bytes of weights that stay as they are (quantised ones)."""

    def bytes_of(self, each: int) -> int:
        """Bytes of its weights, where a number that is computed in takes `each`."""
        return self.numbers * each + self.other_bytes


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What decides how much memory a model takes."""

    parts: tuple[PartSize, ...]
    denoiser_width: int
    """Channels at the denoiser's highest resolution; 0: not known."""
    denoiser_factor: int
    """Pixels of a side for each of its cells."""
    decoder_width: int
    """Channels of the decoder's widest layers at the picture's own resolution; 0: not known."""
    most_pixels: int = 0
    """Pixels that it makes at a time, at most; 0: all of the picture's."""

    def bytes_of(self, each: int, role: Role) -> int:
        """Bytes of all weights that have a role, where a number takes `each`."""
        return sum(part.bytes_of(each) for part in self.parts if role_of(part.name) == role)

    def largest_bytes(self, each: int, role: Role | None = None) -> int:
        """Bytes of the largest part that has a role; None: of the largest of all."""
        sizes = (part.bytes_of(each) for part in self.parts if role in (None, role_of(part.name)))
        return max(sizes, default=0)


def model_size(files: ModelFiles) -> ModelSize | None:
    """The size of a model; None if its files do not tell."""
    try:
        path = files.path if files.is_file else files.path / INDEX
        return _size(files, path.stat().st_mtime_ns)
    except (OSError, WeightsFileError, ValueError, KeyError, TypeError, IndexError):
        return None


def weights_bytes(files: ModelFiles) -> int:
    """Bytes of the weights files that are loaded.

    Raises:
        WeightsFileError, OSError: the model is one file, and it cannot be read.
    """
    return sum(path.stat().st_size for path in files.weights())


@lru_cache(64)
def _size(files: ModelFiles, _stamp: int) -> ModelSize | None:
    configs = files.configs
    counted: dict[str, list[int]] = {}
    for path in files.weights():
        for name, here, rest in _count(path, _part_names(files, path), bool(files.quantise)):
            total = counted.setdefault(name, [0, 0])
            total[0] += here
            total[1] += rest
    if not any(map(any, counted.values())):
        return None
    sized = tuple(PartSize(name, *sizes) for name, sizes in sorted(counted.items()))
    if files.is_file and (upscaler := upscaler_shape(read_header(files.path).tensors)):
        at_once = (4 * TILE) ** 2
        return ModelSize(sized, 0, 1, decoder_width=upscaler.channels, most_pixels=at_once)
    parts = parts_of(configs)
    denoiser = next((part for part in DENOISERS if part in parts), None)
    drawn = _read(configs / denoiser / "config.json") if denoiser else {}
    decoder = _read(configs / _DECODER / "config.json") if _DECODER in parts else {}
    widths = decoder.get("block_out_channels") or []
    factor = 2 ** max(0, len(widths) - 1)
    return ModelSize(
        parts=sized,
        denoiser_width=_width(drawn),
        denoiser_factor=factor * int(drawn.get("patch_size") or 1),
        # The last upsampling has the second block's width, and is at full resolution already.
        decoder_width=int(widths[min(1, len(widths) - 1)]) if widths else 0,
    )


def _width(config: Mapping[str, Any]) -> int:
    if blocks := config.get("block_out_channels"):
        return int(blocks[0])
    heads, each = config.get("num_attention_heads"), config.get("attention_head_dim")
    if isinstance(heads, int) and isinstance(each, int):
        return heads * each
    return int(config.get("hidden_size") or config.get("dim") or 0)


def _read(path: Path) -> dict[str, Any]:
    body = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(body, dict):
        raise ValueError(f"{path} holds no object")
    return body


def _part_names(files: ModelFiles, path: Path) -> Mapping[str, str]:
    """Of a weights file: beginnings of its tensors' names → the part that these are of."""
    if not files.is_file or path != files.path:
        return {"": path.parent.name}
    return _CHECKPOINT if files.kind.what == "checkpoint" else {"": DENOISERS[-1]}


def _count(path: Path, parts: Mapping[str, str], rounded: bool) -> Iterator[tuple[str, int, int]]:
    """Of each tensor that counts: its part, its floating-point numbers, its bytes if it has none.

    Args:
        path: a weights file.
        parts: beginning of a tensor's name → its part; others do not count.
        rounded: whether the weights of linear layers will be rounded to bytes.
    """
    beginnings = tuple(parts)
    for name, tensor in read_header(path).tensors.items():
        if not name.startswith(beginnings):
            continue
        part = next(part for beginning, part in parts.items() if name.startswith(beginning))
        linear = len(tensor.shape) == _LINEAR and "embed" not in name and "shared" not in name
        if rounded and linear and role_of(part) is not Role.DECODE:
            yield part, 0, tensor.numbers
        elif tensor.dtype in ("F64", "F32", "F16", "BF16"):
            yield part, tensor.numbers, 0
        else:
            yield part, 0, tensor.end - tensor.begin
