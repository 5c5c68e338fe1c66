"""Families of models: what follows from the kind of pipeline that a folder names."""

import math
from dataclasses import dataclass
from typing import Literal

Size = tuple[int, int]

# SDXL's training buckets, landscape (its report, arXiv 2307.01952, appendix I, gives the full
# list; here are those that its users' tools offer).
_SDXL_SIZES: tuple[Size, ...] = (
    *((1024, 1024), (1024, 960), (1088, 960), (1088, 896), (1152, 896), (1152, 832)),
    *((1216, 832), (1280, 768), (1344, 768), (1408, 704), (1472, 704), (1536, 640)),
    *((1600, 640), (1728, 576), (1792, 576), (1856, 512), (1920, 512), (2048, 512)),
)
_ONE_MEGAPIXEL: dict[str, Size] = {
    "1:1": (1024, 1024),
    "5:4": (1120, 896),
    "4:3": (1152, 864),
    "3:2": (1248, 832),
    "16:10": (1280, 800),
    "16:9": (1312, 736),
    "2:1": (1408, 704),
    "3:1": (1536, 512),
}
"""Sizes that models of one megapixel are used at, landscape."""


@dataclass(frozen=True, slots=True)
class Family:
    """What models of one kind have in common."""

    name: str
    """As style and magic-prompt files call it."""
    words: str = "keywords"
    """How its prompts are worded best: `keywords` or `sentences`."""
    negative_prompt: bool = True
    """Whether it heeds a negative prompt."""
    flow: bool = False
    """Trained by flow matching: it takes flow schedulers only."""
    sizes: tuple[Size, ...] = ()
    """The sizes it was trained at, landscape, at `base`; empty: any of its area."""
    named_sizes: tuple[tuple[str, Size], ...] = ()
    """Sizes that certain ratios have by custom, landscape, at `base`."""
    base: int = 1024
    """The base resolution that `sizes` and `named_sizes` are for."""
    image_to_image: str = ""
    """The diffusers class that draws on a picture, by `strength`; empty: none does."""
    masks: bool = False
    """Whether it draws on a part of a picture, as a mask says."""
    edits: bool = False
    """Whether its own class takes a picture beside the prompt, which then says what to change."""
    step_count: Literal["down", "up", "all"] = "up"
    """Of `strength` × steps, how many are taken: a whole number below, or above; or all steps."""
    shares_sources: bool = True
    """Whether one call can draw on several pictures, none of which shows in the others."""

    def steps_taken(self, steps: int, strength: float | None) -> int:
        """How many steps an image takes: fewer than `steps` where it is drawn on a picture.

        As in diffusers 0.42: Stable Diffusion takes `int(steps * strength)`, pipelines of flow
        matching leave out `int(steps - steps * strength)`, LCM spaces all steps anew.
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


_LARGE = tuple(_ONE_MEGAPIXEL.items())
_FAMILIES: dict[str, Family] = {
    "StableDiffusionPipeline": Family(
        "sd",
        image_to_image="StableDiffusionImg2ImgPipeline",
        masks=True,
        step_count="down",
    ),
    "StableDiffusionXLPipeline": Family(
        "sdxl",
        sizes=_SDXL_SIZES,
        image_to_image="StableDiffusionXLImg2ImgPipeline",
        masks=True,
        step_count="down",
    ),
    "StableDiffusion3Pipeline": Family(
        "sd3",
        "sentences",
        flow=True,
        named_sizes=_LARGE,
        image_to_image="StableDiffusion3Img2ImgPipeline",
    ),
    "LatentConsistencyModelPipeline": Family(
        "sd",
        negative_prompt=False,
        image_to_image="LatentConsistencyModelImg2ImgPipeline",
        step_count="all",
    ),
    "FluxKontextPipeline": Family("flux", "sentences", False, True, named_sizes=_LARGE, edits=True),
    "PixArtAlphaPipeline": Family("pixart", "sentences"),
    "PixArtSigmaPipeline": Family("pixart", "sentences"),
    "FluxPipeline": Family("flux", "sentences", False, True, named_sizes=_LARGE),
    "Flux2Pipeline": Family("flux", "sentences", False, True, named_sizes=_LARGE),
    "Flux2KleinPipeline": Family("flux", "sentences", False, True, named_sizes=_LARGE),
    "ChromaPipeline": Family("flux", "sentences", flow=True, named_sizes=_LARGE),
    "SanaPipeline": Family("sana", "sentences", flow=True, named_sizes=_LARGE),
    "SanaSprintPipeline": Family("sana", "sentences", False, True, named_sizes=_LARGE),
    "QwenImagePipeline": Family("qwen", "sentences", flow=True, named_sizes=_LARGE),
    "ZImagePipeline": Family("zimage", "sentences", flow=True, named_sizes=_LARGE),
    "AuraFlowPipeline": Family("auraflow", "sentences", flow=True, named_sizes=_LARGE),
    "Lumina2Pipeline": Family("lumina", "sentences", flow=True, named_sizes=_LARGE),
    "HiDreamImagePipeline": Family("hidream", "sentences", flow=True, named_sizes=_LARGE),
    "CogView4Pipeline": Family("cogview", "sentences", flow=True, named_sizes=_LARGE),
    "GlmImagePipeline": Family("glm", "sentences", False, True, named_sizes=_LARGE),
    "OmniGenPipeline": Family("omnigen", "sentences", False, True, named_sizes=_LARGE),
    "KolorsPipeline": Family("sdxl", sizes=_SDXL_SIZES),
}


def family_of(pipeline: str) -> Family:
    """The family of a diffusers pipeline class; one that promises nothing for others."""
    return _FAMILIES.get(pipeline) or Family("other", "sentences")
