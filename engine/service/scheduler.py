"""What is rendered next, where, and what follows from how it went."""

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.library.database import LibraryError
from engine.library.files import Staged
from engine.library.records import Batch, Tally
from engine.library.writer import DEATHS, Writer
from engine.models.catalog import load_models
from engine.picture.metadata import Record
from engine.picture.recipe import Conditions
from engine.render.frames import Frame
from engine.service.link import (
    LoadError,
    ModelChangedError,
    RendererDiedError,
    RendererHungError,
    RendererLink,
)
from engine.service.pausing import Pausing
from engine.service.writer_thread import WriterThread
from engine.settings import Settings, SettingsError

log = logging.getLogger(__name__)

Publish = Callable[[dict[str, Any]], None]

_LOAD_ATTEMPTS = 3
_STARTUP_ATTEMPTS = 3


@dataclass
class _Outcome:
    """How one attempt at a batch went."""

    staged: list[tuple[Staged, Record]] = field(default_factory=list)
    cause: str = "ended"
    """ended, memory, error, died, hung, load, changed or disk."""
    reason: str = ""
    begun: bool = False
    """Whether the model was ready and the batch recorded as being rendered."""
    seconds: float | None = None


class Scheduler:
    """Keeps one renderer a device busy with the library's waiting images."""

    def __init__(
        self,
        writer: WriterThread,
        library: Path,
        settings: Settings,
        devices: list[str],
        publish: Publish,
    ) -> None:
        self._write = writer
        self._library = library
        self._settings = settings
        self._devices = devices
        self._publish = publish
        self._links: dict[int, RendererLink] = {}
        self._rendering: dict[int, tuple[RendererLink, Batch]] = {}
        self._busy: set[int] = set()
        self._work = [asyncio.Event() for _ in devices]
        self._picking = asyncio.Lock()
        self._failed_loads: Counter[tuple[int, str]] = Counter()
        self._deaths_loading: Counter[tuple[int, str]] = Counter()
        self._failed_starts: Counter[int] = Counter()
        self._closing = asyncio.Event()
        self._pausing = Pausing(library, settings.engine.reserve_mib, publish, self._closing)

    # ---------------------------------------------------------------- what others ask

    def wake(self) -> None:
        """There may be new work; earlier trouble with models and devices is forgotten."""
        self._failed_loads.clear()
        self._deaths_loading.clear()
        self._failed_starts.clear()
        self._signal()

    def _signal(self) -> None:
        for work in self._work:
            work.set()

    async def stop_session(self, session: str) -> Tally:
        """Stop a session; its running batches end after their current step."""
        tally = await self._write(Writer.stop, session)
        for link, batch in list(self._rendering.values()):
            if batch.session_key == session:
                await link.stop(batch.id)
        self._publish(tally_event(tally))
        return tally

    def at_work(self) -> frozenset[int]:
        """Batches whose images may be finished at any moment, stopped or not."""
        return frozenset(self._busy)

    def renderers(self) -> list[dict[str, Any]]:
        """The live renderers."""
        return [
            {"pid": link.pid, "device": link.device, "model": link.model}
            for link in self._links.values()
            if link.alive
        ]

    @property
    def paused(self) -> str | None:
        """Why nothing is rendered although something waits; None while work goes on."""
        return self._pausing.reason

    @property
    def idle(self) -> bool:
        """Whether nothing is being rendered."""
        return not self._busy

    async def run(self) -> None:
        """Serve every device until `close`.

        Raises:
            LibraryError: the database is gone.
        """
        async with asyncio.TaskGroup() as group:
            for slot, device in enumerate(self._devices):
                group.create_task(self._serve(slot, device))

    async def close(self) -> None:
        """Leave running batches after their current step, then end the renderers."""
        self._closing.set()
        self._signal()
        for link, batch in list(self._rendering.values()):
            await link.stop(batch.id)

    # ---------------------------------------------------------------- one device

    async def _serve(self, slot: int, device: str) -> None:
        finishing: asyncio.Task[None] | None = None
        try:
            while True:
                # Before looking, so that a signal that comes while looking is not lost.
                self._work[slot].clear()
                if self._closing.is_set():
                    break
                if not self._pausing.has_room():
                    await self._pausing.rest()
                    continue
                try:
                    batch = None if self._given_up(slot) else await self._pick()
                except sqlite3.OperationalError as error:
                    self._pausing.trouble(str(error))
                    await self._pausing.rest()
                    continue
                if batch is None:
                    if finishing is not None:
                        await finishing
                        finishing = None
                    else:
                        await self._work[slot].wait()
                    continue
                computed = asyncio.Event()
                attempt = asyncio.create_task(self._attempt(slot, device, batch, computed))
                await _either(computed, attempt)
                # The last pictures of one batch are encoded and saved while the next computes.
                if finishing is not None:
                    await finishing
                finishing = attempt
            if finishing is not None:
                await finishing
        finally:
            if slot in self._links:
                await self._links.pop(slot).kill()

    def _given_up(self, slot: int) -> bool:
        """Whether this device cannot start a renderer or load a model, while another can.

        It is left alone then, until `wake`, so that it does not fail what the other can do.
        """
        broken = {s for s, count in self._failed_starts.items() if count >= _STARTUP_ATTEMPTS}
        broken |= {s for (s, _), count in self._failed_loads.items() if count >= _LOAD_ATTEMPTS}
        broken |= {s for (s, _), count in self._deaths_loading.items() if count >= DEATHS}
        return slot in broken and len(broken) < len(self._devices)

    async def _pick(self) -> Batch | None:
        async with self._picking:
            batch = await self._write(Writer.next_batch, frozenset(self._busy))
            if batch is not None:
                self._busy.add(batch.id)
            return batch

    async def _attempt(self, slot: int, device: str, batch: Batch, computed: asyncio.Event) -> None:
        """Render `batch` once, save what came of it, and record how it went."""
        outcome = _Outcome()
        try:
            await self._render(slot, device, batch, computed, outcome)
        except RendererDiedError as error:
            outcome.cause, outcome.reason = "died", str(error)
        except RendererHungError as error:
            outcome.cause, outcome.reason = "hung", f"the renderer on {device} hangs: {error}"
            await self._replace(slot)
        except ModelChangedError as error:
            outcome.cause, outcome.reason = "changed", str(error)
        except LoadError as error:
            outcome.cause, outcome.reason = "load", str(error)
        except (OSError, sqlite3.OperationalError) as error:
            outcome.cause, outcome.reason = "disk", str(error)
        except LibraryError:
            raise
        except Exception as error:  # one batch's trouble, whatever it is, must not end the others
            log.exception("batch %d", batch.id)
            outcome.cause, outcome.reason = "error", f"{type(error).__name__}: {error}"
        finally:
            self._rendering.pop(batch.id, None)
        if outcome.cause != "ended":
            log.warning("batch %d: %s: %s", batch.id, outcome.cause, outcome.reason)
        try:
            await self._settle(slot, batch, outcome)
        finally:
            self._busy.discard(batch.id)
            self._signal()

    async def _render(
        self,
        slot: int,
        device: str,
        batch: Batch,
        computed: asyncio.Event,
        outcome: _Outcome,
    ) -> None:
        timeout = self._settings.render.step_timeout
        link = await self._link(slot, device)
        conditions = await self._load(slot, link, batch)
        outcome.begun = await self._write(Writer.begin, batch, conditions)
        if not outcome.begun:
            return
        self._rendering[batch.id] = (link, batch)
        self._publish_tally(await self._write(Writer.tally, batch.session_key), batch)
        paths = {image.key: image.path for image in batch.images}
        frames = link.render(
            batch.id,
            timeout,
            size=batch.size,
            conditions=conditions.to_json(),
            split_from=await self._write(Writer.split_from, batch),
            images=[
                {"image": image.key, "slot": image.slot, "recipe": image.recipe.to_json()}
                for image in batch.images
            ],
        )
        async with contextlib.aclosing(frames):
            async for frame in frames:
                await self._take(frame, batch, link.device, paths, outcome)
                if frame.kind == "free":
                    computed.set()

    async def _take(
        self,
        frame: Frame,
        batch: Batch,
        device: str,
        paths: dict[str, Path],
        outcome: _Outcome,
    ) -> None:
        body = frame.body
        if frame.kind == "step":
            self._publish({"event": "step", "session": batch.session_key, "device": device} | body)
        elif frame.kind == "free":
            outcome.seconds = body["seconds"]
        elif frame.kind == "picture":
            record = Record.from_text(body["text"])
            if record is None or record.image not in paths or outcome.cause == "disk":
                return
            try:
                staged = await self._write.stage(record.image, paths[record.image], frame.file)
            except OSError as error:
                outcome.cause, outcome.reason = "disk", str(error)
            else:
                outcome.staged.append((staged, record))
        elif frame.kind == "failed":
            outcome.cause, outcome.reason = body["cause"], body["reason"]

    async def _link(self, slot: int, device: str) -> RendererLink:
        link = self._links.get(slot)
        if link is not None and link.alive:
            return link
        if link is not None:
            await self._replace(slot)
        if self._failed_starts[slot] >= _STARTUP_ATTEMPTS:
            raise LoadError(f"no renderer can be started on {device}; see engine.log")
        self._failed_starts[slot] += 1
        link = await RendererLink.start(
            device, self._library / "engine.log", self._settings.render.load_timeout
        )
        self._failed_starts[slot] = 0
        self._links[slot] = link
        return link

    async def _replace(self, slot: int) -> None:
        link = self._links.pop(slot, None)
        if link is not None:
            await link.kill()

    async def _load(self, slot: int, link: RendererLink, batch: Batch) -> Conditions:
        """The conditions to render `batch` under: the session's, else those on offer now."""
        recipe = batch.images[0].recipe
        label = recipe.model
        try:
            model = load_models().get(label)
        except SettingsError as error:
            raise LoadError(str(error)) from error
        if model is None:
            raise LoadError(f"the model {label} is no longer in the model list")
        chosen = batch.conditions
        dtype = chosen.dtype if chosen else model.dtype
        offered = await link.load(
            label, model.source, recipe.model_hash, dtype, self._settings.render.load_timeout
        )
        self._failed_loads[slot, label] = self._deaths_loading[slot, label] = 0
        return chosen or replace(offered, threads=threads_for(self._settings))

    # ---------------------------------------------------------------- what follows

    async def _settle(self, slot: int, batch: Batch, outcome: _Outcome) -> None:
        """Save and record; while the disk is full, again and again until there is room."""
        finished: list[Path] = []
        while True:
            try:
                if outcome.staged:
                    finished = await self._write(Writer.finish, outcome.staged)
                    outcome.staged = []
                await self._record(slot, batch, outcome, len(finished))
                break
            except (OSError, sqlite3.OperationalError) as error:
                self._pausing.trouble(str(error))
                log.exception("cannot write to the library")
                if self._closing.is_set():
                    return
                await self._pausing.rest()
        self._publish_tally(await self._write(Writer.tally, batch.session_key), batch, finished)

    async def _record(self, slot: int, batch: Batch, outcome: _Outcome, finished: int) -> None:
        cause, reason = outcome.cause, outcome.reason
        if cause == "disk":
            await self._write(Writer.end, batch)
            self._pausing.trouble(reason)
            await self._pausing.rest()
        elif not outcome.begun and cause != "ended":
            await self._record_no_start(slot, batch, cause, reason)
        elif cause == "ended" and outcome.seconds is not None and finished < len(batch.images):
            await self._write(Writer.strike, batch, "the renderer gave no picture")
        elif cause == "ended":
            self._pausing.over()
            await self._write(Writer.end, batch, outcome.seconds)
        elif cause == "memory" and batch.size > 1:
            await self._write(Writer.halve, batch)
        elif cause == "died":
            await self._write(Writer.died, batch, reason)
        else:
            await self._write(Writer.strike, batch, reason)

    async def _record_no_start(self, slot: int, batch: Batch, cause: str, reason: str) -> None:
        """The model or the renderer did not get ready: try again, but not for ever."""
        label = batch.images[0].recipe.model
        counts, most = (
            (self._deaths_loading, DEATHS)
            if cause == "died"
            else (self._failed_loads, _LOAD_ATTEMPTS)
        )
        counts[slot, label] += 1
        everywhere = all(counts[s, label] >= most for s in range(len(self._devices)))
        if cause == "changed" or everywhere:
            await self._write(Writer.fail, batch, reason)
        elif cause != "died":
            await self._pausing.rest()

    def _publish_tally(self, tally: Tally, batch: Batch, finished: Sequence[Path] = ()) -> None:
        rows = sorted({image.row for image in batch.images})
        self._publish(tally_event(tally, rows, [str(path) for path in finished]))


async def _either(event: asyncio.Event, task: asyncio.Task[None]) -> None:
    """Wait for `event` or the end of `task`, whichever is first; raises what `task` raised."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()


def tally_event(
    tally: Tally, rows: Sequence[int] | None = None, finished: Sequence[str] = ()
) -> dict[str, Any]:
    """What followers are told when a session's counts change.

    Args:
        tally: its counts now.
        rows: numbers of the rows that changed; None: any of them may have.
        finished: image files that are there since the last time.
    """
    counts = asdict(tally) | {"settled": tally.settled}
    return {"event": "tally", "rows": rows, "finished": finished} | counts


def threads_for(settings: Settings) -> int:
    """CPU threads of each renderer: as set, else every core this process may use."""
    return settings.render.threads or len(os.sched_getaffinity(0))
