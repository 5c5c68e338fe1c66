"""Folders that cannot be written."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = os.getuid() == 0


def freeze(folder: Path, place: Path) -> Path:
    """A folder as it is where it cannot be written: by a read-only mount, or without the right."""
    if not ROOT:
        folder.chmod(0o500)
        return folder
    place.mkdir()
    for options in (["--bind", str(folder), str(place)], ["-o", "remount,ro,bind", str(place)]):
        if subprocess.run(["mount", *options], capture_output=True).returncode:
            pytest.skip("needs the right to mount")
    return place


def thaw(folder: Path, place: Path) -> None:
    if ROOT:
        subprocess.run(["umount", "--lazy", str(place)], capture_output=True)
    else:
        folder.chmod(0o700)
