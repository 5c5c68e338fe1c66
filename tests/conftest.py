"""What every test stands on: a library and settings of its own, and the real command."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.api import JobInfo, Library, Settings

COMMAND = Path(sys.executable).parent / "promptsheet"


@dataclass
class Promptsheet:
    """The installed command, on one library."""

    library: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            [str(COMMAND), *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=300,
        )

    def json(self, *arguments: str | Path, status: int = 0, stdin: str = "") -> Any:
        """Run it with --json; what it prints, its exit status checked."""
        done = self(*arguments, "--json", stdin=stdin)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def start(self, *arguments: str | Path, **options: Any) -> "subprocess.Popen[str]":
        """Start it and go on."""
        return subprocess.Popen(
            [str(COMMAND), *map(str, arguments)], env=self.environment, text=True, **options
        )

    # Waiting by commands would take the processor from what is waited for: a second each.

    def sessions(self) -> list[dict[str, Any]]:
        """As `sessions --json`, asked in this process."""
        if not (self.library / "library.sqlite3").exists():
            return []
        return [asdict(info) for info in Library(Settings(library=self.library)).sessions.all()]

    def jobs(self) -> list[JobInfo]:
        """As the rows of `show last --json`, asked in this process."""
        sessions = Library(Settings(library=self.library)).sessions
        return list(sessions.jobs(sessions.find("last").session))

    def status(self) -> dict[str, Any]:
        """As `engine status --json`, asked in this process."""
        off: dict[str, Any] = {"running": False, "pid": None, "renderers": [], "paused": None}
        status = Library(Settings(library=self.library)).engine.status()
        return off if status is None else {"running": True} | status

    def on(self, library: Path) -> "Promptsheet":
        """The same settings on another library."""
        return Promptsheet(library, self.environment | {"PROMPTSHEET_LIBRARY": str(library)})


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
