"""What the library is told and tells of sessions, batches and images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.picture.recipe import Conditions, Recipe
from engine.plan.batches import PlannedBatch
from engine.protocol.commands import RowsSource

BEST_RATING = 5
"""An image that has it is a favourite; 0 is no rating."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A prompt that a language model is to rewrite before its image is rendered."""

    prompt: str
    """What it is asked for."""
    around: str
    """The style's words; `{prompt}` is where the answer goes."""


@dataclass(frozen=True, slots=True)
class RowSource:
    """A picture that a row is drawn on, or its mask."""

    role: Literal["image", "mask"]
    name: str
    """What the user called it, folders and all."""
    digest: str
    width: int
    """Pixels."""
    height: int


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to be stored with a session, and the recipes and file names of its images."""

    number: int
    cells: Mapping[str, str]
    extra: Mapping[str, str]
    recipes: Sequence[Recipe]
    files: Sequence[str]
    rewrites: Sequence[Rewrite | None] = ()
    """One for each recipe whose prompt is to be rewritten yet, None for others; or none at all."""
    sources: Sequence[RowSource] = ()
    """What it is drawn on."""
    parents: Mapping[int, int] = field(default_factory=dict)
    """Variation → the variation that it is made of, larger, for those that are."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to be stored, planned to its last batch."""

    key: str
    name: str
    folder: str
    source: RowsSource
    rows: Sequence[NewRow]
    batches: Sequence[PlannedBatch]
    """Members are positions in the images of all rows, in order."""


@dataclass(frozen=True, slots=True)
class BatchImage:
    """An image about to be rendered."""

    id: int
    key: str
    row: int
    """The number of its row."""
    variation: int
    slot: int
    recipe: Recipe
    path: Path
    """Where its file is to be."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A recorded batch with those of its images that are waiting."""

    id: int
    session: int
    session_key: str
    size: int
    images: tuple[BatchImage, ...]
    conditions: Conditions | None
    """Those of the session's images of this model; None before its first batch."""
    largest: int = 0
    """Pixels of the largest of the session's images of this model."""
    planned_model: str | None = None
    """The fingerprint its model was planned with, if it is known to have changed since."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export has written."""

    images: int
    bytes: int
    """Of the pictures."""
    failed: list[str]
    """Ids of images that are not in it because they failed, are missing or damaged."""
    lost_sources: list[str] = field(default_factory=list)
    """Names of pictures that should be in it, and are missing or damaged."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of copying images to a folder."""

    files: list[Path]
    """One for each image, in the order of sessions and rows; some may have been there before."""
    bytes: int
    """Written."""
    lost: list[str]
    """Ids of images without a file, or with a damaged one."""
    captions_kept: int = 0
    """How many caption files that say something else were there, and stay as they are."""


@dataclass(frozen=True, slots=True)
class ContactSheets:
    """What came of printing images small on pages."""

    files: list[Path]
    images: int
    pages: int
    lost: list[str]
    """Ids of images whose files are missing or damaged; a frame with these words is in their place.
    """
    without_font: list[str]
    """Scripts that no font of this machine has: boxes stand for them."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `verify` found; paths are relative to the library."""

    images: int
    """Images that are done and not in the trash."""
    missing: list[str]
    """Done, but their file is not there; and sources whose file is not there."""
    orphans: list[str]
    """Files that belong to no image."""
    corrupt: list[str]
    """Done, but the file is damaged or another image's; and damaged sources."""
    miscounted: list[str]
    """Sessions and rows whose counts do not match their images' states."""

    @property
    def whole(self) -> bool:
        """Whether database and files agree."""
        return not (self.missing or self.orphans or self.corrupt or self.miscounted)


@dataclass(slots=True)
class Repaired:
    """What `repair` has done."""

    database: str | None = None
    """Where the database that could not be used is now; None if it was sound."""
    sessions: list[str] = field(default_factory=list)
    """Ids of sessions that were rebuilt from their files."""
    folders: list[str] = field(default_factory=list)
    """Folders of sessions that had been renamed, by their new names."""
    adopted: list[str] = field(default_factory=list)
    """Ids of images whose files were found."""
    again: list[str] = field(default_factory=list)
    """Ids of images whose files are lost: stopped, so that `resume` renders them again."""
    aside: list[str] = field(default_factory=list)
    """Damaged files that were moved to the library's folder `damaged`."""
    recounted: int = 0
    """Sessions and rows whose counts were wrong."""
    lost_sources: list[str] = field(default_factory=list)
    """Files that images are drawn on and that are gone or damaged; what was still to be drawn on
    them has failed."""
    left: list[str] = field(default_factory=list)
    """Files that belong to no image; they stay where they are."""
