"""The installed command, on a library of a test."""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.api import JobInfo, Library, Settings

COMMAND = Path(sys.executable).parent / "promptsheet"


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.support.preloaded"])
_TIMEOUT = 300
"""Seconds."""
_WRITTEN = os.O_WRONLY | os.O_CREAT


@dataclass
class Promptsheet:
    """The installed command, on one library."""

    library: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end: in a process of its own, forked from one that has its modules."""
        words = [str(COMMAND), *map(str, arguments)]
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
            streams[0].write_text(stdin)
            process = _FORKS.Process(
                target=_main, args=(words, self.environment, Path.cwd(), streams)
            )
            process.start()
            try:
                process.join(_TIMEOUT)
            finally:  # also where whoever waits is interrupted
                code = process.exitcode
                if code is None:
                    process.kill()
            if code is None:
                raise subprocess.TimeoutExpired(words, _TIMEOUT)
            _, out, err = (path.read_text() if path.exists() else "" for path in streams)
        return subprocess.CompletedProcess(words, code, out, err)

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


def _main(
    arguments: list[str], environment: dict[str, str], folder: Path, streams: list[Path]
) -> None:
    """What the installed command does, in this process."""
    from tests.support.forking import ForkingPopen, become
    from tui.cli import main

    opened = [os.open(path, os.O_RDONLY if path.exists() else _WRITTEN) for path in streams]
    become(arguments, environment, folder, opened)
    subprocess.Popen = ForkingPopen  # type: ignore[misc]
    sys.exit(main())
