"""What every test stands on: a library and settings of its own, and the real command."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import COMMAND, Promptsheet


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty settings folder."""
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("PROMPTSHEET_CONFIG", str(folder))
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Where a library may be made."""
    return tmp_path / "library"


@pytest.fixture
def promptsheet(config: Path, library: Path, tmp_path: Path) -> Iterator[Promptsheet]:
    """The command on a new library; its engine processes end with the test."""
    environment = os.environ | {"PROMPTSHEET_LIBRARY": str(library)}
    yield Promptsheet(library, environment)
    for lock in tmp_path.rglob("engine.lock"):
        subprocess.run(
            [str(COMMAND), "engine", "stop", "--library", str(lock.parent)],
            env=environment,
            capture_output=True,
            timeout=120,
        )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
