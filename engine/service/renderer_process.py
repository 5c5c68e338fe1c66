"""A renderer as a process of this machine: started, written to, killed; and why it ended."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from engine.atomic_files import open_to_append
from engine.protocol.cluster import Use

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    # How long a thread that waits for another spins before it sleeps. torch's OpenMP takes 300,000
    # turns: no quicker than 3,000 on quiet cores, and three times as slow beside one busy program.
    "GOMP_SPINCOUNT": "3000",
}
"""What a renderer's environment has beside its parent's."""
_PIECE = 4096
"""Bytes of what a renderer prints: taken at once, and the last ones kept."""


class RendererProcess:
    """A renderer's process, and the frames that come from it."""

    def __init__(self, device: str, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self.reader: asyncio.StreamReader
        """Its frames."""
        self.use: Use | None = None
        """Nothing: who looks at this machine measures it."""
        self._device = device
        self._process = process
        self._said = b""
        self._writer: asyncio.StreamWriter
        self._voice: asyncio.StreamWriter
        self._listening: asyncio.Task[None]

    @classmethod
    async def start(
        cls,
        device: str,
        threads: int,
        cores: int,
        log: Path | None,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start a renderer on `device`; its hello is the first of its frames.

        Args:
            device: a torch device.
            threads: CPU threads of all calls that run there side by side.
            cores: of this machine.
            log: what it prints is appended here, if anywhere.
            environment: its own, but for what all have; None: as here.

        Raises:
            OSError: no process can be started.
        """
        ours, theirs = socket.socketpair()
        said, printed = socket.socketpair()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # not from the folder it happens to be started in
            "-m",
            "engine.render.renderer",
            "--device",
            device,
            "--socket",
            str(theirs.fileno()),
            "--threads",
            str(threads),
            "--cores",
            str(cores),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=printed.fileno(),
            stderr=printed.fileno(),
            pass_fds=(theirs.fileno(),),
            env={**(os.environ if environment is None else environment), **ENVIRONMENT},
        )
        theirs.close()
        printed.close()
        started = cls(device, process)
        heard, started._voice = await asyncio.open_connection(sock=said)
        started._listening = asyncio.create_task(started._listen(heard, log))
        started.reader, started._writer = await asyncio.open_connection(sock=ours)
        return started

    async def _listen(self, heard: asyncio.StreamReader, log: Path | None) -> None:
        """Put what it prints into the log; the last of it may say why it ends."""
        while piece := await heard.read(_PIECE):
            self._said = (self._said + piece)[-_PIECE:]
            if log is not None:
                # A disk may be full.
                with contextlib.suppress(OSError), open_to_append(log) as output:
                    output.write(piece)

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.returncode is None

    async def send(self, data: bytes) -> None:
        """Send frames.

        Raises:
            ConnectionError, RuntimeError: it is gone.
        """
        self._writer.write(data)
        await self._writer.drain()

    async def obituary(self) -> str:
        """How it ended, in words."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 5)
            await asyncio.wait_for(asyncio.shield(self._listening), 1)
        code = self._process.returncode
        if code is not None and code < 0:
            name = signal.strsignal(-code) or f"signal {-code}"
            return f"the renderer on {self._device} was killed ({name})"
        lines = self._said.decode(errors="replace").split("\n")
        said = next((f": {text}" for line in reversed(lines) if (text := line.strip())), "")
        return f"the renderer on {self._device} ended (exit code {code}){said}"

    def abandon(self) -> None:
        """Have it end; nobody waits for that."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def kill(self) -> None:
        """End it now."""
        self.abandon()
        await self._process.wait()
        self._writer.close()
        self._listening.cancel()  # a process that it started may go on printing
        self._voice.close()
