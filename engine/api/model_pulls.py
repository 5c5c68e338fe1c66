"""A model on its way from the Hub: asked about, pulled, and put into the model list."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from engine.machine import memory, roomiest_gpu
from engine.models.catalog import load_models
from engine.models.finding import FoundModel, ModelRefusedError, free_label, look_at
from engine.models.helpers import GGUF_READER, lack_of
from engine.models.hub.messages import PullPlan, PullProgress
from engine.models.hub.offers import chosen, wanted
from engine.models.hub.pulling import Pull
from engine.models.hub.repository import PullError, named, without_file
from engine.models.loras import add_lora, unusable
from engine.models.model_files import kind_fault
from engine.settings import Settings, models_folder


class AddedModel(Protocol):
    """A model that was added, as far as a pull wants to know."""

    @property
    def label(self) -> str:
        """What it is called."""


class AddsModels(Protocol):
    """What puts a model that has come into the model list."""

    def labels_of(self, *found: FoundModel) -> list[list[str]]:
        """The labels under which each of them is in the list already."""

    def add(self, found: FoundModel, label: str = "", **more: str) -> AddedModel:
        """Put one into the list."""


class ModelPull:
    """A model on its way from the Hub into the model list.

    Used in a `with` block, which ends the process that talks to the Hub: `ask`, then `bring`, then
    `add`. Whatever has come is kept, and gone on with when the same is pulled again.
    """

    def __init__(
        self,
        settings: Settings,
        models: AddsModels,
        what: str,
        label: str = "",
        file: str = "",
        base: Path | None = None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            settings: what holds.
            models: whose list it comes into.
            what: `OWNER/NAME[@REVISION]`, its page's address, or the label of an offer.
            label: of its entry in the model list; empty: the offer's, or the repository's name,
                with a number if that is taken.
            file: the one weights file of the repository that is meant, as the address of its page
                says it, too; what it is decides where it comes: a LoRA into the list of LoRAs.
            base: for a file that holds the denoiser alone, the folder that has the rest.

        Raises:
            PullError: it names no repository.
            ModelRefusedError: the label is taken.
            SettingsError: the model list cannot be used.
        """
        if not file:
            what, file = without_file(what)
        self.chosen = None if file else chosen(what, roomiest_gpu(), memory().total)
        """The form of an offer that is pulled, where it has several."""
        if self.chosen is None:
            self.repository, suggested = wanted(what, file)
        else:
            _, at, revision = what.strip().partition("@")
            self.repository = named(f"{self.chosen.form.repository}{at}{revision}")
            suggested = self.chosen.offer.label
        self.asked = (what.strip(), label, file)
        """What was asked for: the model, its label, and the one file."""
        self._helper = self.chosen.form.needs if self.chosen else ""
        self._models = models
        self._base = base.absolute() if base else None
        self._label, self._suggested = label, suggested
        if label in self._taken():
            raise ModelRefusedError(f"You already have a model {label}: choose another label.")
        reserve = settings.engine.reserve_mib << 20
        self._pull = Pull(self.repository, models_folder(settings), reserve)

    def label_of(self, plan: PullPlan) -> str:
        """What its entry will be called, as things are. Reads the model list."""
        if self._label or plan.found.is_lora:
            return self._label or self._suggested
        return free_label(self._suggested, self._taken())

    def __enter__(self) -> Self:
        self._pull.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pull.__exit__(kind, error, trace)

    def ask(self) -> PullPlan:
        """What pulling it would take.

        One weights file is told by its header, which is read before anything is pulled.

        Raises:
            PullError: it cannot be pulled, is nothing that can be used here, or the Hub cannot be
                reached.
            SettingsError: the model list cannot be used.
        """
        plan = self._pull.ask()
        if fault := self._useless(plan):
            raise PullError(f"{fault} Nothing was pulled.")
        return plan

    def _useless(self, plan: PullPlan) -> str:
        kind = plan.found.kind
        if kind is None:
            return ""
        self._helper = GGUF_READER if kind.is_gguf else ""
        name = Path(self.repository.file).name
        if plan.found.is_lora:
            return unusable(kind, load_models())
        return kind_fault(name, kind, str(self._base or ""))

    def bring(self) -> Iterator[PullProgress]:
        """Pull it whole; when this ends, it lies in the plan's folder.

        Yields:
            How far it is, several times a second.

        Raises:
            PullError: it could not be pulled whole, or was cancelled.
        """
        return self._pull.bring()

    @property
    def lack(self) -> str:
        """Which package drawing with it needs, as far as is known, and how to install it; or ""."""
        return lack_of(self._helper)

    def licence_of(self, plan: PullPlan) -> str:
        """Its licence: as its page names it, else as our list of offers does; empty: neither."""
        return plan.found.licence or (self.chosen.offer.licence if self.chosen else "")

    def cancel(self) -> None:
        """End it at once, from any thread."""
        self._pull.cancel()

    def add(self, plan: PullPlan) -> str:
        """Put what was pulled into the user's list, if it is not there yet; its label there.

        A LoRA comes into the list of LoRAs.

        Raises:
            ModelRefusedError: it is no model, or meanwhile the label is taken.
            SettingsError: the model list cannot be used, or not be written.
        """
        path = Path(plan.folder, self.repository.file)
        if plan.found.is_lora:
            return add_lora(path.absolute(), self.label_of(plan))
        found = look_at(path, self._base)
        if found.fault:
            raise ModelRefusedError(f"{found.fault} It was pulled to {found.path}.")
        quantise = self.chosen.form.quantise if self.chosen else ""
        models = load_models()
        for label in self._models.labels_of(found)[0]:
            if models[label].quantise == quantise:
                return label
        more = {"pulled": f"{plan.found.repository.name}@{plan.found.commit}"}
        if licence := self.licence_of(plan):
            more["licence"] = licence
        if quantise:
            more["quantise"] = quantise
        return self._models.add(found, self.label_of(plan), **more).label

    def _taken(self) -> set[str]:
        models = load_models()
        return {*models, *models.faults}
