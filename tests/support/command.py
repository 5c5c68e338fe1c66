"""The installed command, on a library of a test."""

import json
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.api import JobInfo, Library, Settings, plain
from tests.support.forking import COMMAND, ServedPopen

__all__ = ["COMMAND", "Promptsheet"]

_TIMEOUT = 300
"""Seconds."""


@dataclass
class Promptsheet:
    """The installed command, on one library."""

    library: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with self.start(*arguments, **pipes) as process:
            try:
                out, err = process.communicate(stdin, _TIMEOUT)
            except BaseException:  # also where whoever waits is interrupted
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def json(self, *arguments: str | Path, status: int = 0, stdin: str = "") -> Any:
        """Run it with --json; what it prints, its exit status checked."""
        done = self(*arguments, "--json", stdin=stdin)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def start(
        self, *arguments: str | Path, forked: bool = True, text: bool = True, **options: Any
    ) -> "subprocess.Popen[Any]":
        """Start it and go on.

        Args:
            arguments: its command line.
            forked: from what has its modules; its memory is no measure then.
            text: whether text goes through its pipes, or bytes.
            options: of `Popen`.
        """
        words = [str(COMMAND), *map(str, arguments)]
        how = ServedPopen if forked else subprocess.Popen
        return how(words, env=self.environment, text=text, **options)

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
        state = Library(Settings(library=self.library)).engine.status()
        if state is None:
            return off
        far = {"mismatch": state.mismatch, "elsewhere": state.elsewhere}
        status: dict[str, Any] = plain(state.status)
        return {"running": True} | status | far

    def on(self, library: Path) -> "Promptsheet":
        """The same settings on another library."""
        return Promptsheet(library, self.environment | {"PROMPTSHEET_LIBRARY": str(library)})
