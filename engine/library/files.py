"""Putting image files on disk so that a file with its final name is always a whole file."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.atomic_files import open_new, place
from engine.picture.metadata import read_record
from engine.picture.png import PictureError, decode

SESSIONS = "sessions"
"""Where sessions have their folders, relative to the library."""
TEMPORARY_PREFIX = ".promptsheet-"


@dataclass(frozen=True, slots=True)
class StagedFile:
    """An image whose bytes are safely on disk, under a temporary name."""

    image: str
    temporary: Path
    final: Path
    bytes: int
    digest: str


def digest_of(data: bytes) -> str:
    """What `verify` compares: 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def stage(image: str, final: Path, data: bytes) -> StagedFile:
    """Write `data` next to its final place and wait until the disk has it.

    Args:
        image: the image's id.
        final: where `publish` will put it.
        data: the whole file.

    Raises:
        OSError: disk full, folder gone, …; nothing is left behind.
    """
    final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = final.parent / f"{TEMPORARY_PREFIX}{image}.part"
    temporary.unlink(missing_ok=True)  # of an attempt that failed; or laid there by someone
    try:
        with open_new(temporary) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return StagedFile(image, temporary, final, len(data), digest_of(data))


def publish(staged: Iterable[StagedFile]) -> dict[str, Path]:
    """Give staged files their final names, never replacing a file, and sync their folders.

    Safe to repeat: what was published before is found again.

    Returns:
        Image id → its path. Where another file already had the name, one beside it. An image whose
        bytes are gone, because someone deleted them, is left out.
    """
    placed: dict[str, Path] = {}
    folders = set()
    for item in staged:
        path = _place(item)
        if path is not None:
            placed[item.image] = path
            folders.add(item.final.parent)
        item.temporary.unlink(missing_ok=True)
    for folder in folders:
        sync_folder(folder)
    return placed


def _place(item: StagedFile) -> Path | None:
    path = item.final
    for attempt in range(2, 10_000):
        if path.is_file() and digest_of(path.read_bytes()) == item.digest:
            return path
        try:
            place(item.temporary, path)
            return path
        except FileNotFoundError:
            if not path.exists():  # else it may have been published beside
                return None
        except FileExistsError:
            pass
        path = item.final.with_stem(f"{item.final.stem}~{attempt}")
    raise FileExistsError(f"{item.final} and 10,000 names like it are taken")


def holds_image(path: Path, image: str) -> bool:
    """Whether `path` is the whole, undamaged picture of the image with id `image`."""
    record = read_record(path)
    if record is None or record.image != image:
        return False
    try:
        decode(path)
    except PictureError:
        return False
    return True


def remove_unfinished(sessions: Path) -> int:
    """Delete what an interrupted engine process left half-written; nothing else. The number."""
    leftovers = list(sessions.glob(f"*/{TEMPORARY_PREFIX}*.part"))
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, and wait until the disk has each of their entries."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in new:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the folder's entries."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
