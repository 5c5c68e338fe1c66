"""Upscalers of random numbers, as the tools that people use write them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from safetensors.numpy import save_file

WIDE = 4
GROWTH = 2


def _layers(doublings: int, square: int, blocks: int) -> Iterator[tuple[str, int, int]]:
    """Name, channels in and out, of each of ESRGAN's layers."""
    yield "conv_first", 3 * square**2, WIDE
    for block in range(blocks):
        for inner in (1, 2, 3):
            for layer in range(1, 6):
                out = GROWTH if layer < 5 else WIDE
                yield f"body.{block}.rdb{inner}.conv{layer}", WIDE + (layer - 1) * GROWTH, out
    yield "conv_body", WIDE, WIDE
    for number in range(1, doublings + 1):
        yield f"conv_up{number}", WIDE, WIDE
    yield "conv_hr", WIDE, WIDE
    yield "conv_last", WIDE, 3


def _numbered(name: str, doublings: int, blocks: int) -> str:
    """As ESRGAN's first authors called a layer."""
    if name.startswith("body."):
        _, block, inner, layer = name.split(".")
        return f"model.1.sub.{block}.{inner.upper()}.{layer}.0"
    last = 3 * doublings + 4
    named = {f"conv_up{n}": f"model.{3 * n}" for n in range(1, doublings + 1)}
    named |= {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}"}
    return (named | {"conv_hr": f"model.{last - 2}", "conv_last": f"model.{last}"})[name]


def write_esrgan(
    path: Path,
    *,
    naming: Literal["new", "numbered", "params_ema"] = "new",
    doublings: int = 2,
    square: int = 1,
    blocks: int = 1,
    seed: int = 0,
) -> Path:
    """One of ESRGAN's kind, of two channels more than colours; it makes 2**doublings / square."""
    random, tensors = (
        np.random.default_rng(seed),
        dict[str, np.ndarray[tuple[int, ...], np.dtype]](),
    )
    for name, into, out in _layers(doublings, square, blocks):
        called = _numbered(name, doublings, blocks) if naming == "numbered" else name
        called = f"params_ema.{called}" if naming == "params_ema" else called
        numbers = random.normal(0, 0.2, (out, into, 3, 3))
        tensors[f"{called}.weight"] = numbers.astype(np.float32)
        bias = random.normal(0.5 if name == "conv_last" else 0, 0.05, out)
        tensors[f"{called}.bias"] = bias.astype(np.float32)
    save_file(tensors, path)
    return path


def write_compact(path: Path, *, factor: int = 4, blocks: int = 2, seed: int = 0) -> Path:
    """One of Real-ESRGAN's compact kind."""
    random, tensors = (
        np.random.default_rng(seed),
        dict[str, np.ndarray[tuple[int, ...], np.dtype]](),
    )
    widths = [3, *[WIDE] * (blocks + 1), 3 * factor**2]
    for number in range(blocks + 2):
        shape = (widths[number + 1], widths[number], 3, 3)
        layer = f"body.{2 * number}"
        tensors[f"{layer}.weight"] = random.normal(0, 0.1, shape).astype(np.float32)
        tensors[f"{layer}.bias"] = np.zeros(shape[0], np.float32)
        if number < blocks + 1:
            tensors[f"body.{2 * number + 1}.weight"] = np.full(shape[0], 0.25, np.float32)
    save_file(tensors, path)
    return path
