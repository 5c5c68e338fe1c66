"""The models a renderer has loaded: as many as memory holds, the least recently used first out."""

import gc
import importlib.metadata
import logging
import platform
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diffusers
import torch

from engine.machine import CPU, memory, processor_facts
from engine.models.families import family_of
from engine.models.family import Family
from engine.models.helpers import GGUF_READER, QUANTISER, installed
from engine.models.model_files import ModelFiles
from engine.models.placement import Placed, Placement, placed
from engine.models.weights import model_size, weights_bytes
from engine.picture.recipe import Conditions, Lora, Recipe
from engine.protocol.rendering import LoadedAs, LoadModel
from engine.render.calls import AfterStep
from engine.render.drawing import InOneCall, method_for
from engine.render.lanes import Lanes
from engine.render.memory import total_bytes
from engine.render.pipelines import (
    LAYOUT,
    ModelError,
    threads_for,
    twin_of,
)
from engine.render.preview import Factors, clean_latents, draw_preview, factors_of, laid_out
from engine.render.quantising import quantise
from engine.render.ready_sources import Pixels, ReadySource
from engine.render.recolour import recolour
from engine.render.redrawing import draw_in_tiles, tiles_of
from engine.render.scheduling import use_scheduler
from engine.render.single_files import load_model
from engine.render.text_cache import TextCache
from engine.render.turns import place
from engine.render.upscaling import Depart, LoadedUpscaler

if TYPE_CHECKING:
    from engine.render.adapters import Adapters
    from engine.render.step_caching import StepCache

log = logging.getLogger(__name__)

_COMPUTING = ("torch", "diffusers", "transformers", "peft", "pillow")
_UPSCALING = ("torch", "pillow")
_SPARE_BYTES = 2 << 30
_NEED = 2


class ModelChangedError(ModelError):
    """The model's files are not those the session was planned with."""


class ModelAbsentError(ModelError):
    """The model's folder is not there: its disk may not be mounted."""


class LoadedModel:
    """One model, ready to draw in several threads."""

    def __init__(
        self,
        pipeline: Any,
        placement: Placement,
        device: str,
        cores: int,
        takes: int = 0,
        step_cache: str = "",
    ) -> None:
        """A pipeline that is put on the device as `placement` says.

        Args:
            pipeline: the model's.
            placement: how it is held there.
            device: torch's name of it.
            cores: of the machine.
            takes: bytes of the device's memory that are counted for it.
            step_cache: what is left out of steps, as `ModelFiles.step_cache`.
        """
        self.placement = placement
        self.takes = takes
        self._pipeline = pipeline
        self._idle: list[Any] = []
        self._turn = threading.Lock()
        self._way = method_for(pipeline)
        self._device = device
        self._factors: Factors | None = None
        self._has_previews = True
        self.offered = Conditions(
            device=device_name(device),
            dtype=placement.dtype,
            threads=threads_for(pipeline, cores),
            attention="sdpa",
            compile=False,
            versions=_versions(_COMPUTING),
            layout=LAYOUT,
            texts=self._way.texts,
            decode=self._way.decode,
            tiled=placement.tiled,
            offload=placement.offload,
            step_cache=step_cache,
        )
        """The conditions on offer."""
        away = placement.offload != "none" and isinstance(self._way, InOneCall)
        self._texts = TextCache() if away and hasattr(pipeline, "encode_prompt") else None
        self._step_cache: StepCache | None = None
        if step_cache:
            from engine.render import step_caching  # what few sessions need

            self._step_cache = step_caching.StepCache(pipeline, step_cache)
        self._adapters: Adapters | None = None

    def put_on(self, loras: Sequence[Lora], files: Mapping[str, Path]) -> None:
        """Have these LoRAs, and no others, on the model; while no call of it runs.

        Args:
            loras: in the order in which they are added; none: the model as it is.
            files: digest → file, of each.

        Raises:
            LoraError: one cannot be put on it; the model is as it was without.
        """
        if self._adapters is None:
            if not loras:
                return
            from engine.render.adapters import Adapters  # what few sessions need

            self._adapters = Adapters(self._pipeline)
        self._adapters.put_on(loras, files)

    def prepare(self, recipes: Sequence[Recipe]) -> None:
        """Encode the texts of a batch ahead: not where that would turn out what computes now."""
        if self.placement.offload == "none":
            self._way.prepare(self._pipeline, recipes)

    @property
    def family(self) -> Family:
        """What follows from its kind of pipeline."""
        return family_of(type(self._pipeline).__name__)

    def steps_of(self, recipe: Recipe) -> int:
        """How many steps an image takes."""
        return self._taken(recipe) * len(tiles_of(recipe))

    def _taken(self, recipe: Recipe) -> int:
        return self.family.steps_taken(recipe.steps, recipe.strength)

    def draw(
        self,
        recipes: Sequence[Recipe],
        step: AfterStep,
        sources: Sequence[ReadySource] = (),
        depart: Depart | None = None,
    ) -> Iterator[Pixels]:
        """The pictures of one batch, one after the other; arguments as for `DrawingMethod`.

        They are drawn as was asked, or not at all; but `depart` is told where nothing can be left
        out of steps although it was asked for.
        """
        with self._caching(bool(sources), depart):
            yield from self._drawn(recipes, step, sources)

    def _caching(self, on_pictures: bool, depart: Depart | None) -> AbstractContextManager[None]:
        if self._step_cache is None:
            return nullcontext()
        other = self.family.image_to_image if on_pictures else ""
        drawer = getattr(diffusers, other) if other else type(self._pipeline)
        return self._step_cache.used(drawer, depart)

    def _drawn(
        self, recipes: Sequence[Recipe], step: AfterStep, sources: Sequence[ReadySource]
    ) -> Iterator[Pixels]:
        with self._turn:
            pipeline = self._idle.pop() if self._idle else twin_of(self._pipeline)
        try:
            use_scheduler(pipeline, recipes[0].scheduler)
            if self._texts is not None:
                self._texts.keep_for(pipeline, recipes[0].loras)
            if recipes[0].tile:
                taken = self._taken(recipes[0])
                pictures = draw_in_tiles(self._way, pipeline, recipes, step, sources, taken)
            else:
                pictures = self._way.draw(pipeline, recipes, step, sources)
            with closing(pictures):
                for recipe, picture in zip(recipes, pictures, strict=True):
                    yield recolour(picture, recipe.palette)
        finally:
            with self._turn:
                self._idle.append(pipeline)

    def preview(
        self, latents: torch.Tensor, scheduler: Any, slot: int, recipe: Recipe
    ) -> bytes | None:
        """What is being denoised in `slot`, as a JPEG file; None if this model has no previews.

        Nobody's image may suffer from being looked at: whatever goes wrong (the usual reason is an
        autoencoder of another kind) only means that there are none of this model from then on.
        """
        if not self._has_previews or recipe.tile:
            return None
        try:
            if self._factors is None:
                scale = self._pipeline.vae_scale_factor
                first = self.family.places_first
                self._factors = factors_of(self._pipeline.vae, scale, places_first=first)
            believed = clean_latents(latents, scheduler)
            size, first = (recipe.width, recipe.height), self.family.places_first
            placed = laid_out(believed, size, self._factors, places_first=first)
            return draw_preview(placed[slot], self._factors)
        except Exception as error:
            self._has_previews = False
            log.warning("No previews of this model: %s: %s", type(error).__name__, error)
        free_memory(self._device)  # only now: the error held on to what it was computing with
        return None


class LoadedModels:
    """Keeps models loaded while there is memory for them."""

    def __init__(self, device: str, lanes: Lanes, cores: int) -> None:
        self._device = device
        self._lanes = lanes
        self._cores = cores
        self._kept: OrderedDict[LoadedAs, LoadedModel | LoadedUpscaler] = OrderedDict()

    def get(self, model_hash: str, placement: Placement) -> LoadedModel | LoadedUpscaler:
        """A model that `load` has made ready."""
        return self._kept[model_hash, placement]

    @property
    def loaded(self) -> list[LoadedAs]:
        """The models that are loaded."""
        return list(self._kept)

    def load(self, wanted: LoadModel) -> LoadedModel | LoadedUpscaler:
        """Have a model ready; others make room for it if they must.

        Raises:
            ModelAbsentError, ModelChangedError, ModelError
            OSError: its files cannot be read.
        """
        files, model_hash = wanted.files, wanted.model_hash
        if not files.are_there:
            raise ModelAbsentError(
                f"the model {files.source} is not there: put it back, or mount its disk"
            )
        way = self._placed(wanted)
        key = model_hash, way.placement
        if key not in self._kept:
            for called, path in files.added.files():
                if not path.is_file():
                    raise ModelAbsentError(
                        f"{path} ({called} in the model's entry) is missing: put it back, or"
                        " mount its disk"
                    )
            if files.fingerprint() != model_hash:
                raise ModelChangedError(
                    "the model's files have changed since this session was planned"
                )
            if fault := files.fault():
                raise ModelError(fault)
            takes = way.bytes or _NEED * weights_bytes(files) + _SPARE_BYTES
            self._make_room(takes, weights_bytes(files))
            self._kept[key] = self._loaded(files, way.placement, takes)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _loaded(
        self, files: ModelFiles, placement: Placement, takes: int
    ) -> LoadedModel | LoadedUpscaler:
        if files.is_file and files.kind.what == "upscaler":
            return self._loaded_upscaler(files, placement, takes)
        as_it_is = placement.offload == "none" and not files.quantise
        pipeline = load_model(files, placement.dtype, self._device if as_it_is else CPU)
        if files.quantise:
            quantise(pipeline, files.quantise)
        place(pipeline, placement, self._device)
        model = LoadedModel(pipeline, placement, self._device, self._cores, takes, files.step_cache)
        by = QUANTISER if files.quantise else ""
        if files.is_file and files.kind.is_gguf:
            by = GGUF_READER
        if by:
            model.offered = replace(
                model.offered,
                quantised=files.quantise or by,
                versions={**model.offered.versions, by: installed(by) or ""},
            )
        return model

    def _loaded_upscaler(
        self, files: ModelFiles, placement: Placement, takes: int
    ) -> LoadedUpscaler:
        offered = Conditions(
            device=device_name(self._device),
            dtype=placement.dtype,
            threads=self._cores,
            attention="none",
            compile=False,
            versions=_versions(_UPSCALING),
        )
        return LoadedUpscaler(files.path, self._device, offered, takes)

    def _placed(self, wanted: LoadModel) -> Placed:
        size, total = model_size(wanted.files), total_bytes(self._device)
        return placed(size, wanted.pixels, self._device, total, wanted.wish, wanted.kept)

    def fits_alone(self, wanted: LoadModel) -> bool:
        """Whether the model would fit in the device's memory if nothing else was there."""
        way = self._placed(wanted)
        if way.bytes:
            return way.fits
        return weights_bytes(wanted.files) + _SPARE_BYTES < total_bytes(self._device)

    def _make_room(self, takes: int, weights: int) -> None:
        while self._kept and not self._has_room(takes, weights):
            self._lanes.wait_empty()
            self._kept.popitem(last=False)
            self.free_memory()

    def _has_room(self, takes: int, weights: int) -> bool:
        """Whether one that takes so much can be beside those that are loaded, all at work."""
        planned = takes + sum(model.takes for model in self._kept.values())
        if planned > total_bytes(self._device) or self._free_bytes() < takes:
            return False
        # What is not on the GPU lies in the machine's memory, and so does what is being loaded.
        away = any(placement.offload != "none" for _, placement in self._kept)
        return not away or memory().available >= weights

    def _free_bytes(self) -> int:
        if self._device.startswith("cuda"):
            return torch.cuda.mem_get_info(self._device)[0]
        return memory().available

    def free_memory(self) -> None:
        """Give back what is no longer used."""
        free_memory(self._device)


def _versions(packages: Iterable[str]) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in packages}


def free_memory(device: str) -> None:
    """Give back what this process no longer uses of the device's memory."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()


def device_name(device: str) -> str:
    """The same for devices that compute the same pixels."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    if device != "cpu":
        return device
    models = [line for line in processor_facts() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"cpu {model} ({torch.backends.cpu.get_cpu_capability()})"


@contextmanager
def computing(lanes: Lanes, threads: int) -> Iterator[None]:
    """This thread computes with `threads` threads, inside one of the `lanes` it has entered."""
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        lanes.leave(threads)
