"""Reading what a GGUF file says of itself: its table of tensors, and nothing behind it.

The format is described at github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from engine.models.weights_header import Header, Tensor, WeightsFileError

_VERSIONS = (2, 3)
_MOST_ENTRIES = 100_000
_MOST_TEXT = 1 << 24
_MOST_SIDES = 8
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q"}
_NUMBERS |= {12: "d"}
_TEXT, _LIST = 8, 9
_AGAIN = "download or copy it again."
_ALIGNMENT = "general.alignment"
_USUAL_ALIGNMENT = 32
_BLOCKS: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    30: ("BF16", 1, 2),
}
"""The format's number of a kind of numbers, of those that diffusers 0.42 computes with → what it is
called, how many are stored together, and in how many bytes."""


def read_gguf(path: Path) -> Header:
    """The header of a GGUF file all of whose tensors are there.

    Raises:
        WeightsFileError: it is damaged or cut off, or has numbers that are not computed with here.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        header = gguf_header(path.name, file)
    size = path.stat().st_size
    if size < header.file_bytes:
        raise WeightsFileError(
            f"{path.name} is incomplete: it has {size:,} of {header.file_bytes:,} bytes. Download"
            " or copy it again."
        )
    return header


class CutHeaderError(WeightsFileError):
    """A GGUF file ends in its header."""


def gguf_header(name: str, file: BinaryIO) -> Header:
    """The header of a GGUF file, of which no more is needed.

    Args:
        name: what the file is called in messages.
        file: its beginning.

    Raises:
        CutHeaderError: the header does not end in it.
        WeightsFileError: it is damaged, or has numbers that are not computed with here.
    """
    try:
        return _read(file, name)
    except EOFError as error:
        raise CutHeaderError(f"{name} is a GGUF file that is cut off: {_AGAIN}") from error
    except ValueError as error:
        raise WeightsFileError(f"{name} is a GGUF file that is damaged: {_AGAIN}") from error


def _read(file: BinaryIO, name: str) -> Header:
    version, tensors, entries = struct.unpack("<4xIQQ", _bytes(file, 24))
    if version not in _VERSIONS:
        raise WeightsFileError(f"{name} is GGUF version {version}, which is not supported.")
    if max(tensors, entries) > _MOST_ENTRIES:
        raise ValueError
    told = {}
    for _ in range(entries):
        key = _text(file)
        told[key] = _value(file, *struct.unpack("<I", _bytes(file, 4)))
    found: dict[str, Tensor] = {}
    for _ in range(tensors):
        called = _text(file)
        (count,) = struct.unpack("<I", _bytes(file, 4))
        if count > _MOST_SIDES:
            raise ValueError
        sides = struct.unpack(f"<{count}Q", _bytes(file, 8 * count))
        kind, begin = struct.unpack("<IQ", _bytes(file, 12))
        if kind not in _BLOCKS:
            raise WeightsFileError(
                f"{name} uses a GGUF format that is not supported ({kind}, in {called}): use a"
                " file in Q8_0, or Q4_K to Q6_K."
            )
        dtype, together, bytes_ = _BLOCKS[kind]
        size = -(-math.prod(sides) // together) * bytes_
        # GGUF has the innermost side first.
        found[called] = Tensor(dtype, tuple(reversed(sides)), begin, begin + size)
    step = told.get(_ALIGNMENT, _USUAL_ALIGNMENT)
    if not isinstance(step, int) or step < 1:
        raise ValueError
    length = -(-file.tell() // step) * step
    texts = {key: str(value) for key, value in told.items() if value is not None}
    return Header(found, texts, length, is_gguf=True)


def _bytes(file: BinaryIO, count: int) -> bytes:
    found = file.read(count)
    if len(found) < count:
        raise EOFError
    return found


def _text(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", _bytes(file, 8))
    if length > _MOST_TEXT:
        raise ValueError
    return _bytes(file, length).decode("utf-8")


def _value(file: BinaryIO, kind: int) -> str | float | None:
    """A value; of a list nothing is kept."""
    if kind == _TEXT:
        return _text(file)
    if kind == _LIST:
        of, count = struct.unpack("<IQ", _bytes(file, 12))
        if of == _LIST or count > _MOST_TEXT:
            raise ValueError
        if of in _NUMBERS:
            _bytes(file, count * struct.calcsize(f"<{_NUMBERS[of]}"))
            return None
        for _ in range(count):
            _text(file)
        return None
    if kind not in _NUMBERS:
        raise ValueError
    number = f"<{_NUMBERS[kind]}"
    value: float
    (value,) = struct.unpack(number, _bytes(file, struct.calcsize(number)))
    return value
