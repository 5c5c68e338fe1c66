"""The base of every error that is meant for a person, and errors of the system in words."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_FAULTS = {
    errno.ENOENT: "file or folder not found",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EEXIST: "that name already exists",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENOTDIR: "part of the path is a file, not a folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "it is a link to itself or to another file",
    errno.EROFS: "the disk is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EFBIG: "the file would exceed the size limit",
    errno.EIO: "the disk reports errors",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
    errno.ENOMEM: "there is not enough memory",
    errno.EXDEV: "it is on another disk",
}
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
_NEAR = 3


class PromptsheetError(Exception):
    """Something cannot be done; the message says what, why, and what to do about it."""


def reason_of(error: Exception) -> str:
    """Why something failed, in words: of the system's errors without number and file name."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    reason = error.strerror or "the system refused"
    # What some code of ours has put into words already is kept.
    if reason != os.strerror(error.errno):
        return reason
    return _FAULTS.get(error.errno, reason[:1].lower() + reason[1:])


def fault_of(error: Exception) -> str:
    """As `reason_of`, the system's errors as a sentence that names the file, where one is known.

    `out.zip: the disk is full.`, or `The disk is full.`
    """
    reason = reason_of(error)
    if not isinstance(error, OSError) or error.errno is None:
        return reason
    name = error.filename
    if isinstance(name, bytes):
        name = name.decode(errors="replace")
    reason = reason.removesuffix(".") + "."
    named = name and isinstance(name, str)
    return f"{name}: {reason}" if named else reason[:1].upper() + reason[1:]


@contextmanager
def said_of(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Errors of the system inside name the file that is written, not its name meanwhile.

    Args:
        path: its name in the end.
        temporary: its name until it is finished; None: any that stands beside `path` and is hidden.
    """
    try:
        yield
    except OSError as error:
        name = error.filename
        if name is None:
            is_ours = error.errno in _OF_THE_DISK
        elif temporary is None:
            is_ours = Path(os.fsdecode(name)).name.startswith(f".{path.name}-")
        else:
            is_ours = os.fsdecode(name) == str(temporary)
        if is_ours:
            error.filename = str(path)
            del error.filename2
        raise


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """` Did you mean sessions or session?`, with a space before it; empty if nothing is near.

    Args:
        word: what was written.
        words: what could have been.
    """
    from difflib import get_close_matches  # needed where something is amiss alone

    folded = {each.casefold(): each for each in words}
    near = get_close_matches(word.casefold()[:60], folded, _NEAR, 0.6)
    return f" Did you mean {' or '.join(folded[each] for each in near)}?" if near else ""
