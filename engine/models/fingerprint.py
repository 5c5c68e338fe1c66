"""A model's files as one short text, so that a changed model is noticed."""

import hashlib
from pathlib import Path

from engine.models.additions import NONE, Additions

_WHOLE = 8 << 20
_SAMPLES = 64
_SAMPLE_BYTES = 64 << 10


def fingerprint(folder: Path, additions: Additions = NONE) -> str:
    """16 hexadecimal digits that change when any file of the model does, or what is added to it.

    Files up to 8 MiB count whole. Of larger ones the size, the beginning (a safetensors file's
    table of tensors) and 64 samples spread over the rest count: reading a 7 GB model whole would
    take longer than many a session. New weights of the same shape change the samples.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder)
        if any(part.startswith((".", "__")) for part in name.parts):
            continue
        _add(digest, name.as_posix(), path)
    if additions != NONE:
        digest.update(f"clip_skip\0{additions.clip_skip}\0".encode())
        for called, path in additions.files():
            _add(digest, f"+{called}", path)
    return digest.hexdigest()


def _add(digest: "hashlib.blake2b", name: str, path: Path) -> None:
    size = path.stat().st_size
    digest.update(f"{name}\0{size}\0".encode())
    with path.open("rb") as file:
        if size <= _WHOLE:
            digest.update(file.read())
            return
        for index in range(_SAMPLES):
            file.seek(index * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
