"""Files of pictures that people bring: their names, their limits, and how one is opened.

Loads nothing that decodes: see `engine.picture.sources` for that.
"""

import hashlib
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

Fit: TypeAlias = Literal["crop", "pad", "stretch"]
FITS: tuple[Fit, ...] = get_args(Fit)
MOST_PIXELS = 200_000_000
"""Width × height, at most: more than any camera's, and 800 MB when it is decoded."""
MOST_BYTES = 512 << 20
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".avif", ".tif", ".tiff"),
    *(".bmp", ".gif", ".ppm", ".pgm", ".pnm"),
)
"""What files of pictures are called; a folder is searched for these."""
SAVE_AS = "Save it as JPG, PNG or WEBP and use that."
"""What to do about a file that is none of these."""


class SourceError(Exception):
    """A file that cannot be drawn on; the message says what it is and what to do."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is known of a picture that can be drawn on."""

    width: int
    """Pixels, as it is looked at: turned as its camera noted."""
    height: int
    kind: str
    """As people call it: JPEG, PNG …"""
    bytes: int
    digest: str
    """Of the whole file, as `engine.library.files.digest_of`."""
    note: str = ""
    """What is to be said of it although it can be used; empty: nothing."""


def open_plain(path: Path) -> io.BufferedReader:
    """A file opened for reading, if it is a plain one.

    Raises:
        SourceError: it is not there, may not be read, or is something else.
    """
    try:
        # A named pipe would wait here for whoever writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise SourceError("File not found.") from None
    except PermissionError:
        raise SourceError("You have no permission to read this file.") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"It cannot be opened: {getattr(error, 'strerror', error)}.") from error
    about = os.fstat(descriptor)
    what = _other_than_file(about.st_mode)
    if what or not about.st_size:
        os.close(descriptor)
        raise SourceError(f"This is {what}, not a picture." if what else "The file is empty.")
    if about.st_size > MOST_BYTES:
        os.close(descriptor)
        raise SourceError(
            f"The file has {about.st_size >> 20:,} MiB, more than the limit of"
            f" {MOST_BYTES >> 20} MiB. {SAVE_AS}"
        )
    return os.fdopen(descriptor, "rb")


def digest_of_open(file: io.BufferedReader) -> str:
    """As `engine.library.files.digest_of`, of all that is still to be read of a file.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _other_than_file(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return "" if stat.S_ISREG(mode) else kinds.get(stat.S_IFMT(mode), "not a regular file")
