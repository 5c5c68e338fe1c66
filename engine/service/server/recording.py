"""What follows for a batch from how an attempt at it went."""

import contextlib
import sqlite3
from collections.abc import Sequence

from engine.library.records import Batch
from engine.library.write.batch_limits import halve, remember_fit, shape_text
from engine.library.write.writer import DEATHS, Writer
from engine.plan.batch_limits import images_held
from engine.protocol.rendering import Cause
from engine.service.server.device_worker import Attempt, DeviceWorker
from engine.service.server.pausing import Pausing
from engine.service.server.writer_thread import WriterThread


class Recording:
    """Records it: done, to be tried again, or failed, by its cause."""

    def __init__(
        self, write: WriterThread, pausing: Pausing, workers: Sequence[DeviceWorker]
    ) -> None:
        self._write = write
        self._pausing = pausing
        self._workers = workers
        self._measured: set[tuple[str, str, str]] = set()

    async def record(self, worker: DeviceWorker, attempt: Attempt, finished: int) -> None:
        """Record how an attempt went.

        Args:
            worker: where.
            attempt: its staged pictures are saved.
            finished: how many those were.

        Raises:
            OSError, sqlite3.OperationalError: the disk is full, or fails.
        """
        batch, cause, reason = attempt.batch, attempt.cause, attempt.reason
        if cause == Cause.DISK:
            await self._write(Writer.end, batch)
            self._pausing.trouble(reason)
        elif cause == Cause.NOT_NOW:
            worker.wait(batch.images[0].recipe.model, reason)
        elif not attempt.begun and cause != Cause.ENDED:
            await self._no_start(worker, attempt)
        elif cause == Cause.ENDED and attempt.seconds is not None and finished < len(batch.images):
            await self._write(Writer.strike, batch, "the renderer gave no picture")
        elif cause == Cause.ENDED:
            self._pausing.over()
            await self._write(Writer.end, batch, attempt.seconds)
        elif cause == Cause.MEMORY and batch.size > 1:
            await self._write(halve, batch, worker.name)
        elif cause == Cause.MEMORY:
            recipe = batch.images[0].recipe
            await self._write(
                Writer.strike,
                batch,
                f"out of memory on {worker.device} for {recipe.width}×{recipe.height} with"
                f" {recipe.model}, one image at a time: choose a smaller size or a smaller model,"
                " or end what else uses the memory, then retry",
            )
        elif cause == Cause.DEVICE:
            await worker.drop(attempt.link)  # what is left of it computes nothing any more
            await self._write(Writer.strike, batch, reason)
        elif cause == Cause.DIED and not attempt.computing:
            await self._write(Writer.spare, batch)
        elif cause == Cause.DIED:
            await self._write(Writer.died, batch, reason)
        else:
            await self._write(Writer.strike, batch, reason)

    async def _no_start(self, worker: DeviceWorker, attempt: Attempt) -> None:
        """The model or the renderer did not get ready: try again, but not for ever."""
        label = attempt.batch.images[0].recipe.model
        died = attempt.cause == Cause.DIED
        (worker.deaths_loading if died else worker.failed_loads)[label] += 1
        everywhere = all(other.has_given_up(label, DEATHS) for other in self._workers)
        if attempt.cause == Cause.CHANGED or everywhere:
            await self._write(Writer.fail, attempt.batch, attempt.reason)
        elif not died:
            await self._pausing.rest()

    async def measure(self, worker: DeviceWorker, batch: Batch, taken: int, room: int) -> None:
        """Remember how many images of a shape the device's memory holds, the first time."""
        recipe = batch.images[0].recipe
        key = (worker.name, recipe.model_hash, shape_text(recipe))
        if key not in self._measured:
            self._measured.add(key)
            with contextlib.suppress(sqlite3.OperationalError):  # the disk is full; another time
                await self._write(remember_fit, *key, images_held(batch.size, taken, room))
