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


def write_with_header(path: Path, header: bytes, size: int) -> None:
    """A file with this header, and so many bytes behind it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)
