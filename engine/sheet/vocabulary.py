"""What the cells of a sheet may refer to; the checker knows of models only this."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.sheet.columns import COLUMN


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What a model can do, as far as a sheet can ask too much of it."""

    max_ratio: float
    """The longest side divided by the shortest, at most; 1 or more."""
    negative_prompt: bool = True
    """Whether it heeds a negative prompt."""
    palettes: bool = True
    """Whether it heeds a color_palette."""


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
    foreign_model: str = ""
    """The model that the labels of other tools (3.0, 2a, V_2_TURBO …) stand for; empty: not
    chosen yet, so that they ask."""

    def __post_init__(self) -> None:
        if self.default_model not in self.models:
            raise ValueError(f"the default model {self.default_model!r} is not in the list")
        if self.foreign_model and self.foreign_model not in self.models:
            raise ValueError(f"the model {self.foreign_model!r} is not in the list")
