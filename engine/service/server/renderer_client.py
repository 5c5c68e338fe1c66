"""The engine process's end of one renderer process."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Self

import msgspec

from engine.atomic_files import open_to_append
from engine.models.placement import Placement
from engine.picture.recipe import Conditions
from engine.protocol.framing import Framed, Unpacker, WireError, pack
from engine.protocol.rendering import (
    AnyFromRenderer,
    AnyToRenderer,
    Cause,
    Ended,
    Failed,
    Hello,
    Loaded,
    LoadModel,
    RenderBatch,
    StopBatch,
    WantPreviews,
)

log = logging.getLogger(__name__)

_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    # How long a thread that waits for another spins before it sleeps. torch's OpenMP takes 300,000
    # turns: no quicker than 3,000 on quiet cores, and three times as slow beside one busy program.
    "GOMP_SPINCOUNT": "3000",
}


class RendererDiedError(Exception):
    """The renderer process ended; the message says how."""


class MachineError(Exception):
    """This machine, or its device, cannot run a renderer; the message says why."""


class LoadError(Exception):
    """The model cannot be loaded; the message says why."""


class ChangedModelError(LoadError):
    """The model's files are not those the session was planned with."""


class NotNowError(Exception):
    """What an image needs is not there now, but perhaps later; the message says what is wrong."""

    def __init__(self, message: str, need: str | None = None) -> None:
        super().__init__(message)
        self.need = need
        """Which it is, as `Recipe.needs` calls it; None: the model."""


class RendererHungError(Exception):
    """No sign of life for too long."""


_PIECE = 4096
"""Bytes of what a renderer prints: taken at once, and the last ones kept."""

_LOAD_ERRORS: Mapping[Cause, type[Exception]] = {
    Cause.CHANGED: ChangedModelError,
    Cause.DISK: OSError,
    Cause.LOAD: LoadError,
    Cause.MACHINE: MachineError,
    Cause.NOT_NOW: NotNowError,
}


class RendererClient:
    """A live renderer: what it is, what it has loaded, and the frames it sends by batch."""

    def __init__(self, device: str, process: asyncio.subprocess.Process) -> None:
        self.device = device
        self.pid = process.pid
        self.model: str | None = None
        """Label of the model that was loaded last."""
        self._process = process
        self._loaded: dict[LoadModel, Conditions] = {}
        self._heard = time.monotonic()
        self._said = b""
        self._queues: dict[int | None, asyncio.Queue[Framed[AnyFromRenderer] | None]] = {
            None: asyncio.Queue()
        }
        self._writer: asyncio.StreamWriter
        self._voice: asyncio.StreamWriter
        self._reading: asyncio.Task[None]
        self._listening: asyncio.Task[None]

    @classmethod
    async def start(cls, device: str, threads: int, cores: int, log: Path, timeout: float) -> Self:
        """Start a renderer on `device` and wait for its hello.

        Args:
            device: a torch device.
            threads: CPU threads of all calls that run there side by side.
            cores: of this machine.
            log: what it prints is appended here.
            timeout: seconds.

        Raises:
            MachineError: the machine or the device is not fit for one.
            RendererDiedError: it ended instead, or said nothing in time.
        """
        try:
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
                env=os.environ | _ENVIRONMENT,
            )
        except OSError as error:
            raise MachineError(f"cannot start a process: {error.strerror}") from error
        theirs.close()
        printed.close()
        link = cls(device, process)
        heard, link._voice = await asyncio.open_connection(sock=said)
        link._listening = asyncio.create_task(link._listen(heard, log))
        reader, link._writer = await asyncio.open_connection(sock=ours)
        link._reading = asyncio.create_task(link._read(reader))
        try:
            frame = await link._next(None, timeout)
        except RendererHungError as error:
            await link.kill()
            raise RendererDiedError(f"the renderer on {device} did not start: {error}") from error
        if isinstance(frame.message, Failed):
            await link.kill()
            raise MachineError(frame.message.reason)
        return link

    async def _listen(self, heard: asyncio.StreamReader, log: Path) -> None:
        """Put what it prints into the log; the last of it may say why it ends."""
        while piece := await heard.read(_PIECE):
            self._said = (self._said + piece)[-_PIECE:]
            with contextlib.suppress(OSError), open_to_append(log) as output:  # a disk may be full
                output.write(piece)

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.returncode is None and not self._reading.done()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Sort frames by their batch; at the end tell everyone who waits."""
        unpacker: Unpacker[AnyFromRenderer] = Unpacker(AnyFromRenderer)
        try:
            while True:
                frame = await unpacker.read(reader)
                self._heard = time.monotonic()
                message = frame.message
                batch = None if isinstance(message, Hello | Loaded) else message.batch
                if batch in self._queues:
                    self._queues[batch].put_nowait(frame)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except WireError:  # a renderer that says what is no message is as good as dead
            log.exception("the renderer on %s", self.device)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        finally:
            for waiting in self._queues.values():
                waiting.put_nowait(None)

    async def _next(self, batch: int | None, timeout: float) -> Framed[AnyFromRenderer]:
        try:
            frame = await asyncio.wait_for(self._queues[batch].get(), timeout)
        except TimeoutError:
            raise RendererHungError(f"no sign of life for {timeout:.0f} s") from None
        if frame is None:
            raise RendererDiedError(await self._obituary())
        return frame

    async def _obituary(self) -> str:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 5)
            await asyncio.wait_for(asyncio.shield(self._listening), 1)
        code = self._process.returncode
        if code is not None and code < 0:
            name = signal.strsignal(-code) or f"signal {-code}"
            return f"the renderer on {self.device} was killed ({name})"
        lines = self._said.decode(errors="replace").split("\n")
        said = next((f": {text}" for line in reversed(lines) if (text := line.strip())), "")
        return f"the renderer on {self.device} ended (exit code {code}){said}"

    async def _send(self, message: AnyToRenderer) -> None:
        try:
            self._writer.write(pack(message))
            await self._writer.drain()
        except (ConnectionError, RuntimeError) as error:
            raise RendererDiedError(await self._obituary()) from error

    async def load(self, wanted: LoadModel, timeout: float) -> Conditions:
        """Have a model ready; at once if it is loaded already.

        Returns:
            The conditions on offer.

        Raises:
            LoadError, ChangedModelError, NotNowError, RendererDiedError, RendererHungError
            MachineError: the device fails, or the machine allows no more threads, say.
            OSError: the disk is full, or fails.
        """
        if wanted not in self._loaded:
            await self._send(wanted)
            answer = (await self._next(None, timeout)).message
            assert isinstance(answer, Loaded | Failed), "nothing else comes without a batch"
            # Others may have made room.
            self._loaded = {
                asked: offered
                for asked, offered in self._loaded.items()
                if (asked.model_hash, Placement.of(offered)) in answer.loaded
            }
            if isinstance(answer, Failed):
                raise _LOAD_ERRORS.get(answer.cause, LoadError)(answer.reason)
            self._loaded[wanted] = offered = answer.conditions
            # By these a session that keeps its conditions asks for it.
            self._loaded[msgspec.structs.replace(wanted, kept=Placement.of(offered))] = offered
            self.model = wanted.model
        return self._loaded[wanted]

    def has_loaded(self, wanted: LoadModel) -> bool:
        """Whether `load` would have nothing to do."""
        return wanted in self._loaded

    @property
    def warm(self) -> frozenset[str]:
        """Labels of the models that are loaded."""
        return frozenset(asked.model for asked in self._loaded)

    async def render(
        self, wanted: RenderBatch, timeout: float
    ) -> AsyncGenerator[Framed[AnyFromRenderer]]:
        """Send a batch; its frames as they come, the last one `Ended` or `Failed`.

        Args:
            wanted: the batch.
            timeout: seconds without a sign of life of the batch, or of any while it waits its turn.

        Raises:
            RendererDiedError, RendererHungError
        """
        batch = wanted.batch
        self._queues[batch] = asyncio.Queue()
        started = False
        try:
            await self._send(wanted)
            while True:
                try:
                    frame = await self._next(batch, timeout)
                except RendererHungError:
                    if started or time.monotonic() - self._heard >= timeout:
                        raise
                    continue
                started = True
                yield frame
                if isinstance(frame.message, Ended | Failed):
                    return
        finally:
            del self._queues[batch]

    async def want_previews(self, wanted: bool) -> None:
        """Say whether anyone looks at previews."""
        with contextlib.suppress(RendererDiedError):
            await self._send(WantPreviews(wanted))

    async def stop(self, batch: int) -> None:
        """Have it leave `batch` after the current step."""
        with contextlib.suppress(RendererDiedError):
            await self._send(StopBatch(batch))

    async def kill(self) -> None:
        """End the process now."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._writer.close()
        await self._reading
        self._listening.cancel()  # a process that it started may go on printing
        self._voice.close()
