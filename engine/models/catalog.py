"""The model list: the one we ship and the user's own, as one form."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from engine.config_records import Declared, DeclaredError, build, plain
from engine.errors import fault_of, reason_of
from engine.models.additions import Additions, embedding_files, require_autoencoder
from engine.models.families import ENHANCER, FAMILIES, UPSCALER, family_of
from engine.models.family import USUAL, Family, UsualRendering
from engine.models.helpers import GGUF_READER, HELPERS, QUANTISER
from engine.models.model_files import (
    GGUF_SUFFIX,
    INDEX,
    ModelFiles,
    known_kind,
    read_json,
    stored_by,
)
from engine.models.placement import PlacementWish
from engine.models.weights_header import WeightsFileError
from engine.settings import SettingsError, config_folder, expanded

_DEFAULT_BASE = 512


class Rendering(Declared, frozen=True):
    """What one word of the `rendering` column means for a model."""

    steps: Annotated[int, Meta(ge=1, le=500)]
    guidance: Annotated[float, Meta(ge=0, le=50)]
    scheduler: str = ""
    """A name of the `scheduler` column; empty: the model's own."""


class Expectation(Declared, frozen=True):
    """What an image costs before this machine has rendered any."""

    seconds_per_image: Annotated[float, Meta(ge=0.000_001, le=86_400)]
    """At the default rendering and 1:1."""
    bytes_per_image: Annotated[int, Meta(ge=1, le=1 << 30)]


def _renderings(usual: Iterable[UsualRendering] = USUAL) -> dict[str, Rendering]:
    return {word: Rendering(steps=steps, guidance=guidance) for word, steps, guidance in usual}


class Model(Declared, frozen=True):
    """One entry of the model list."""

    label: Annotated[str, Meta(min_length=1)]
    """The name people write in the `model` column."""
    source: Path
    """A folder in diffusers' format, or one .safetensors file."""
    base_resolution: Annotated[int, Meta(ge=16, le=16_384)]
    """Pixels of a side at 1:1."""
    base: Path | None = None
    """For one file: the folder in diffusers' format that has what it leaves out. A checkpoint of
    Stable Diffusion 1, 2 or XL needs none."""
    prediction: Literal["", "epsilon", "v_prediction"] = ""
    """What it was taught to predict, for a file that does not say it; empty: what is usual."""
    quantise: Literal["", "int8", "float8"] = ""
    """What the weights of its denoiser and its text encoders are rounded to: about half of the
    memory, other pixels. Needs torchao; empty: nothing is."""
    step_cache: Literal["", "first-block"] = ""
    """What is left out of steps in which next to nothing changes, to draw faster: other pixels, and
    one image a call. "first-block": all blocks of the denoiser but the first, where that one gives
    about what it gave in the step before."""
    step_cache_threshold: Annotated[float, Meta(ge=0.001, le=1)] = 0.08
    """How much may have changed, in proportion, where it is left out: the more, the faster and the
    less like the picture that it would be."""
    licence: str = ""
    """Its licence, where its files do not name one."""
    pulled: str = ""
    """Where it was pulled from: OWNER/NAME@COMMIT on the Hub; empty: it was not."""
    size_multiple: Annotated[int, Meta(ge=1, le=1_024)] = 16
    """Width and height are multiples of this many pixels."""
    max_ratio: Annotated[float, Meta(ge=1, le=100)] = 3.0
    """Longest side / shortest side, at most; by default its kind of pipeline decides."""
    max_area: Annotated[float, Meta(ge=1, le=100)] = 4.0
    """Width × height, at most, as a multiple of base_resolution²."""
    pipeline: str = ""
    """The diffusers class that draws with it; read from the folder."""
    scheduler: str = "unknown"
    """The class of its own scheduler; read from the folder."""
    family: str = ""
    """Whose styles and enrichment suit it; empty: that of its kind of pipeline."""
    negative_prompt: bool | None = None
    """Whether it heeds a negative prompt; by default its kind of pipeline decides."""
    distilled: bool = False
    """Whether it was taught to draw in few steps; most folders tell."""
    max_batch: Annotated[int, Meta(ge=0, le=256)] = 0
    """Most images in one call of the pipeline. 0: on a GPU as many as its memory was measured to
    hold, 16 at most (4 before it was measured); on the CPU one."""
    dtype: str = "auto"
    """What it computes in. "auto": bfloat16 on a GPU, and on a CPU that has bfloat16 arithmetic of
    its own (AVX512-BF16 or AMX); float32 on other CPUs, if it fits their memory. A session keeps
    what it began with."""
    offload: Literal["auto", "none", "text", "model", "layers"] = "auto"
    """What leaves the GPU while it is not computing: nothing; the text encoders; each part; each
    layer. "auto": the first with which it fits."""
    decode: Literal["auto", "whole", "tiled"] = "auto"
    """Whether pictures are decoded whole or in tiles. "auto": whole, if that fits."""
    rendering: dict[str, Rendering] = msgspec.field(default_factory=_renderings)
    vae: Path | None = None
    """An autoencoder instead of its own: a safetensors file, or a folder in diffusers' format."""
    embeddings: tuple[Path, ...] = ()
    """Words of its own, by textual inversion: safetensors files, or a folder of them. A prompt
    calls each by its file's name."""
    clip_skip: Annotated[int, Meta(ge=1, le=12)] = 1
    """Which layer of its text encoder is the last, counted from the end as the web UIs do."""
    expect: Expectation | None = None

    @property
    def files(self) -> ModelFiles:
        """Where its files are."""
        cached = f"{self.step_cache} {self.step_cache_threshold:g}" if self.step_cache else ""
        return ModelFiles(
            str(self.source),
            str(self.base or ""),
            self.prediction,
            self.additions,
            self.quantise,
            cached,
        )

    @property
    def draws_alone(self) -> bool:
        """Whether an image has a call of its own: its pixels would hang on those beside it."""
        return self.kind.alone or bool(self.step_cache)

    @property
    def additions(self) -> Additions:
        """What its entry adds to its folder."""
        embeddings = tuple(map(str, self.embeddings))
        return Additions(str(self.vae or ""), embeddings, self.clip_skip)

    @property
    def helper(self) -> str:
        """The package that it needs beside those that come with Promptsheet; empty: none."""
        reader = GGUF_READER if self.source.suffix == GGUF_SUFFIX else ""
        if not reader and (stored := stored_by(self.base or self.source)) in HELPERS:
            reader = stored
        return self.kind.helper or reader or (QUANTISER if self.quantise else "")

    @property
    def placement(self) -> PlacementWish:
        """How it is to be made to fit into a device's memory."""
        if self.kind.upscales:  # it is one part, and makes tiles by itself
            return PlacementWish(self.dtype, "none", "whole")
        return PlacementWish(self.dtype, self.offload, self.decode)

    @property
    def is_shipped(self) -> bool:
        """Whether its files came with Promptsheet, and change when that is upgraded."""
        return self.source.is_relative_to(str(files("assets")))

    @property
    def kind(self) -> Family:
        """What follows from its kind of pipeline, with what its entry says otherwise."""
        found = family_of(self.pipeline)
        found = found.as_distilled() if self.distilled else found
        return replace(
            found,
            name=self.family or found.name,
            flow=found.flow or self.scheduler.startswith("FlowMatch"),
            negative_prompt=(
                found.negative_prompt if self.negative_prompt is None else self.negative_prompt
            ),
        )

    @property
    def has_enhancer(self) -> bool:
        """Whether its folder has what writes captions of plain prompts with its text encoder."""
        return self.kind.captions and (self.source / ENHANCER / "config.json").is_file()

    @property
    def draws_on(self) -> Literal["", "strength", "words", "size"]:
        """How it draws on a picture: by a strength, as the prompt says, or only larger; or not."""
        if self.kind.upscales:
            return "size"
        if self.kind.edits:
            return "words"
        return "strength" if self.kind.image_to_image else ""

    def least_strength(self, rendering: str, steps: int | None = None) -> float:
        """The smallest strength at which at least one step is taken.

        Args:
            rendering: a word of the `rendering` column.
            steps: what the row asks for instead of the rendering's.
        """
        return self.kind.least_strength(steps or self.rendering[rendering].steps)

    def heeds_negative(self, rendering: str, guidance: float | None = None) -> bool:
        """Whether a negative prompt changes anything: not without guidance.

        Args:
            rendering: a word of the `rendering` column.
            guidance: what the row asks for instead of the rendering's.
        """
        used = self.rendering[rendering].guidance if guidance is None else guidance
        return self.kind.heeds_negative(used)


ModelList = Mapping[str, Model]
"""Label → model; the first is the default of the `model` column."""


class KnownModels(dict[str, Model]):
    """A `ModelList`, and what is wrong with entries that are not in it."""

    def __init__(self, models: ModelList, faults: Mapping[str, str]) -> None:
        super().__init__(models)
        self.faults = faults
        """Label, or which entry it is → why it cannot be used."""


def load_models() -> KnownModels:
    """The shipped models, then the user's; the user's entry wins where labels are equal.

    An entry that is wrong concerns those who name it, and nobody else.

    Raises:
        SettingsError: a list cannot be read, or none of its entries can be used.
    """
    models: dict[str, Model] = {}
    faults: dict[str, str] = {}
    for path in _lists():
        for entry in _entries(path):
            _, number, item = entry
            label = str(item.get("label") or f"model {number}")
            try:
                models[label] = _entry(*entry)
                faults.pop(label, None)
            except SettingsError as error:
                models.pop(label, None)
                faults[label] = str(error)
    if not models:
        raise SettingsError(next(iter(faults.values()), "The model list is empty."))
    return KnownModels(models, faults)


def find_model(label: str) -> Model | None:
    """The model with this label; None if no list has it. The other entries do not matter.

    Raises:
        SettingsError: a list cannot be read, or this entry is wrong.
    """
    entries = [entry for path in _lists() for entry in _entries(path)]
    for path, number, item in reversed(entries):
        if item.get("label") == label:
            return _entry(path, number, item)
    return None


def model_of(entry: Mapping[str, Any]) -> Model:
    """The model that an entry would be in the user's list.

    Raises:
        SettingsError: it cannot be used.
    """
    own = own_list()
    number = len(_entries(own)) + 1 if own.is_file() else 1
    return _entry(own, number, dict(entry))


def own_list() -> Path:
    """The user's model list, which need not be there."""
    return config_folder() / "models.toml"


def listed_labels() -> list[str]:
    """The labels of all entries as they stand in the lists, whatever is wrong with some.

    Raises:
        SettingsError: the user's list cannot be read.
    """
    items = (item for path in _lists() for _, _, item in _entries(path))
    return [str(item["label"]) for item in items if "label" in item]


def own_labels() -> list[str]:
    """The labels in the user's list, whether their models can be used or not.

    Raises:
        SettingsError: it cannot be read.
    """
    own = own_list()
    return [str(item.get("label")) for _, _, item in _entries(own)] if own.is_file() else []


def _lists() -> list[Path]:
    shipped = Path(str(files("assets") / "models.toml"))
    return [shipped, own] if (own := own_list()).is_file() else [shipped]


def _entries(path: Path) -> list[tuple[Path, int, dict[str, Any]]]:
    """A list's entries as they are written, each with the list and its number there."""
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {reason_of(error)}.") from error
    listed = body.get("models", [])
    tables = isinstance(listed, list) and all(isinstance(item, dict) for item in listed)
    if body.keys() - {"models"} or not tables:
        raise SettingsError(
            f"{path}: each model is a [[models]] table; nothing else is allowed here."
        )
    return [(path, number, item) for number, item in enumerate(listed, start=1)]


def _entry(path: Path, number: int, item: dict[str, Any]) -> Model:
    name = f"model {number} ({item.get('label', 'no label')})"
    for place in {"source", "base"} & item.keys():
        item = item | {place: (path.parent / expanded(Path(str(item[place])))).absolute()}
    source, base, prediction = (str(item.get(f, "")) for f in ("source", "base", "prediction"))
    files = ModelFiles(source, base, prediction)
    if "source" in item and (fault := files.fault()):
        raise SettingsError(f"{path}, {name}: {fault}")
    told = _told_by(files) if "source" in item else _told_by_folder(Path())
    item = told | item
    family = family_of(str(item["pipeline"]))
    item = {"size_multiple": family.multiple, "max_ratio": family.max_ratio} | item
    family = family.as_distilled() if item["distilled"] else family
    if isinstance(own := item.get("rendering", {}), dict):
        item["rendering"] = {w: plain(r) for w, r in _renderings(family.renderings).items()} | own
    try:
        model = build(Model, _with_additions(item, path.parent))
    except (DeclaredError, ValueError) as error:
        raise SettingsError(f"{path}, {name}: {str(error).rstrip('.')}.") from error
    if not family.clip and (model.embeddings or model.clip_skip > 1):
        raise SettingsError(
            f"{path}, {name}: embeddings and clip_skip work only with models that use nothing but"
            f" CLIP, and {family.title} models do not: remove them."
        )
    if model.quantise and model.source.suffix == GGUF_SUFFIX:
        raise SettingsError(
            f"{path}, {name}: quantise: {model.source.name} is already quantised: remove this."
        )
    if model.step_cache and not model.kind.step_cache:
        able = dict.fromkeys(each.title for each in FAMILIES.values() if each.step_cache)
        raise SettingsError(
            f"{path}, {name}: step_cache: this works only with {', '.join(able)}, not with"
            f" {model.kind.title}: remove it."
        )
    names = model.kind.schedulers_for()
    for word, rendering in model.rendering.items():
        if rendering.scheduler and rendering.scheduler not in names:
            raise SettingsError(
                f"{path}, {name}: rendering.{word}.scheduler: {rendering.scheduler!r} does not"
                f" work with this model; {_listed(names)}."
            )
    return model


def _with_additions(item: dict[str, Any], folder: Path) -> dict[str, Any]:
    """An entry, what it adds to its model as the files that are there.

    Raises:
        ValueError: some are not.
    """
    item = dict(item)
    if isinstance(named := item.get("vae"), str):
        item["vae"] = (folder / expanded(Path(named))).absolute()
        require_autoencoder(item["vae"])
        _require_kind("vae", item["vae"], "autoencoder")
    listed = item.get("embeddings", ())
    listed = [listed] if isinstance(listed, str) else listed
    if isinstance(listed, list) and all(isinstance(each, str) for each in listed):
        places = [(folder / expanded(Path(each))).absolute() for each in listed]
        item["embeddings"] = embedding_files(places)
        for file in item["embeddings"]:
            _require_kind("embeddings", file, "embedding")
    return item


def _require_kind(field: str, file: Path, wanted: str) -> None:
    """See that what an entry names is what it says, as far as a file tells.

    Raises:
        ValueError: it is not.
    """
    if file.is_dir():
        return
    try:
        kind = known_kind(file)
    except (WeightsFileError, OSError) as error:
        raise ValueError(f"{field}: {fault_of(error)}") from error
    if kind.what not in (wanted, "unknown"):
        raise ValueError(f"{field}: {file.name} is {kind.words}")


def _listed(names: Sequence[str]) -> str:
    return f"use {', '.join(names)}" if names else "it works only with its own: remove this"


def _told_by(files: ModelFiles) -> dict[str, Any]:
    """What a model's files tell of it."""
    if files.is_file and files.kind.what == "upscaler":
        return dict(_OF_UPSCALERS)
    told = _told_by_folder(files.configs)
    if not files.is_file:
        return told
    kind = files.kind
    if kind.pipeline:
        told["pipeline"] = kind.pipeline
    if kind.family == "flux":
        told["distilled"] = kind.variant == "distilled"
    if kind.family == "sd2" and "epsilon" in (files.prediction or kind.prediction):
        told["base_resolution"] = _DEFAULT_BASE  # its kin of 768 pixels predict something else
    return told


_OF_UPSCALERS: Mapping[str, Any] = {
    "pipeline": UPSCALER,
    "scheduler": "none",
    "distilled": False,
    "base_resolution": 1024,
    "max_ratio": 100.0,
    "max_area": 100.0,
    # What rounding to bfloat16 costs is seen in smooth skies.
    "dtype": "float32",
}
"""It makes pictures of any shape, up to 10,240 × 10,240 pixels or as many."""


def _told_by_folder(folder: Path) -> dict[str, Any]:
    """What a folder in diffusers' format tells."""
    index = read_json(folder / INDEX)
    named, pipeline = index.get("scheduler"), str(index.get("_class_name", ""))
    distilled = family_of(pipeline).distilled
    return {
        "pipeline": pipeline,
        "scheduler": str(named[1]) if isinstance(named, list) and len(named) == 2 else "unknown",
        "distilled": distilled is not None
        and distilled.is_told(lambda name: read_json(folder / name)),
        "base_resolution": _base_resolution(folder, pipeline),
    }


def _base_resolution(folder: Path, pipeline: str) -> int:
    """Pixels of a side the denoiser was trained at: its latent size × the autoencoder's factor.

    Where the folder does not say, as Flux's do not, that of the pipeline's family.
    """
    vae = read_json(folder / "vae" / "config.json")
    blocks = vae.get("block_out_channels") or vae.get("encoder_block_out_channels") or []
    for part in ("unet", "transformer"):
        latent = read_json(folder / part / "config.json").get("sample_size")
        if isinstance(latent, int) and blocks:
            return int(latent * 2 ** (len(blocks) - 1))
    family = family_of(pipeline)
    return family.base if family.sizes or family.named_sizes else _DEFAULT_BASE
