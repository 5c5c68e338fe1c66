"""Pictures that images are drawn on: copies of the originals, called by what is in them."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from engine.atomic_files import open_new, place
from engine.library.files import TEMPORARY_PREFIX, make_folder, sync_folder
from engine.picture.sources import SourceError, open_plain

SOURCES = "sources"
"""Where they are, relative to the library: outside the sessions, which share them."""
_CHUNK = 1 << 20


def source_path(library: Path, digest: str) -> Path:
    """Where the source with this digest is, or would be."""
    return library / SOURCES / digest[:2] / digest


def take_in(library: Path, path: Path, digest: str) -> int:
    """Copy a picture into the library, and wait until the disk has it.

    Args:
        library: its folder.
        path: the original.
        digest: of its bytes when it was looked at.

    Returns:
        Bytes that were written; 0 if it was there.

    Raises:
        SourceError: it is gone, or no longer what it was.
        OSError: the disk is full, or fails; nothing is left behind.
    """
    final = source_path(library, digest)
    if final.is_file():
        return 0
    make_folder(final.parent)
    temporary = final.with_name(f"{TEMPORARY_PREFIX}{digest}.part")
    temporary.unlink(missing_ok=True)  # of an attempt that failed; or laid there by someone
    found, size = hashlib.blake2b(digest_size=16), 0
    with open_plain(path) as original:
        try:
            with open_new(temporary) as copy:
                while chunk := original.read(_CHUNK):
                    found.update(chunk)
                    size += copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
            if found.hexdigest() != digest:
                raise SourceError(f"{path} was changed after it was looked at. Start again.")
            with suppress(FileExistsError):  # it came meanwhile
                place(temporary, final)
            sync_folder(final.parent)
        finally:
            temporary.unlink(missing_ok=True)
    return size


def digest_of_file(path: Path) -> str:
    """As `engine.library.files.digest_of`, of a file of any size.

    Raises:
        OSError: it cannot be read.
    """
    found = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def stored_sources(library: Path) -> Iterator[Path]:
    """All files of sources that are there."""
    yield from (path for path in (library / SOURCES).glob("??/*") if path.is_file())


def drop_sources(library: Path, digests: Iterable[str]) -> None:
    """Delete sources that nothing is drawn on any more."""
    folders = set()
    for digest in digests:
        path = source_path(library, digest)
        with suppress(FileNotFoundError):
            path.unlink()
            folders.add(path.parent)
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()  # if it is empty
        if folder.is_dir():
            sync_folder(folder)
