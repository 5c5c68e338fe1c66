"""Renderers that are none."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Self

import pytest

from engine.library.read.reader import list_images
from engine.library.records import NewSession
from engine.library.write.writer import Writer
from engine.picture.metadata import ImageRecord
from engine.picture.recipe import Conditions
from engine.protocol.cluster import Use
from engine.protocol.events import AnyEvent, Counted, Paused
from engine.protocol.framing import Framed
from engine.protocol.rendering import (
    AnyFromRenderer,
    BatchEnded,
    Cause,
    Failed,
    FinishedImage,
    Free,
    RenderBatch,
    Step,
)
from engine.service.server.dispatcher import Dispatcher
from engine.service.server.renderer_client import (
    RendererDiedError,
)
from engine.service.server.writer_thread import WriterThread
from engine.settings import Settings
from tests.support.libraries import CONDITIONS, picture

Fault = Callable[[RenderBatch], None]


class OutOfMemoryFaultError(Exception):
    """Stands for a renderer's report that memory ran out."""


class DeviceFaultError(Exception):
    """Stands for a renderer's report that its GPU has failed."""


class MachineFaultError(Exception):
    """Stands for a renderer's report that the machine allows no more threads, say."""


class FakeRenderer:
    """Renders grey squares; `fault` and `load_fault` may raise instead."""

    started = 0
    mib = 10
    """Memory an image takes."""
    alone = True
    """Whether no other call runs beside one."""
    sizes: list[int] = []  # noqa: RUF012
    fault: Fault | None = None
    load_fault: Callable[[str], None] | None = None

    def __init__(self, device: str) -> None:
        self.device, self.pid, self.model, self.alive = device, 1, None, True
        self.warm: frozenset[str] = frozenset()
        self.use: Use | None = None

    @classmethod
    async def start(cls, device: str, threads: int, cores: int, log: Path, timeout: float) -> Self:
        cls.started += 1
        return cls(device)

    async def load(self, *_: object) -> Conditions:
        if FakeRenderer.load_fault:
            FakeRenderer.load_fault(self.device)
        return CONDITIONS

    def has_loaded(self, *_: object) -> bool:
        return False

    async def render(
        self, wanted: RenderBatch, timeout: float
    ) -> AsyncGenerator[Framed[AnyFromRenderer]]:
        batch, size = wanted.batch, wanted.size
        FakeRenderer.sizes.append(size)
        yield Framed(Step(batch, 1, 2))
        try:
            if FakeRenderer.fault:
                FakeRenderer.fault(wanted)
        except OutOfMemoryFaultError:
            failed = Failed(batch, Cause.MEMORY, "out of memory", [], FakeRenderer.alone)
            yield Framed(failed)
            return
        except DeviceFaultError:
            yield Framed(Failed(batch, Cause.DEVICE, "the GPU failed", []))
            return
        except MachineFaultError as error:
            yield Framed(Failed(batch, Cause.MACHINE, str(error), []))
            return
        except ValueError as error:
            yield Framed(Failed(batch, Cause.ERROR, str(error), []))
            return
        except RendererDiedError:
            self.alive = False
            raise
        taken = size * FakeRenderer.mib << 20 if FakeRenderer.alone else None
        yield Framed(Free(batch, 1.0, 1.1, taken, 1000 << 20))
        for image in wanted.images:
            record = ImageRecord(image.image, image.recipe, CONDITIONS, size, image.slot, ())
            yield Framed(FinishedImage(batch, record.to_text()), _file(record))
        yield Framed(BatchEnded(batch))

    async def stop(self, batch: int) -> None:
        pass

    async def kill(self) -> None:
        self.alive = False


def _file(record: ImageRecord) -> bytes:
    from engine.library.records import BatchImage

    image = BatchImage(0, record.image, 2, 1, record.slot, record.recipe, Path())
    return picture(image, record.batch_size)[1]


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    monkeypatch.setattr("engine.service.server.device_worker.RendererClient", FakeRenderer)
    monkeypatch.setattr("engine.service.backoff.FIRST_PAUSE_SECONDS", 0.01)
    FakeRenderer.started, FakeRenderer.sizes = 0, []
    FakeRenderer.fault = FakeRenderer.load_fault = None


def settle(
    writer: Writer,
    devices: Sequence[str] = ("cpu",),
    *,
    until: str | None = None,
    hear: Callable[[AnyEvent], None] = lambda _: None,
) -> list[AnyEvent]:
    """Run a scheduler until nothing of a session waits any more; the events it published.

    Args:
        writer: of a library with sessions.
        devices: to render on.
        until: the session; None: any.
        hear: is told each event.
    """
    events: list[AnyEvent] = []

    async def until_settled() -> None:
        settled = asyncio.Event()

        def publish(event: AnyEvent) -> None:
            events.append(event)
            hear(event)
            match event:
                case Counted(tally) if tally.settled and until in (None, tally.session):
                    settled.set()

        thread = WriterThread(writer)
        scheduler = Dispatcher(thread, writer.library, Settings(), list(devices), publish)
        running = asyncio.create_task(scheduler.run())
        waiting = asyncio.create_task(settled.wait())
        await asyncio.wait({running, waiting}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        assert settled.is_set(), "the session never settled"
        await scheduler.close()
        await asyncio.wait_for(running, 10)

    asyncio.run(until_settled())
    return events


def reasons_of(events: Sequence[AnyEvent]) -> list[str | None]:
    """Why work waited, or None where it went on, as followers were told."""
    return [event.reason for event in events if isinstance(event, Paused)]


def states(writer: Writer, session: str = "k3f9x2") -> list[str]:
    return [image.state for image in list_images(writer.library, session)]


BUILTIN = files("assets") / "models" / "builtin"


def drawn_by(model: str, session: NewSession) -> NewSession:
    """The same session, drawn by another model."""
    rows = [
        replace(row, recipes=[replace(recipe, model=model) for recipe in row.recipes])
        for row in session.rows
    ]
    return replace(session, rows=rows)


@pytest.fixture
def mine(config: Path, tmp_path: Path) -> Path:
    """The folder of a user's model."""
    folder = shutil.copytree(str(BUILTIN), tmp_path / "mine")
    (config / "models.toml").write_text(f'[[models]]\nlabel = "mine"\nsource = "{folder}"\n')
    return folder
