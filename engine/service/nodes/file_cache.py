"""Files that a node was sent: called by what is in them, kept while there is room."""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from engine.settings import cache_folder

ROOM_BYTES = 20 << 30
"""What they may take; those that were used least recently go first."""
_SHA256_DIGITS = 64


class FileCache:
    """The files that came to this machine for its renderers; several processes may share them."""

    def __init__(self, folder: Path | None = None, room: int = ROOM_BYTES) -> None:
        """Args: folder: where they are; None: in the user's cache. room: bytes."""
        self._folder = folder or cache_folder() / "sent"
        self._room = room

    def path(self, digest: str) -> Path:
        """Where the file with this digest is, or would be."""
        return self._folder / digest

    def lacking(self, digests: Iterable[str]) -> list[str]:
        """Those that are not here. The others count as used now."""
        lacks = []
        for digest in digests:
            try:
                os.utime(self.path(digest))
            except OSError:
                lacks.append(digest)
        return lacks

    def keep(self, digest: str, data: bytes) -> None:
        """Keep a file.

        Raises:
            ValueError: it is not what its digest says.
            OSError: it cannot be written.
        """
        if digest_of(digest, data) != digest:
            raise ValueError(f"not the file that was asked for ({digest})")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_room(len(data))
        temporary = self.path(f".{digest}.{os.getpid()}")
        try:
            temporary.write_bytes(data)
            temporary.replace(self.path(digest))
        finally:
            temporary.unlink(missing_ok=True)

    def _make_room(self, wanted: int) -> None:
        there = []
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                about = path.stat()
                there.append((about.st_mtime, about.st_size, path))
        taken = sum(size for _, size, _ in there)
        for _, size, path in sorted(there):
            if taken + wanted <= self._room:
                break
            path.unlink(missing_ok=True)
            taken -= size


def digest_of(like: str, data: bytes) -> str:
    """The digest of `data`, of the same kind as another: SHA-256, or BLAKE2b of 16 bytes."""
    if len(like) == _SHA256_DIGITS:
        return hashlib.sha256(data).hexdigest()
    return hashlib.blake2b(data, digest_size=16).hexdigest()
