"""What is rendered next, where, and what follows from how it went."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.library.database import LibraryError
from engine.library.records import Batch, BatchImage
from engine.library.sources import source_path
from engine.library.write.batch_limits import split_from
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from engine.machine import GPU_PREFIX
from engine.models.loras import LookForLoras, listed_loras
from engine.picture.metadata import ImageRecord
from engine.protocol.answers import DeviceState, LiveRenderer, Load
from engine.protocol.events import AnyEvent, Computed, Counted, Devices, Loading, Previewed, Stepped
from engine.protocol.framing import Framed
from engine.protocol.records import Tally
from engine.protocol.rendering import (
    AnyFromRenderer,
    Cause,
    Failed,
    FinishedImage,
    Free,
    Preview,
    RenderBatch,
    SlotImage,
    Step,
)
from engine.service.server.cluster import Cluster
from engine.service.server.device_worker import (
    Attempt,
    DeviceWorker,
    need_of_session,
    threads_of,
)
from engine.service.server.node_workers import NodeWorkers
from engine.service.server.pausing import Pausing
from engine.service.server.recording import Recording
from engine.service.server.renderer_client import (
    ChangedModelError,
    LoadError,
    MachineError,
    NotNowError,
    RendererDiedError,
    RendererHungError,
)
from engine.service.server.writer_thread import WriterThread
from engine.settings import Settings

log = logging.getLogger(__name__)


Publish = Callable[[AnyEvent], None]


_MOST_IN_HAND = 8
"""Attempts of one device, those included whose pictures are still being saved. Bounds memory."""


_DEVICES_SECONDS = 2.0
"""How busy other machines' devices are is told so often, at most."""


class Dispatcher:
    """Keeps one renderer a device busy with the library's waiting images."""

    def __init__(
        self,
        writer: WriterThread,
        library: Path,
        settings: Settings,
        devices: Sequence[str],
        publish: Publish,
        *,
        names: Mapping[str, str] | None = None,
        note: Callable[[str, str], None] = lambda _session, _words: None,
        loras: LookForLoras = listed_loras,
        cluster: Cluster | None = None,
    ) -> None:
        """A dispatcher.

        Args:
            writer: the library's.
            library: its folder.
            settings: what holds.
            devices: to render on, a renderer each.
            publish: tells followers of an event.
            names: device → its name, the same for interchangeable ones, where it is known.
            note: writes into a session's log.
            loras: tells which LoRAs there are now.
            cluster: whose nodes have devices, too, which come and go.
        """
        self._write = writer
        self._settings = settings
        self._publish = publish
        self._note = note
        named = names or {}
        self._workers = [
            DeviceWorker(
                device,
                named.get(device, device),
                threads_of(device, devices),
                library,
                settings,
                loras,
                loading=self._tell_loading,
            )
            for device in devices
        ]
        self._nodes = (
            NodeWorkers(cluster, self._workers, library, settings, loras, self._tell_loading)
            if cluster
            else None
        )
        self._news = asyncio.Event()
        self._busy: set[int] = set()
        self._held: set[str] = set()
        self._prompts_lack: str | None = None
        self._picking = asyncio.Lock()
        self._closing = asyncio.Event()
        self._pausing = Pausing(library, settings.engine.reserve_mib, publish, self._closing)
        self._recording = Recording(writer, self._pausing, self._workers)

    # ---------------------------------------------------------------- what others ask

    def wake(self) -> None:
        """There may be new work; earlier trouble with models and devices is forgotten."""
        for worker in self._workers:
            worker.forget_trouble()
        self._signal()

    def _tell_loading(self) -> None:
        self._publish(Loading(self.loading()))

    def _signal(self) -> None:
        self._news.set()
        for worker in self._workers:
            worker.news.set()

    async def stop(self, scope: Scope) -> list[Tally]:
        """Stop what `scope` says; batches of which nothing else is wanted end after their step."""
        tallies = await self._write(Writer.stop, scope)
        for attempt in self._attempts():
            if attempt.begun and not await self._write(Writer.is_wanted, attempt.batch):
                await attempt.stop()
        self._signal()  # if nothing waits any more, nothing is lacking
        return tallies

    async def pause(self, paused: bool) -> None:
        """Leave every batch after its current step and free the devices; or go on."""
        self._pausing.asked = paused
        if paused:
            for attempt in self._attempts():
                await attempt.stop()
        self._signal()

    def stay_off(self, reason: str | None) -> None:
        """Render nothing on this host, for a reason; None: render."""
        self._pausing.elsewhere = reason
        self._signal()

    def lack_prompts(self, reason: str | None) -> None:
        """Prompts that are to be rewritten wait for this; None: they do not, or no longer."""
        if reason != self._prompts_lack:
            self._prompts_lack = reason
            self._signal()

    def hold(self, sessions: set[str]) -> None:
        """Sessions that wait until someone lets them go on; all others may be rendered."""
        self._held = sessions
        self._signal()

    @property
    def held(self) -> set[str]:
        """Sessions that wait until someone lets them go on."""
        return self._held

    async def want_previews(self, wanted: bool) -> None:
        """Say whether anyone looks at previews."""
        for worker in self._workers:
            await worker.want_previews(wanted)

    def at_work(self) -> frozenset[int]:
        """Batches whose images may be finished at any moment, stopped or not."""
        return frozenset(self._busy)

    def renderers(self) -> list[LiveRenderer]:
        """The live renderers."""
        return [
            LiveRenderer(link.pid, link.device, link.model)
            for worker in self._workers
            if (link := worker.link) is not None and link.alive
        ]

    def devices(self) -> list[DeviceState]:
        """The devices there are now, by name."""
        return sorted(
            (worker.state for worker in self._workers), key=lambda each: (each.node, each.device)
        )

    def loading(self) -> list[Load]:
        """What is being loaded, and on which devices."""
        return [load for worker in self._workers if (load := worker.loading) is not None]

    @property
    def paused(self) -> str | None:
        """Why nothing is rendered although something waits; None while work goes on."""
        return self._pausing.reason

    @property
    def paused_by_user(self) -> bool:
        """Whether the user wants nothing to be rendered."""
        return self._pausing.asked

    @property
    def off(self) -> bool:
        """Whether nothing is rendered until someone says so."""
        return self._pausing.off

    @property
    def idle(self) -> bool:
        """Whether nothing is being rendered."""
        return not self._busy

    def _attempts(self) -> list[Attempt]:
        return [attempt for worker in self._workers for attempt in worker.attempts]

    async def run(self) -> None:
        """Serve every device until `close`.

        Raises:
            LibraryError: the database is gone (in a group).
        """
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(self._serve(worker))
            if self._nodes is not None:
                group.create_task(self._serve_nodes(self._nodes, group))

    async def close(self) -> None:
        """Leave running batches after their current step, then end the renderers."""
        self._closing.set()
        self._signal()
        for attempt in self._attempts():
            await attempt.stop()

    # ---------------------------------------------------------------- devices of nodes

    async def _serve_nodes(self, nodes: NodeWorkers, group: asyncio.TaskGroup) -> None:
        """Serve the devices of a cluster's nodes, which come and go."""
        while self._pausing.off and not self._closing.is_set():
            self._pausing.may_work()
            self._news.clear()
            await self._news.wait()
        running = asyncio.create_task(nodes.cluster.run(self._news.set))
        told: list[DeviceState] = []
        lacking = False
        try:
            while not self._closing.is_set():
                self._news.clear()
                for worker in nodes.meet():
                    nodes.served_by(group.create_task(self._serve_while_there(worker)))
                if not self._workers and self._pausing.may_work():
                    await self._look_for_nodes(nodes.cluster)
                    lacking = True
                elif self._workers and lacking:
                    self._pausing.lack(self._prompts_lack)
                    lacking = False
                if (devices := self.devices()) != told:
                    told = devices
                    self._publish(Devices(devices))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_DEVICES_SECONDS):
                        await self._news.wait()
            await nodes.ended()
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    async def _serve_while_there(self, worker: DeviceWorker) -> None:
        try:
            await self._serve(worker)
        finally:
            self._workers.remove(worker)
            self._signal()

    async def _look_for_nodes(self, cluster: Cluster) -> None:
        """Say that there is no device at all, if something waits for one."""
        with contextlib.suppress(sqlite3.OperationalError):
            left = await self._write(Writer.next_batch, self._busy, (), self._held)
            self._pausing.lack(cluster.lack if left else self._prompts_lack)

    @property
    def nodes_fault(self) -> str | None:
        """Why the devices of other machines cannot be used now; None: they can, or none are."""
        return self._nodes.cluster.fault if self._nodes is not None else None

    def names(self) -> set[str]:
        """The devices there are now, each kind once."""
        return {worker.name for worker in self._workers} or {GPU_PREFIX}

    # ---------------------------------------------------------------- one device

    async def _serve(self, worker: DeviceWorker) -> None:
        """Keep a device supplied: one batch lies ready there while others are computed or saved."""
        try:
            async with asyncio.TaskGroup() as group:
                while not (self._closing.is_set() or worker.gone):
                    # Before looking, so that a signal that comes while looking is not lost.
                    worker.news.clear()
                    if not self._pausing.may_work():
                        if self._pausing.off and not worker.attempts:
                            await worker.drop()
                        await worker.heard(self._pausing.seconds)
                    elif worker.is_aside:
                        worker.hungry = False
                        await self._look_for_lack(worker)
                        await worker.heard()
                    elif not self._wants_more(worker):
                        worker.hungry = False
                        await worker.heard()
                    elif (attempt := await self._pick(worker)) is not None:
                        worker.hungry = False
                        worker.coming = attempt
                        worker.attempts.append(attempt)
                        group.create_task(self._attempt(worker, attempt))
                    else:
                        await self._wait_for_work(worker)
        finally:
            await worker.drop()

    def _wants_more(self, worker: DeviceWorker) -> bool:
        if worker.coming is not None or len(worker.attempts) >= _MOST_IN_HAND:
            return False
        if worker.is_broken() and not all(s.is_broken() for s in self._workers):
            # Left alone until `wake`, so that it does not fail what another device can do.
            return False
        computing = any(attempt.seconds is None for attempt in worker.attempts)
        others_hungry = any(s.hungry for s in self._workers if s is not worker)
        return not (computing and others_hungry)

    async def _wait_for_work(self, worker: DeviceWorker) -> None:
        """Take what lies ready elsewhere; give memory back after a while of nothing to do."""
        if worker.waiting:  # there may be work, of a model that is tried again after its pause
            await worker.heard()
            return
        if not worker.hungry:  # once: two that have nothing to do would wake each other for ever
            worker.hungry = True
            self._signal_others(worker)
        for other in self._workers:
            if other is not worker and other.coming is not None and other.coming.begun:
                await other.coming.stop()
                break
        if not await worker.heard(self._settings.engine.free_minutes * 60):
            if not worker.attempts:
                await worker.drop()
            await worker.heard()

    def _signal_others(self, worker: DeviceWorker) -> None:
        for other in self._workers:
            if other is not worker:
                other.news.set()

    async def _pick(self, worker: DeviceWorker) -> Attempt | None:
        try:
            async with self._picking:
                if (batch := await self._next_batch(worker, worker.waiting)) is not None:
                    self._busy.add(batch.id)
                    return Attempt(batch)
        except sqlite3.OperationalError as error:
            self._pausing.trouble(str(error))
            await worker.heard(self._pausing.seconds)
        else:
            await self._look_for_lack(worker)
        return None

    async def _look_for_lack(self, worker: DeviceWorker) -> None:
        """Say why nothing of what waits can be rendered on any device, if that is so."""
        with contextlib.suppress(sqlite3.OperationalError):  # whoever picks a batch says so
            async with self._picking:
                if not self._busy:
                    left = await self._next_batch(worker)
                    self._pausing.lack(self._lack(left) if left else self._prompts_lack)

    def _lack(self, batch: Batch) -> str | None:
        """Why no device can have what `batch` needs now; None if one may."""
        recipe = batch.images[0].recipe
        sound = [s for s in self._workers if not s.is_broken()] or self._workers
        able = [s for s in sound if not s.has_given_up(recipe.model)]
        needs = *recipe.needs, need_of_session(batch.session_key)
        reasons = [reason for s in able if (reason := s.lack(*needs))]
        return reasons[0] if reasons and len(reasons) == len(able) else None

    async def _next_batch(
        self, worker: DeviceWorker, without: Collection[str] = ()
    ) -> Batch | None:
        warm, held = worker.warm, self._held | worker.waiting_sessions if without else self._held
        return await self._write(Writer.next_batch, self._busy, warm, held, without)

    async def _attempt(self, worker: DeviceWorker, attempt: Attempt) -> None:
        """Render a batch once, save what came of it, and record how it went."""
        batch, device = attempt.batch, worker.device
        try:
            await self._render(worker, attempt)
        except RendererDiedError as error:
            attempt.cause, attempt.reason = Cause.DIED, str(error)
        except RendererHungError as error:
            attempt.cause = Cause.HUNG
            attempt.reason = f"the renderer on {device} hangs: {error}"
            await worker.drop(attempt.link)
        except MachineError as error:
            attempt.cause, attempt.reason = Cause.MACHINE, str(error)
        except ChangedModelError as error:
            attempt.cause, attempt.reason = Cause.CHANGED, str(error)
        except NotNowError as error:
            attempt.cause, attempt.reason = Cause.NOT_NOW, str(error)
            attempt.lacking = error.need
        except LoadError as error:
            attempt.cause, attempt.reason = Cause.LOAD, str(error)
        except (OSError, sqlite3.OperationalError) as error:
            attempt.cause, attempt.reason = Cause.DISK, str(error)
            self._pausing.trouble(attempt.reason)
        except LibraryError:
            raise
        except Exception as error:  # one batch's trouble, whatever it is, must not end the others
            log.exception("batch %d", batch.id)
            attempt.cause, attempt.reason = Cause.ERROR, f"{type(error).__name__}: {error}"
        if attempt.cause in (Cause.MACHINE, Cause.DEVICE) and attempt.link is not None:
            await worker.drop(attempt.link)  # what is left of it computes nothing any more
        if attempt.cause != Cause.ENDED:
            log.warning("batch %d: %s: %s", batch.id, attempt.cause, attempt.reason)
            self._note(batch.session_key, f"{attempt.about}: {attempt.cause}: {attempt.reason}")
        elif attempt.seconds is not None:
            self._note(batch.session_key, f"{attempt.about}: {attempt.seconds:.2f} s on {device}")
        try:
            await self._settle(worker, attempt)
        finally:
            if worker.coming is attempt:
                worker.coming = None
            worker.attempts.remove(attempt)
            self._busy.discard(batch.id)
            self._signal()

    async def _render(self, worker: DeviceWorker, attempt: Attempt) -> None:
        batch = attempt.batch
        link = await worker.renderer()
        attempt.link = link
        loras = await worker.lora_files(batch)
        conditions, placement = await worker.load(link, batch)
        chosen = await self._write(Writer.begin, batch, conditions)
        if chosen not in (None, conditions):  # another device was the first to choose
            conditions, placement = await worker.load(link, replace(batch, conditions=chosen))
            chosen = await self._write(Writer.begin, batch, conditions)
        attempt.begun = chosen is not None
        if not attempt.begun or self._closing.is_set() or self._pausing.off:
            return
        self._pausing.lack(None)
        self._publish_tally(await self._write(Writer.tally, batch.session_key), attempt)
        images = {image.key: image for image in batch.images}
        wanted = RenderBatch(
            batch.id,
            batch.size,
            conditions,
            placement,
            await self._write(split_from, batch),
            batch.planned_model,
            [SlotImage(image.key, image.slot, image.recipe) for image in batch.images],
            _sources_of(await self._write(lambda writer: writer.library), batch),
            loras,
        )
        frames = link.render(wanted, self._settings.render.step_timeout)
        async with contextlib.aclosing(frames):
            async for frame in frames:
                await self._take(frame, worker, attempt, images)

    async def _take(
        self,
        frame: Framed[AnyFromRenderer],
        worker: DeviceWorker,
        attempt: Attempt,
        images: dict[str, BatchImage],
    ) -> None:
        batch = attempt.batch
        session, device = batch.session_key, worker.device
        if not attempt.computing:
            attempt.computing, worker.coming = True, None
            worker.news.set()
        match frame.message:
            case Step(step=step, steps=steps):
                first = batch.images[0]
                place = first.row, first.variation, len(images)
                self._publish(Stepped(session, device, *place, step, steps))
            case Preview(image=key) if key in images:
                shown = images[key]
                self._publish(Previewed(session, device, shown.row, shown.variation, frame.file))
            case Free(began=began, ended=ended, taken=taken, room=room):
                attempt.seconds = ended - began
                worker.works()
                if taken is not None:
                    await self._recording.measure(worker, batch, taken, room)
                self._publish(Computed(session, device, len(images), began, ended))
                worker.news.set()
            case FinishedImage(text=text):
                record = ImageRecord.from_text(text)
                if record is not None and record.image in images:
                    attempt.unsaved.append((images[record.image].path, record, frame.file))
                    if len(attempt.unsaved) == 1:  # else the disk is full: see `_settle`
                        try:
                            await self._stage(attempt)
                        except OSError as error:
                            self._pausing.trouble(str(error))
            case Failed(cause=cause, reason=reason, alone=alone):
                attempt.cause, attempt.reason, attempt.alone = cause, reason, alone

    async def _stage(self, attempt: Attempt) -> None:
        """Put on disk what is not there yet, one picture after the other."""
        while attempt.unsaved:
            path, record, file = attempt.unsaved[0]
            attempt.staged.append((await self._write.stage(record.image, path, file), record))
            del attempt.unsaved[0]

    # ---------------------------------------------------------------- what follows

    async def _settle(self, worker: DeviceWorker, attempt: Attempt) -> None:
        """Save and record; while the disk is full, again and again until there is room."""
        finished: list[Path] = []
        while True:
            try:
                await self._stage(attempt)
                if attempt.staged:
                    finished = await self._write(Writer.finish, attempt.staged)
                    attempt.staged = []
                await self._recording.record(worker, attempt, len(finished))
                break
            except (OSError, sqlite3.OperationalError) as error:
                self._pausing.trouble(str(error))
                log.exception("cannot write to the library")
                if self._closing.is_set():
                    return
                await self._pausing.rest()
        with contextlib.suppress(LibraryError):  # it may have gone with the trash
            tally = await self._write(Writer.tally, attempt.batch.session_key)
            self._publish_tally(tally, attempt, finished)

    def _publish_tally(self, tally: Tally, attempt: Attempt, finished: Sequence[Path] = ()) -> None:
        rows = sorted({image.row for image in attempt.batch.images})
        self.tell(tally, rows, [str(path) for path in finished])

    def tell(
        self, tally: Tally, rows: list[int] | None = None, finished: Sequence[str] = ()
    ) -> None:
        """Tell followers that a session's counts changed.

        Args:
            tally: its counts now.
            rows: numbers of the rows that changed; None: any of them may have.
            finished: image files that are there since the last time.
        """
        self._publish(Counted(tally, tally.session in self._held, rows, list(finished)))


def _sources_of(library: Path, batch: Batch) -> dict[str, str]:
    """Digest → file, of what a batch is drawn on."""
    digests = {d for image in batch.images for d in (image.recipe.image, image.recipe.mask) if d}
    return {digest: str(source_path(library, digest)) for digest in digests}
