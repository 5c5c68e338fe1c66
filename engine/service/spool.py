"""The spool: a folder of the library through which other hosts ask whoever owns the library.

A request is a file, ID.request, and so is what came of it, ID.answer. Each is written under a
temporary name first, and has its own only once the disk has all of it. Who takes a request in
renames it ID.taken: so either that comes first, or the one who asked takes it back. Pictures that a
session is drawn on lie in ID.pictures meanwhile, and STANDING says how the engine process is.

The folder is its owner's alone. All that is done in it is done by its descriptor, and it is opened
again for every look: a network file system asks its server then, and not what it remembers.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import PromptsheetError, reason_of
from engine.protocol.framing import MESSAGE_BYTES, WireError, lengths

FOLDER = "spool"
REQUEST, TAKEN, ANSWER, PICTURES = ".request", ".taken", ".answer", ".pictures"
STANDING = "standing"
_UNFINISHED = ".part"
_HEAD_BYTES = 12
_MOST_BYTES = MESSAGE_BYTES + _HEAD_BYTES
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC
_NAME = re.compile(r"([0-9a-f]{32})(\.[a-z]+)")
_OURS = re.compile(r"(?:[0-9a-f]{32}|standing|clock)(?:\.[0-9a-z]+)+")


class SpoolError(PromptsheetError):
    """The spool, or a file in it, cannot be used; the message says why."""


def new_id() -> str:
    """A request's id: nobody else's."""
    return secrets.token_hex(16)


def id_of(name: str, suffix: str) -> str | None:
    """The id in the name of a file that ends so; None: it is another's."""
    match = _NAME.fullmatch(name)
    return match[1] if match and match[2] == suffix else None


def make_spool(library: Path) -> None:
    """Make the folder for this user alone, or see to it that it is so.

    Raises:
        SpoolError: it is another user's, or the file system keeps nothing private.
        OSError: the library cannot be written.
    """
    with suppress(FileExistsError):
        (library / FOLDER).mkdir(mode=0o700)
    try:
        folder = os.open(library / FOLDER, os.O_RDONLY | os.O_DIRECTORY | _FLAGS)
    except NotADirectoryError:
        raise SpoolError(f"{library / FOLDER} is not a folder.") from None
    try:
        with suppress(OSError):  # if it is another's; or as it should be
            os.fchmod(folder, 0o700)
        _require_private(library, folder)
    finally:
        os.close(folder)


@contextmanager
def open_spool(library: Path) -> Iterator[int]:
    """The folder, by its descriptor.

    Raises:
        SpoolError: it is not there, or not this user's alone.
    """
    try:
        folder = os.open(library / FOLDER, os.O_RDONLY | os.O_DIRECTORY | _FLAGS)
    except OSError as error:
        raise SpoolError(f"{library / FOLDER} cannot be used: {reason_of(error)}.") from error
    try:
        _require_private(library, folder)
        yield folder
    finally:
        os.close(folder)


def _require_private(library: Path, folder: int) -> None:
    about = os.fstat(folder)
    if about.st_uid != os.geteuid():
        raise SpoolError(f"{library / FOLDER} belongs to another user.")
    if about.st_mode & 0o077:
        raise SpoolError(f"{library / FOLDER} is not private: others may look or write there.")


def write_file(folder: int, name: str, data: bytes, *, kept: bool = True) -> None:
    """Give a file its whole text in one step; what had the name is replaced.

    Args:
        folder: of the spool.
        name: of the file.
        data: all of it.
        kept: whether it is waited for until the disk has it.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    beside = f"{name}.{secrets.token_hex(8)}{_UNFINISHED}"
    descriptor = os.open(
        beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600, dir_fd=folder
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if kept:
                os.fsync(file.fileno())
        os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        remove(folder, beside)
        raise
    if kept:
        os.fsync(folder)


def read_file(folder: int, name: str) -> tuple[bytes, os.stat_result]:
    """What is in a plain file of the folder's owner, and what is known of it.

    Raises:
        FileNotFoundError: there is none of that name.
        SpoolError: it is a link, a pipe, another user's, known by a second name, or too large.
        OSError: the disk fails.
    """
    try:
        # A named pipe would wait here for whoever writes into it.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _FLAGS, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SpoolError(f"it cannot be opened: {reason_of(error)}") from error
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise SpoolError("it is not a plain file")
        if about.st_uid != os.fstat(folder).st_uid:
            raise SpoolError("it belongs to another user")
        if about.st_nlink > 1:  # none: it was replaced or taken away since, and is whole
            raise SpoolError("it has a second name")
        if about.st_size > _MOST_BYTES:
            raise SpoolError(f"it has {about.st_size:,} bytes, and no request has so many")
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        return file.read(about.st_size), about


def body_of(data: bytes) -> bytes:
    """The message in a file, which has one frame of `protocol.framing` and nothing else.

    Raises:
        WireError: it has another length than it says.
    """
    if len(data) < _HEAD_BYTES:
        raise WireError("it breaks off")
    size, behind = lengths(data[:_HEAD_BYTES])
    if behind or len(data) != _HEAD_BYTES + size:
        raise WireError("it breaks off, or something follows")
    return data[_HEAD_BYTES:]


def remove(folder: int, name: str) -> bool:
    """Take a name out of the folder, whatever has it, a folder not; whether it was there."""
    try:
        os.unlink(name, dir_fd=folder)
    except (FileNotFoundError, IsADirectoryError):
        return False
    return True


def names_in(folder: int) -> list[str]:
    """All names in the folder."""
    return os.listdir(folder)


def is_there(folder: int, name: str) -> bool:
    """Whether anything has that name in the folder."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def remove_pictures(library: Path, request: str) -> None:
    """Take out what a session is drawn on; nothing is followed that leads elsewhere."""
    import shutil  # few need it

    with suppress(SpoolError), open_spool(library) as folder:
        shutil.rmtree(request + PICTURES, ignore_errors=True, dir_fd=folder)


def disk_now(folder: int) -> float:
    """The time by the clock of the disk, whose hosts may each have another."""
    name = f"clock.{secrets.token_hex(8)}{_UNFINISHED}"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600, dir_fd=folder)
    try:
        with suppress(OSError):  # a full disk has no room for it, but knows the time
            os.write(descriptor, b"?")
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        remove(folder, name)


def tidy(library: Path, older: float) -> None:
    """Remove what nobody takes or reads any more: of hosts that died, or asked long ago.

    Args:
        library: whose spool.
        older: seconds, by the clock of the disk, that it lies there unchanged.
    """
    with open_spool(library) as folder:
        now = disk_now(folder)
        for name in names_in(folder):
            with suppress(OSError):
                about = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if now - about.st_mtime < older or not _OURS.fullmatch(name):
                    continue
                if not stat.S_ISDIR(about.st_mode):
                    remove(folder, name)
                elif (request := id_of(name, PICTURES)) is not None:
                    remove_pictures(library, request)
