"""One device: its renderer, started, loaded and replaced as needed, and what it has in hand."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.library.files import StagedFile
from engine.library.records import Batch
from engine.machine import CPU, cores
from engine.models.catalog import Model, find_model
from engine.models.loras import LookForLoras, LoraGoneError, listed_loras, require_same
from engine.models.placement import Placement
from engine.picture.formats import PNG, kind_of
from engine.picture.metadata import ImageRecord
from engine.picture.recipe import Conditions, Lora
from engine.protocol.answers import DeviceState, Load
from engine.protocol.rendering import Cause, LoadModel
from engine.service import backoff
from engine.service.server.renderer_client import (
    LoadError,
    MachineError,
    NotNowError,
    RendererClient,
    RendererDiedError,
)
from engine.settings import RenderSettings, Settings, SettingsError
from engine.visible_gpus import why_no_gpu

_TRIES = 3
"""Failures in a row, of the device or of a model on it, after which it is left alone."""


@dataclass
class Attempt:
    """One attempt at a batch, and how it went."""

    batch: Batch
    link: RendererClient | None = None
    """Which renderer has it; None until it was handed over."""
    computing: bool = False
    """Whether the renderer has begun it: until then it can go elsewhere."""
    staged: list[tuple[StagedFile, ImageRecord]] = field(default_factory=list)
    unsaved: list[tuple[Path, ImageRecord, bytes]] = field(default_factory=list)
    """Pictures that the disk had no room for; they are kept until it has."""
    cause: Cause = Cause.ENDED
    reason: str = ""
    lacking: str | None = None
    """What was not there, as `Recipe.needs` calls it; None: the model."""
    alone: bool = True
    """Whether no other call ran on the device beside it, as far as it failed."""
    begun: bool = False
    """Whether the model was ready and the batch recorded as being rendered."""
    seconds: float | None = None
    """What it took from the first step to the last pixel; None if it did not come to that."""

    @property
    def about(self) -> str:
        """Which batch, in a session's log."""
        batch = self.batch
        rows = sorted({image.row for image in batch.images})
        named = f"{rows[0]}-{rows[-1]}" if len(rows) > 1 else str(rows[0])
        return f"batch {batch.id}, {len(batch.images)} of {batch.size}, rows {named}"

    async def stop(self) -> None:
        """Leave it after the current step."""
        if self.link is not None:
            await self.link.stop(self.batch.id)


@dataclass
class Wait:
    """What cannot be used now, a model, a LoRA or the device, is tried again after a pause."""

    reason: str
    seconds: float
    over: bool = False


class DeviceWorker:
    """A device with its renderer, and the attempts in hand there."""

    def __init__(
        self,
        device: str,
        name: str,
        threads: int,
        library: Path,
        settings: Settings,
        loras: LookForLoras = listed_loras,
        loading: Callable[[], object] = lambda: None,
        *,
        node: str = "",
        start: Callable[[], Awaitable[RendererClient]] | None = None,
        mix: bool = True,
    ) -> None:
        """A device without a renderer.

        Args:
            device: a torch device, or what one on another machine is called.
            name: the same for interchangeable ones.
            threads: CPU threads of all calls that run on this device side by side.
            library: the library's folder.
            settings: what holds.
            loras: tells which LoRAs there are now.
            loading: told when what is being loaded here is something else.
            node: the machine that it is on; empty: this one.
            start: starts its renderer; None: as a process of this machine.
            mix: whether it goes on with sessions that began on devices of another kind.
        """
        self.device = device
        self.name = name
        """The same for interchangeable devices."""
        self.link: RendererClient | None = None
        self.attempts: list[Attempt] = []
        self.coming: Attempt | None = None
        """The attempt that is not being computed yet; a worker has one at most."""
        self.news = asyncio.Event()
        """Set when it is worth looking for work again."""
        self.hungry = False
        """Whether it could work and found nothing to do."""
        self.gone = False
        """Whether its machine has left: nothing more is begun here."""
        self.failed_loads: Counter[str] = Counter()
        self.deaths_loading: Counter[str] = Counter()
        self.waits: dict[str, Wait] = {}
        """Model or LoRA, as `Recipe.needs` calls it → why what needs it waits here; of those that
        were not there at the last try."""
        self.fault: Wait | None = None
        """Why the device itself could not be used at the last try."""
        self._faults = 0
        self._entries: dict[str, Model] = {}
        self._look_for_loras = loras
        self._tell_loading = loading
        self._load: tuple[str | None, float] | None = None
        self._lora_files: dict[str, Path] = {}
        self._threads = threads
        self._library = library
        self._settings = settings
        self._previews = False
        self.node = node
        """The machine that it is on; empty: this one."""
        self._start = start or self._start_here
        self._mix = mix

    async def heard(self, seconds: float | None = None) -> bool:
        """Wait until it is worth looking for work again, `seconds` at most; whether it is."""
        # Not wait_for: Python 3.11's loses a cancellation that comes together with the event.
        try:
            async with asyncio.timeout(seconds):
                await self.news.wait()
        except TimeoutError:
            return False
        return True

    def forget_trouble(self) -> None:
        """What failed before may work now."""
        self.failed_loads.clear()
        self.deaths_loading.clear()
        self.waits.clear()
        self.fault, self._faults = None, 0

    def works(self) -> None:
        """A batch was computed: whatever was wrong with it has passed."""
        self.fault, self._faults = None, 0

    def wait(self, need: str, reason: str) -> None:
        """Leave a model or a LoRA alone for a while, longer each time; others go on meanwhile."""
        last = self.waits.get(need)
        self.waits[need] = self._pause(reason, backoff.next_pause(last.seconds if last else None))

    def died_loading(self, label: str, reason: str) -> None:
        """The renderer ended, or hung, while it loaded a model: after the third time it waits."""
        self.deaths_loading[label] += 1
        if (deaths := self.deaths_loading[label]) >= _TRIES:
            self.wait(
                label,
                f"{reason}, while it loaded {label}, {deaths} times in a row: too little memory,"
                " or a disk that does not answer; it retries automatically",
            )

    def set_aside(self, reason: str) -> None:
        """Leave the device alone for a while, after the third time for a long one."""
        self._faults += 1
        seconds = backoff.next_pause(self.fault.seconds if self.fault else None)
        advice = "work continues automatically once that is fixed"
        if self._faults >= _TRIES:
            seconds = max(seconds, backoff.LONGEST_PAUSE_SECONDS)
            advice += f" (after {self._faults} tries, it now tries once a minute)"
        if not self.node and self.device != CPU:
            hidden = why_no_gpu()
            reason += f" ({hidden})" if hidden else ""
            advice += (
                "; `promptsheet engine stop`, then `promptsheet engine start --devices cpu`, to"
                " render on the CPU"
            )
        self.fault = self._pause(f"{self.device} cannot render: {reason}; {advice}", seconds)

    def _pause(self, reason: str, seconds: float) -> Wait:
        wait = Wait(reason, seconds)

        def look_again() -> None:
            wait.over = True
            self.news.set()

        asyncio.get_running_loop().call_later(seconds, look_again)
        return wait

    @property
    def waiting(self) -> frozenset[str]:
        """The models and LoRAs that are left alone here at the moment."""
        return frozenset(need for need, wait in self.waits.items() if not wait.over)

    @property
    def waiting_sessions(self) -> frozenset[str]:
        """The sessions that are left alone here at the moment."""
        start, end = need_of_session("\0").split("\0")
        return frozenset(
            need.removeprefix(start).removesuffix(end)
            for need in self.waiting
            if need.startswith(start)
        )

    @property
    def is_aside(self) -> bool:
        """Whether the device is left alone at the moment."""
        return self.fault is not None and not self.fault.over

    def lack(self, *needs: str) -> str | None:
        """Why one of these models and LoRAs cannot be had here now; None if they may be."""
        found = self.fault or next((self.waits[n] for n in needs if n in self.waits), None)
        return found.reason if found else None

    def is_broken(self) -> bool:
        """Whether a model could not be loaded here."""
        return any(count >= _TRIES for count in self.failed_loads.values())

    def has_given_up(self, label: str) -> bool:
        """Whether a model has failed to load here too often."""
        return self.failed_loads[label] >= _TRIES

    @property
    def warm(self) -> frozenset[str]:
        """Labels of the models that are loaded here."""
        return self.link.warm if self.link is not None else frozenset()

    @property
    def state(self) -> DeviceState:
        """How it is."""
        link = self.link if self.link is not None and self.link.alive else None
        troubles = [wait.reason for need, wait in self.waits.items() if need in self.waiting]
        if self.fault is not None and self.is_aside:
            troubles = [self.fault.reason]
        return DeviceState(
            self.device,
            self.node,
            link.model if link else None,
            link.use if link else None,
            "; ".join(troubles),
        )

    @property
    def loading(self) -> Load | None:
        """What is being loaded here now."""
        if self._load is None:
            return None
        model, began = self._load
        return Load(self.device, model, time.monotonic() - began)

    @contextlib.contextmanager
    def _loads(self, model: str | None) -> Iterator[None]:
        """While a model is being loaded; None: while the renderer is being started."""
        self._load = model, time.monotonic()
        self._tell_loading()
        try:
            yield
        finally:
            self._load = None
            self._tell_loading()

    async def renderer(self) -> RendererClient:
        """The live renderer, started if need be.

        Raises:
            MachineError: none starts.
        """
        if self.link is not None and self.link.alive:
            return self.link
        await self.drop()
        try:
            with self._loads(None):
                self.link = await self._start()
        except RendererDiedError as error:  # it had no model and no image yet
            raise MachineError(str(error)) from error
        if self._previews:
            await self.link.want_previews(True)
        return self.link

    async def _start_here(self) -> RendererClient:
        return await RendererClient.start(
            self.device,
            self._threads,
            cores(),
            self._library / "engine.log",
            self._settings.render.load_timeout,
        )

    async def drop(self, which: RendererClient | None = None) -> None:
        """End the renderer, if it is still `which` (None: whichever); its memory is free then."""
        if self.link is not None and which in (None, self.link):
            link, self.link = self.link, None
            await link.kill()

    async def want_previews(self, wanted: bool) -> None:
        """Say whether anyone looks at previews."""
        self._previews = wanted
        if self.link is not None:
            with contextlib.suppress(OSError):
                await self.link.want_previews(wanted)

    async def load(self, link: RendererClient, batch: Batch) -> tuple[Conditions, Placement]:
        """The conditions to render `batch` under, and how its model is held here.

        Those are the session's, else those on offer now.

        Raises:
            LoadError, ChangedModelError, NotNowError, RendererDiedError, RendererHungError
            MachineError: the device fails.
            OSError: the disk is full, or fails.
        """
        recipe = batch.images[0].recipe
        label = recipe.model
        model = self._entry(label)
        chosen = batch.conditions
        wanted = LoadModel(
            model=label,
            files=model.files,
            model_hash=recipe.model_hash,
            wish=model.placement,
            pixels=batch.largest,
            kept=Placement.of(chosen) if chosen else None,
        )
        with contextlib.nullcontext() if link.has_loaded(wanted) else self._loads(label):
            offered = await link.load(wanted, self._settings.render.load_timeout)
        self.failed_loads[label] = self.deaths_loading[label] = 0
        self.waits.pop(label, None)
        if chosen is not None and not self._mix:
            self._require_alike(offered, chosen, batch.session_key)
        if self.node and self.name != CPU:
            self.name = offered.device
        render = self._settings.render
        conditions = chosen or replace(
            offered,
            threads=render.threads or offered.threads,
            encoding=_encoding(batch.images[0].path, render),
        )
        return conditions, Placement.of(offered)

    def _require_alike(self, offered: Conditions, chosen: Conditions, session: str) -> None:
        """Only what computes the same pixels goes on with a session.

        Raises:
            NotNowError: this device does not.
        """
        other = [
            words
            for words in offered.departures_from(chosen)
            if (name := words.partition(":")[0]) == "device" or name.endswith(" version")
        ]
        if other:
            raise NotNowError(
                f"{self.device} is left alone for session {session}, which began on another kind"
                f" of device ({'; '.join(other)}); set ray.mix = true to render it on both",
                need_of_session(session),
            )
        self.waits.pop(need_of_session(session), None)

    async def lora_files(self, batch: Batch) -> dict[str, str]:
        """Digest → file, of the LoRAs that `batch` is drawn with.

        Raises:
            NotNowError: one is gone, or another file than when the session was started.
        """
        loras = batch.images[0].recipe.loras
        if not loras:
            return {}
        files = await asyncio.to_thread(self._files_of, loras)
        for lora in loras:
            self.waits.pop(lora.need, None)
        return files

    def _files_of(self, loras: Sequence[Lora]) -> dict[str, str]:
        # While the list cannot be read, or has it no more, a LoRA is looked for where it last was:
        # its digest tells whether it is the same.
        with contextlib.suppress(SettingsError):
            self._lora_files |= {name: lora.file for name, lora in self._look_for_loras().items()}
        found = {}
        for lora in loras:
            file = self._lora_files.get(lora.name)
            if file is None:
                message = (
                    f"the LoRA {lora.name} is no longer in your list of LoRAs: put its file back,"
                    " or set its folder in the settings (loras_folder)"
                )
                raise NotNowError(message, lora.need)
            try:
                require_same(lora.name, file, lora.digest)
            except LoraGoneError as error:
                raise NotNowError(str(error), lora.need) from error
            found[lora.digest] = str(file)
        return found

    def files_now(self, label: str) -> tuple[str | None, bool]:
        """The fingerprint of a model's files, and whether they came with Promptsheet.

        Reads the files: not for the event loop. None: they, or its entry, cannot be read.
        """
        try:
            model = self._entry(label)
            return model.files.fingerprint(), model.is_shipped
        except (LoadError, NotNowError, OSError):
            return None, False

    def _entry(self, label: str) -> Model:
        """A model's entry in the list; while it cannot be read or is not there, as it last was.

        The fingerprint in the recipe tells whether the files are still the same.

        Raises:
            LoadError: it has no entry.
            NotNowError: it cannot be read, and never could since the engine process started.
        """
        try:
            found = find_model(label)
        except SettingsError as error:
            if label not in self._entries:
                raise NotNowError(str(error)) from error
        else:
            if found is not None:
                self._entries[label] = found
            elif label not in self._entries:
                raise LoadError(
                    f"the model {label} is no longer in your model list: add it again, then retry"
                )
        return self._entries[label]


def need_of_session(key: str) -> str:
    """What a session is called among what is left alone, as `Recipe.needs` calls other things."""
    return f"<session:{key}>"


def _encoding(path: Path, render: RenderSettings) -> str:
    """How a file is written: the kind is in its name already."""
    kind = kind_of(path) or PNG
    return f"{kind} {render.png_level if kind == PNG else render.quality}"


def threads_of(device: str, devices: Sequence[str]) -> int:
    """CPU threads of all calls on one of several devices, side by side.

    Renderers on the CPU share its cores. A GPU takes one call at a time.
    """
    return max(1, cores() // devices.count("cpu")) if device == "cpu" else 1
