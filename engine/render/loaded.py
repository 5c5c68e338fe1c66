"""The models a renderer has loaded: as many as memory holds, the least recently used first out."""

import gc
import importlib.metadata
import logging
import platform
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import torch

from engine.machine import processor_facts
from engine.models.families import family_of
from engine.models.family import Family
from engine.models.model_files import ModelFiles
from engine.models.weights import model_size, weights_bytes
from engine.picture.recipe import Conditions, Lora, Recipe
from engine.render.calls import AfterStep
from engine.render.drawing import method_for
from engine.render.lanes import Lanes
from engine.render.memory import total_bytes
from engine.render.pipelines import (
    LAYOUT,
    ModelError,
    dtype_for,
    threads_for,
    twin_of,
)
from engine.render.preview import Factors, clean_latents, draw_preview, factors_of, laid_out
from engine.render.ready_sources import Pixels, ReadySource
from engine.render.recolour import recolour
from engine.render.redrawing import draw_in_tiles, tiles_of
from engine.render.scheduling import use_scheduler
from engine.render.single_files import load_model
from engine.render.upscaling import Depart, LoadedUpscaler

if TYPE_CHECKING:
    from engine.render.adapters import Adapters

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

    def __init__(self, pipeline: Any, dtype: str, device: str, cores: int) -> None:
        self._pipeline = pipeline
        self._idle: list[Any] = []
        self._turn = threading.Lock()
        self._way = method_for(pipeline)
        self._device = device
        self._factors: Factors | None = None
        self._has_previews = True
        self.offered = Conditions(
            device=device_name(device),
            dtype=dtype,
            threads=threads_for(pipeline, cores),
            attention="sdpa",
            compile=False,
            versions=_versions(_COMPUTING),
            layout=LAYOUT,
            texts=self._way.texts,
            decode=self._way.decode,
        )
        """The conditions on offer."""
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
        """Encode the texts of a batch ahead."""
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
        _depart: Depart | None = None,
    ) -> Iterator[Pixels]:
        """The pictures of one batch, one after the other; arguments as for `DrawingMethod`.

        They are drawn as was asked, or not at all: there is nothing to depart from.
        """
        with self._turn:
            pipeline = self._idle.pop() if self._idle else twin_of(self._pipeline)
        try:
            use_scheduler(pipeline, recipes[0].scheduler)
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
        self._kept: OrderedDict[tuple[str, str], LoadedModel | LoadedUpscaler] = OrderedDict()

    def get(self, model_hash: str, dtype: str) -> LoadedModel | LoadedUpscaler:
        """A model that `load` has made ready."""
        return self._kept[model_hash, dtype]

    @property
    def hashes(self) -> list[str]:
        """The fingerprints of the models that are loaded."""
        return [model_hash for model_hash, _ in self._kept]

    def load(self, files: ModelFiles, model_hash: str, dtype: str) -> LoadedModel | LoadedUpscaler:
        """Have a model ready; others make room for it if they must.

        Raises:
            ModelAbsentError, ModelChangedError, ModelError
            OSError: its files cannot be read.
        """
        dtype = dtype_for(dtype, self._device)
        if (model_hash, dtype) not in self._kept:
            if not files.are_there:
                raise ModelAbsentError(
                    f"the model {files.source} is not there: put it back, or mount its disk"
                )
            for called, path in files.added.files():
                if not path.is_file():
                    raise ModelAbsentError(
                        f"{path} ({called} of the model's entry) is not there: put it back, or"
                        " mount its disk"
                    )
            if files.fingerprint() != model_hash:
                raise ModelChangedError(
                    "the model's files have changed since this session was planned"
                )
            if fault := files.fault():
                raise ModelError(fault)
            self._make_room(_NEED * weights_bytes(files) + _SPARE_BYTES)
            self._kept[model_hash, dtype] = self._loaded(files, dtype)
        self._kept.move_to_end((model_hash, dtype))
        return self._kept[model_hash, dtype]

    def _loaded(self, files: ModelFiles, dtype: str) -> LoadedModel | LoadedUpscaler:
        if not files.is_file or files.kind.what != "upscaler":
            pipeline = load_model(files, dtype, self._device)
            return LoadedModel(pipeline, dtype, self._device, self._cores)
        offered = Conditions(
            device=device_name(self._device),
            dtype=dtype,
            threads=self._cores,
            attention="none",
            compile=False,
            versions=_versions(_UPSCALING),
        )
        return LoadedUpscaler(files.path, self._device, offered)

    def fits_alone(self, files: ModelFiles, dtype: str) -> bool:
        """Whether the model would fit in the device's memory if nothing else was there."""
        size = model_size(files)
        each = getattr(torch, dtype_for(dtype, self._device)).itemsize
        weights = size.bytes_of_weights(each) if size else weights_bytes(files)
        return weights + _SPARE_BYTES < total_bytes(self._device)

    def _make_room(self, wanted: int) -> None:
        while self._kept and self._free_bytes() < wanted:
            self._lanes.wait_empty()
            self._kept.popitem(last=False)
            self.free_memory()

    def _free_bytes(self) -> int:
        if self._device.startswith("cuda"):
            return torch.cuda.mem_get_info(self._device)[0]
        return psutil.virtual_memory().available

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
