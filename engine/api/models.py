"""Models: listed with what is known of each, found, added, pulled, checked, taken out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.library.database import LibraryError
from engine.library.read.model_use import NeedsModel, last_used, sessions_needing
from engine.machine import DeviceUse, devices_in_use
from engine.models.catalog import KnownModels, Model, Rendering, load_models, model_of, own_labels
from engine.models.finding import (
    FoundModel,
    ModelRefusedError,
    free_label,
    look_at,
    look_through,
)
from engine.models.licences import licence_of
from engine.models.list_file import add_entries, remove_entry
from engine.models.lora_fit import other_kind
from engine.models.loras import add_lora, unusable
from engine.models.recorded import (
    RecordedModel,
    changes_since,
    note_whole,
    record_added,
    record_of,
)
from engine.models.weights import model_size
from engine.models.wholeness import faults_of
from engine.plan.memory import MemoryNeed, memory_need
from engine.service.devices import AUTO
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.api.model_pulls import ModelPull
    from engine.models.hub.offers import Offer


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One entry of the model list, and what is known of it."""

    label: str
    fault: str = ""
    """Why it cannot be used, in words; then the rest is not known."""
    family: str = ""
    """As its makers call it."""
    pipeline: str = ""
    source: str = ""
    """Its folder or file."""
    base: str = ""
    """Of a file: the folder that has what it leaves out; empty: it needs none."""
    shipped: bool = False
    """Whether it came with Promptsheet."""
    base_resolution: int = 0
    """Pixels of a side at 1:1."""
    licence: str = ""
    """Empty: nothing says it."""
    bytes: int = 0
    """Of its files."""
    memory: MemoryNeed | None = None
    """What one picture of its usual size needs of the memory of the roomiest device that would
    render it; None: its files don't tell."""
    free_bytes: int = 0
    """What is free of it now."""
    quantised: str = ""
    """What its weights are rounded to when it is loaded; empty: they are not."""
    step_cache: str = ""
    """What is left out of steps in which next to nothing changes; empty: nothing."""
    abilities: tuple[str, ...] = ()
    """Beside text to image: `image to image`, `mask`, `edit`, `negative prompt`, `LoRA`; or only
    `upscale`."""
    renderings: Mapping[str, Rendering] | None = None
    last_used: float | None = None
    """Seconds since 1970, in this library; None: never."""


@dataclass(frozen=True, slots=True)
class RemovedModel:
    """A model that was taken out of the user's list; `Models.put_back` undoes that."""

    entry: Mapping[str, Any]
    """Its fields, as the list had them."""

    @property
    def label(self) -> str:
        """What it was called."""
        return str(self.entry["label"])

    @property
    def source(self) -> str:
        """Where its files are."""
        return str(self.entry["source"])

    @property
    def base(self) -> str:
        """Where it takes the rest from; empty: from nowhere."""
        return str(self.entry.get("base", ""))


class Models:
    """The models there are."""

    def __init__(self, settings: Settings) -> None:
        """Args: settings: what holds."""
        self._settings = settings

    def all(self) -> KnownModels:
        """The models by their labels, and what is wrong with entries that cannot be used.

        The first is taken where a row names none.

        Raises:
            SettingsError: the model list cannot be used.
        """
        return load_models()

    def described(self) -> list[ModelInfo]:
        """Each entry with what is known of it, those that cannot be used at the end.

        Reads the headers of all weights: not for an event loop.

        Raises:
            SettingsError: the model list cannot be used.
        """
        models = self.all()
        device = self._roomiest_device()
        used = self._last_used()
        found = [_described(model, device, used.get(model.label)) for model in models.values()]
        return found + [
            ModelInfo(label, fault, last_used=used.get(label))
            for label, fault in models.faults.items()
        ]

    # ---------------------------------------------------------------- adding

    def look_at(self, path: Path, base: Path | None = None) -> FoundModel:
        """What a folder in diffusers' format, or a weights file, is; the `fault` says if no model.

        Args:
            path: the folder or the file.
            base: for a file that holds the denoiser alone, the folder that has the rest.
        """
        return look_at(path, base)

    def look_through(self, folder: Path) -> Iterator[FoundModel]:
        """Everything in a folder and all below it that may be a model, as it is found.

        Raises:
            OSError: the folder cannot be read.
        """
        next(folder.iterdir(), None)
        return look_through(folder)

    def labels_of(self, *found: FoundModel) -> list[list[str]]:
        """The labels under which each of the models that were found is in the list already.

        Raises:
            SettingsError: the model list cannot be used.
        """
        listed: dict[str, list[str]] = {}
        for model in self.all().values():
            listed.setdefault(model.files.source, []).append(model.label)
        return [listed.get(each.files.source, []) for each in found]

    def would_be(self, found: FoundModel, label: str = "") -> ModelInfo:
        """What is known of a model that was found, as if it had been added.

        Args:
            found: what `look_at` gave.
            label: what it would be called; empty: after its name, with a number if that is taken.

        Raises:
            ModelRefusedError: it is no model, or the label is taken.
            SettingsError: the model list cannot be used.
        """
        entry = self._entry(found, label, self._taken())
        return _described(model_of(entry), self._roomiest_device(), None)

    def add(self, found: FoundModel, label: str = "", **more: str) -> ModelInfo:
        """Put a model into the user's list, whose remarks are left alone; its files stay.

        Args:
            found: as for `would_be`.
            label: likewise.
            more: further fields of its entry.

        Raises:
            ModelRefusedError: it is no model, or the label is taken: nothing is written over.
            SettingsError: the model list cannot be used, or not be written.
        """
        entry = self._entry(found, label, self._taken()) | more
        model = model_of(entry)
        add_entries(entry)
        self._record(model)
        return _described(model, self._roomiest_device(), None)

    def add_lora(self, found: FoundModel, label: str = "") -> str:
        """Put a LoRA that was found into the user's list of LoRAs; its label there.

        Args:
            found: what `look_at` gave.
            label: what cells call it; empty: after its file.

        Raises:
            ModelRefusedError: no model of the list takes it, or it is made otherwise than can be
                loaded.
            SettingsError: one of the lists cannot be used, or not be written.
        """
        if why := self.why_no_lora(found):
            raise ModelRefusedError(f"{found.path.name}: {why}")
        return add_lora(found.path, label or found.suggested_label)

    def why_no_lora(self, found: FoundModel) -> str:
        """Why a LoRA that was found is of no use here, in words; empty: it is, or may be."""
        assert found.kind is not None
        if other := other_kind(found.path):
            return f"It is a {other}, which cannot be loaded: use a plain LoRA."
        return unusable(found.kind, self.all())

    def add_all(self, found: Sequence[FoundModel]) -> list[str]:
        """Put several models into the user's list, all or none; the label of each, by its name.

        Raises:
            ModelRefusedError: one is no model.
            SettingsError: the model list cannot be used, or not be written.
        """
        taken, entries, models = self._taken(), list[dict[str, str]](), list[Model]()
        for each in found:
            entries.append(self._entry(each, "", taken))
            taken.add(entries[-1]["label"])
            models.append(model_of(entries[-1]))
        add_entries(*entries)
        for model in models:
            self._record(model)
        return [entry["label"] for entry in entries]

    @staticmethod
    def _record(model: Model) -> None:
        with suppress(OSError):  # it is in the list; what can be checked later is less
            record_added(model.files)

    def _taken(self) -> set[str]:
        models = self.all()
        return {*models, *models.faults}

    def _entry(self, found: FoundModel, label: str, taken: Collection[str]) -> dict[str, str]:
        if found.fault:
            raise ModelRefusedError(found.fault)
        if label in taken:
            raise ModelRefusedError(
                f"You already have a model {label}: choose another label, or remove that one"
                f" first (`promptsheet models remove {label}`)."
            )
        entry = {"label": label or free_label(found.suggested_label, taken)}
        entry["source"] = found.files.source
        return entry | ({"base": found.files.base} if found.files.base else {})

    # ---------------------------------------------------------------- from the Hub

    def offers(self) -> "tuple[Offer, ...]":
        """Models of the Hub that can be pulled by their labels."""
        from engine.models.hub.offers import offers

        return offers()

    def pull(
        self, what: str, label: str = "", file: str = "", base: Path | None = None
    ) -> "ModelPull":
        """A model of the Hub, on its way into the list; nothing is asked yet.

        Args:
            what: `OWNER/NAME[@REVISION]`, its page's address, or the label of an offer.
            label: what it is to be called; empty: the offer's label, or the repository's name,
                with a number if that is taken.
            file: the one weights file of the repository that is meant; empty: a model in
                diffusers' format. A LoRA's comes into the list of LoRAs.
            base: for a file that holds the denoiser alone, the folder that has the rest.

        Raises:
            PullError: it names no repository.
            ModelRefusedError: the label is taken.
            SettingsError: the model list cannot be used.
        """
        from engine.api.model_pulls import ModelPull

        return ModelPull(self._settings, self, what, label, file, base)

    # ---------------------------------------------------------------- one that is in the list

    def check(self, label: str, *, whole: bool = False) -> list[str]:
        """What is wrong with a model's files, a line each; none: they are whole.

        By their headers and sizes, and by what was recorded of them when the model was pulled or
        added.

        Args:
            label: the model's.
            whole: whether large files are read to their last byte, too, which can take minutes.

        Raises:
            ModelRefusedError: there is no such model.
            SettingsError: the model list cannot be used.
        """
        models = self.all()
        if fault := models.faults.get(label):
            return [fault]
        files = self._known(models, label).files
        record = record_of(files)
        if record is None:
            return faults_of(files)
        changes = changes_since(files, record, whole=whole)
        if whole and not changes:
            with suppress(OSError):  # what was read is as it should be all the same
                note_whole(files, record)
        return [*changes, *faults_of(files)]

    def recorded(self, label: str) -> RecordedModel | None:
        """What was recorded of a model's files when it came; None: nothing was.

        Raises:
            SettingsError: the model list cannot be used.
        """
        models = self.all()
        return record_of(models[label].files) if label in models else None

    def remove(self, label: str) -> RemovedModel:
        """Take a model out of the user's list; its files stay where they are.

        Raises:
            ModelRefusedError: there is no such model, or it came with Promptsheet.
            SettingsError: the model list cannot be used, or not be written.
        """
        if label not in own_labels():
            self._known(self.all(), label)
            raise ModelRefusedError(f"{label} comes with Promptsheet and cannot be removed.")
        return RemovedModel(remove_entry(label))

    def needed_by(self, label: str) -> tuple[NeedsModel, ...]:
        """The sessions of this library with images that a model is still to draw.

        They wait while it is not in the list.
        """
        try:
            return sessions_needing(self._settings.library, label)
        except LibraryError:  # as in `described`
            return ()

    def put_back(self, removed: RemovedModel) -> None:
        """Put a model that `remove` took out back into the list, at its end.

        Raises:
            LabelTakenError: another model has its label by now.
            SettingsError: the model list cannot be used, or not be written.
        """
        add_entries(removed.entry)

    def _known(self, models: KnownModels, label: str) -> Model:
        if label not in models:
            labels = ", ".join(models)
            raise ModelRefusedError(f"Unknown model {label}. Your models: {labels}.")
        return models[label]

    def _roomiest_device(self) -> DeviceUse | None:
        wanted = set(self._settings.render.devices)
        there = [use for use in devices_in_use() if {AUTO, use.device} & wanted]
        return max(there, key=lambda use: use.total, default=None)

    def _last_used(self) -> dict[str, float]:
        try:
            return last_used(self._settings.library)
        except LibraryError:  # of another version, say: that is for whoever opens it to complain of
            return {}


def _described(model: Model, device: DeviceUse | None, used: float | None) -> ModelInfo:
    size = model_size(model.files)
    need = None
    if size and device:
        pixels = model.base_resolution**2
        need = memory_need(size, model, pixels, device.device, device.total)
    return ModelInfo(
        label=model.label,
        family=model.kind.title,
        pipeline=model.pipeline,
        source=str(model.source),
        base=str(model.base or ""),
        shipped=model.is_shipped,
        base_resolution=model.base_resolution,
        licence=model.licence or licence_of(model.source) or model.kind.licence,
        bytes=_bytes_of(model),
        memory=need,
        free_bytes=device.total - device.used if device else 0,
        quantised=model.quantise,
        step_cache=model.files.step_cache,
        abilities=abilities_of(model),
        renderings=model.rendering,
        last_used=used,
    )


def abilities_of(model: Model) -> tuple[str, ...]:
    """What a model can do beside drawing from a text."""
    kind, draws_on = model.kind, model.draws_on
    can = {
        "image to image": draws_on == "strength",
        "mask": kind.masks,
        "edit": draws_on == "words",
        "negative prompt": kind.negative_prompt,
        "LoRA": bool(kind.loras),
        "upscale": kind.upscales,
    }
    return tuple(name for name, it_can in can.items() if it_can)


def _bytes_of(model: Model) -> int:
    """Of its folder or file; of a file's base, those weights that it takes from there."""
    if model.files.is_file:
        return sum(path.stat().st_size for path in model.files.weights())
    total = 0
    for path in model.source.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # gone, or a link to nowhere
            continue
    return total
