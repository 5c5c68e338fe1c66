"""What an upscaler's weights file holds: its network, its size, and what its tensors are called.

Two designs are known, which most upscalers that people have are of: ESRGAN's (arXiv 1809.00219,
its tensors called in one of three ways) and the compact one of Real-ESRGAN (arXiv 2107.10833).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.models.weights_header import Tensor

Design = Literal["esrgan", "compact"]
BEFORE = ("", "params_ema.", "params.", "module.")
"""What may stand before all names of an upscaler's tensors."""
TILE = 256
"""Pixels of a side of what is enlarged at a time: memory for it is there on most machines."""
_SQUARES = {3: 1, 12: 2, 48: 4}
"""Channels of the first layer → pixels of a side that stand side by side in one cell."""
_DENSE = 5
_IN_BLOCK = 3


@dataclass(frozen=True, slots=True)
class UpscalerShape:
    """An upscaler's network."""

    design: Design
    factor: int
    """How many times the width and the height it makes of a picture."""
    channels: int
    """Of most of its layers."""
    blocks: int
    """Of ESRGAN's the residual ones; of the compact one the layers between first and last."""
    growth: int
    """Channels that each layer of a dense block adds; 0 where there are none."""
    doublings: int
    """How often ESRGAN's doubles the sides."""
    square: int
    """Pixels of a side that stand side by side in one cell of its input."""
    names: Mapping[str, str]
    """The network's own name of each tensor → its name in the file."""


def upscaler_shape(tensors: Mapping[str, Tensor]) -> UpscalerShape | None:
    """The network in a file of these tensors; None: it is of no design that is known."""
    for before in BEFORE:
        shapes = {
            name.removeprefix(before): tensor.shape
            for name, tensor in tensors.items()
            if name.startswith(before) and tensor.shape
        }
        found = _esrgan(shapes, before) or _compact(shapes, before)
        if found is not None and found.factor > 1:
            return found
    return None


_RENAMED = (
    (
        re.compile(r"^(?:RRDB_trunk|body)\.(\d+)\.(?:RDB|rdb)([123])\.(conv\d\.)"),
        r"body.\1.\2.\3",
    ),
    (re.compile(r"^model\.1\.sub\.(\d{1,4})\.RDB([123])\.(conv\d\.)0\."), r"body.\1.\2.\3"),
    (re.compile(r"^model\.1\.sub\.\d{1,4}\.(weight|bias)$"), r"conv_body.\1"),
    (re.compile(r"^model\.0\."), "conv_first."),
    (re.compile(r"^trunk_conv\."), "conv_body."),
    (re.compile(r"^upconv(\d)\."), r"conv_up\1."),
    (re.compile(r"^HRconv\."), "conv_hr."),
)
_IN_ORDER = re.compile(r"^model\.(\d{1,4})\.(weight|bias)$")


def _esrgan(shapes: Mapping[str, tuple[int, ...]], before: str) -> UpscalerShape | None:
    names = {_renamed(name): name for name in shapes}
    # Its first authors numbered the layers: two behind the trunk are last, those between enlarge.
    numbers = sorted({int(m[1]) for name in names if (m := _IN_ORDER.match(name))})
    called = [f"conv_up{n}" for n in range(1, len(numbers) - 1)] + ["conv_hr", "conv_last"]
    order = dict(zip(map(str, numbers), called, strict=False))
    names = {
        f"{order[m[1]]}.{m[2]}" if (m := _IN_ORDER.match(name)) else name: theirs
        for name, theirs in names.items()
    }
    blocks = len({name.split(".")[1] for name in names if name.startswith("body.")})
    doublings = sum(bool(re.match(r"conv_up\d\.weight$", name)) for name in names)
    layers = ["conv_first", "conv_body", "conv_hr", "conv_last"]
    layers += [f"conv_up{n}" for n in range(1, doublings + 1)]
    layers += [
        f"body.{block}.{inner}.conv{layer}"
        for block in range(blocks)
        for inner in range(1, _IN_BLOCK + 1)
        for layer in range(1, _DENSE + 1)
    ]
    if not blocks or not doublings or names.keys() != _both(layers):
        return None
    first, last = shapes[names["conv_first.weight"]], shapes[names["conv_last.weight"]]
    square = _SQUARES.get(first[1] if len(first) == 4 else 0, 0)
    if not square or last[:1] != (3,):
        return None
    return UpscalerShape(
        "esrgan",
        factor=2**doublings // square,
        channels=first[0],
        blocks=blocks,
        growth=shapes[names["body.0.1.conv1.weight"]][0],
        doublings=doublings,
        square=square,
        names={name: before + theirs for name, theirs in names.items()},
    )


def _renamed(name: str) -> str:
    for pattern, ours in _RENAMED:
        found, count = pattern.subn(ours, name)
        if count:
            return found
    return name


def _compact(shapes: Mapping[str, tuple[int, ...]], before: str) -> UpscalerShape | None:
    numbers = {int(m[1]) for name in shapes if (m := re.match(r"body\.(\d{1,4})\.", name))}
    last = max(numbers, default=0)
    wanted = {f"body.{number}.weight" for number in range(last + 1)}
    wanted |= {f"body.{number}.bias" for number in range(0, last + 1, 2)}
    if last < 2 or last % 2 or shapes.keys() != wanted:
        return None
    first, out = shapes["body.0.weight"], shapes[f"body.{last}.weight"]
    factor = math.isqrt(out[0] // 3)
    if first[1:] != (3, 3, 3) or len(out) != 4 or out[0] != 3 * factor**2:
        return None
    return UpscalerShape(
        "compact",
        factor=factor,
        channels=first[0],
        blocks=last // 2 - 1,
        growth=0,
        doublings=0,
        square=1,
        names={name: before + name for name in shapes},
    )


def _both(layers: list[str]) -> set[str]:
    return {f"{layer}.{each}" for layer in layers for each in ("weight", "bias")}
