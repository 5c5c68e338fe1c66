"""The one table of families: what each kind of pipeline takes, and what comes of it.

Steps and guidance are those of the pipelines' own calls and documentation in diffusers 0.42 and of
the models' cards; `turbo` is some two fifths of the steps. What is said of schedulers, companions
and arguments was measured on tiny pipelines with random weights, where `tested` says so.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from engine.models.family import Distilled, Family, Size, in_steps

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
_LARGE = tuple(_ONE_MEGAPIXEL.items())
_TOO_SIMPLE = ("unipc", "euler")
"""For denoisers whose call hands over sigmas, which the other flow schedulers do not take."""
_NO_BINNING = (("use_resolution_binning", False),)
"""Else another size is drawn, and shrunk to the one that was asked for."""

_untried = partial(Family, alone=True, flow=True, schedulers=("euler",), named_sizes=_LARGE)
"""A kind that no test has drawn with: what holds for the most careful of the others."""

_SD = Family(
    "sd",
    "Stable Diffusion 1 and 2",
    tested=True,
    loras=("sd", "sd2"),
    clip=True,
    words="keywords",
    image_to_image="StableDiffusionImg2ImgPipeline",
    masks=True,
    step_count="down",
    distilled=Distilled(
        in_steps(1, 2, 4, 0.0),
        told_by=(
            ("scheduler/scheduler_config.json", "_class_name", "EulerDiscreteScheduler"),
            ("scheduler/scheduler_config.json", "timestep_spacing", "trailing"),
        ),
    ),
)
_SDXL = Family(
    "sdxl",
    "Stable Diffusion XL",
    tested=True,
    loras=("sdxl",),
    clip=True,
    words="keywords",
    sizes=_SDXL_SIZES,
    image_to_image="StableDiffusionXLImg2ImgPipeline",
    masks=True,
    step_count="down",
    distilled=Distilled(
        in_steps(1, 2, 4, 0.0),
        told_by=(
            ("scheduler/scheduler_config.json", "_class_name", "EulerAncestralDiscreteScheduler"),
            ("scheduler/scheduler_config.json", "timestep_spacing", "trailing"),
        ),
    ),
)
_SD_INPAINTING = replace(
    _SD,
    title="Stable Diffusion 1 and 2 for inpainting",
    image_to_image="StableDiffusionInpaintPipeline",
    inpaints=True,
    distilled=None,
)
_SDXL_INPAINTING = replace(
    _SDXL,
    title="Stable Diffusion XL for inpainting",
    image_to_image="StableDiffusionXLInpaintPipeline",
    inpaints=True,
    distilled=None,
)
_FLUX = Family(
    "flux",
    "FLUX.1",
    tested=True,
    loras=("flux",),
    renderings=in_steps(12, 28, 50, 3.5),
    negative_prompt=False,
    packed=True,
    flow=True,
    schedulers=("dpm++", *_TOO_SIMPLE),
    named_sizes=_LARGE,
    image_to_image="FluxImg2ImgPipeline",
    distilled=Distilled(
        in_steps(2, 4, 8, 0.0),
        told_by=(("transformer/config.json", "guidance_embeds", False),),
    ),
)
_FLUX2 = replace(
    _FLUX,
    title="FLUX.2",
    tested=False,
    loras=("flux2",),
    renderings=in_steps(20, 50, 50, 4.0),
    image_to_image="",
    edits=True,
    shares_sources=False,
    distilled=None,
)
_QWEN = Family(
    "qwen",
    "Qwen-Image",
    tested=True,
    loras=("qwen",),
    renderings=in_steps(20, 50, 50, 4.0),
    guidance="true_cfg_scale",
    no_negative=" ",
    alone=True,
    packed=True,
    flow=True,
    schedulers=_TOO_SIMPLE,
    named_sizes=_LARGE,
    image_to_image="QwenImageImg2ImgPipeline",
)
_PIXART = Family(
    "pixart",
    "PixArt",
    tested=True,
    renderings=in_steps(10, 20, 30, 4.5),
    fixed=_NO_BINNING,
)
_SANA = Family(
    "sana",
    "Sana",
    tested=True,
    loras=("sana",),
    renderings=in_steps(10, 20, 30, 4.5),
    fixed=_NO_BINNING,
    flow=True,
    named_sizes=_LARGE,
)

FAMILIES: Mapping[str, Family] = {
    "StableDiffusionPipeline": _SD,
    "StableDiffusionXLPipeline": _SDXL,
    "StableDiffusionInpaintPipeline": _SD_INPAINTING,
    "StableDiffusionXLInpaintPipeline": _SDXL_INPAINTING,
    "StableDiffusion3Pipeline": Family(
        "sd3",
        "Stable Diffusion 3",
        tested=True,
        loras=("sd3",),
        renderings=in_steps(12, 28, 50, 7.0),
        flow=True,
        named_sizes=_LARGE,
        image_to_image="StableDiffusion3Img2ImgPipeline",
    ),
    "LatentConsistencyModelPipeline": Family(
        "sd",
        "Latent Consistency",
        tested=True,
        loras=("sd",),
        words="keywords",
        renderings=in_steps(2, 4, 8, 8.5),
        negative_prompt=False,
        schedulers=(),
        image_to_image="LatentConsistencyModelImg2ImgPipeline",
        step_count="all",
    ),
    "FluxPipeline": _FLUX,
    "FluxKontextPipeline": replace(
        _FLUX,
        title="FLUX.1 Kontext",
        renderings=in_steps(12, 28, 50, 2.5),
        schedulers=_TOO_SIMPLE,
        image_to_image="",
        edits=True,
        distilled=None,
    ),
    "Flux2Pipeline": _FLUX2,
    "Flux2KleinPipeline": replace(
        _FLUX2,
        title="FLUX.2 Klein",
        tested=True,
        distilled=Distilled(
            in_steps(2, 4, 8, 1.0), told_by=(("model_index.json", "is_distilled", True),)
        ),
    ),
    "ChromaPipeline": replace(
        _FLUX,
        title="Chroma",
        loras=("chroma", "flux"),
        renderings=in_steps(14, 35, 50, 5.0),
        negative_prompt=True,
        schedulers=_TOO_SIMPLE,
        image_to_image="ChromaImg2ImgPipeline",
        distilled=None,
    ),
    "QwenImagePipeline": _QWEN,
    "QwenImageEditPipeline": replace(
        _QWEN, title="Qwen-Image-Edit", tested=False, image_to_image="", edits=True
    ),
    "QwenImageEditPlusPipeline": replace(
        _QWEN,
        title="Qwen-Image-Edit-Plus",
        tested=False,
        image_to_image="",
        edits=True,
        shares_sources=False,
    ),
    "ZImagePipeline": Family(
        "zimage",
        "Z-Image",
        tested=True,
        loras=("zimage",),
        renderings=in_steps(20, 50, 50, 5.0),
        guides_above=0.0,
        flow=True,
        schedulers=("euler",),
        named_sizes=_LARGE,
        image_to_image="ZImageImg2ImgPipeline",
        # Its turbo's folder is like the other's: its entry says `distilled = true`.
        distilled=Distilled(in_steps(4, 9, 9, 0.0)),
    ),
    "SanaPipeline": _SANA,
    "SanaSprintPipeline": replace(
        _SANA,
        title="Sana-Sprint",
        renderings=in_steps(1, 2, 4, 4.5),
        negative_prompt=False,
        # The call's own holds for two steps alone, and fails at any other number.
        fixed=(*_NO_BINNING, ("intermediate_timesteps", None)),
        schedulers=(),
        image_to_image="SanaSprintImg2ImgPipeline",
    ),
    "PixArtAlphaPipeline": replace(_PIXART, title="PixArt-α"),
    "PixArtSigmaPipeline": replace(_PIXART, title="PixArt-Σ"),
    "AuraFlowPipeline": Family(
        "auraflow",
        "AuraFlow",
        tested=True,
        loras=("auraflow",),
        renderings=in_steps(20, 50, 50, 3.5),
        flow=True,
        named_sizes=_LARGE,
    ),
    "Lumina2Pipeline": Family(
        "lumina",
        "Lumina 2",
        tested=True,
        loras=("lumina",),
        renderings=in_steps(12, 30, 50, 4.0),
        alone=True,
        flow=True,
        schedulers=_TOO_SIMPLE,
        named_sizes=_LARGE,
    ),
    "CogView4Pipeline": Family(
        "cogview",
        "CogView4",
        tested=True,
        loras=("cogview",),
        renderings=in_steps(20, 50, 50, 5.0),
        alone=True,
        flow=True,
        schedulers=("euler",),
        named_sizes=_LARGE,
    ),
    "HiDreamImagePipeline": _untried(
        "hidream",
        "HiDream",
        loras=("hidream",),
        renderings=in_steps(20, 50, 50, 5.0),
    ),
    "GlmImagePipeline": _untried(
        "glm",
        "GLM-Image",
        renderings=in_steps(20, 50, 50, 1.5),
        negative_prompt=False,
    ),
    "OmniGenPipeline": _untried(
        "omnigen",
        "OmniGen",
        renderings=in_steps(20, 50, 50, 2.5),
        negative_prompt=False,
    ),
    "KolorsPipeline": replace(
        _SDXL, title="Kolors", tested=False, clip=False, image_to_image="", masks=False
    ),
    "HunyuanImagePipeline": Family(
        "hunyuan",
        "HunyuanImage",
        renderings=in_steps(20, 50, 50, 3.25),
        guidance="distilled_guidance_scale",
        negative_prompt=False,
        alone=True,
        flow=True,
        schedulers=("euler",),
        base=2048,
    ),
    "Krea2Pipeline": _untried(
        "krea",
        "Krea 2",
        loras=("krea",),
        renderings=in_steps(12, 28, 50, 4.5),
    ),
    "ErnieImagePipeline": _untried(
        "ernie",
        "ERNIE-Image",
        loras=("ernie",),
        renderings=in_steps(20, 50, 50, 4.0),
    ),
    "OvisImagePipeline": _untried(
        "ovis",
        "Ovis-Image",
        renderings=in_steps(20, 50, 50, 5.0),
    ),
    "LongCatImagePipeline": _untried(
        "longcat",
        "LongCat-Image",
        renderings=in_steps(20, 50, 50, 4.5),
        # A language model of its own would word the prompt anew.
        fixed=(("enable_prompt_rewrite", False),),
    ),
}
"""diffusers' class → its family."""

_OTHERS = Family("other", schedulers=())


def family_of(pipeline: str) -> Family:
    """The family of a diffusers pipeline class; one that promises nothing for others."""
    return FAMILIES.get(pipeline, _OTHERS)


def is_known(pipeline: str) -> bool:
    """Whether the table has a diffusers pipeline class."""
    return pipeline in FAMILIES
