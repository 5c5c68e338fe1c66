"""Giving a finished file its name, without ever replacing another; or a file a new text."""

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import IO

from engine.errors import said_of

_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP)
"""What exFAT, vfat and much of what FUSE mounts say to a hard link."""


def place(temporary: Path, final: Path) -> None:
    """Give the file `temporary` the name `final`; its temporary name may stay, beside it.

    Raises:
        FileExistsError: another file has the name.
        FileNotFoundError: `temporary` is gone.
        OSError: the folder cannot be written.
    """
    try:
        os.link(temporary, final)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _claim(temporary, final)
        temporary.replace(final)


def _claim(temporary: Path, final: Path) -> None:
    """Take the name with an empty file of ours, which may be replaced then."""
    temporary.stat()  # before anything is claimed for it
    try:
        os.close(os.open(final, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        found = final.lstat()
        if found.st_size or not stat.S_ISREG(found.st_mode):
            raise
        # An empty one was claimed by someone who was cut off here: there is nothing to lose.


def replace_text(path: Path, text: str) -> None:
    """Give a file a new text, in one step; it and its folder are made if need be.

    Raises:
        OSError: it cannot be written; then it is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with said_of(path):
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(path)
        finally:
            Path(beside).unlink(missing_ok=True)


def open_new(path: Path, mode: int = 0o600) -> IO[bytes]:
    """Open a file for writing that is not there yet, under any kind of name.

    Raises:
        FileExistsError: something has the name, be it a link to nowhere.
        OSError: the folder cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, mode), "wb")


def open_to_append(path: Path) -> IO[bytes]:
    """Open a file of ours to write at its end; it is made if need be.

    Raises:
        OSError: it is a link, which may lead anywhere, or it cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.fdopen(os.open(path, flags, 0o600), "ab")
    except OSError as error:
        if error.errno == errno.ELOOP:
            error.strerror = "it is a link to another file"
        raise
