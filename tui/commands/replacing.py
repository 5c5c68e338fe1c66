"""Before a command writes: what is there is a plain file, and may be replaced."""

import stat
from pathlib import Path

from tui.commands.output import UsageError, can_ask, confirmed
from tui.text import clean

_KINDS = (
    (stat.S_ISLNK, "a link to another file"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def is_written_into(path: Path) -> bool:
    """Whether what is there, or a link to it, takes what comes: a named pipe, or /dev/null."""
    try:
        kind = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(kind) or stat.S_ISCHR(kind)


def may_replace(path: Path, *, force: bool = False) -> bool:
    """Whether a file is there that may be replaced; without one, nothing is to be replaced.

    Args:
        path: its name.
        force: whether it is replaced without a question.

    Raises:
        UsageError: something else than a plain file is there, or a file that is to stay.
    """
    name = clean(str(path))
    try:
        about = path.lstat()
    except OSError:
        return False  # it is not there, or what is wrong is said when it is written
    if stat.S_ISDIR(about.st_mode):
        raise UsageError(f"{name} is a folder. Give a file name.")
    if not stat.S_ISREG(about.st_mode):
        kind = next((words for test, words in _KINDS if test(about.st_mode)), "not a regular file")
        raise UsageError(f"{name} is {kind} and is not replaced. Choose another name.")
    if force:
        return True
    if not can_ask():
        raise UsageError(f"{name} already exists; --force replaces it.")
    if not confirmed(f"{name} already exists. Replace it?"):
        raise UsageError(f"{name} was not replaced.")
    return True
