"""The engine process's end of one renderer, wherever that lives."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Protocol, Self

import msgspec

from engine.models.placement import Placement
from engine.picture.recipe import Conditions
from engine.protocol.cluster import Use
from engine.protocol.framing import Framed, Unpacker, WireError, pack
from engine.protocol.rendering import (
    AnyFromRenderer,
    AnyToRenderer,
    BatchEnded,
    Cause,
    Failed,
    Hello,
    Loaded,
    LoadModel,
    RenderBatch,
    StopBatch,
    WantPreviews,
)
from engine.service.renderer_process import RendererProcess

log = logging.getLogger(__name__)


class RendererDiedError(Exception):
    """The renderer ended; the message says how."""


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


_LOAD_ERRORS: Mapping[Cause, type[Exception]] = {
    Cause.CHANGED: ChangedModelError,
    Cause.DISK: OSError,
    Cause.LOAD: LoadError,
    Cause.MACHINE: MachineError,
    Cause.NOT_NOW: NotNowError,
}


class Body(Protocol):
    """What a renderer lives in: a process of this machine, or an actor on another one."""

    pid: int
    reader: asyncio.StreamReader
    """Its frames; their end is its own."""
    use: Use | None
    """How busy its device is, where that is another machine's."""

    @property
    def alive(self) -> bool:
        """Whether it is there."""

    async def send(self, data: bytes) -> None:
        """Send frames.

        Raises:
            ConnectionError, RuntimeError: it is gone.
        """

    async def obituary(self) -> str:
        """How it ended, in words."""

    def abandon(self) -> None:
        """Have it end; nobody waits for that."""

    async def kill(self) -> None:
        """End it now."""


class RendererClient:
    """A live renderer: what it is, what it has loaded, and the frames it sends by batch."""

    def __init__(self, device: str, body: Body) -> None:
        self.device = device
        self.pid = body.pid
        self.model: str | None = None
        """Label of the model that was loaded last."""
        self._body = body
        self._loaded: dict[LoadModel, Conditions] = {}
        self._heard = time.monotonic()
        self._queues: dict[int | None, asyncio.Queue[Framed[AnyFromRenderer] | None]] = {
            None: asyncio.Queue()
        }
        self._reading = asyncio.create_task(self._read(body.reader))

    @classmethod
    async def start(cls, device: str, threads: int, cores: int, log: Path, timeout: float) -> Self:
        """Start a renderer on a device of this machine, and wait for its hello.

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
            body = await RendererProcess.start(device, threads, cores, log)
        except OSError as error:
            raise MachineError(f"cannot start a process: {error.strerror}") from error
        return await cls.greeted(device, body, timeout)

    @classmethod
    async def greeted(cls, device: str, body: Body, timeout: float) -> Self:
        """A renderer that has said hello.

        Args:
            device: what it is called here.
            body: it was just started.
            timeout: seconds.

        Raises:
            MachineError: the machine or the device is not fit for one.
            RendererDiedError: it ended instead, or said nothing in time.
        """
        link = cls(device, body)
        try:
            frame = await link._next(None, timeout)
        except RendererHungError as error:
            await link.kill()
            raise RendererDiedError(f"the renderer on {device} did not start: {error}") from error
        if isinstance(frame.message, Failed):
            await link.kill()
            raise MachineError(frame.message.reason)
        return link

    @property
    def use(self) -> Use | None:
        """How busy its device is; None: nobody told, or it is this machine's."""
        return self._body.use

    @property
    def alive(self) -> bool:
        """Whether it is there."""
        return self._body.alive and not self._reading.done()

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
            self._body.abandon()
        finally:
            for waiting in self._queues.values():
                waiting.put_nowait(None)

    async def _next(self, batch: int | None, timeout: float) -> Framed[AnyFromRenderer]:
        try:
            frame = await asyncio.wait_for(self._queues[batch].get(), timeout)
        except TimeoutError:
            raise RendererHungError(f"no sign of life for {timeout:.0f} s") from None
        if frame is None:
            raise RendererDiedError(await self._body.obituary())
        return frame

    async def _send(self, message: AnyToRenderer) -> None:
        try:
            await self._body.send(pack(message))
        except (ConnectionError, RuntimeError) as error:
            raise RendererDiedError(await self._body.obituary()) from error

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
        """Send a batch; its frames as they come, the last one `BatchEnded` or `Failed`.

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
                if isinstance(frame.message, BatchEnded | Failed):
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
        """End it now."""
        await self._body.kill()
        await self._reading
