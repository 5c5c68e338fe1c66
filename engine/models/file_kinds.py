"""What a weights file is: told by the names and shapes of its tensors, never by its own name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from engine.models.denoiser_files import Mark, denoiser_mark
from engine.models.lora_files import lora_kind
from engine.models.upscaler_files import BEFORE, upscaler_shape
from engine.models.weights_file import read_whole
from engine.models.weights_header import Header, Tensor

What = Literal[
    "checkpoint",
    "denoiser",
    "lora",
    "autoencoder",
    "embedding",
    "text encoder",
    "controlnet",
    "adapter",
    "upscaler",
    "unknown",
]

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a weights file is."""

    what: What
    """`checkpoint`: a whole model; `denoiser`: only what draws, without what reads and decodes."""
    family: str = ""
    """Whose it is, as `engine.models.family.Family.name` has it ("sd2" for Stable Diffusion 2);
    empty: it does not tell."""
    pipeline: str = ""
    """The diffusers class that draws with a checkpoint; empty: none does here."""
    denoiser: str = ""
    """The diffusers class of a denoiser alone; empty: none loads it from a single file."""
    naming: str = ""
    """Whose names a LoRA's tensors have: `kohya`, `diffusers` or `peft`."""
    variant: Literal["", "inpaint", "edit", "distilled", "refiner", "depth", "upscale"] = ""
    """What sets it apart from its family's usual ones."""
    prediction: Literal["", "epsilon", "v_prediction"] = ""
    """What it was taught to predict, where it says so."""
    from_noise_alone: bool = False
    """Whether it was taught to begin at noise without any trace of a picture (zero terminal SNR),
    where it says so."""
    is_gguf: bool = False
    """Whether it is stored as GGUF."""
    rounded: str = ""
    """How its weights are stored, where nothing here loads them so; empty: plainly, or as GGUF."""

    @property
    def words(self) -> str:
        """`a LoRA for Stable Diffusion XL`."""
        thing = _WORDS[self.what]
        title = TITLES.get(self.family, self.family)
        variant = {"inpaint": " for inpainting", "distilled": " (distilled)"}.get(
            self.variant, f" ({self.variant})" if self.variant else ""
        )
        return f"{thing} {title}{variant}" if title else f"{_ALONE[self.what]}{variant}"


TITLES: Mapping[str, str] = {
    "sd": "Stable Diffusion 1",
    "sd2": "Stable Diffusion 2",
    "sdxl": "Stable Diffusion XL",
    "sd3": "Stable Diffusion 3",
    "flux": "FLUX.1",
    "flux2": "FLUX.2",
    "chroma": "Chroma",
    "qwen": "Qwen-Image",
    "zimage": "Z-Image",
    "lumina": "Lumina 2",
    "auraflow": "AuraFlow",
    "sana": "Sana",
    "pixart": "PixArt",
    "krea": "Krea 2",
    "ernie": "ERNIE-Image",
    "hidream": "HiDream",
    "ideogram": "Ideogram 4",
    "wan": "Wan (video)",
    "hunyuan-video": "HunyuanVideo",
    "ltx": "LTX-Video",
    "esrgan": "ESRGAN's kind",
    "compact": "Real-ESRGAN's compact kind",
}
"""Families of files, as their makers call them."""

_WORDS: Mapping[What, str] = {
    "checkpoint": "a complete model of",
    "denoiser": "only the denoiser of",
    "lora": "a LoRA for",
    "autoencoder": "an autoencoder (VAE) of",
    "embedding": "a textual inversion embedding for",
    "text encoder": "a text encoder of",
    "controlnet": "a ControlNet for",
    "adapter": "an adapter for",
    "upscaler": "an upscaler of",
    "unknown": "of",
}
_ALONE: Mapping[What, str] = {
    "checkpoint": "a complete model of an unknown kind",
    "denoiser": "a denoiser of an unknown kind",
    "lora": "a LoRA of an unknown family",
    "autoencoder": "an autoencoder (VAE)",
    "embedding": "a textual inversion embedding",
    "text encoder": "a text encoder",
    "controlnet": "a ControlNet",
    "adapter": "an adapter (IP-Adapter, T2I-Adapter or the like)",
    "upscaler": "an upscaler",
    "unknown": "of an unknown kind",
}


def file_kind(path: Path) -> FileKind:
    """What a weights file is.

    Raises:
        WeightsFileError: it is no safetensors file, or not a whole one.
        OSError: it cannot be read.
    """
    return kind_of(read_whole(path))


def kind_of(header: Header) -> FileKind:
    """What a weights file with this header is."""
    found = _kind_of(header)
    return replace(found, is_gguf=header.is_gguf, rounded=rounded_to(header.tensors))


def rounded_to(tensors: Tensors) -> str:
    """How weights are stored that mean nothing without the numbers beside them; empty: plainly.

    diffusers leaves those numbers out without a word, and draws noise.
    """
    for words, endings in _ROUNDED.items():
        if any(name.endswith(endings) for name in tensors):
            return words
    return ""


_ROUNDED: Mapping[str, tuple[str, ...]] = {
    "float8 or 8 bits with scales of their own": (
        *("scaled_fp8", ".scale_weight", ".weight_scale", ".weight_scale_inv", ".comfy_quant"),
    ),
    "bitsandbytes' 4 or 8 bits": (".absmax", ".quant_map", ".SCB", "__nf4", "__fp4"),
}
"""How weights are stored → how tensors beside them are called that tell."""


def _kind_of(header: Header) -> FileKind:
    tensors = header.tensors
    if (lora := lora_kind(tensors)) is not None:
        family, naming = lora
        return FileKind("lora", family, naming=naming)
    for look in (_control, _checkpoint, _denoiser, _text_encoder, _autoencoder, _upscaler):
        if (found := look(tensors, header.metadata)) is not None:
            return found
    return _embedding(tensors) or FileKind("unknown")


def _first(tensors: Tensors, *names: str) -> Tensor | None:
    return next((tensors[name] for name in names if name in tensors), None)


def _shape(tensors: Tensors, name: str, dimension: int) -> int:
    """A side of a tensor's shape; 0 where there is none."""
    tensor = tensors.get(name)
    return tensor.shape[dimension] if tensor and dimension < len(tensor.shape) else 0


def _control(tensors: Tensors, _: Mapping[str, str]) -> FileKind | None:
    beginnings = ("control_model.", "controlnet_", "input_hint_block.", "zero_convs.")
    if any(name.startswith(beginnings) for name in tensors):
        xl = any(
            name.startswith(("add_embedding.", "control_model.label_emb.")) for name in tensors
        )
        flux = any(
            name.startswith(("single_transformer_blocks.", "double_blocks.")) for name in tensors
        )
        return FileKind("controlnet", "sdxl" if xl else "flux" if flux else "")
    others = ("image_proj.", "ip_adapter.", "adapter.body.", "ip_adapter_proj_model.")
    if any(name.startswith(others) for name in tensors):
        return FileKind("adapter")
    return None


# ---------------------------------------------------------------- Stable Diffusion 1, 2 and XL

_UNET = "model.diffusion_model."
_UNET_CLASS = "UNet2DConditionModel"
_CONTEXT = re.compile(r"(?:input_blocks|down_blocks)\..*\.attn2\.to_k\.weight")
_BY_CONTEXT = {768: "sd", 1024: "sd2", 1280: "sdxl", 2048: "sdxl"}
"""Width of the text a UNet reads → its family; 1280 is SDXL's refiner."""
_BY_CHANNELS: Mapping[int, Literal["inpaint", "edit", "depth", "upscale"]] = {
    9: "inpaint",
    8: "edit",
    5: "depth",
    7: "upscale",
}
"""What a UNet takes beside the latents, by the channels of its input."""
_PIPELINES = {
    ("sd", ""): "StableDiffusionPipeline",
    ("sd2", ""): "StableDiffusionPipeline",
    ("sdxl", ""): "StableDiffusionXLPipeline",
    ("sd", "inpaint"): "StableDiffusionInpaintPipeline",
    ("sd2", "inpaint"): "StableDiffusionInpaintPipeline",
    ("sdxl", "inpaint"): "StableDiffusionXLInpaintPipeline",
}


def _checkpoint(tensors: Tensors, metadata: Mapping[str, str]) -> FileKind | None:
    """One of Stable Diffusion's kinds, as its makers' program names its parts."""
    channels = _shape(tensors, f"{_UNET}input_blocks.0.0.weight", 1)
    if not channels:
        return None
    beginnings = {name.split(".", 1)[0] for name in tensors}
    reads = beginnings & {"cond_stage_model", "conditioner"}
    family = _reader_family(tensors) or _context_family(tensors)
    refines = any(name.startswith("conditioner.embedders.0.model.") for name in tensors)
    whole = reads and "first_stage_model" in beginnings
    variant: Literal["", "inpaint", "edit", "refiner", "depth", "upscale"]
    variant = "refiner" if refines else _BY_CHANNELS.get(channels, "")
    return FileKind(
        "checkpoint" if whole else "denoiser",
        family,
        _PIPELINES.get((family, variant), "") if whole else "",
        "" if whole else _UNET_CLASS,
        variant=variant,
        prediction=_prediction(tensors, metadata),
        from_noise_alone="ztsnr" in tensors,  # so the trainers of SDXL's kin mark it
    )


def _reader_family(tensors: Tensors) -> str:
    """By what reads the prompt: CLIP in Stable Diffusion 1, OpenCLIP in 2, both in XL."""
    for beginning, family in (
        ("conditioner.embedders.", "sdxl"),
        ("cond_stage_model.transformer.", "sd"),
        ("cond_stage_model.model.", "sd2"),
    ):
        if any(name.startswith(beginning) for name in tensors):
            return family
    return ""


def _context_family(tensors: Tensors) -> str:
    widths = (
        tensor.shape[1]
        for name, tensor in tensors.items()
        if len(tensor.shape) == 2 and _CONTEXT.search(name)
    )
    return _BY_CONTEXT.get(next(widths, 0), "")


def _prediction(
    tensors: Tensors, metadata: Mapping[str, str]
) -> Literal["", "epsilon", "v_prediction"]:
    if "v_pred" in tensors:  # as above
        return "v_prediction"
    said = metadata.get("modelspec.prediction_type", "").lower()
    return "v_prediction" if said.startswith("v") else "epsilon" if said == "epsilon" else ""


# ---------------------------------------------------------------- denoisers alone


def _denoiser(tensors: Tensors, _: Mapping[str, str]) -> FileKind | None:
    if (unet := _diffusers_unet(tensors)) is not None:
        return unet
    found = denoiser_mark(tensors)
    if found is None:
        return None
    mark, before = found
    variant = _flux_variant(mark, tensors, before)
    return FileKind("denoiser", mark.family, denoiser=mark.denoiser, variant=variant)


def _flux_variant(
    mark: Mark, tensors: Tensors, before: str
) -> Literal["", "inpaint", "depth", "distilled"]:
    """FLUX.1's kin: by what is laid beside the latents, and whether it takes a guidance."""
    if mark.family != "flux":
        return ""
    taken = _first(tensors, f"{before}img_in.weight", f"{before}x_embedder.weight")
    channels = taken.shape[1] if taken and len(taken.shape) == 2 else 0
    if channels in (384, 128):
        return "inpaint" if channels == 384 else "depth"
    guided = ("guidance_in.", "time_text_embed.guidance_embedder.")
    return (
        ""
        if any(name.startswith(tuple(before + g for g in guided)) for name in tensors)
        else "distilled"
    )


def _diffusers_unet(tensors: Tensors) -> FileKind | None:
    """A UNet under diffusers' own names, as the folder `unet` of a model has it."""
    channels = _shape(tensors, "conv_in.weight", 1)
    if not channels or not any(name.startswith("time_embedding.") for name in tensors):
        return None
    return FileKind(
        "denoiser",
        _context_family(tensors),
        denoiser=_UNET_CLASS,
        variant=_BY_CHANNELS.get(channels, ""),
    )


# ---------------------------------------------------------------- parts of models


def _text_encoder(tensors: Tensors, _: Mapping[str, str]) -> FileKind | None:
    names = (
        "text_model.embeddings.token_embedding.weight",
        "embeddings.token_embedding.weight",
        "embedding.word_embeddings.weight",
        "encoder.block.0.layer.0.SelfAttention.q.weight",
        "model.layers.0.self_attn.q_proj.weight",
        "layers.0.self_attn.q_proj.weight",
        "model.language_model.layers.0.self_attn.q_proj.weight",
        "transformer.resblocks.0.attn.in_proj_weight",
    )
    return FileKind("text encoder") if _first(tensors, *names) else None


def _autoencoder(tensors: Tensors, _: Mapping[str, str]) -> FileKind | None:
    for before in ("", "first_stage_model.", "vae."):
        begins = ("conv_in.", "conv1.", "conv_in.conv.", "stages.0.0.conv.", "project_in.")
        if any(name.startswith(tuple(f"{before}decoder.{b}" for b in begins)) for name in tensors):
            return FileKind("autoencoder")
    return None


_FIRST_OF_UPSCALERS = (
    *("conv_first.weight", "model.0.weight", "body.0.weight", "head.0.weight"),
    *("shallow_feature_extraction.weight", "to_feat.weight", "feats.0.weight", "m_head.0.weight"),
)
_COLOURS = (1, 3, 12, 48)
"""Channels of a picture, where two or four pixels a side may stand side by side."""


def _upscaler(tensors: Tensors, _: Mapping[str, str]) -> FileKind | None:
    """A convolution straight on a picture's colours, and no time and no text anywhere."""
    if any("time_embed" in name or "text" in name or "encoder." in name for name in tensors):
        return None
    for before in BEFORE:
        for name in _FIRST_OF_UPSCALERS:
            first = tensors.get(before + name)
            if first is not None and len(first.shape) == 4 and first.shape[1] in _COLOURS:
                shape = upscaler_shape(tensors)
                return FileKind("upscaler", shape.design if shape else "")
    return None


_MOST_EMBEDDED = 8
_EMBEDDED_WIDTHS = {768: "sd", 1024: "sd2", 1280: "sdxl"}
_MOST_VECTORS = 512


def _embedding(tensors: Tensors) -> FileKind | None:
    """A few vectors as wide as a text encoder's."""
    if {"clip_l", "clip_g"} <= tensors.keys():
        return FileKind("embedding", "sdxl")
    shapes = [shape for tensor in tensors.values() if len(shape := tensor.shape) in (1, 2)]
    if not shapes or len(tensors) > _MOST_EMBEDDED or len(shapes) < len(tensors):
        return None
    wide = [shape for shape in shapes if shape[-1] in _EMBEDDED_WIDTHS]
    if not wide or any(len(shape) == 2 and shape[0] > _MOST_VECTORS for shape in wide):
        return None
    return FileKind("embedding", _EMBEDDED_WIDTHS[max(shape[-1] for shape in wide)])
