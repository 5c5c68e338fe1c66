"""Whether other users of this machine can reach the folder where public images are shared."""

import grp
import os
import pwd
import stat
from pathlib import Path


def why_unreachable(folder: Path | None) -> str:
    """Why others would not find public images, in one sentence; empty: they would.

    Args:
        folder: the shared folder of the settings.
    """
    if folder is None:
        return "no shared folder is set"
    if not folder.is_dir():
        return f"the shared folder {folder} is not there"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"you have no permission to write to the shared folder {folder}"
    real = folder.resolve()
    for each in (*reversed(real.parents), real):
        if not _lets_others_in(each):
            return f"only you can open {each}, so nobody else can reach the shared folder"
    return ""


def _lets_others_in(folder: Path) -> bool:
    about = folder.stat()
    if about.st_mode & stat.S_IXOTH or about.st_uid != os.getuid():
        return True  # we got through a folder of someone else's: so may others
    return bool(about.st_mode & stat.S_IXGRP) and not _is_ours_alone(about.st_gid)


def _is_ours_alone(group: int) -> bool:
    """Whether a group is a user's private one, as most systems make one for each."""
    try:
        found = grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == user_name() and not set(found.gr_mem) - {user_name()}


def user_name() -> str:
    """Of whoever runs this."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number without a name
        return str(os.getuid())
