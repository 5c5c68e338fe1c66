"""What the cells of a sheet may refer to; the checker knows of models only this."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from engine.sheet.columns import COLOUR, COLUMN, PALETTES, SCHEDULERS, Kind
from engine.sheet.rows import SourcePicture


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What a model can do, as far as a sheet can ask too much of it."""

    max_ratio: float
    """The longest side divided by the shortest, at most; 1 or more."""
    heeds_negative: Callable[[str, float | None], bool] = lambda _rendering, _guidance: True
    """Whether a negative prompt changes anything, by rendering and the row's own guidance."""
    schedulers: tuple[str, ...] = SCHEDULERS
    """Those it can use."""
    schedulers_on_pictures: tuple[str, ...] = SCHEDULERS
    """Those it can draw on a picture with."""
    guides: bool = True
    """Whether guidance changes anything."""
    captions: bool = False
    """Whether it was taught by captions, Ideogram 4's JSON: a prompt that is one is read as one."""
    stranger: str = ""
    """What kind of pipeline it is, if nothing is known of that kind."""
    lack: str = ""
    """What keeps it from being drawn with here, and what to do, with the label before it: `needs
    bitsandbytes, which is not installed: …`."""
    size: Callable[[int | None, int | None, str], tuple[int, int]] | None = None
    """Width and height in pixels from those asked for and the ratio; a ValueError says why not."""
    enlarged: Callable[[int, int], tuple[int, int, int]] | None = None
    """The same of a picture that is enlarged to these; and the side of its tiles, or 0."""
    draws_on: Literal["", "strength", "words", "size"] = ""
    """How it draws on a picture: by a strength, as the prompt says, or only larger; or not."""
    needs_picture: bool = False
    """Whether it draws nothing without one."""
    masks: bool = False
    """Whether it draws on a part of one."""
    least_strength: Callable[[str, int | None], float] = lambda _rendering, _steps: 0.0
    """The smallest strength at which anything is drawn, by rendering and the row's own steps."""
    takes_loras: bool = False
    """Whether LoRAs can be put on it."""


@dataclass(frozen=True, slots=True)
class LoraUse:
    """What is to be known of a LoRA that cells may name."""

    weight: float = 1.0
    """Where the cell does not say."""
    words: tuple[str, ...] = ()
    """Words it was trained to answer to, one or several of which the prompt needs."""
    why_not: Callable[[str], str] = lambda _label: ""
    """Why it cannot be put on the model of a label; empty: it can, as far as can be told."""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What a cell that names a picture stands for."""

    picture: SourcePicture | None
    """None: it cannot be drawn on."""
    message: str = ""
    """Why not; or what is to be said of it all the same."""
    suggestions: tuple[str, ...] = ()
    """Names of pictures that may be meant."""


PictureLook: TypeAlias = Callable[[Iterable[str]], Mapping[str, LookedAt]]
"""Texts of cells → what each stands for. It may take its time: files are read."""


def _no_pictures(texts: Iterable[str]) -> Mapping[str, LookedAt]:
    return dict.fromkeys(texts, LookedAt(None, "There is no folder to search for pictures."))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the cells of a sheet may refer to, and what blank ones mean."""

    models: Mapping[str, ModelLimits]
    """By label, in the model list's order."""
    default_model: str
    num_images: int = int(COLUMN["num_images"].default)
    """Images of a row that does not say."""
    prompt_chars: int = 10_000
    """Characters of a prompt or negative prompt, at most."""
    styles: tuple[str, ...] = ()
    """Styles beside the column's own."""
    caption_styles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Style → what it is in a caption, for those that are."""
    palettes: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: dict.fromkeys(PALETTES, ())
    )
    """By name; what a caption beside a palette is held against, and for showing."""
    wildcards: Collection[str] = ()
    """What can stand between `__` and `__` in a prompt; as a mapping, with what each can become."""
    wildcard_faults: Mapping[str, str] = field(default_factory=dict)
    """Why some of them cannot be used."""
    wildcard_fault: Callable[[str], str] = lambda _: ""
    """Why what is written between braces cannot be drawn; empty: it can."""
    unshared: str = ""
    """Why others would not find public images; empty: they would."""
    model_names: Mapping[str, str] = field(default_factory=dict)
    """Labels in other people's sheets (3.0, V_2A …) → the label each stands for; others ask."""

    model_faults: Mapping[str, str] = field(default_factory=dict)
    """Labels of the model list whose models cannot be used → why not."""
    pull_name: Callable[[str], str] = lambda _: ""
    """What fetches a model that a cell names and that is not there; empty: it may not be had."""
    file_faults: Mapping[str, str] = field(default_factory=dict)
    """Column → what is wrong with the user's files of what can stand there."""

    loras: Mapping[str, LoraUse] = field(default_factory=dict)
    """The LoRAs that there are, by label."""
    lora_faults: Mapping[str, str] = field(default_factory=dict)
    """Labels of LoRAs that cannot be used → why not."""
    pictures: PictureLook = _no_pictures
    """Looks at the pictures that cells name."""
    picture_folder: Path | None = None
    """Where the pictures are that cells name without a folder; None: nowhere."""

    @property
    def upscaler(self) -> str:
        """What enlarges images that a row draws: the first upscaler of the list; empty: none."""
        return next((label for label, m in self.models.items() if m.draws_on == "size"), "")

    def choices(self, column: str) -> tuple[str, ...]:
        """What is offered for a column; other text may be right, too."""
        known = COLUMN.get(column)
        if known is None:
            return ()
        if known.kind is Kind.LORAS:
            return tuple(self.loras)
        return tuple(self.models) if known.kind is Kind.MODEL else known.choices

    def swatches(self, cell: str) -> tuple[str, ...]:
        """The colours of a `color_palette` cell as `#RRGGBB`, to show; none if it has a problem."""
        asked = cell.casefold().split()
        colours = self.palettes.get(cell.casefold().strip(), tuple(text.upper() for text in asked))
        whole = all(map(COLOUR.fullmatch, colours))
        return tuple(colour[:7] for colour in colours) if whole else ()

    def __post_init__(self) -> None:
        if self.default_model not in self.models:
            raise ValueError(f"the default model {self.default_model!r} is not in the list")
