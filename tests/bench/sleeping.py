"""Renderers on a cluster's nodes that sleep instead of drawing: all but the pixels is real.

`python -m tests.bench.sleeping --socket …` is such a driver.
"""

import asyncio
import time
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from engine.library.write.writer import Writer
from engine.models.placement import Placement
from engine.picture.formats import pixel_digest
from engine.picture.metadata import ImageRecord
from engine.picture.png import encode_png
from engine.picture.recipe import Conditions
from engine.protocol.events import AnyEvent
from engine.protocol.framing import Framed, Unpacker, parts_of
from engine.protocol.rendering import (
    AnyToRenderer,
    BatchEnded,
    BatchStarted,
    FinishedImage,
    Free,
    Hello,
    Loaded,
    LoadModel,
    RenderBatch,
    Step,
)
from engine.service.nodes.driver import Driver
from engine.service.nodes.driver import main as main_of_driver
from engine.service.nodes.holder import RendererHolder
from engine.service.server.cluster import Cluster
from engine.service.server.dispatcher import Dispatcher
from engine.service.server.writer_thread import WriterThread
from engine.settings import RaySettings, Settings

SIDE = 256
"""Pixels; of noise, so that a file has 200 kB."""
STEP_SECONDS = 0.01
"""What a step of the recipe takes."""
CONDITIONS = Conditions("none", "float32", 1, "none", False, {})


class SleepingHolder(RendererHolder):
    """Holds what sleeps, where the others hold a renderer."""

    async def begin(self) -> None:
        """Be there at once."""
        self._renderer: Any = self
        self._tasks = [asyncio.create_task(self._watch())]
        self._batches: asyncio.Queue[RenderBatch] = asyncio.Queue()
        self._tasks.append(asyncio.create_task(self._draw()))
        self._put(Framed(Hello("none")))

    def abandon(self) -> None:
        """There is no process."""

    async def send(self, data: bytes) -> None:
        """Do as a renderer does."""
        unpacker: Unpacker[AnyToRenderer] = Unpacker(AnyToRenderer)
        match unpacker.unpack(*parts_of(data)).message:
            case LoadModel(model, _, model_hash):
                loaded = [(model_hash, Placement.of(CONDITIONS))]
                self._put(Framed(Loaded(model, CONDITIONS, loaded)))
            case RenderBatch() as batch:
                self._batches.put_nowait(batch)

    async def _draw(self) -> None:
        while True:
            wanted = await self._batches.get()
            batch, began = wanted.batch, time.monotonic()
            self._put(Framed(BatchStarted(batch)))
            steps = wanted.images[0].recipe.steps
            for step in range(1, steps + 1):
                await asyncio.sleep(STEP_SECONDS)
                self._put(Framed(Step(batch, step, steps)))
            self._put(Framed(Free(batch, began, time.monotonic(), None, 1 << 30)))
            for image in wanted.images:
                record = ImageRecord(
                    image.image, image.recipe, wanted.conditions, wanted.size, image.slot, ()
                )
                text, file = await asyncio.to_thread(_picture, record)
                self._put(Framed(FinishedImage(batch, text), file))
            self._put(Framed(BatchEnded(batch)))


@cache
def _noise() -> Any:
    return np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)


def _picture(record: ImageRecord) -> tuple[dict[str, str], bytes]:
    pixels = _noise().copy()
    pixels[0, 0] = record.recipe.seed % 251
    text = replace(record, pixels=pixel_digest(pixels)).to_text()
    return text, encode_png(pixels, text)


class SleepingDriver(Driver):
    """Makes actors that sleep."""

    HOLDER = SleepingHolder


class SleepingCluster(Cluster):
    """A cluster whose driver is that one."""

    DRIVER = "tests.bench.sleeping"


async def serve(writer: Writer, most: int, tell: Any, address: str, timeout: float = 15.0) -> None:
    """Serve a library by the nodes of a cluster until nothing waits any more, or for ever.

    Args:
        writer: the library's.
        most: renderers.
        tell: is told each event; what it gives true for is the last.
        address: of the cluster.
        timeout: seconds without a sign of life of a node.
    """
    over = asyncio.Event()

    def publish(event: AnyEvent) -> None:
        if tell(event):
            over.set()

    settings = Settings(ray=RaySettings(address=address, timeout=timeout, cpus=1))
    cluster = SleepingCluster(settings.ray, most, writer.library / "engine.log")
    scheduler = Dispatcher(
        WriterThread(writer), writer.library, settings, [], publish, cluster=cluster
    )
    running = asyncio.create_task(scheduler.run())
    waiting = asyncio.create_task(over.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        await running
    await scheduler.close()
    await running


def main() -> None:
    """Be a driver."""
    # Not of `__main__`, which would not be found on the nodes.
    from tests.bench import sleeping

    main_of_driver(sleeping.SleepingDriver)


if __name__ == "__main__":
    main()
