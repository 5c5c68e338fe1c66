"""Programs of the benchmarks that tell a JSON object a line, each a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def lines_of(device: str, kind: str, *more: object) -> Iterator[Iterator[dict[str, Any]]]:
    """What `tests.bench.on_device` tells; it ends with the block.

    Raises:
        RuntimeError: it failed; the last line it said.
    """
    words = [sys.executable, "-m", "tests.bench.on_device", device, kind, *map(str, more)]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
        )

        def lines() -> Iterator[dict[str, Any]]:
            assert process.stdout
            yield from (json.loads(line) for line in process.stdout)
            if process.wait():
                said.seek(0)
                # Warnings and where it happened come before.
                *_, last = said.read().strip().splitlines() or ["it ended without a word"]
                raise RuntimeError(last[-500:])

        try:
            yield lines()
        finally:
            process.kill()  # it keeps nothing
            process.wait()
