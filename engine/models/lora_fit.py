"""Whether a LoRA's layers have the sizes of a model's, by the headers of both files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from engine.models.model_files import weight_files
from engine.models.weights_file import read_header
from engine.models.weights_header import WeightsFileError

_PARTS = ("unet", "transformer", "text_encoder", "text_encoder_2")
_KOHYA = {
    "lora_unet_": "unet_",
    "lora_transformer_": "transformer_",
    "lora_te_": "text_encoder_",
    "lora_te1_": "text_encoder_",
    "lora_te2_": "text_encoder_2_",
}
"""How kohya's scripts begin a layer's name → how it begins here."""
_LAYER = re.compile(
    r"(?P<name>.+?)\.(?:(?P<down>lora_down|lora_A|lora\.down)|(?P<up>lora_up|lora_B|lora\.up))"
    r"(?:\.default)?\.weight"
)


_OTHER_KINDS = {
    ".hada_w": "LoHa",
    ".lokr_w": "LoKr",
    "dora_scale": "DoRA",
    "lora_magnitude_vector": "DoRA",
    ".oft_": "OFT",
}
"""What stands in names of tensors → what such files are called."""


class _TensorSize(NamedTuple):
    """How many numbers a layer takes and gives; None: not told."""

    taken: int | None = None
    given: int | None = None


def misfit(file: Path, folder: Path) -> str:
    """Why the layers of a LoRA cannot be added to a model's, in words; empty: as far as is told.

    Args:
        file: the LoRA's.
        folder: the model's, in diffusers' format; a checkpoint's layers have other names, of which
            nothing is told.
    """
    try:
        lora, model = _sizes_of(file, _stamp(file)), _sizes_in(folder, _stamp(folder))
    except (OSError, WeightsFileError):
        return ""
    for name, size in lora.items():
        own = model.get(name)
        if own is None:
            continue
        for what, mine, theirs in (
            ("take", size.taken, own.taken),
            ("give", size.given, own.given),
        ):
            if mine is not None and mine != theirs:
                return f"its layers {what} {mine:,} numbers where the model's {what} {theirs:,}"
    return ""


def other_kind(file: Path) -> str:
    """What a LoRA is called that is made otherwise than diffusers 0.42 can load; empty: usual.

    Of some it leaves out what it does not know: the picture would be another than elsewhere.
    """
    try:
        names = read_header(file).tensors
    except (OSError, WeightsFileError):
        return ""
    found = (kind for mark, kind in _OTHER_KINDS.items() if any(mark in name for name in names))
    return next(found, "")


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns


@lru_cache(256)
def _sizes_of(file: Path, _stamp: int) -> Mapping[str, _TensorSize]:
    """The layers that a LoRA changes, by their names with underscores."""
    sizes: dict[str, _TensorSize] = {}
    for key, tensor in read_header(file).tensors.items():
        found, shape = _LAYER.fullmatch(key), tensor.shape
        if found is None or len(shape) < 2:
            continue
        name = _plain(_begun(found["name"]))
        size = sizes.get(name, _TensorSize())
        taken, given = (shape[1], size.given) if found["down"] else (size.taken, shape[0])
        sizes[name] = _TensorSize(taken, given)
    return sizes


def _begun(name: str) -> str:
    return next(
        (now + name[len(was) :] for was, now in _KOHYA.items() if name.startswith(was)), name
    )


@lru_cache(16)
def _sizes_in(folder: Path, _stamp: int) -> Mapping[str, _TensorSize]:
    """The layers of a model's parts that LoRAs change, by their names with underscores."""
    return {
        _plain(f"{part}.{name}"): _TensorSize(shape[1], shape[0])
        for part in _PARTS
        for name, shape in _layers(folder / part)
    }


def _layers(part: Path) -> Iterator[tuple[str, Sequence[int]]]:
    for path in weight_files(part):
        for key, tensor in read_header(path).tensors.items():
            if key.endswith(".weight") and len(tensor.shape) > 1:
                yield key.removesuffix(".weight"), tensor.shape


def _plain(name: str) -> str:
    """One name for what is written with dots or underscores, with or without a wrapper's name."""
    return name.replace(".", "_").replace("_text_model_", "_", 1)
