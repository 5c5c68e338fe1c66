"""The one table of families: what each kind of pipeline takes, and what comes of it.

Steps and guidance are those of the pipelines' own calls and documentation in diffusers 0.42 and of
the models' cards; `turbo` is some two fifths of the steps. What is said of schedulers, companions
and arguments was measured on tiny pipelines with random weights, where `tested` says so.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from engine.models.family import Distilled, Family, Preset, Presets, Size, in_steps

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
_QWEN_SIZES: tuple[tuple[str, Size], ...] = (
    *(("1:1", (1328, 1328)), ("4:3", (1472, 1104)), ("3:2", (1584, 1056)), ("16:9", (1664, 928))),
)
"""Those of its model card."""
_TOO_SIMPLE = ("unipc", "euler")
"""For denoisers whose call hands over sigmas, which the other flow schedulers do not take."""
_NO_BINNING = (("use_resolution_binning", False),)
"""Else another size is drawn, and shrunk to the one that was asked for."""

_untried = partial(Family, alone=True, flow=True, schedulers=("euler",), named_sizes=_LARGE)
"""A kind that no test has drawn with: what holds for the most careful of the others."""

ENHANCER = "prompt_enhancer_head"
"""Ideogram 4's part that makes a language model of its text encoder."""

_SD = Family(
    "sd",
    "Stable Diffusion 1 and 2",
    tested=True,
    words="keywords",
    image_to_image="StableDiffusionImg2ImgPipeline",
    masks=True,
    loras=("sd", "sd2"),
    clip=True,
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
    words="keywords",
    sizes=_SDXL_SIZES,
    image_to_image="StableDiffusionXLImg2ImgPipeline",
    masks=True,
    loras=("sdxl",),
    clip=True,
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
    renderings=in_steps(12, 28, 50, 3.5),
    negative_prompt=False,
    flow=True,
    schedulers=("dpm++", *_TOO_SIMPLE),
    named_sizes=_LARGE,
    image_to_image="FluxImg2ImgPipeline",
    loras=("flux",),
    distilled=Distilled(
        in_steps(2, 4, 8, 0.0),
        told_by=(("transformer/config.json", "guidance_embeds", False),),
    ),
)
_FLUX2 = replace(
    _FLUX,
    title="FLUX.2",
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
    renderings=in_steps(20, 50, 50, 4.0),
    guidance="true_cfg_scale",
    no_negative=" ",
    alone=True,
    flow=True,
    schedulers=_TOO_SIMPLE,
    named_sizes=_QWEN_SIZES,
    base=1328,
    image_to_image="QwenImageImg2ImgPipeline",
    loras=("qwen",),
    step_cache=True,
)
_QWEN_EDIT = replace(
    _QWEN,
    title="Qwen-Image-Edit",
    named_sizes=_LARGE,
    base=1024,
    image_to_image="",
    edits=True,
    needs_picture=True,
    helper="torchvision",
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
    renderings=in_steps(10, 20, 30, 4.5),
    fixed=_NO_BINNING,
    flow=True,
    named_sizes=_LARGE,
    multiple=32,
    loras=("sana",),
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
        renderings=in_steps(12, 28, 50, 7.0),
        flow=True,
        named_sizes=_LARGE,
        image_to_image="StableDiffusion3Img2ImgPipeline",
        loras=("sd3",),
    ),
    "LatentConsistencyModelPipeline": Family(
        "sd",
        "Latent Consistency",
        tested=True,
        words="keywords",
        renderings=in_steps(2, 4, 8, 8.5),
        negative_prompt=False,
        schedulers=(),
        image_to_image="LatentConsistencyModelImg2ImgPipeline",
        loras=("sd",),
        step_count="all",
    ),
    "FluxPipeline": replace(_FLUX, step_cache=True),
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
    "QwenImageEditPipeline": _QWEN_EDIT,
    "QwenImageEditPlusPipeline": replace(
        _QWEN_EDIT, title="Qwen-Image-Edit-Plus", shares_sources=False
    ),
    "QwenImage21Pipeline": replace(
        _QWEN,
        title="Qwen-Image 2.1",
        helper="torchvision",
        renderings=in_steps(20, 40, 40, 1.0),
        multiple=32,
        schedulers=("euler",),
        named_sizes=_LARGE,
        base=1024,
        image_to_image="",
        edits=True,
        shares_sources=False,
        step_cache=False,
    ),
    "ZImagePipeline": Family(
        "zimage",
        "Z-Image",
        tested=True,
        renderings=in_steps(20, 50, 50, 5.0),
        guides_above=0.0,
        flow=True,
        schedulers=("euler",),
        named_sizes=_LARGE,
        image_to_image="ZImageImg2ImgPipeline",
        loras=("zimage",),
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
        unfixed_at=(("intermediate_timesteps", 2),),
        schedulers=(),
        image_to_image="SanaSprintImg2ImgPipeline",
    ),
    "PixArtAlphaPipeline": replace(_PIXART, title="PixArt-α"),
    "PixArtSigmaPipeline": replace(_PIXART, title="PixArt-Σ"),
    "AuraFlowPipeline": Family(
        "auraflow",
        "AuraFlow",
        tested=True,
        renderings=in_steps(20, 50, 50, 3.5),
        flow=True,
        named_sizes=_LARGE,
        loras=("auraflow",),
    ),
    "Lumina2Pipeline": Family(
        "lumina",
        "Lumina 2",
        tested=True,
        renderings=in_steps(12, 30, 50, 4.0),
        alone=True,
        flow=True,
        schedulers=_TOO_SIMPLE,
        named_sizes=_LARGE,
        loras=("lumina",),
    ),
    "CogView4Pipeline": Family(
        "cogview",
        "CogView4",
        tested=True,
        renderings=in_steps(20, 50, 50, 5.0),
        alone=True,
        flow=True,
        schedulers=("euler",),
        named_sizes=_LARGE,
        multiple=32,
        loras=("cogview",),
        step_cache=True,
    ),
    "HiDreamImagePipeline": Family(
        "hidream",
        "HiDream",
        tested=True,
        renderings=in_steps(20, 50, 50, 5.0),
        own_area=True,
        flow=True,
        schedulers=_TOO_SIMPLE,
        named_sizes=_LARGE,
        loras=("hidream",),
        # Dev and Fast, whose folders are like the other's.
        distilled=Distilled(in_steps(16, 28, 28, 0.0)),
    ),
    "GlmImagePipeline": _untried(
        "glm",
        "GLM-Image",
        renderings=in_steps(20, 50, 50, 1.5),
        negative_prompt=False,
        multiple=32,
    ),
    "Ideogram4Pipeline": Family(
        "ideogram",
        "Ideogram 4",
        licence="ideogram-4-non-commercial: not commercial",
        tested=True,
        captions=True,
        renderings=in_steps(12, 20, 48, 7.0),
        # Turbo, default and quality are its makers'; fast (16) and high (34) are ComfyUI's, which
        # guides all steps alike: how many of theirs are guided less is our own, in between.
        presets=Presets(
            (
                Preset(12, 0.5, 1.75, polish=1),
                Preset(16, 0.25, 1.8375, polish=2),
                Preset(20, 0.0, 1.75, polish=2),
                Preset(34, 0.0, 1.6875, polish=3),
                Preset(48, 0.0, 1.5, polish=3),
            ),
            guidance=7.0,
            polish_guidance=3.0,
        ),
        negative_prompt=False,
        # Texts are all taken to this many tokens, so that none hangs on those beside it.
        fixed=(("max_sequence_length", 2048),),
        places_first=True,
        loras=("ideogram",),
        flow=True,
        schedulers=("euler",),
        named_sizes=_LARGE,
        sides=(256, 2048),
        max_ratio=6.0,
    ),
    "OmniGenPipeline": _untried(
        "omnigen",
        "OmniGen",
        helper="torchvision",
        renderings=in_steps(20, 50, 50, 2.5),
        negative_prompt=False,
    ),
    "KolorsPipeline": replace(
        _SDXL,
        name="kolors",
        title="Kolors",
        clip=False,
        words="sentences",
        renderings=in_steps(20, 50, 50, 5.0),
        image_to_image="KolorsImg2ImgPipeline",
        masks=False,
        distilled=None,
    ),
    "HunyuanImagePipeline": Family(
        "hunyuan",
        "HunyuanImage",
        tested=True,
        renderings=in_steps(20, 50, 50, 3.5),
        guidance="distilled_guidance_scale",
        guider=True,
        # What stands in quote marks in one prompt has others' guided otherwise, too.
        alone=True,
        flow=True,
        schedulers=_TOO_SIMPLE,
        named_sizes=(("1:1", (2048, 2048)), ("4:3", (2304, 1792)), ("16:9", (2560, 1536))),
        base=2048,
        multiple=32,
        step_cache=True,
        distilled=Distilled(
            in_steps(4, 8, 8, 3.25),
            told_by=(("transformer/config.json", "guidance_embeds", True),),
            guides=True,
        ),
    ),
    "Krea2Pipeline": Family(
        "krea",
        "Krea 2",
        tested=True,
        renderings=in_steps(12, 28, 50, 4.5),
        guides_above=0.0,
        flow=True,
        schedulers=_TOO_SIMPLE,
        named_sizes=_LARGE,
        loras=("krea",),
        distilled=Distilled(
            in_steps(4, 8, 8, 0.0), told_by=(("model_index.json", "is_distilled", True),)
        ),
    ),
    "ErnieImagePipeline": Family(
        "ernie",
        "ERNIE-Image",
        tested=True,
        renderings=in_steps(20, 50, 50, 4.0),
        # A language model of its own would reword the prompt.
        fixed=(("use_pe", False),),
        alone=True,
        flow=True,
        schedulers=("euler",),
        named_sizes=_LARGE,
        loras=("ernie",),
        # Its turbo's folder is like the other's.
        distilled=Distilled(in_steps(4, 8, 8, 1.0)),
    ),
    "OvisImagePipeline": Family(
        "ovis",
        "Ovis-Image",
        tested=True,
        renderings=in_steps(20, 50, 50, 5.0),
        flow=True,
        schedulers=_TOO_SIMPLE,
        named_sizes=_LARGE,
    ),
    "LongCatImagePipeline": Family(
        "longcat",
        "LongCat-Image",
        tested=True,
        renderings=in_steps(20, 50, 50, 4.5),
        # A language model of its own would reword the prompt.
        fixed=(("enable_prompt_rewrite", False),),
        alone=True,
        flow=True,
        schedulers=_TOO_SIMPLE,
        named_sizes=_LARGE,
        helper="torchvision",
    ),
}
"""diffusers' class → its family."""

UPSCALER = "Upscaler"
"""What a model list calls the pipeline of a model that enlarges pictures: it is none of diffusers'.
"""
_UPSCALERS = Family(
    "upscaler",
    "Upscalers",
    renderings=in_steps(1, 1, 1, 0.0),
    negative_prompt=False,
    alone=True,
    guides=False,
    schedulers=(),
    multiple=1,
    upscales=True,
    needs_picture=True,
)
_OTHERS = Family("other", schedulers=())


def family_of(pipeline: str) -> Family:
    """The family of a diffusers pipeline class; one that promises nothing for others."""
    return _UPSCALERS if pipeline == UPSCALER else FAMILIES.get(pipeline, _OTHERS)


def is_known(pipeline: str) -> bool:
    """Whether it is a diffusers pipeline class of the table, or an upscaler's."""
    return pipeline in FAMILIES or pipeline == UPSCALER
