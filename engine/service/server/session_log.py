"""A log for each session: what became of its batches, and what was asked of it."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.atomic_files import open_to_append
from engine.library.read.reader import log_path


class SessionLogs:
    """Appends lines, in a thread; a line that cannot be written is left out."""

    def __init__(self, library: Path) -> None:
        self._library = library
        self._pool = ThreadPoolExecutor(1, "log")

    def note(self, session: str, words: str) -> None:
        """Write one line."""
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {words.replace(chr(10), ' ')}\n"
        self._pool.submit(self._append, log_path(self._library, session), line)

    def _append(self, path: Path, line: str) -> None:
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with open_to_append(path) as file:
                file.write(line.encode("utf-8", "replace"))

    def close(self) -> None:
        """Write what is left."""
        self._pool.shutdown()
