"""What the models of one kind have in common, and what follows from it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from engine.models.schedulers import names_for

Size = tuple[int, int]


class UsualRendering(NamedTuple):
    """A word of the `rendering` column, in figures."""

    word: str
    steps: int
    guidance: float


def in_steps(turbo: int, default: int, quality: int, guidance: float) -> tuple[UsualRendering, ...]:
    """The three words, all at one guidance."""
    words = (("turbo", turbo), ("default", default), ("quality", quality))
    return tuple(UsualRendering(word, steps, guidance) for word, steps in words)


class Preset(NamedTuple):
    """How steps are spaced and guided where a model was made for certain numbers of them."""

    steps: int
    mu: float
    """Mean of the noise levels' logits, at 512 × 512 pixels."""
    std: float
    """How far they spread."""
    polish: int
    """How many of the last steps are guided less."""


class Presets(NamedTuple):
    """A model's presets, and the guidance that they are made for."""

    each: tuple[Preset, ...]
    guidance: float
    polish_guidance: float
    """Of the last steps."""

    def arguments(self, steps: int, guidance: float) -> dict[str, object]:
        """What a call is told of any number of steps: the nearest preset, at that length.

        As many of its last steps are guided less as in the preset, in proportion, and as much
        less; guidance of 1, which is none, stays 1.
        """
        near = min(self.each, key=lambda preset: abs(math.log(preset.steps / steps)))
        polish = max(1, round(steps * near.polish / near.steps)) if steps > 1 else 0
        less = (self.polish_guidance - 1) / (self.guidance - 1)
        schedule = [guidance] * (steps - polish) + [1 + (guidance - 1) * less] * polish
        return {"guidance_schedule": schedule, "mu": near.mu, "std": near.std}


USUAL = in_steps(12, 30, 50, 5.0)
"""What Stable Diffusion's own papers and cards use."""


@dataclass(frozen=True, slots=True)
class Family:
    """What models of one kind have in common."""

    name: str
    """As style and magic-prompt files call it."""
    title: str = "Others"
    """As its makers call it."""
    licence: str = ""
    """What all weights of the kind are under, where neither their entry nor their files say it."""
    tested: bool = False
    """Whether the tests draw with it: a tiny one, of its architecture, with random weights."""
    words: str = "sentences"
    """How its prompts are worded best: `keywords` or `sentences`."""
    renderings: tuple[UsualRendering, ...] = USUAL
    """What `turbo`, `default` and `quality` mean where its entry does not say."""
    distilled: "Distilled | None" = None
    """What its distilled kin have of their own."""
    guidance: str = "guidance_scale"
    """The argument of its call that guidance is."""
    presets: Presets | None = None
    """How its call spaces and guides its steps; None: it is told their number and one guidance."""
    guider: bool = False
    """Whether guidance is no argument of its call, but a number of the pipeline's guiders."""
    guides: bool = True
    """Whether guidance changes anything."""
    guides_above: float = 1.0
    """From which guidance on, that one left out, a negative prompt acts."""
    negative_prompt: bool = True
    """Whether it heeds a negative prompt."""
    no_negative: str = ""
    """What its call is given where there is none and guidance needs one; empty: nothing."""
    fixed: tuple[tuple[str, object], ...] = ()
    """Arguments of its call that are always the same."""
    unfixed_at: tuple[tuple[str, int], ...] = ()
    """Those of them that its call chooses better itself, and at which number of steps."""
    own_area: bool = False
    """Whether its call draws at an area of its own, `default_sample_size`, whatever is asked."""
    alone: bool = False
    """Whether an image has a call of its own: its pixels would hang on the texts beside it."""
    places_first: bool = False
    """Whether four neighbours of its latents are one place by place, not channel by channel."""
    captions: bool = False
    """Whether it was taught by Ideogram 4's captions: its columns act in them."""
    flow: bool = False
    """Trained by flow matching: it takes flow schedulers only."""
    schedulers: tuple[str, ...] | None = None
    """Names of the `scheduler` column that it can use; None: all of its kind."""
    sizes: tuple[Size, ...] = ()
    """The sizes it was trained at, landscape, at `base`; empty: any of its area."""
    named_sizes: tuple[tuple[str, Size], ...] = ()
    """Sizes that certain ratios have by custom, landscape, at `base`."""
    base: int = 1024
    """The base resolution that `sizes`, `named_sizes` and `sides` are for."""
    sides: Size | None = None
    """The shortest side it draws, and the longest; None: any."""
    max_ratio: float = 3.0
    """Longest side / shortest side, at most, where its entry does not say."""
    multiple: int = 16
    """Width and height are multiples of this many pixels."""
    image_to_image: str = ""
    """The diffusers class that draws on a picture, by `strength`; empty: none does."""
    masks: bool = False
    """Whether it draws on a part of a picture, as a mask says."""
    inpaints: bool = False
    """Whether its denoiser is shown the picture and the mask beside what it draws."""
    edits: bool = False
    """Whether its own class takes a picture beside the prompt, which then says what to change."""
    upscales: bool = False
    """Whether it enlarges pictures, and draws nothing."""
    needs_picture: bool = False
    """Whether that class draws nothing without a picture."""
    step_count: Literal["down", "up", "all"] = "up"
    """Of `strength` × steps, how many are taken: a whole number below, or above; or all steps."""
    loras: tuple[str, ...] = ()
    """The families whose LoRAs can be put on it, as files tell theirs; empty: none can, since
    diffusers has no loader for its kind."""
    clip: bool = False
    """Whether CLIP alone encodes its texts, in stages of its own: then it takes words by textual
    inversion, and the last layers can be left out."""
    shares_sources: bool = True
    """Whether one call can draw on several pictures, none of which shows in the others."""
    step_cache: bool = False
    """Whether diffusers can leave out of a step what hardly changes (`Model.step_cache`)."""
    helper: str = ""
    """The package that it needs beside those that come with Promptsheet."""

    def fixed_for(self, steps: int) -> dict[str, object]:
        """The arguments of its call that do not hang on a recipe but for its steps."""
        return {name: value for name, value in self.fixed if (name, steps) not in self.unfixed_at}

    def guided(self, steps: int, guidance: float) -> dict[str, object]:
        """What its call is told of guidance, and of how its steps are spaced."""
        if self.presets is not None:
            return self.presets.arguments(steps, guidance)
        return {self.guidance: guidance}

    def sides_at(self, base: int) -> Size | None:
        """`sides` of a model of this base resolution: in proportion where it is smaller."""
        if self.sides is None or base >= self.base:
            return self.sides
        least, most = self.sides
        return least * base // self.base, most * base // self.base

    def steps_taken(self, steps: int, strength: float | None) -> int:
        """How many steps an image takes: fewer than `steps` where it is drawn on a picture.

        As in diffusers 0.42: Stable Diffusion takes `int(steps * strength)`, pipelines of flow
        matching leave out `int(steps - steps * strength)`, LCM spaces all steps again.
        """
        if strength is None or self.step_count == "all":
            return steps
        if self.step_count == "down":
            return min(int(steps * strength), steps)
        return steps - int(max(steps - steps * strength, 0))

    def least_strength(self, steps: int) -> float:
        """The smallest strength, to two digits, at which at least one step is taken."""
        if self.step_count == "all":
            return 0.01
        least = math.ceil(100 / steps) / 100 if self.step_count == "down" else 0.01
        return least if self.steps_taken(steps, least) else least + 0.01

    def heeds_negative(self, guidance: float) -> bool:
        """Whether a negative prompt changes anything at this guidance."""
        return self.negative_prompt and self.guides and guidance > self.guides_above

    def schedulers_for(self, *, on_picture: bool = False) -> tuple[str, ...]:
        """The names of the `scheduler` column that it can use.

        Args:
            on_picture: to draw on a picture. There flow matching needs a scheduler that can take
                a picture to its noise, which in diffusers 0.42 only its own can.
        """
        names = names_for(self.flow) if self.schedulers is None else self.schedulers
        if on_picture and self.flow and self.image_to_image:
            return tuple(name for name in names if name == "euler")
        return names

    def as_distilled(self) -> "Family":
        """What holds for its distilled kin."""
        if self.distilled is None:
            return self
        kin = self.distilled
        return replace(
            self, renderings=kin.renderings, guides=kin.guides, negative_prompt=False, guider=False
        )


@dataclass(frozen=True, slots=True)
class Distilled:
    """A family's kin, taught to draw in few steps: turbo, schnell, Klein."""

    renderings: tuple[UsualRendering, ...]
    told_by: tuple[tuple[str, str, object], ...] = ()
    """File of the model's folder, key and value, all of which tell them; none: only the entry."""
    guides: bool = False
    """Whether guidance changes anything: as a number that the denoiser is told."""

    def is_told(self, read: Callable[[str], Mapping[str, object]]) -> bool:
        """Whether a model's folder tells that it is one.

        Args:
            read: gives a JSON file of the folder by its name; an empty mapping if it is not there.
        """
        told = self.told_by
        return bool(told) and all(read(file).get(key) == value for file, key, value in told)
