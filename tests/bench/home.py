"""A library and settings of its own for a benchmark, gone with it."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.command import COMMAND, Promptsheet

_WATCH = """
while kill -0 "$1" 2>/dev/null; do sleep 1; done
"$2" engine stop >/dev/null 2>&1
rm -rf "$3"
"""
"""Sees to what the benchmark leaves behind if it is killed: an engine process survives that."""


@contextlib.contextmanager
def isolated(settings: str = "", models: str = "") -> Iterator[tuple[Promptsheet, Path]]:
    """The command on an empty library, and a folder for files; settings and models are TOML.

    The engine process is stopped at the end, and where this process is killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "config").mkdir()
        (home / "config" / "settings.toml").write_text(settings)
        if models:
            (home / "config" / "models.toml").write_text(models)
        environment = os.environ | {
            "PROMPTSHEET_CONFIG": str(home / "config"),
            "PROMPTSHEET_LIBRARY": str(home / "library"),
        }
        promptsheet = Promptsheet(home / "library", environment)
        watch = subprocess.Popen(
            ["sh", "-c", _WATCH, "sh", str(os.getpid()), str(COMMAND), folder],
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        try:
            yield promptsheet, home
        finally:
            promptsheet("engine", "stop")
            watch.kill()
            watch.wait()


@contextlib.contextmanager
def own_settings(home: Path) -> Iterator[None]:
    """For what is called here instead of started: settings and state of its own, below `home`."""
    (home / "config").mkdir()
    mine = {"PROMPTSHEET_CONFIG": str(home / "config"), "XDG_STATE_HOME": str(home / "state")}
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
