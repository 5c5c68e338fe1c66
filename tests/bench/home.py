"""A library and settings of its own for a benchmark, gone with it."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.command import Promptsheet


@contextlib.contextmanager
def isolated(settings: str = "", models: str = "") -> Iterator[tuple[Promptsheet, Path]]:
    """The command on an empty library, and a folder for files; settings and models are TOML.

    The engine process is stopped at the end.
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
        try:
            yield promptsheet, home
        finally:
            promptsheet("engine", "stop")


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
