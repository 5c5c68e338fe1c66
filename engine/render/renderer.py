"""A renderer: one process on one device. It gets batches and gives back encoded images."""

import argparse
import contextlib
import os
import queue
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from engine.machine import die_with_parent, leave_signals_to_parent
from engine.models.helpers import helper_reason
from engine.models.loras import LoraError
from engine.picture.formats import encode, pixel_digest
from engine.picture.metadata import ImageRecord
from engine.picture.recipe import Recipe
from engine.picture.source_files import SourceError
from engine.protocol.framing import FrameSocket, Unpacker
from engine.protocol.rendering import (
    AnyToRenderer,
    BatchEnded,
    BatchStarted,
    Cause,
    Failed,
    FinishedImage,
    Free,
    Hello,
    Loaded,
    LoadModel,
    Preview,
    RenderBatch,
    Step,
    StopBatch,
    WantPreviews,
)
from engine.render.lanes import Lanes, Terms
from engine.render.reasons import device_reason, is_machines, load_reason, memory_reason, plain

if TYPE_CHECKING:
    from engine.render.sources import SourceCache

_PICTURES_WAITING = 64
_TRIAL = 256
"""A side of the matrices a device is tried with: enough for every thread to have its part."""
_PREVIEW_SECONDS = 0.4


class _RendererStoppedError(Exception):
    """Raised out of the pipeline after the step in which a stop was asked for."""


class Renderer:
    """The renderer's state: the device, the models that are loaded, the batches in hand."""

    def __init__(self, connection: FrameSocket, device: str, threads: int, cores: int) -> None:
        self._connection = connection
        self._device = device
        self._threads = threads
        self._cores = cores
        self._stop_asked: set[int] = set()
        self._inbox: queue.SimpleQueue[LoadModel | RenderBatch] = queue.SimpleQueue()
        self._previewing = False
        self._next_preview = 0.0
        self._sources: SourceCache | None = None

    def serve(self) -> None:
        """Work until the engine process is gone; or say why this machine cannot."""
        try:
            self._begin()
        except Exception as error:
            traceback.print_exc()
            reason = helper_reason(error) or plain(error)
            self._connection.send(Failed(None, Cause.MACHINE, reason, []))
            return
        # Says hello only now: it is torch that takes its time.
        self._connection.send(Hello(self._device))
        while True:
            match self._inbox.get():
                case LoadModel() as wanted:
                    self._load(wanted)
                case RenderBatch() as batch:
                    self._take(batch)

    def _begin(self) -> None:
        """Have all that any model needs: torch, threads, a device that computes."""
        import torch

        from engine.render import loaded, memory

        self._torch, self._loaded, self._memory = torch, loaded, memory
        self._lanes = Lanes(self._threads)
        self._models = loaded.LoadedModels(self._device, self._lanes, self._cores)
        self._computers = ThreadPoolExecutor(self._threads, "lane")
        self._encoders = ThreadPoolExecutor(1, "encode")
        self._in_encoder = threading.Semaphore(_PICTURES_WAITING)
        tempfile.gettempdir()  # libraries ask for it when it is too late to say so
        # A device that is there may still be unfit: too old for this torch, or lost. And threads
        # that may not be started end the process the first time they are needed.
        torch.set_num_threads(self._cores if self._device == "cpu" else self._threads)
        some = torch.ones(_TRIAL, _TRIAL, device=self._device)
        if (some @ some).sum().item() != _TRIAL**3:
            raise RuntimeError(f"{self._device} computes wrong results")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Take commands; a stop must be heard while other threads compute."""
        unpacker: Unpacker[AnyToRenderer] = Unpacker(AnyToRenderer)
        while (frame := self._connection.receive(unpacker)) is not None:
            match frame.message:
                case StopBatch(batch):
                    self._stop_asked.add(batch)
                    self._lanes.nudge()
                case WantPreviews(wanted):
                    self._previewing = wanted
                case work:
                    self._inbox.put(work)
        os._exit(0)

    def _load(self, wanted: LoadModel) -> None:
        from engine.render.pipelines import ModelError

        try:
            loaded = self._models.load(wanted)
        except self._loaded.ModelChangedError as error:
            self._fail(None, Cause.CHANGED, str(error))
        except self._loaded.ModelAbsentError as error:
            self._fail(None, Cause.NOT_NOW, str(error))
        except ModelError as error:
            self._fail(None, Cause.LOAD, str(error))
        except Exception as error:
            if memory := memory_reason(error):
                # What else uses the memory may end; a model larger than all of it never fits.
                if self._models.fits_alone(wanted):
                    reason = (
                        f"not enough free memory on {self._device} for {wanted.model}: close"
                        " other programs that use it, or wait for them"
                    )
                    self._fail(None, Cause.NOT_NOW, reason)
                else:
                    self._fail(None, Cause.LOAD, memory)
            else:
                self._fail(None, *load_reason(error, self._device))
            del error
            self._models.free_memory()
        else:
            self._connection.send(Loaded(wanted.model, loaded.offered, self._models.loaded))

    def _take(self, wanted: RenderBatch) -> None:
        """Prepare a batch while others compute, then hand it to the next free lane."""
        batch = wanted.batch

        def given_up() -> bool:
            return batch in self._stop_asked

        try:
            work = _Work.of(wanted, self._models)
            terms = Terms(work.threads, work.slots[0].loras)
            # Texts are encoded under the batch's own conditions, as if no other was there.
            if self._lanes.agree(terms, given_up):
                self._torch.set_num_threads(work.threads)
                files = {digest: Path(path) for digest, path in wanted.loras.items()}
                work.model.put_on(work.slots[0].loras, files)
                work.model.prepare(work.slots)
                work = replace(work, sources=self._made_ready(wanted, work.slots))
        except Exception as error:
            self._give_up(batch, error)
            return
        if self._lanes.enter(terms, given_up):
            try:
                self._computers.submit(self._compute, work)
            except RuntimeError as error:  # no thread can be started
                self._give_up(batch, error)
        else:
            self._stop_asked.discard(batch)
            self._connection.send(BatchEnded(batch))

    def _made_ready(self, wanted: RenderBatch, slots: list[Recipe]) -> list[Any]:
        """The pictures that a batch is drawn on.

        Raises:
            SourceError: one is gone, damaged, or no longer what it was.
        """
        drawn_on = [recipe for recipe in slots if recipe.image]
        if not drawn_on:
            return []
        if self._sources is None:
            from engine.render.sources import SourceCache  # what few sessions need

            self._sources = SourceCache()
        files = {digest: Path(path) for digest, path in wanted.sources.items()}
        return [self._sources.ready(recipe, files) for recipe in drawn_on]

    def _compute(self, work: "_Work") -> None:
        """Draw one batch, in a lane of its own, and send each picture on its way."""
        batch, began = work.batch, time.monotonic()
        is_alone, alone = self._lanes.look(), True
        try:
            with self._loaded.computing(self._lanes, work.threads):
                memory = self._memory.CallMemory(self._device, self._threads // work.threads or 1)
                try:
                    self._draw(work)
                finally:
                    alone = is_alone()  # while none can come in its place
                taken = memory.taken() if alone else None
            ended, room = time.monotonic(), memory.room()
        except _RendererStoppedError:
            # Behind the pictures that are still being encoded.
            self._encoders.submit(self._connection.send, BatchEnded(batch))
            return
        except Exception as error:
            self._give_up(batch, error, alone=alone)
            return
        finally:
            self._stop_asked.discard(batch)
        self._connection.send(Free(batch, began, ended, taken, room))
        self._encoders.submit(self._connection.send, BatchEnded(batch))

    def _draw(self, work: "_Work") -> None:
        """Compute the pictures of a batch, each sent on its way as soon as it is there."""
        batch = work.batch
        if batch in self._stop_asked:
            raise _RendererStoppedError
        self._connection.send(BatchStarted(batch))
        departures: list[str] = []
        pictures = work.model.draw(
            work.slots,
            lambda step, latents, scheduler: self._after_step(work, step, latents, scheduler),
            work.sources,
            departures.append,
        )
        with contextlib.closing(pictures):
            for slot, pixels in enumerate(pictures):
                if (record := work.records.get(slot)) is not None:
                    record = replace(record, departures=(*record.departures, *departures))
                    departures.clear()
                    self._in_encoder.acquire()
                    self._encoders.submit(self._send_picture, batch, record, pixels)
                if slot == max(work.records):
                    break  # what follows is padding
                if batch in self._stop_asked:
                    raise _RendererStoppedError

    def _give_up(self, batch: int, error: Exception, *, alone: bool = True) -> None:
        if memory := memory_reason(error):
            self._fail(batch, Cause.MEMORY, memory, alone=alone)
        elif lost := device_reason(error, self._device):
            self._fail(batch, Cause.DEVICE, lost)
        elif is_machines(error):
            self._fail(batch, Cause.MACHINE, plain(error))
        elif isinstance(error, SourceError):
            self._fail(batch, Cause.SOURCE, str(error))
        elif isinstance(error, LoraError):
            self._fail(batch, Cause.ERROR, str(error))
        else:
            self._fail(batch, Cause.ERROR, helper_reason(error) or plain(error))
        del error
        self._models.free_memory()

    def _after_step(self, work: "_Work", step: int, latents: Any, scheduler: Any) -> None:
        steps = work.model.steps_of(work.slots[0])
        self._connection.send(Step(work.batch, step, steps))
        if work.batch in self._stop_asked:
            raise _RendererStoppedError
        now = time.monotonic()
        if self._previewing and now >= self._next_preview:
            self._next_preview = now + _PREVIEW_SECONDS
            slot = min(work.records)
            file = work.model.preview(latents, scheduler, slot, work.slots[slot])
            if file is not None:
                image = work.records[slot].image
                self._connection.send(Preview(work.batch, image), file)

    def _send_picture(self, batch: int, record: ImageRecord, pixels: Any) -> None:
        try:
            text = replace(record, pixels=pixel_digest(pixels)).to_text()
            kind, level = record.conditions.encoding.split()
            file = encode(pixels, text, kind, int(level))
        except Exception as error:  # nobody would see it: this is another thread
            self._fail(batch, Cause.ERROR, plain(error))
        else:
            self._connection.send(FinishedImage(batch, text), file)
        finally:
            self._in_encoder.release()

    def _fail(self, batch: int | None, cause: Cause, reason: str, *, alone: bool = True) -> None:
        self._connection.send(Failed(batch, cause, reason, self._models.loaded, alone))


@dataclass(frozen=True, slots=True)
class _Work:
    """A batch that has been taken: what fills its slots, and what its files will say."""

    batch: int
    model: Any
    threads: int
    slots: list[Recipe]
    records: Mapping[int, ImageRecord]
    """Slot → what the image's file says of itself; padded slots have none."""
    sources: Sequence[Any] = ()
    """What each slot is drawn on, made ready; none if they are drawn from noise."""

    @classmethod
    def of(cls, wanted: RenderBatch, models: Any) -> "_Work":
        """As the engine process asked for it."""
        size, chosen = wanted.size, wanted.conditions
        recipes = {image.slot: image.recipe for image in wanted.images}
        # Empty slots are padded: an image depends on the size of its batch, not on companions.
        padding = next(iter(recipes.values()))
        model = models.get(padding.model_hash, wanted.placement)
        actual = replace(model.offered, threads=chosen.threads, encoding=chosen.encoding)
        departures = actual.departures_from(chosen)
        if wanted.split_from:
            departures.append(f"batch size: {wanted.split_from} → {size} (out of memory)")
        planned = wanted.planned_model
        if planned not in (None, padding.model_hash):
            departures.append(f"model's files: {planned} → {padding.model_hash}")
        return cls(
            wanted.batch,
            model,
            chosen.threads,
            [recipes.get(slot, padding) for slot in range(size)],
            {
                image.slot: ImageRecord(
                    image=image.image,
                    recipe=image.recipe,
                    conditions=actual,
                    batch_size=size,
                    slot=image.slot,
                    departures=tuple(departures),
                )
                for image in wanted.images
            },
        )


class _Forgiving:
    """A stream whose disk may be full: what libraries print is not worth a failure."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def main() -> None:
    """Entry point: the engine process starts this with one end of a socket pair."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--device", required=True)
    arguments.add_argument("--socket", type=int, required=True)
    arguments.add_argument("--threads", type=int, required=True, help="of all calls together")
    arguments.add_argument("--cores", type=int, required=True, help="of the machine")
    options = arguments.parse_args()
    die_with_parent()
    leave_signals_to_parent()
    if options.device == "cpu":
        os.nice(10)  # the screen comes first
    sys.stdin.close()
    sys.stdout, sys.stderr = _Forgiving(sys.stdout), _Forgiving(sys.stderr)
    connection = FrameSocket(socket.socket(fileno=options.socket))
    Renderer(connection, options.device, options.threads, options.cores).serve()


if __name__ == "__main__":
    main()
