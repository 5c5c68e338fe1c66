"""What is known of a model on the Hub, and what the process that talks to it says of the pull."""

import msgspec

from engine.models.file_kinds import FileKind
from engine.models.hub.choosing import Choice, HubFile
from engine.models.hub.repository import Repository

RECORD = ".promptsheet-pull.json"
"""In a pulled model's folder: its `PullRecord`. No part of the model's fingerprint."""
_GB = 1_000_000_000


class HubModel(msgspec.Struct, frozen=True):
    """A model on the Hub that can be pulled."""

    repository: Repository
    commit: str
    licence: str
    """As its makers name it; empty: they do not say."""
    is_gated: bool
    """Whether its makers want their terms accepted first."""
    pipeline: str
    """The diffusers class that draws with it."""
    choice: Choice
    left_out: int
    """Bytes of files that are not taken."""
    page: str
    kind: FileKind | None = None
    """What it is, where it is one weights file."""

    @property
    def is_lora(self) -> bool:
        """Whether it is a LoRA, and no model."""
        return self.kind is not None and self.kind.what == "lora" and not self.kind.is_gguf

    @property
    def size(self) -> int:
        """Bytes of the files that are taken."""
        return sum(file.size for file in self.choice.files)


class PullPlan(msgspec.Struct, frozen=True):
    """What pulling a model would take."""

    found: HubModel
    folder: str
    """Where it will lie."""
    here: int
    """Bytes of it that are here already."""
    free: int
    """Bytes that are free on the disk."""
    reserve: int
    """Bytes that are to stay free there."""

    @property
    def is_here(self) -> bool:
        """Whether nothing is left to be pulled."""
        return self.here == self.found.size

    @property
    def room_fault(self) -> str:
        """Why it does not fit on the disk; empty: it does."""
        missing = self.found.size - self.here
        if missing <= self.free - self.reserve:
            return ""
        return (
            f"Not enough disk space: {missing / _GB:.1f} GB to download, {self.free / _GB:.1f} GB"
            f" free, of which {self.reserve / _GB:.1f} GB are reserved (engine.reserve_mib). Free"
            " some space, or set models_folder to a larger disk."
        )


class PullProgress(msgspec.Struct, frozen=True):
    """How far a pull has come."""

    done: int
    """Bytes that are here."""
    total: int
    bytes_per_second: float
    """Over the last seconds."""
    file: str
    """What is coming."""


class PullRecord(msgspec.Struct, frozen=True):
    """Where a pulled model is from, beside it."""

    repository: str
    revision: str
    """As it was asked for."""
    commit: str
    """What that was then."""
    licence: str
    page: str
    files: tuple[HubFile, ...]


class HubRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of the process that talks to the Hub."""

    repository: Repository
    models: str
    """The folder that models are pulled into."""
    reserve: int
    """Bytes that stay free on its disk."""


class HubReply(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What that process says; one of these."""

    plan: PullPlan | None = None
    progress: PullProgress | None = None
    pulled: bool = False
    refused: str = ""
