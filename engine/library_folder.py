"""What keeps a folder from being a library, in words; light enough for every start."""

import errno
import os
import shutil
import stat
from pathlib import Path

from engine.errors import reason_of
from engine.schema import FILE_NAME

_CHOOSE = "Choose another folder with --library or PROMPTSHEET_LIBRARY."
_MOST_BYTES = 480
"""Of a library's path: SQLite opens no file whose path has more than 512."""
_SHOWN = 60
_NO_ROOM = 64 << 10
"""Bytes; a database that is being opened takes half of them."""


def folder_fault(library: Path) -> str | None:
    """Why there cannot be a library in that folder; None if there can, or is one."""
    if len(os.fsencode(library)) > _MOST_BYTES:
        return _too_long(library)
    try:
        found = library.stat()
    except FileNotFoundError:
        return _dangling(library)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return _too_long(library)
        if error.errno == errno.ENOTDIR:
            return f"{library} cannot be a library: part of its path is a file. {_CHOOSE}"
        return f"The library {library} cannot be reached: {reason_of(error)}."
    if not stat.S_ISDIR(found.st_mode):
        return f"{library} is a file, but a library is a folder. {_CHOOSE}"
    return None


def _too_long(library: Path) -> str:
    start = f"{str(library)[:_SHOWN]}…"
    return f"The library's path is too long for a file system or a database: {start} {_CHOOSE}"


def _dangling(library: Path) -> str | None:
    for place in (library, *library.parents):
        if place.is_symlink() and not place.exists():
            return (
                f"{place} is a link to {place.readlink()}, which does not exist. Mount its disk,"
                " create that folder, or choose another one with --library or"
                " PROMPTSHEET_LIBRARY."
            )
    return None


def writing_fault(library: Path) -> str | None:
    """Why nothing can be changed or rendered in that library; None if it can."""
    if fault := folder_fault(library):
        return fault
    if not library.exists():
        above = nearest(library)
        if may_write(above):
            return None
        why = "is on a read-only file system" if is_read_only(above) else "is not writable"
        return f"The library {library} cannot be created: {above} {why}. {_CHOOSE}"
    if is_read_only(library):
        return (
            f"The library {library} is on a read-only file system: you can view and export it,"
            " but not change it or render."
        )
    database = library / FILE_NAME
    if may_write(library) and (not database.exists() or os.access(database, os.W_OK)):
        return None
    return (
        f"You (user {os.getuid()}) have no permission to write to the library {library}: you can"
        " view and export it, but not change it or render."
    )


def nearest(place: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    for each in (place, *place.parents):
        try:
            each.stat()
        except OSError:
            continue
        return each
    return Path("/")


def is_read_only(place: Path) -> bool:
    """Whether a folder that is there is on a read-only file system."""
    try:
        return bool(os.statvfs(place).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def may_write(folder: Path) -> bool:
    """Whether this user may make files in a folder that is there."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def disk_fault(library: Path, error: Exception) -> str | None:
    """What an error says of the library's disk, where it is the disk's: full, or failing.

    SQLite calls a full disk an I/O error where it cannot make a file beside the database.

    Args:
        library: its folder.
        error: an OSError, or SQLite's.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EDQUOT:
        return f"Your quota on the disk of {library} is used up: free some space there."
    if number == errno.EROFS:
        return writing_fault(library)
    if number == errno.ENOSPC or (number in (None, errno.EIO) and _is_full(library)):
        return f"The disk of {library} is full: free some space there."
    if number == errno.EIO or "disk I/O error" in str(error):
        return f"The disk of {library} reports errors ({reason_of(error)}): see `dmesg`."
    return None


def _is_full(library: Path) -> bool:
    try:
        return shutil.disk_usage(library).free < _NO_ROOM
    except OSError:
        return False
