"""Which columns a sheet may have: the one declaration that checker, templates and help read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from engine.picture.source_files import FITS

Visibility: TypeAlias = Literal["private", "public"]
RenderingName: TypeAlias = Literal["turbo", "default", "quality"]
Factor: TypeAlias = Literal["2", "4"]
"""How many times larger `upscale` makes a picture."""
Scheduler: TypeAlias = Literal[
    "dpm++",
    "dpm++ karras",
    "dpm++ sde",
    "unipc",
    "euler",
    "euler ancestral",
    "heun",
    "ddim",
    "ddpm",
    "pndm",
    "lcm",
]
"""The schedulers that can be named; which of them a model can use depends on its kind."""


class Kind(StrEnum):
    """How the cells of a column are understood."""

    TEXT = "text"
    CHOICE = "choice"
    SWITCH = "switch"
    MODEL = "model"
    RATIO = "ratio"
    WHOLE = "whole number"
    COLOURS = "colours"
    DECIMAL = "number"
    PICTURE = "picture"
    LAYOUT = "layout"
    LORAS = "LoRAs"


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
    template: Literal["basic", "full", "poster"]
    """The smallest template that has it: every basic column is in the full template too. A poster's
    are in the poster template alone."""
    choices: tuple[str, ...] = ()
    """All that is allowed; for ratios and palettes what is offered, others can be typed."""
    synonyms: Mapping[str, str] = field(default_factory=dict)
    """Other people's words (lower case) for a choice."""
    aliases: tuple[str, ...] = ()
    """Other headers that mean this column; capitals, spaces and dashes do not matter."""
    doubtful: tuple[str, ...] = ()
    """Headers that may mean this column or something else: asked about, never taken."""
    minimum: int = 0
    maximum: int = 0
    """The range of a number, both ends allowed."""


RATIOS = (
    *("1:1", "5:4", "4:5", "4:3", "3:4", "3:2", "2:3", "16:10", "10:16", "16:9", "9:16"),
    *("2:1", "1:2", "21:9", "9:21", "3:1", "1:3"),
)
"""The aspect ratios that are offered and suggested."""

PALETTES = ("ember", "fresh", "jungle", "magic", "melon", "mosaic", "pastel", "ultramarine")
MOST_COLOURS = 5
COLOUR = re.compile(r"#[0-9A-F]{6}(:[0-9]+(\.[0-9]+)?)?")
"""One of a palette, as it is kept: `#RRGGBB`, perhaps followed by `:weight`."""
MOST_COMBINATIONS = 1_000
"""Of a row that is a grid."""
EXAMPLE_PROMPT = "EXAMPLE, to be replaced or deleted: a red boat on a calm sea at sunset"
"""The prompt of a template's one row."""

SCHEDULERS: tuple[Scheduler, ...] = get_args(Scheduler)

ENLARGED_STRENGTH = 0.3
"""Where a picture is to stay as it is, but larger: only its details are redrawn."""
DEFAULT_STRENGTH = 0.6
"""Keeps what the picture shows and where, and redraws how: measured on the built-in model."""

COLUMNS: tuple[Column, ...] = (
    Column(
        "prompt",
        Kind.TEXT,
        "",
        "What the image shows. The only column every sheet needs.",
        "basic",
        aliases=("prompts", "prompt text", "text prompt", "positive prompt", "image prompt"),
    ),
    Column(
        "visibility",
        Kind.CHOICE,
        "private",
        "private: only you can read the files. public: others on this machine can read them too,"
        " in the shared folder named in the settings.",
        "full",
        choices=get_args(Visibility),
        aliases=("privacy",),
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
        "on or off: whether the prompt is enriched to suit the model. You see the result before"
        " the start.",
        "full",
        choices=("on", "off"),
        synonyms={
            **dict.fromkeys(("yes", "y", "true", "1", "enabled", "auto"), "on"),
            **dict.fromkeys(("no", "n", "false", "0", "disabled", "none"), "off"),
        },
        aliases=("magic prompt option", "magic"),
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
        "How many images this row makes; each uses the next seed.",
        "basic",
        aliases=(
            *("count", "image count", "number of images", "no of images"),
            *("images per prompt", "quantity"),
        ),
        doubtful=("n", "num", "images"),
        minimum=1,
        maximum=10_000,
    ),
    Column(
        "seed_number",
        Kind.WHOLE,
        "",
        "A whole number from 0 to 2147483647: the same seed makes the same image again. Blank: a"
        " random seed, which is kept.",
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
        choices=get_args(RenderingName),
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
        "auto, general, realistic, design, 3d or anime: adds words to the prompt that suit the"
        " model. auto adds none.",
        "full",
        choices=("auto", "general", "realistic", "design", "3d", "anime"),
        synonyms={
            **dict.fromkeys(("render 3d", "3 d"), "3d"),
            "realism": "realistic",
            "default": "auto",
            "none": "auto",
        },
        aliases=("style type", "styles"),
    ),
    Column(
        "color_palette",
        Kind.COLOURS,
        "",
        f"One of {', '.join(PALETTES)}; or up to {MOST_COLOURS} colours such as "
        "#CBA324 #F86C14, separated by spaces. #CBA324:2 counts twice as much as #F86C14:1.",
        "full",
        choices=PALETTES,
        aliases=("colour palette", "palette", "colors", "colours"),
    ),
    Column(
        "steps",
        Kind.WHOLE,
        "",
        "How many steps the model takes. Blank: set by rendering.",
        "full",
        aliases=("step", "sampling steps", "inference steps", "num inference steps"),
        minimum=1,
        maximum=500,
    ),
    Column(
        "guidance",
        Kind.DECIMAL,
        "",
        "How closely the model follows the prompt, such as 4 or 7.5. Blank: set by rendering.",
        "full",
        aliases=("cfg", "cfg scale", "guidance scale"),
        maximum=50,
    ),
    Column(
        "scheduler",
        Kind.CHOICE,
        "",
        f"The sampling method: {', '.join(SCHEDULERS)}. Blank: the model's own.",
        "full",
        choices=SCHEDULERS,
        synonyms={
            **dict.fromkeys(("dpmpp", "dpmpp 2m", "dpm++ 2m", "dpm++2m", "dpm"), "dpm++"),
            **dict.fromkeys(("dpmpp 2m karras", "dpm++ 2m karras", "karras"), "dpm++ karras"),
            **dict.fromkeys(("dpmpp 2m sde", "dpm++ 2m sde", "dpmpp sde"), "dpm++ sde"),
            **dict.fromkeys(("euler a", "euler_a", "k euler a"), "euler ancestral"),
            **dict.fromkeys(("k euler", "euler discrete"), "euler"),
            **dict.fromkeys(("plms",), "pndm"),
        },
        aliases=("sampler", "sampling method", "sampler name"),
    ),
    Column(
        "width",
        Kind.WHOLE,
        "",
        "Width in pixels, rounded to what the model can draw. Blank: from aspect_ratio.",
        "full",
        aliases=("w", "image width", "width px"),
        minimum=16,
        maximum=16_384,
    ),
    Column(
        "height",
        Kind.WHOLE,
        "",
        "Height in pixels, rounded to what the model can draw. Blank: from aspect_ratio.",
        "full",
        aliases=("h", "image height", "height px"),
        minimum=16,
        maximum=16_384,
    ),
    Column(
        "final_prompt",
        Kind.TEXT,
        "",
        "The exact text given to the model. Blank: made from prompt, magic_prompt and style.",
        "full",
        aliases=("final prompts", "exact prompt"),
    ),
    Column(
        "image",
        Kind.PICTURE,
        "",
        "A source picture to start from: a file in the sheet's folder, or a full path. Blank:"
        " the image is made from the prompt alone.",
        "full",
        aliases=(
            *("source image", "init image", "input image", "reference image", "image file"),
            *("image path", "image filename", "source"),
        ),
    ),
    Column(
        "strength",
        Kind.DECIMAL,
        "",
        "How much of the picture changes: .3 keeps most of it, .9 almost nothing. Blank:"
        f" {DEFAULT_STRENGTH:g}.",
        "full",
        aliases=("image strength", "image weight", "denoising", "denoising strength"),
        maximum=1,
    ),
    Column(
        "fit",
        Kind.CHOICE,
        "crop",
        "crop, pad or stretch: how the picture is fitted to the image size if their aspect"
        " ratios differ.",
        "full",
        choices=FITS,
        synonyms={
            **dict.fromkeys(("cover", "fill", "cut"), "crop"),
            **dict.fromkeys(("contain", "letterbox", "fit"), "pad"),
            **dict.fromkeys(("resize", "squash", "distort"), "stretch"),
        },
        aliases=("image fit", "resize mode"),
    ),
    Column(
        "mask",
        Kind.PICTURE,
        "",
        "A mask picture: only its white or transparent parts are redrawn. Blank: everywhere.",
        "full",
        aliases=("mask image", "mask file", "inpaint mask"),
    ),
    Column(
        "lora",
        Kind.LORAS,
        "",
        "LoRAs from your list that change how the model draws, each with a weight from -4 to 4:"
        " ink:0.8, or several: ink:0.8, fog:0.5.",
        "full",
        aliases=("loras", "lora name", "lora names", "lora weights", "lora models"),
        minimum=-4,
        maximum=4,
    ),
    Column(
        "upscale",
        Kind.CHOICE,
        "",
        "2 or 4: make the picture in image this many times larger. An upscaler in model enlarges"
        f" it; any other model redraws it at that size, with strength {ENLARGED_STRENGTH:g} if"
        " none is given. Without a picture, each finished image also gets a larger version, made"
        " by the first upscaler in the model list or redrawn. Blank: nothing is enlarged.",
        "full",
        choices=get_args(Factor),
        synonyms={
            **dict.fromkeys(("2x", "x2", "×2", "2×", "2.0", "200%"), "2"),
            **dict.fromkeys(("4x", "x4", "×4", "4×", "4.0", "400%"), "4"),
        },
        aliases=("upscaling", "upscale by", "upscale factor", "enlarge"),
    ),
    *(
        Column(
            f"text_{number}",
            Kind.TEXT,
            "",
            f"{what} to write in the picture, exactly as spelled here: for Ideogram 4.",
            "poster",
        )
        for number, what in ((1, "Text"), (2, "More text"), (3, "More text"), (4, "More text"))
    ),
    Column(
        "layout",
        Kind.LAYOUT,
        "",
        "Where things are placed, for Ideogram 4, such as text_1: top; subject: middle left. Use"
        " words like these, or top, left, bottom and right from 0 to 1000.",
        "poster",
    ),
)

COLUMN: Mapping[str, Column] = MappingProxyType({column.name: column for column in COLUMNS})

TEXTS_IN_PICTURE = tuple(name for name in COLUMN if name.startswith("text_"))
"""Those whose cells stand in the picture."""
CAPTION_COLUMNS = (*TEXTS_IN_PICTURE, "layout")
"""Those that act in captions alone."""
PICTURE_COLUMNS = tuple(column.name for column in COLUMNS if column.kind is Kind.PICTURE)
"""Those whose cells name files."""
