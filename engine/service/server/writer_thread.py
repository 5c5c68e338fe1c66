"""The library's writer in a thread of its own, so that the event loop never waits for the disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from engine.library.files import StagedFile, stage
from engine.library.write.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")

_FILES_AT_ONCE = 4


class WriterThread:
    """The library's writer, called from the event loop, run in a thread of its own."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._pool = ThreadPoolExecutor(1, "writer")
        self._files = ThreadPoolExecutor(_FILES_AT_ONCE, "files")

    async def __call__(
        self,
        method: Callable[Concatenate[Writer, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `method` of the writer after everything asked for before."""
        call = partial(method, self._writer, *args, **kwargs)
        run = copy_context().run  # whom it is for
        return await asyncio.get_running_loop().run_in_executor(self._pool, run, call)

    def close(self) -> None:
        """Finish what was asked for."""
        self._files.shutdown()
        self._pool.shutdown()

    async def stage(self, image: str, final: Path, data: bytes) -> StagedFile:
        """Put an image's bytes on disk; several at once, and beside what the writer does."""
        call = partial(stage, image, final, data)
        return await asyncio.get_running_loop().run_in_executor(self._files, call)
