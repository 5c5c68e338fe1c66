"""What the engine process and a renderer say to each other."""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from engine.models.model_files import ModelFiles
from engine.models.placement import Placement, PlacementWish
from engine.picture.recipe import Conditions, Recipe


class Cause(StrEnum):
    """How an attempt at a batch, or at loading a model, ended."""

    ENDED = "ended"
    """As it should, or stopped."""
    CHANGED = "changed"
    """The model's files are not those the session was planned with."""
    LOAD = "load"
    """The model cannot be loaded."""
    NOT_NOW = "not now"
    """The model, or a LoRA, is not there now, but perhaps later."""
    MEMORY = "memory"
    """The device's memory ran out."""
    DEVICE = "device"
    """The device itself failed: nothing the renderer computes there is right any more."""
    MACHINE = "machine"
    """The machine, or the device, is not fit for rendering: no image is to blame."""
    DISK = "disk"
    """The disk is full, or fails."""
    SOURCE = "source"
    """A picture that is drawn on is gone, damaged, or no longer what was taken in."""
    ERROR = "error"
    """Anything else that the model or its library raised."""
    DIED = "died"
    """The renderer ended. Found out by the engine process."""
    HUNG = "hung"
    """The renderer gave no sign of life for too long. Found out by the engine process."""


class ToRenderer(msgspec.Struct, frozen=True, tag_field="do", forbid_unknown_fields=True):
    """From the engine process."""


LoadedAs: TypeAlias = tuple[str, Placement]
"""A model that is loaded: the fingerprint of its files, and how it is held."""


class LoadModel(ToRenderer, frozen=True, tag="load"):
    """Make a model ready; answered by `Loaded`, or by `Failed` without a batch."""

    model: str
    """Its label."""
    files: ModelFiles
    model_hash: str
    wish: PlacementWish
    """How its entry says that it is to be held."""
    pixels: int
    """Of the largest picture that will be drawn."""
    kept: Placement | None = None
    """How it was held when the session began."""


class SlotImage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An image of a batch, and its place there."""

    image: str
    slot: int
    recipe: Recipe


class RenderBatch(ToRenderer, frozen=True, tag="render"):
    """Render a batch with a model that is ready."""

    batch: int
    size: int
    """Slots; those without an image are padded."""
    conditions: Conditions
    """To be kept."""
    placement: Placement
    """How the model is held here."""
    split_from: int | None
    """The size of the batch this is part of since memory ran out."""
    planned_model: str | None
    """Fingerprint the session was planned with, where the model has other files now."""
    images: list[SlotImage]
    sources: dict[str, str] = {}
    """Digest → file, of the pictures that they are drawn on, and of their masks."""
    loras: dict[str, str] = {}
    """Digest → file, of the LoRAs that they are drawn with."""


class StopBatch(ToRenderer, frozen=True, tag="stop"):
    """Leave a batch after the current step."""

    batch: int


class WantPreviews(ToRenderer, frozen=True, tag="previews"):
    """Whether anyone looks at previews."""

    wanted: bool


class FromRenderer(msgspec.Struct, frozen=True, tag_field="tells", forbid_unknown_fields=True):
    """From a renderer; what concerns a batch names it."""


class Hello(FromRenderer, frozen=True, tag="hello"):
    """torch is there."""

    device: str


class Loaded(FromRenderer, frozen=True, tag="loaded"):
    """The model is ready."""

    model: str
    conditions: Conditions
    """Those on offer."""
    loaded: list[LoadedAs]
    """All models that are loaded now."""


class BatchStarted(FromRenderer, frozen=True, tag="started"):
    """The batch is being computed; the next may come."""

    batch: int


class Step(FromRenderer, frozen=True, tag="step"):
    """A step of the batch is done."""

    batch: int
    step: int
    steps: int


class Preview(FromRenderer, frozen=True, tag="preview"):
    """What is being denoised; a small JPEG file comes behind it."""

    batch: int
    image: str


class FinishedImage(FromRenderer, frozen=True, tag="picture"):
    """One finished image; its file comes behind it."""

    batch: int
    text: dict[str, str]
    """Keyword → text inside the file."""


class Free(FromRenderer, frozen=True, tag="free"):
    """All pixels of the batch are computed; pictures may still be on their way."""

    batch: int
    began: float
    """Seconds on the monotonic clock."""
    ended: float
    taken: int | None
    """Bytes of memory it took at its peak; None: others ran beside it, so whose is unknown."""
    room: int
    """Bytes there are for a call."""


class BatchEnded(FromRenderer, frozen=True, tag="ended"):
    """All pictures of the batch are sent, or it was stopped."""

    batch: int


class Failed(FromRenderer, frozen=True, tag="failed"):
    """The batch failed; without one: the model was not loaded, or the renderer cannot begin."""

    batch: int | None
    cause: Cause
    reason: str
    loaded: list[LoadedAs]
    """All models that are loaded now."""
    alone: bool = True
    """Whether no other call ran beside it: what it lacked of memory others may have had."""


AnyToRenderer: TypeAlias = LoadModel | RenderBatch | StopBatch | WantPreviews
AnyFromRenderer: TypeAlias = (
    Hello | Loaded | BatchStarted | Step | Preview | FinishedImage | Free | BatchEnded | Failed
)
