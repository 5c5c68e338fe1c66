"""Pictures in a tar or zip archive that comes as a stream: unpacked to a folder of ours.

What is in an archive is anybody's: no name in it says where a file is put, links are left out, and
there are limits to what it may hold.
"""

import io
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO

from engine.api.found_pictures import FoundPicture, FoundPictures, RefusedPicture
from engine.picture.source_files import MOST_BYTES, SUFFIXES
from engine.sheet.picture_names import shown_path
from engine.sheet.rows import SheetError
from engine.unfinished_files import unfinished

MOST_MEMBERS = 200_000
"""Of an archive, whatever they are."""
MOST_UNPACKED = 64 << 30
"""Bytes of its pictures."""
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_CHUNK = 1 << 20
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, ValueError)


@contextmanager
def unpacked_pictures(stream: IO[bytes]) -> Iterator[FoundPictures]:
    """The pictures in a tar (also compressed) or zip archive, on the disk until the end.

    In the order that a folder with them would give, whatever the archive's is.

    Args:
        stream: need not seek.

    Raises:
        SheetError: it is no such archive, or holds more than it may.
        OSError: the disk for temporary files (TMPDIR) is full, or fails.
    """
    with unfinished(Path(tempfile.gettempdir())) as folder:
        folder.mkdir(mode=0o700)
        start = stream.read(len(_ZIP[0]))
        if not start:
            raise SheetError("Nothing arrived on stdin. Pipe in a tar or zip archive of pictures.")
        whole, unpacking = _From(start, stream), _Unpacking(folder)
        try:
            if start in _ZIP:
                unpacking.zip(whole)
            else:
                unpacking.tar(whole)
        except _BROKEN as error:
            raise SheetError(
                f"The input on stdin is not a tar or zip archive, or is incomplete: {error}."
            ) from error
        found = sorted(unpacking.found, key=lambda picture: PurePosixPath(picture.name).parts)
        yield FoundPictures(tuple(found), tuple(unpacking.refused))


class _From(io.RawIOBase):
    """A stream of which the start has been read, at its start again."""

    def __init__(self, start: bytes, rest: IO[bytes]) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._start:
            start = self._start[:size] if size >= 0 else self._start
            self._start = self._start[len(start) :]
            return start if len(start) == size else start + self._rest.read(size - len(start))
        return self._rest.read(size)


@dataclass
class _Unpacking:
    """One archive; its members get names of ours."""

    folder: Path
    found: list[FoundPicture] = field(default_factory=list)
    refused: list[RefusedPicture] = field(default_factory=list)
    _members: int = 0
    _bytes: int = 0
    _names: set[str] = field(default_factory=set)

    def tar(self, stream: IO[bytes] | io.RawIOBase) -> None:
        """Take what is in a tar archive, as it comes."""
        with tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # else all are remembered
                self._count()
                if member.isreg() and self._is_wanted(member.name):
                    inside = archive.extractfile(member)
                    assert inside is not None
                    self._take(member.name, inside)

    def zip(self, stream: IO[bytes] | io.RawIOBase) -> None:
        """Take what is in a zip archive, once it is here: its list of members is at its end."""
        whole = self.folder / "archive.zip"
        with whole.open("xb") as file:
            while chunk := stream.read(_CHUNK):
                self._add(len(chunk))
                file.write(chunk)
        with zipfile.ZipFile(whole) as archive:
            for member in archive.infolist():
                self._count()
                is_link = stat.S_ISLNK(member.external_attr >> 16)
                if member.is_dir() or is_link or not self._is_wanted(member.filename):
                    continue
                try:
                    with archive.open(member) as inside:
                        self._take(member.filename, inside)
                except (*_BROKEN, NotImplementedError, RuntimeError) as error:
                    self._refuse(member.filename, f"It cannot be unpacked: {error}.")
        whole.unlink()

    def _is_wanted(self, name: str) -> bool:
        """As in a folder: what its name says is a picture, and is not hidden."""
        parts = [part for part in PurePosixPath(name).parts if part != "."]
        if not name.lower().endswith(SUFFIXES) or parts[0] == "__MACOSX":
            return False
        if name.startswith("/") or ".." in parts:
            self._refuse(name, "Its name points outside the archive.")
            return False
        if any(part.startswith(".") for part in parts):
            return False
        plain = str(PurePosixPath(*parts))
        if plain in self._names:
            self._refuse(name, "It is in the archive twice; only the first is used.")
            return False
        self._names.add(plain)
        return True

    def _take(self, name: str, inside: IO[bytes]) -> None:
        path = self.folder / f"{len(self._names)}{PurePosixPath(name).suffix}"
        size = 0
        with path.open("xb") as file:
            while chunk := inside.read(_CHUNK):
                size += len(chunk)
                self._add(len(chunk))
                if size > MOST_BYTES:
                    break
                file.write(chunk)
        if size > MOST_BYTES:
            path.unlink()
            self._refuse(name, f"It is larger than the limit of {MOST_BYTES >> 20} MiB.")
            return
        plain = str(PurePosixPath(name))
        self.found.append(FoundPicture(path, plain, shown_path(plain)))

    def _refuse(self, name: str, reason: str) -> None:
        self.refused.append(RefusedPicture(shown_path(name), reason))

    def _count(self) -> None:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise SheetError(f"The archive has more files than the limit of {MOST_MEMBERS:,}.")

    def _add(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MOST_UNPACKED:
            raise SheetError(
                f"The archive unpacks to more than the limit of {MOST_UNPACKED >> 30} GiB."
            )
