"""The actor on a node: it holds a renderer there, and passes its frames on."""

import asyncio
import contextlib
import os
import time
from dataclasses import dataclass

from msgspec.structs import replace

from engine import __version__
from engine.machine import cores, devices_in_use
from engine.models.catalog import find_model
from engine.protocol.cluster import Use
from engine.protocol.framing import Framed, Unpacker, pack, parts_of
from engine.protocol.rendering import (
    AnyFromRenderer,
    AnyToRenderer,
    Cause,
    Failed,
    Loaded,
    LoadedAs,
    LoadModel,
    Preview,
    RenderBatch,
    Step,
)
from engine.service.nodes.file_cache import FileCache
from engine.service.renderer_process import RendererProcess
from engine.settings import SettingsError

TICK_SECONDS = 2.0
"""Who listens hears something at least as often."""
_THIN_SECONDS = 0.2
"""Steps and previews come no more often than this; what else comes takes them along."""
_ALONE_SECONDS = 60.0
"""After so long without anyone who listens it ends, and frees its device."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What has come since it was last asked for."""

    frames: bytes = b""
    """Whole frames of `AnyFromRenderer`."""
    use: Use | None = None
    over: str | None = None
    """How the renderer ended, in words; None: it is there."""


class RendererHolder:
    """Holds one renderer. Ray makes an actor of it: every method is called from far away."""

    def __init__(self, device: str, cpus: float, *, gpu: bool) -> None:
        """Args: device: what it is called. cpus: that it may use. gpu: whether it has one."""
        self._device = device
        self._gpu = gpu
        self._threads = 1 if gpu else max(1, int(cpus))
        self._files = FileCache()
        self._frames: list[Framed[AnyFromRenderer]] = []
        self._news = asyncio.Event()
        self._hasty = asyncio.Event()
        self._over: str | None = None
        self._loaded: list[LoadedAs] = []
        self._measured = 0.0
        self._asked = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []

    async def version(self) -> tuple[str, int]:
        """The version of Promptsheet on this node, and this process."""
        return __version__, os.getpid()

    async def begin(self) -> None:
        """Start the renderer; its hello comes as a frame.

        Raises:
            OSError: no process can be started.
        """
        # What Ray says to its own workers is none of the renderer's: it is as on any machine.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("RAY_") and name != "OMP_NUM_THREADS"
        }
        self._renderer = await RendererProcess.start(
            "cuda:0" if self._gpu else "cpu",
            self._threads,
            cores(),
            None,
            environment,
        )
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._watch())]

    async def _read(self) -> None:
        unpacker: Unpacker[AnyFromRenderer] = Unpacker(AnyFromRenderer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                frame = await unpacker.read(self._renderer.reader)
                if isinstance(frame.message, Loaded | Failed):
                    self._loaded = frame.message.loaded
                self._put(frame)
        self._over = await self._renderer.obituary()
        self._news.set()
        self._hasty.set()

    async def _watch(self) -> None:
        """End with whom this works for, who may be gone without a word."""
        while time.monotonic() - self._asked < _ALONE_SECONDS:
            await asyncio.sleep(TICK_SECONDS)
        self._renderer.abandon()
        os._exit(0)

    def _put(self, frame: Framed[AnyFromRenderer]) -> None:
        message = frame.message
        if isinstance(message, Step | Preview):
            self._frames = [
                waiting
                for waiting in self._frames
                if not (
                    type(waiting.message) is type(message)
                    and waiting.message.batch == message.batch
                )
            ]
        else:
            self._hasty.set()
        self._frames.append(frame)
        self._news.set()

    async def hear(self) -> Heard:
        """What has come; waits for it, but not for long."""
        self._asked = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TICK_SECONDS):
                await self._news.wait()
        if self._news.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_THIN_SECONDS):
                    await self._hasty.wait()
        frames, self._frames = self._frames, []
        over = self._over if not frames else None  # only when all it said is told
        if over is None:
            self._news.clear()
            self._hasty.clear()
            if self._over is not None:
                self._news.set()
                self._hasty.set()
        data = b"".join(pack(frame.message, frame.file) for frame in frames)
        return Heard(data, await self._measure(), over)

    async def _measure(self) -> Use | None:
        now = time.monotonic()
        if now - self._measured < TICK_SECONDS:
            return None
        self._measured = now
        found = await asyncio.to_thread(devices_in_use)
        # Ray lets it see its own accelerator alone.
        device = "cuda:0" if self._gpu else "cpu"
        return next(
            (Use(use.percent, use.used, use.total) for use in found if use.device == device), None
        )

    async def lacking(self, digests: list[str]) -> list[str]:
        """Digests of files that have to be brought here before a batch begins."""
        return await asyncio.to_thread(self._files.lacking, digests)

    async def keep(self, digest: str, data: bytes) -> None:
        """Keep a file that batches will need.

        Raises:
            ValueError, OSError: it is not what it should be, or the disk has no room.
        """
        await asyncio.to_thread(self._files.keep, digest, data)

    async def say(self, data: bytes) -> None:
        """Pass one frame to the renderer; paths in it become this node's."""
        unpacker: Unpacker[AnyToRenderer] = Unpacker(AnyToRenderer)
        message = unpacker.unpack(*parts_of(data)).message
        match message:
            case LoadModel():
                found = await asyncio.to_thread(self._found, message)
                if isinstance(found, str):
                    self._put(Framed(Failed(None, Cause.NOT_NOW, found, self._loaded)))
                    return
                message = found
            case RenderBatch():
                message = replace(
                    message,
                    sources={digest: str(self._files.path(digest)) for digest in message.sources},
                    loras={digest: str(self._files.path(digest)) for digest in message.loras},
                )
        with contextlib.suppress(ConnectionError, RuntimeError):  # `hear` says how it ended
            await self._renderer.send(pack(message))

    def _found(self, wanted: LoadModel) -> LoadModel | str:
        """The same with the files of this node; or why there are none, in words.

        They are at the same path, on a disk that machines share, or in this node's own model list
        under the same label. The fingerprint tells whether they are the same.
        """
        places, faults = [wanted.files], []
        try:
            own = find_model(wanted.model)
        except SettingsError as error:
            own = None
            faults.append(str(error))
        if own is not None and own.files not in places:
            places.append(own.files)
        for files in places:
            try:
                if not files.are_there:
                    continue
                if files.fingerprint() == wanted.model_hash:
                    return replace(wanted, files=files)
                faults.append(f"{files.source} has other files")
            except OSError as error:
                faults.append(f"{files.source} cannot be read: {error.strerror or error}")
        why = f" ({'; '.join(faults)})" if faults else ""
        return (
            f"the model {wanted.model} is not on {self._device}{why}: put the same files at"
            f" {wanted.files.source} there, or add them there as {wanted.model} with `promptsheet"
            " models add`; until then other devices render it"
        )
