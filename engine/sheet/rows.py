"""What reading and checking a sheet yields: rows, and the problems of their cells."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from engine.errors import PromptsheetError
from engine.picture.source_files import MOST_PIXELS, Fit
from engine.sheet.columns import (
    COLUMN,
    MOST_COLOURS,
    Factor,
    RenderingName,
    Scheduler,
    Visibility,
)
from engine.sheet.picture_names import path_from_text


def _span(column: str) -> Meta:
    """What the numbers of a column may be."""
    return Meta(ge=COLUMN[column].minimum, le=COLUMN[column].maximum)


RowNumber: TypeAlias = Annotated[int, Meta(ge=1, le=2**31 - 1)]
PixelCount: TypeAlias = Annotated[int, Meta(ge=1, le=MOST_PIXELS)]
"""Of a side: of what is enlarged it may be less, or more, than can be written in a cell."""
Digest: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]


class Severity(StrEnum):
    """How much a problem matters: an error keeps its row from being rendered."""

    ERROR = "error"
    WARNING = "warning"
    REPAIRED = "repaired"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one cell, or (`column` None) with a whole row or the header."""

    row: int
    """The number the spreadsheet program shows; of a header that is not there, 0."""
    column: str | None
    severity: Severity
    value: str
    """The cell as it was read."""
    message: str
    """What is wrong and what to do, in words a person can act on; no row number, no markup."""
    suggestions: tuple[str, ...] = ()


class SourcePicture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture that a row is drawn on, or a mask, as it was looked at."""

    path: str
    """Where it is, as `picture_names.path_to_text` writes it; relative to the library if it is in
    there already."""
    digest: Digest
    """Of its file."""
    width: PixelCount
    height: PixelCount

    def file_in(self, library: Path) -> Path:
        """Where its file is; `library` is the folder of the library."""
        return library / path_from_text(self.path)


class LoraWeight(NamedTuple):
    """A LoRA that a row asks for."""

    name: str
    """A label of the list of LoRAs."""
    weight: Annotated[float, _span("lora")]


class RowValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row, checked: every column with its value or default.

    The bounds hold where one is read from a message; the checker has its own words for them.
    """

    prompt: str
    visibility: Visibility
    aspect_ratio: Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,6}:[1-9][0-9]{0,6}$")]
    """`w:h` in whole numbers."""
    magic_prompt: bool
    model: str
    """A label of the model list."""
    num_images: Annotated[int, _span("num_images")]
    seed_number: Annotated[int, _span("seed_number")] | None
    """None: to be drawn once, when the session starts."""
    rendering: RenderingName
    negative_prompt: str
    style: str
    color_palette: Annotated[tuple[str, ...], Meta(max_length=MOST_COLOURS)]
    """One palette's name, or up to five `#RRGGBB` or `#RRGGBB:weight`; empty: none."""
    steps: Annotated[int, _span("steps")] | None = None
    """None, here and below: what the rendering, or the aspect ratio, says."""
    guidance: Annotated[float, _span("guidance")] | None = None
    scheduler: Literal["", Scheduler] = ""
    """Empty: the model's own."""
    width: PixelCount | None = None
    """As asked for; the model's multiple decides."""
    height: PixelCount | None = None
    final_prompt: str = ""
    """What the model is told instead of what prompt, magic_prompt and style make; empty: that."""
    image: SourcePicture | None = None
    """What it is drawn on; None: on nothing."""
    strength: Annotated[float, _span("strength")] | None = None
    """How much of it is redrawn, above 0 … 1; None: what is usual."""
    fit: Fit = "crop"
    """How it is brought to the size that is drawn."""
    mask: SourcePicture | None = None
    """Where it is redrawn; None: everywhere."""
    lora: tuple[LoraWeight, ...] = ()
    """What changes the model, in the order in which it is added."""
    upscale: Literal["", Factor] = ""
    """How many times the width and height of its picture it has; empty: they say, or the ratio.
    Without a picture: of each image that is drawn another is made, so much larger."""
    text_1: str = ""
    """Words that stand in the picture, for models of captions; empty: none."""
    text_2: str = ""
    text_3: str = ""
    text_4: str = ""
    layout: str = ""
    """Where things are, as `caption.layout.read_layout` takes it; empty: anywhere."""
    upscaler: str = ""
    """Of what is drawn from noise and enlarged then: the label of what enlarges it; empty: its own
    model redraws it, larger."""

    @property
    def enlarges(self) -> int:
        """How many times larger a second image is made of each of its own; 0: none is."""
        return 0 if self.image else int(self.upscale or 0)

    @property
    def images(self) -> int:
        """How many images come of it."""
        return self.num_images * (2 if self.enlarges else 1)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a sheet."""

    number: int
    cells: Mapping[str, str]
    """Known column → text as it reads after repairs; blank cells left out."""
    extra: Mapping[str, str]
    """Columns Promptsheet does not know, carried along to the results."""
    values: RowValues | None
    """None while the row has an error; of a grid, its first combination."""
    grid: tuple[RowValues, ...] = ()
    """Every combination of a row with lists in its cells, in their order; else empty."""

    @property
    def combinations(self) -> tuple[RowValues, ...]:
        """What is rendered of it, one after the other; nothing while it has an error."""
        if self.values is None:
            return ()
        return self.grid or (self.values,)

    def with_seed(self, seed: int) -> "Row":
        """The row with this seed, whatever its cell says."""
        each = tuple(
            msgspec.structs.replace(values, seed_number=seed) for values in self.combinations
        )
        return replace(self, values=next(iter(each), None), grid=each if self.grid else ())

    @property
    def images(self) -> int:
        """How many images come of it."""
        return sum(values.images for values in self.combinations)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet, read and checked: all its rows and every problem of every cell."""

    file: str
    sheet: str | None
    """The worksheet's name; None for a text file."""
    columns: tuple[str, ...]
    """The header as read, in the sheet's order."""
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = field(default=())
    """In the order of rows, then of columns."""

    @property
    def ready(self) -> list[Row]:
        """The rows that can be rendered."""
        return [row for row in self.rows if row.values is not None]


class SheetError(PromptsheetError):
    """The file cannot be used as a sheet at all; the message says why and what to do."""


class EncodingError(SheetError):
    """The file is text that a person must say the encoding of."""

    def __init__(self, message: str, encodings: tuple[str, ...]) -> None:
        super().__init__(message)
        self.encodings = encodings
        """What it may be, the likeliest first."""
