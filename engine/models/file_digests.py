"""A large file's SHA-256, worked out once and looked up while the file is the same."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from engine.settings import cache_folder
from engine.unfinished_files import written_beside

_PIECE = 1 << 20
_FOLDER = "digests"
_KNOWN: dict[Path, tuple[list[int], str]] = {}
"""Of files that this process has asked for: their stamps, and their digests."""


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's content, 64 hexadecimal digits.

    Gigabytes take seconds to read, so what was found is kept, in the cache folder for other
    processes too, and holds while the file has the same size, time and place on its disk.

    Raises:
        OSError: it cannot be read.
    """
    stamp = _stamp(path)
    whole = path.absolute()
    if whole in _KNOWN and _KNOWN[whole][0] == stamp:
        return _KNOWN[whole][1]
    kept = cache_folder() / _FOLDER / f"{_name(whole)}.json"
    with suppress(OSError, ValueError, TypeError):
        known = json.loads(kept.read_text(encoding="utf-8"))
        if known["stamp"] == stamp:
            _KNOWN[whole] = stamp, str(known["sha256"])
            return _KNOWN[whole][1]
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    found = digest.hexdigest()
    # What was written to meanwhile is known by no digest.
    if _stamp(path) == stamp:
        _KNOWN[whole] = stamp, found
        with suppress(OSError):
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with written_beside(kept, mode=0o600) as (_, file):
                file.write(json.dumps({"stamp": stamp, "sha256": found}).encode())
    return found


def _stamp(path: Path) -> list[int]:
    about = path.stat()
    return [about.st_size, about.st_mtime_ns, about.st_dev, about.st_ino]


def _name(path: Path) -> str:
    return hashlib.blake2b(os.fsencode(path), digest_size=16).hexdigest()
