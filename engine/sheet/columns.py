"""Which columns a sheet may have: the one declaration that checker, templates and help read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal


class Kind(StrEnum):
    """How the cells of a column are understood."""

    TEXT = "text"
    CHOICE = "choice"
    SWITCH = "switch"
    MODEL = "model"
    RATIO = "ratio"
    WHOLE = "whole number"
    COLOURS = "colours"


@dataclass(frozen=True, slots=True)
class Column:
    """One column a sheet may have."""

    name: str
    """The header, exactly."""
    kind: Kind
    default: str
    """What a blank cell means, as it would be typed; empty: nothing, or chosen elsewhere."""
    help: str
    """One or two sentences for the person who fills the sheet."""
    template: Literal["basic", "full"]
    """The smallest template that has it: every basic column is in the full template too."""
    choices: tuple[str, ...] = ()
    """All that is allowed; for ratios and palettes what is offered, others can be typed."""
    synonyms: Mapping[str, str] = field(default_factory=dict)
    """Other people's words (lower case) for a choice."""
    aliases: tuple[str, ...] = ()
    """Other headers that mean this column; capitals, spaces and dashes do not matter."""
    minimum: int = 0
    maximum: int = 0
    """The range of a whole number, both ends allowed."""
    acts: bool = True
    """False: checked and kept with the row, but it changes no image in this version."""


RATIOS = (
    *("1:1", "5:4", "4:5", "4:3", "3:4", "3:2", "2:3", "16:10", "10:16", "16:9", "9:16"),
    *("2:1", "1:2", "21:9", "9:21", "3:1", "1:3"),
)
"""The aspect ratios that are offered and suggested."""

PALETTES = ("ember", "fresh", "jungle", "magic", "melon", "mosaic", "pastel", "ultramarine")
MOST_COLOURS = 5
EXAMPLE_PROMPT = "EXAMPLE, to be replaced or deleted: a red boat on a calm sea at sunset"
"""The prompt of a template's one row."""

COLUMNS: tuple[Column, ...] = (
    Column(
        "prompt",
        Kind.TEXT,
        "",
        "What the image shows. The one column every sheet needs.",
        "basic",
        aliases=("prompts", "prompt text", "text prompt", "positive prompt", "image prompt"),
    ),
    Column(
        "visibility",
        Kind.CHOICE,
        "private",
        "private or public.",
        "full",
        choices=("private", "public"),
        aliases=("privacy",),
        acts=False,
    ),
    Column(
        "aspect_ratio",
        Kind.RATIO,
        "1:1",
        "Width to height in whole numbers, such as 16:9 or 2:3. Each model has its limits.",
        "basic",
        choices=RATIOS,
        synonyms={"square": "1:1"},
        aliases=("ar", "aspect", "ratio", "size", "image size", "resolution", "dimensions"),
    ),
    Column(
        "magic_prompt",
        Kind.SWITCH,
        "on",
        "on or off: whether the prompt may be enriched.",
        "full",
        choices=("on", "off"),
        synonyms={
            **dict.fromkeys(("yes", "y", "true", "1", "enabled", "auto"), "on"),
            **dict.fromkeys(("no", "n", "false", "0", "disabled", "none"), "off"),
        },
        aliases=("magic prompt option", "magic"),
        acts=False,
    ),
    Column(
        "model",
        Kind.MODEL,
        "",
        "The label of a model in your model list. Blank: your default model.",
        "basic",
        aliases=("models", "model name", "model version", "checkpoint"),
    ),
    Column(
        "num_images",
        Kind.WHOLE,
        "4",
        "How many images this row makes; each takes the next seed.",
        "basic",
        aliases=(
            *("count", "n", "num", "images", "image count", "number of images"),
            *("no of images", "images per prompt", "quantity"),
        ),
        minimum=1,
        maximum=10_000,
    ),
    Column(
        "seed_number",
        Kind.WHOLE,
        "",
        "A whole number from 0 to 2147483647: the same seed makes the same image again. "
        "Blank: one is drawn and kept.",
        "basic",
        aliases=("seed", "random seed"),
        maximum=2_147_483_647,
    ),
    Column(
        "rendering",
        Kind.CHOICE,
        "default",
        "turbo, default or quality: from fewest steps to most.",
        "basic",
        choices=("turbo", "default", "quality"),
        synonyms={
            **dict.fromkeys(("fast", "flash", "draft", "quick"), "turbo"),
            **dict.fromkeys(("standard", "normal", "balanced", "auto", "medium"), "default"),
            **dict.fromkeys(("high", "high quality", "hq", "best"), "quality"),
        },
        aliases=("rendering speed", "render speed", "speed", "rendering quality"),
    ),
    Column(
        "negative_prompt",
        Kind.TEXT,
        "",
        "What the image should not show.",
        "basic",
        aliases=("negative", "negatives", "negative prompts", "neg prompt", "neg"),
    ),
    Column(
        "style",
        Kind.CHOICE,
        "auto",
        "auto, general, realistic, design, 3d or anime.",
        "full",
        choices=("auto", "general", "realistic", "design", "3d", "anime"),
        synonyms={
            **dict.fromkeys(("render 3d", "3 d"), "3d"),
            "realism": "realistic",
            "default": "auto",
            "none": "auto",
        },
        aliases=("style type", "styles"),
        acts=False,
    ),
    Column(
        "color_palette",
        Kind.COLOURS,
        "",
        f"One of {', '.join(PALETTES)}; or up to {MOST_COLOURS} colours such as "
        "#CBA324 #F86C14, separated by spaces.",
        "full",
        choices=PALETTES,
        aliases=("colour palette", "palette", "colors", "colours"),
        acts=False,
    ),
)

COLUMN: Mapping[str, Column] = MappingProxyType({column.name: column for column in COLUMNS})
