"""A model's files as one short text, so that a changed model is noticed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

_WHOLE = 8 << 20
_SAMPLES = 64
_SAMPLE_BYTES = 64 << 10


def fingerprint(*places: Path, also: str = "") -> str:
    """16 hexadecimal digits that change when any file of the model does.

    Files up to 8 MiB count whole. Of larger ones the size, the beginning (a safetensors file's
    table of tensors) and 64 samples spread over the rest count: reading a 7 GB model whole would
    take longer than many a session. New weights of the same shape change the samples.

    Args:
        places: its folders, and single files, which may be called anything.
        also: what else its pixels follow from.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=8)
    for name, path in (found for place in places for found in _files(place)):
        size = path.stat().st_size
        digest.update(f"{name}\0{size}\0".encode())
        with path.open("rb") as file:
            if size <= _WHOLE:
                digest.update(file.read())
                continue
            for index in range(_SAMPLES):
                file.seek(index * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE_BYTES))
    digest.update(also.encode())
    return digest.hexdigest()


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    """Each file with the name that it counts by."""
    if place.is_file():
        yield "", place
        return
    for path in sorted(p for p in place.rglob("*") if p.is_file()):
        name = path.relative_to(place)
        if not any(part.startswith((".", "__")) for part in name.parts):
            yield name.as_posix(), path
