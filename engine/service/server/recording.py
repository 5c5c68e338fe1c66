"""What follows for a batch from how an attempt at it went."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Sequence

from engine.library.records import Batch
from engine.library.write.batch_limits import halve, remember_fit, shape_text
from engine.library.write.lost_sources import fail_drawn_on, faults_of
from engine.library.write.model_changes import await_files, model_changed
from engine.library.write.writer import Writer
from engine.plan.batch_limits import images_held
from engine.protocol.rendering import Cause
from engine.service.server.device_worker import Attempt, DeviceWorker
from engine.service.server.pausing import Pausing
from engine.service.server.writer_thread import WriterThread

log = logging.getLogger(__name__)


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
        elif cause == Cause.MACHINE:  # no fault of the images: as if they had never been begun
            if attempt.begun:
                await self._write(Writer.spare, batch)
            worker.set_aside(reason)
        elif cause == Cause.NOT_NOW:
            worker.wait(attempt.lacking or batch.images[0].recipe.model, reason)
        elif not attempt.begun and cause != Cause.ENDED:
            await self._no_start(worker, attempt)
        elif cause == Cause.ENDED and attempt.seconds is not None and finished < len(batch.images):
            await self._write(Writer.strike, batch, "the renderer returned no image")
        elif cause == Cause.ENDED:
            self._pausing.over()
            await self._write(Writer.end, batch, attempt.seconds)
        elif cause == Cause.MEMORY and batch.size > 1:
            await self._write(halve, batch, worker.name, remember=attempt.alone)
        elif cause == Cause.MEMORY:
            recipe = batch.images[0].recipe
            await self._write(
                Writer.strike,
                batch,
                f"out of memory on {worker.device} for {recipe.width}×{recipe.height} with"
                f" {recipe.model}, even with one image at a time: choose a smaller size or model,"
                " or close other programs that use memory, then retry",
            )
        elif cause == Cause.DIED and not attempt.computing:
            await self._write(Writer.spare, batch)
        elif cause in (Cause.DIED, Cause.DEVICE):
            await self._write(Writer.died, batch, reason)
        elif cause == Cause.SOURCE:
            await self._without_source(batch, reason)
        else:
            await self._write(Writer.strike, batch, reason)

    async def _without_source(self, batch: Batch, reason: str) -> None:
        """What is drawn on a lost source fails at once, trying again helps none; the rest waits."""
        recipes = [image.recipe for image in batch.images]
        library = await self._write(lambda writer: writer.library)
        faults = await asyncio.to_thread(faults_of, library, recipes)
        if faults:
            await self._write(fail_drawn_on, faults, batch.id)
            await self._write(Writer.end, batch)
        else:
            await self._write(Writer.strike, batch, reason)

    async def _no_start(self, worker: DeviceWorker, attempt: Attempt) -> None:
        """The model or the renderer did not get ready: try again, but not for ever."""
        label = attempt.batch.images[0].recipe.model
        if attempt.cause in (Cause.DIED, Cause.HUNG):
            worker.died_loading(label, attempt.reason)
            return
        worker.failed_loads[label] += 1
        if attempt.cause == Cause.CHANGED and await self._goes_on(worker, attempt):
            return
        if all(other.has_given_up(label) for other in self._workers):
            await self._write(Writer.fail, attempt.batch, attempt.reason)
            if attempt.cause == Cause.LOAD:
                await self._write(await_files, attempt.batch)
        else:
            await self._pausing.rest()

    async def _goes_on(self, worker: DeviceWorker, attempt: Attempt) -> bool:
        """A session's model has other files now: take them, or ask; False: it had them already."""
        batch = attempt.batch
        label, session = batch.images[0].recipe.model, batch.session_key
        found, shipped = await asyncio.to_thread(worker.files_now, label)
        reason = (
            f"{attempt.reason}: `promptsheet resume {session} --accept-changed-model` continues"
            " with the new files, and each image records it; if you put the old files back,"
            f" `promptsheet resume {session}` continues as planned"
        )
        outcome = await self._write(model_changed, batch, found, shipped=shipped, reason=reason)
        log.info("session %s, model %s has other files now: %s", session, label, outcome)
        return outcome != "same"

    async def measure(self, worker: DeviceWorker, batch: Batch, taken: int, room: int) -> None:
        """Remember how many images of a shape the device's memory holds, the first time."""
        recipe = batch.images[0].recipe
        key = (worker.name, recipe.model_hash, shape_text(recipe))
        if key not in self._measured:
            self._measured.add(key)
            with contextlib.suppress(sqlite3.OperationalError):  # the disk is full; another time
                await self._write(remember_fit, *key, images_held(batch.size, taken, room))
