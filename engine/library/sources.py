"""Pictures that images are drawn on: copies of the originals, called by what is in them."""

import hashlib
import os
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from engine.atomic_files import open_new, place
from engine.library.files import TEMPORARY_PREFIX, make_folder, sync_folder
from engine.picture.source_files import SourceError, digest_of_open, open_plain

SOURCES = "sources"
"""Where they are, relative to the library: outside the sessions, which share them."""
_CHUNK = 1 << 20
_AT_ONCE = 4


class StoppedError(Exception):
    """Nobody wants the pictures any more that are being taken in."""


class TakingError(Exception):
    """A picture cannot be taken in; the message says why."""

    def __init__(self, number: int, reason: str) -> None:
        """Args: number: its place among those that were to be taken in. reason: in words."""
        super().__init__(reason)
        self.number = number


def source_path(library: Path, digest: str) -> Path:
    """Where the source with this digest is, or would be."""
    return library / SOURCES / digest[:2] / digest


def take_in(
    library: Path, path: Path, digest: str, wanted: Callable[[], bool] = lambda: True
) -> int:
    """Copy a picture into the library, and wait until the disk has it.

    A copy that is there is held against its digest, and replaced if it is damaged.

    Args:
        library: its folder.
        path: the original.
        digest: of its bytes when it was looked at.
        wanted: asked now and then; if not, nothing is left behind.

    Returns:
        Bytes that were written; 0 if it was there, and whole.

    Raises:
        SourceError: it is gone, or no longer what it was.
        StoppedError: it is not wanted any more.
        OSError: the disk is full, or fails; nothing is left behind.
    """
    final = source_path(library, digest)
    fault = fault_of_source(library, digest)
    if not fault:
        return 0
    make_folder(final.parent)
    temporary = final.with_name(f"{TEMPORARY_PREFIX}{digest}.part")
    temporary.unlink(missing_ok=True)  # of an attempt that failed; or laid there by someone
    found, size = hashlib.blake2b(digest_size=16), 0
    with open_plain(path) as original:
        try:
            with open_new(temporary) as copy:
                while chunk := original.read(_CHUNK):
                    if not wanted():
                        raise StoppedError
                    found.update(chunk)
                    size += copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
            if found.hexdigest() != digest:
                raise SourceError("It changed after it was checked. Start again.")
            if fault == "damaged":
                temporary.replace(final)
            else:
                with suppress(FileExistsError):  # it came meanwhile
                    place(temporary, final)
            sync_folder(final.parent)
        finally:
            temporary.unlink(missing_ok=True)
    return size


class Intake:
    """Pictures that are taken in, many at once: most of the time the disk is waited for."""

    def __init__(
        self,
        library: Path,
        originals: Sequence[tuple[Path, str]],
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """What is to be taken in.

        Args:
            library: its folder.
            originals: each with its digest; none twice.
            wanted: asked now and then; if not, the rest is left.
        """
        self._library = library
        self._originals = originals
        self._wanted = wanted
        self._is_stopped = False
        self._done: list[str] = []
        self._new: list[str] = []

    @property
    def done(self) -> int:
        """How many are in the library now."""
        return len(self._done)

    def run(self) -> None:
        """Take them all in. Blocks.

        Raises:
            TakingError: of the first that cannot be taken in.
            StoppedError: they are not wanted any more.
            OSError: the disk is full, or fails.
        """
        with ThreadPoolExecutor(_AT_ONCE, "sources") as pool:
            try:
                for _ in pool.map(self._take, range(len(self._originals))):
                    pass
            finally:
                pool.shutdown(cancel_futures=True)

    def stop(self) -> None:
        """Leave the rest. From any thread."""
        self._is_stopped = True

    def _goes_on(self) -> bool:
        return not self._is_stopped and self._wanted()

    def _take(self, number: int) -> None:
        path, digest = self._originals[number]
        if not self._goes_on():
            raise StoppedError
        is_new = not source_path(self._library, digest).exists()
        try:
            take_in(self._library, path, digest, self._goes_on)
        except SourceError as error:
            raise TakingError(number, str(error)) from error
        if is_new:
            self._new.append(digest)
        self._done.append(digest)

    def take_back(self, kept: Container[str]) -> None:
        """Delete what came by it, after it has ended. Blocks.

        Args:
            kept: digests of what others need.
        """
        new = (digest for digest in self._new if digest not in kept)
        drop_sources(source_path(self._library, digest) for digest in new)


def digest_of_file(path: Path) -> str:
    """As `engine.library.files.digest_of`, of a file of any size.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return digest_of_open(file)


def stored_sources(library: Path) -> Iterator[Path]:
    """All files of sources that are there, and what interrupted copying left of others."""
    yield from (path for path in (library / SOURCES).glob("??/*") if path.is_file())


def fault_of_source(library: Path, digest: str) -> str:
    """What is the matter with a source, all of it read: `missing`, `damaged`; empty: nothing.

    Raises:
        OSError: the disk fails.
    """
    path = source_path(library, digest)
    try:
        return "" if digest_of_file(path) == digest else "damaged"
    except (FileNotFoundError, IsADirectoryError):
        return "missing"
    except PermissionError:
        return "damaged"


def drop_sources(paths: Iterable[Path]) -> None:
    """Delete files of sources that nothing is drawn on any more."""
    folders = set()
    for path in paths:
        with suppress(FileNotFoundError):
            path.unlink()
            folders.add(path.parent)
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()  # if it is empty
        if folder.is_dir():
            sync_folder(folder)
