"""Paths as a person types or pastes them."""

import os
from pathlib import Path


def typed_path(text: str) -> Path:
    """The path that was typed; `~` is home, `~name` someone else's where there is such a one."""
    # Not Path.expanduser: that gives no path but an error where there is no such person.
    return Path(os.path.expanduser(text.strip()))  # noqa: PTH111


def is_folder(path: Path) -> bool:
    """Whether it is a folder; not, where it cannot be looked at. Path.is_dir raises then."""
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: Path) -> bool:
    """Whether it is a file; not, where it cannot be looked at. Path.is_file raises then."""
    return os.path.isfile(path)  # noqa: PTH113


def is_there(path: Path) -> bool:
    """Whether it is there; not, where it cannot be looked at. Path.exists raises then."""
    return os.path.exists(path)  # noqa: PTH110
