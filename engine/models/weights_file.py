"""Reading what a weights file says of itself: the header of safetensors, and nothing behind it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.models.gguf_file import read_gguf
from engine.models.weights_header import Header, Tensor, WeightsFileError

_MOST_HEADER_BYTES = 100_000_000
"""As the format's own reader has it."""
_LENGTH_BYTES = 8
_BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}
"""Bits of one number, by dtype."""
GGUF = b"GGUF"
"""How a file of that format begins."""
_BEGINNINGS: Mapping[str, tuple[bytes, ...]] = {
    "a pickle file, which can run programs, so only .safetensors is loaded: look for that"
    " format, or convert the file if you trust it": (
        *(b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
    ),
    "a Git LFS pointer: fetch the file itself with `git lfs pull`": (b"version https://git-lfs",),
    "a web page, probably from a download that needed a login: download it again": (
        *(b"<!DOCTYPE", b"<!doctype", b"<html"),
    ),
}
"""What a file is that is something else, and what to do with it → how it begins."""
BEGINNING_BYTES = 32
"""What of a file tells what it is, and how long its header."""


def read_header(path: Path) -> Header:
    """The header of a safetensors file, or of a GGUF one; its tensors need not all be there.

    Raises:
        WeightsFileError: it is something else, or the header is damaged or cut off.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        beginning = file.read(BEGINNING_BYTES)
        if beginning.startswith(GGUF):
            return read_gguf(path)
        length = header_bytes(path.name, beginning)
        file.seek(0)
        return parse_header(path.name, file.read(length))


def header_bytes(name: str, beginning: bytes) -> int:
    """How long the header of a safetensors file is, its length included.

    Args:
        name: what the file is called in messages.
        beginning: its first `BEGINNING_BYTES` bytes, or all of it.

    Raises:
        WeightsFileError: it is something else, or cut off.
    """
    for words, known in _BEGINNINGS.items():
        if beginning.startswith(known):
            raise WeightsFileError(f"{name} is {words}.")
    if len(beginning) < _LENGTH_BYTES:
        raise WeightsFileError(f"{name} is empty or incomplete: download or copy it again.")
    length = int.from_bytes(beginning[:_LENGTH_BYTES], "little")
    if not 2 <= length <= _MOST_HEADER_BYTES:
        raise WeightsFileError(
            f"{name} is not a safetensors file: its first bytes would make a header of"
            f" {length:,} bytes."
        )
    return _LENGTH_BYTES + length


def parse_header(name: str, content: bytes) -> Header:
    """What the first `header_bytes` bytes of a safetensors file say.

    Raises:
        WeightsFileError: they are damaged or cut off.
    """
    text = content[_LENGTH_BYTES:]
    if len(content) < header_bytes(name, content):
        raise WeightsFileError(f"{name} has an incomplete header: download or copy it again.")
    try:
        body = json.loads(text)
        if not isinstance(body, dict):
            raise ValueError("it is no object")
        metadata = body.pop("__metadata__", None) or {}
        if not isinstance(metadata, dict):
            raise ValueError("its metadata is no object")
        tensors = {tensor: _tensor(tensor, said) for tensor, said in body.items()}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsFileError(
            f"{name} is not a safetensors file, or damaged: its header cannot be read."
        ) from error
    said = {str(key): str(value) for key, value in metadata.items()}
    return Header(tensors, said, len(content))


def _tensor(name: str, said: Any) -> Tensor:
    begin, end = said["data_offsets"]
    shape = tuple(said["shape"])
    if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
        raise ValueError(f"{name} has no shape or place")
    return Tensor(str(said["dtype"]), shape, begin, end)


def read_whole(path: Path) -> Header:
    """The header of a file all of whose tensors are there, as long as they must be.

    Raises:
        WeightsFileError: also where tensors overlap, have not their size, or are cut off.
        OSError: it cannot be read.
    """
    header = read_header(path)
    if header.is_gguf:
        return header
    at = 0
    for name, tensor in sorted(header.tensors.items(), key=lambda item: item[1].begin):
        bits = _BITS.get(tensor.dtype)
        fits = bits is None or 8 * (tensor.end - tensor.begin) == tensor.numbers * bits
        if tensor.begin != at or tensor.end < at or not fits:
            raise WeightsFileError(
                f"{path.name} is damaged: {name} is not where its header says, or has a different"
                " size. Download or copy it again."
            )
        at = tensor.end
    size = path.stat().st_size
    if size != header.file_bytes:
        how = "incomplete" if size < header.file_bytes else "longer than its header says"
        raise WeightsFileError(
            f"{path.name} is {how}: it has {size:,} of {header.file_bytes:,} bytes. Download or"
            " copy it again."
        )
    return header
