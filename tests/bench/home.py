"""A library and settings of its own for a benchmark, gone with it."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import Promptsheet


@contextlib.contextmanager
def isolated(settings: str = "") -> Iterator[tuple[Promptsheet, Path]]:
    """The command on an empty library, with these settings (TOML), and a folder for files.

    The engine process is stopped at the end.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "config").mkdir()
        (home / "config" / "settings.toml").write_text(settings)
        environment = os.environ | {
            "PROMPTSHEET_CONFIG": str(home / "config"),
            "PROMPTSHEET_LIBRARY": str(home / "library"),
        }
        promptsheet = Promptsheet(home / "library", environment)
        try:
            yield promptsheet, home
        finally:
            promptsheet("engine", "stop")
