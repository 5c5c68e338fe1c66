"""How large a model is, by the headers of its weights and its configuration; nothing is loaded."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_UNUSED = frozenset({"safety_checker", "feature_extractor", "image_encoder"})
"""Parts that are not loaded."""
_SUFFIX = ".safetensors"
_HEADER_BYTES = 100 << 20
_DENOISERS = ("unet", "transformer")
_DECODER = "vae"


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


def model_size(folder: Path) -> ModelSize | None:
    """The size of the model in a diffusers folder; None if its files do not tell."""
    try:
        index = folder / "model_index.json"
        return _size(folder, index.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


@lru_cache(64)
def _size(folder: Path, _stamp: int) -> ModelSize | None:
    parts = {
        name
        for name, value in _read(folder / "model_index.json").items()
        if isinstance(value, list) and value[0] and name not in _UNUSED
    }
    numbers = other = 0
    for part in sorted(parts):
        for path in _weight_files(folder / part):
            here, rest = _count(path)
            numbers, other = numbers + here, other + rest
    if not numbers and not other:
        return None
    denoiser = next((part for part in _DENOISERS if part in parts), None)
    drawn = _read(folder / denoiser / "config.json") if denoiser else {}
    decoder = _read(folder / _DECODER / "config.json") if _DECODER in parts else {}
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


def _weight_files(part: Path) -> Iterator[Path]:
    """The files that are loaded: not the variants (`.fp16.`) beside whole ones."""
    if not part.is_dir():
        return
    found = sorted(part.glob(f"*{_SUFFIX}"))
    whole = [path for path in found if "." not in path.name.removesuffix(_SUFFIX)]
    yield from whole or found


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The tensors of a safetensors file, each with its shape, by its header alone.

    Raises:
        OSError: it cannot be read.
        ValueError, KeyError, TypeError: it is none.
    """
    return {name: tuple(tensor["shape"]) for name, tensor in _tensors(path).items()}


def _tensors(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _HEADER_BYTES:
            raise ValueError(f"{path} is not safetensors")
        header: dict[str, Any] = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header


def _count(path: Path) -> tuple[int, int]:
    """Of a weights file: how many floating-point numbers, and the bytes of all else."""
    numbers = other = 0
    for tensor in _tensors(path).values():
        if tensor["dtype"] in ("F64", "F32", "F16", "BF16"):
            numbers += math.prod(tensor["shape"])
        else:
            begin, end = tensor["data_offsets"]
            other += end - begin
    return numbers, other
