"""How large a model is, by the headers of its weights and its configuration; nothing is loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.models.model_files import DENOISERS, INDEX, ModelFiles, parts_of
from engine.models.upscaler_files import upscaler_shape
from engine.models.weights_file import WeightsFileError, read_header

_DECODER = "vae"
_LOADED = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.", "conditioner.")
"""What is loaded of a checkpoint: not the averages that training leaves beside it."""


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What decides how much memory a model takes."""

    numbers: int
    """Weights that are loaded in the dtype that is computed in."""
    other_bytes: int
    """Bytes of weights that stay as they are (quantised ones)."""
    denoiser_width: int
    """Channels at the denoiser's highest resolution; 0: not known."""
    denoiser_factor: int
    """Pixels of a side for each of its cells."""
    decoder_width: int
    """Channels of the decoder's widest layers at the picture's own resolution; 0: not known."""

    def bytes_of_weights(self, each: int) -> int:
        """Bytes of all weights, where a number that is computed in takes `each`."""
        return self.numbers * each + self.other_bytes


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
    whole = files.is_file and files.kind.what == "checkpoint"
    numbers = other = 0
    for path in files.weights():
        here, rest = _count(path, _LOADED if whole else ("",))
        numbers, other = numbers + here, other + rest
    if not numbers and not other:
        return None
    if files.is_file and (upscaler := upscaler_shape(read_header(files.path).tensors)):
        return ModelSize(numbers, other, 0, 1, decoder_width=upscaler.channels)
    parts = parts_of(configs)
    denoiser = next((part for part in DENOISERS if part in parts), None)
    drawn = _read(configs / denoiser / "config.json") if denoiser else {}
    decoder = _read(configs / _DECODER / "config.json") if _DECODER in parts else {}
    widths = decoder.get("block_out_channels") or []
    factor = 2 ** max(0, len(widths) - 1)
    return ModelSize(
        numbers=numbers,
        other_bytes=other,
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


def _count(path: Path, beginnings: tuple[str, ...]) -> tuple[int, int]:
    """Of a weights file: how many floating-point numbers, and the bytes of all else.

    Args:
        path: the file.
        beginnings: of the names of those tensors that count.
    """
    numbers = other = 0
    for name, tensor in read_header(path).tensors.items():
        if not name.startswith(beginnings):
            continue
        if tensor.dtype in ("F64", "F32", "F16", "BF16"):
            numbers += tensor.numbers
        else:
            other += tensor.end - tensor.begin
    return numbers, other
