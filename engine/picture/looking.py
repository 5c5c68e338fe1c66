"""Looking at pictures that people bring, without trusting them."""

import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec

from engine.picture.looker import Looked
from engine.picture.source_files import SourceFacts

_MEMORY_BYTES = 3 << 30
_SECONDS = 60.0
"""For one picture; the largest there may be takes a tenth of it."""
_CHILDREN = 2
_AHEAD = 64
# The child finds modules where we do, and nowhere else: not in the folder it is started from.
_CHILD = (
    "import sys; sys.path[:] = sys.argv[2:]; from engine.picture.looker import main; "
    "main(int(sys.argv[1]))"
)


def look_at_all(
    paths: Iterable[Path], wanted: Callable[[], bool] = lambda: True
) -> Iterator[tuple[Path, SourceFacts | str]]:
    """What pictures are, each with what is known of it, or why it cannot be drawn on.

    Processes of their own look at them, with limited memory and time: a hostile or damaged file
    can end such a process, not ours, and the next one goes on with the next file.

    Args:
        paths: their files, however many.
        wanted: asked now and then; if not, the rest is left.

    Yields:
        In the order of `paths`.
    """
    local, children = threading.local(), list[_Child]()

    def look(path: Path) -> SourceFacts | str:
        child: _Child | None = getattr(local, "child", None)
        if child is None:
            child = local.child = _Child()
            children.append(child)
        return child.look(path)

    rest = iter(paths)
    with ThreadPoolExecutor(_CHILDREN, "look") as pool:
        try:
            ahead = [(path, pool.submit(look, path)) for path in islice(rest, _AHEAD)]
            while ahead and wanted():
                path, found = ahead.pop(0)
                yield path, found.result()
                ahead += [(path, pool.submit(look, path)) for path in islice(rest, 1)]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for child in children:
                child.close()


class _Child:
    """A process that looks at one picture after the other; a new one where the last has ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def look(self, path: Path) -> SourceFacts | str:
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        line = b""
        with suppress(BrokenPipeError):
            process.stdin.write(msgspec.json.encode(os.fsencode(path)) + b"\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], _SECONDS)[0]:
                self.close()
                return f"Reading it took longer than the limit of {_SECONDS:.0f} seconds."
            line = process.stdout.readline()
        if not line.endswith(b"\n"):
            self.close()
            return (
                "Reading it failed: it is damaged or very unusual. Save it as JPG, PNG or WEBP"
                " and use that."
            )
        answer = msgspec.json.decode(line, type=Looked)
        if answer.facts is not None:
            return answer.facts
        if answer.memory:
            return (
                f"Reading it takes more than the limit of {_MEMORY_BYTES >> 30} GiB of memory."
                " Make it smaller."
            )
        return answer.refused

    def _start(self) -> subprocess.Popen[bytes]:
        modules = [entry for entry in sys.path if entry]
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-P", "-c", _CHILD, str(_MEMORY_BYTES), *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self._process

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
