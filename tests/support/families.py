"""A tiny pipeline of each family, with random weights: its architecture, and next to no size."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from engine.picture.recipe import Recipe
from engine.render.drawing import method_for
from engine.render.ready_sources import Pixels, ReadySource
from tests.bench.random_models import save_sd15, save_sdxl, without_warnings
from tests.support import later_families
from tests.support import tiny_parts as parts
from tests.support.tiny_ideogram import ideogram


def _flux(pipeline: str, *, guided: bool = True) -> Any:
    return getattr(diffusers, pipeline)(
        scheduler=parts.flow(),
        vae=parts.vae(),
        text_encoder=parts.clip(),
        tokenizer=parts.tokenizer(),
        text_encoder_2=parts.t5(),
        tokenizer_2=parts.tokenizer(),
        transformer=diffusers.FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            guidance_embeds=guided,
            axes_dims_rope=(4, 4, 8),
        ),
    )


def _klein(*, distilled: bool = False) -> Any:
    return diffusers.Flux2KleinPipeline(
        scheduler=parts.flow(),
        vae=parts.flux2_vae(),
        text_encoder=parts.decoder("Qwen3", "Qwen3ForCausalLM", layers=28),
        tokenizer=parts.tokenizer(),
        transformer=parts.flux2_denoiser(guided=False),
        is_distilled=distilled,
    )


def _chroma() -> Any:
    return diffusers.ChromaPipeline(
        scheduler=parts.flow(),
        vae=parts.vae(),
        text_encoder=parts.t5(),
        tokenizer=parts.tokenizer(),
        transformer=diffusers.ChromaTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            axes_dims_rope=(4, 4, 8),
            approximator_num_channels=8,
            approximator_hidden_dim=32,
            approximator_layers=1,
        ),
    )


def _qwen() -> Any:
    return diffusers.QwenImagePipeline(
        scheduler=parts.flow(),
        vae=parts.still_vae(),
        text_encoder=parts.qwen_vl(),
        tokenizer=parts.tokenizer(),
        transformer=parts.qwen_denoiser(),
    )


def _zimage() -> Any:
    return diffusers.ZImagePipeline(
        scheduler=parts.flow(),
        vae=parts.vae(),
        text_encoder=parts.decoder("Qwen3", "Qwen3Model"),
        tokenizer=parts.tokenizer(),
        transformer=diffusers.ZImageTransformer2DModel(
            in_channels=4,
            dim=32,
            n_layers=1,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=32,
            axes_dims=[8, 4, 4],
            axes_lens=[256, 32, 32],
        ),
    )


def _sana(pipeline: str, scheduler: Any, *, sprint: bool = False) -> Any:
    return getattr(diffusers, pipeline)(
        tokenizer=parts.tokenizer(),
        text_encoder=parts.decoder("Gemma2", "Gemma2Model"),
        vae=parts.deep_vae(),
        transformer=diffusers.SanaTransformer2DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=1,
            num_cross_attention_heads=2,
            cross_attention_head_dim=8,
            cross_attention_dim=16,
            caption_channels=32,
            sample_size=32,
            guidance_embeds=sprint,
            qk_norm="rms_norm_across_heads" if sprint else None,
        ),
        scheduler=scheduler,
    )


def _pixart(pipeline: str) -> Any:
    return getattr(diffusers, pipeline)(
        tokenizer=parts.tokenizer(),
        text_encoder=parts.t5(),
        vae=parts.vae(),
        transformer=diffusers.PixArtTransformer2DModel(
            num_attention_heads=2,
            attention_head_dim=8,
            in_channels=4,
            out_channels=8,
            num_layers=1,
            norm_num_groups=1,
            cross_attention_dim=16,
            sample_size=8,
            caption_channels=32,
            use_additional_conditions=False,
        ),
        scheduler=diffusers.DPMSolverMultistepScheduler(),
    )


def _lcm() -> Any:
    return diffusers.LatentConsistencyModelPipeline(
        vae=parts.vae(),
        text_encoder=parts.clip(),
        tokenizer=parts.tokenizer(),
        unet=diffusers.UNet2DConditionModel(
            sample_size=16,
            block_out_channels=(16, 32),
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            layers_per_block=1,
            cross_attention_dim=32,
            attention_head_dim=4,
            norm_num_groups=16,
            time_cond_proj_dim=32,
        ),
        scheduler=diffusers.LCMScheduler(beta_schedule="scaled_linear"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _auraflow() -> Any:
    return diffusers.AuraFlowPipeline(
        tokenizer=parts.tokenizer(),
        text_encoder=parts.t5("UMT5"),
        vae=parts.vae(),
        transformer=diffusers.AuraFlowTransformer2DModel(
            sample_size=32,
            num_mmdit_layers=1,
            num_single_dit_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=32,
            caption_projection_dim=32,
            pos_embed_max_size=1024,
        ),
        scheduler=parts.flow(),
    )


def _lumina() -> Any:
    return diffusers.Lumina2Pipeline(
        transformer=diffusers.Lumina2Transformer2DModel(
            sample_size=16,
            in_channels=4,
            hidden_size=24,
            num_layers=1,
            num_refiner_layers=1,
            num_attention_heads=3,
            num_kv_heads=1,
            multiple_of=2,
            axes_dim_rope=(4, 2, 2),
            axes_lens=(128, 128, 128),
            cap_feat_dim=32,
        ),
        scheduler=parts.flow(),
        vae=parts.vae(levels=4),  # the pipeline takes an eighth of a side for granted
        text_encoder=parts.decoder("Gemma2", "Gemma2Model"),
        tokenizer=parts.tokenizer(),
    )


def _cogview() -> Any:
    return diffusers.CogView4Pipeline(
        tokenizer=parts.tokenizer(),
        text_encoder=parts.decoder("Glm", "GlmModel"),
        vae=parts.vae(),
        transformer=diffusers.CogView4Transformer2DModel(
            in_channels=4,
            out_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            text_embed_dim=32,
            time_embed_dim=8,
            condition_dim=4,
            rope_axes_dim=(16, 16),
        ),
        scheduler=parts.flow(use_dynamic_shifting=True),
    )


def _sd3() -> Any:
    return diffusers.StableDiffusion3Pipeline(
        transformer=diffusers.SD3Transformer2DModel(
            sample_size=16,
            in_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=64,
            caption_projection_dim=32,
            pooled_projection_dim=64,
            out_channels=4,
        ),
        scheduler=parts.flow(),
        vae=parts.vae(),
        text_encoder=parts.clip(CLIPTextModelWithProjection),
        tokenizer=parts.tokenizer(),
        text_encoder_2=parts.clip(CLIPTextModelWithProjection),
        tokenizer_2=parts.tokenizer(),
        text_encoder_3=parts.t5(width=64),
        tokenizer_3=parts.tokenizer(),
    )


_MADE: Mapping[str, Callable[[], Any]] = {
    "StableDiffusion3Pipeline": _sd3,
    "FluxPipeline": partial(_flux, "FluxPipeline"),
    "FluxKontextPipeline": partial(_flux, "FluxKontextPipeline"),
    "Flux2KleinPipeline": _klein,
    "ChromaPipeline": _chroma,
    "QwenImagePipeline": _qwen,
    "ZImagePipeline": _zimage,
    "SanaPipeline": lambda: _sana(
        "SanaPipeline",
        diffusers.DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    ),
    "SanaSprintPipeline": lambda: _sana(
        "SanaSprintPipeline", diffusers.SCMScheduler(), sprint=True
    ),
    "PixArtAlphaPipeline": partial(_pixart, "PixArtAlphaPipeline"),
    "PixArtSigmaPipeline": partial(_pixart, "PixArtSigmaPipeline"),
    "LatentConsistencyModelPipeline": _lcm,
    "AuraFlowPipeline": _auraflow,
    "Lumina2Pipeline": _lumina,
    "CogView4Pipeline": _cogview,
    "Ideogram4Pipeline": ideogram,
    **later_families.MADE,
    **later_families.LOOKING,
}

_INPAINTING = {
    "StableDiffusionInpaintPipeline": save_sd15,
    "StableDiffusionXLInpaintPipeline": save_sdxl,
}

_TOKENS = "max_sequence_length"

TINY = ("StableDiffusionPipeline", "StableDiffusionXLPipeline", *_INPAINTING, *_MADE)
"""The classes that there is a tiny pipeline of."""


def save_tiny(pipeline: str, folder: Path) -> None:
    """Make a tiny pipeline of a class, and save it as a model's folder."""
    if pipeline == "StableDiffusionPipeline":
        save_sd15(folder, full=False)
    elif pipeline == "StableDiffusionXLPipeline":
        save_sdxl(folder, full=False)
    elif pipeline in _INPAINTING:
        _INPAINTING[pipeline](folder, full=False)
        _widen(folder, pipeline)
    else:
        torch.manual_seed(0)
        save_made(_MADE[pipeline](), folder)


@dataclass(frozen=True, slots=True)
class Kin:
    """A tiny pipeline of a class that has one already, but of other makers or fewer steps."""

    pipeline: str
    """Its class."""
    make: Callable[[], Any]
    distilled: bool = True

    def save(self, folder: Path) -> None:
        """Make it, and save it as a model's folder."""
        torch.manual_seed(0)
        save_made(self.make(), folder)


def _with(pipeline: str, scheduler: Any) -> Any:
    """A tiny pipeline that has another scheduler."""
    with TemporaryDirectory() as folder:
        save_tiny(pipeline, Path(folder) / "model")
        made = getattr(diffusers, pipeline).from_pretrained(
            Path(folder) / "model", safety_checker=None, requires_safety_checker=False
        )
    made.scheduler = scheduler
    return made


KIN: Mapping[str, Kin] = {
    "Stable Diffusion 2, v-prediction": Kin(
        "StableDiffusionPipeline",
        lambda: _with(
            "StableDiffusionPipeline", diffusers.DDIMScheduler(prediction_type="v_prediction")
        ),
        distilled=False,
    ),
    "Stable Diffusion XL turbo": Kin(
        "StableDiffusionXLPipeline",
        lambda: _with(
            "StableDiffusionXLPipeline",
            diffusers.EulerAncestralDiscreteScheduler(timestep_spacing="trailing"),
        ),
    ),
    "FLUX.1 schnell": Kin("FluxPipeline", partial(_flux, "FluxPipeline", guided=False)),
    "FLUX.2 Klein, distilled": Kin("Flux2KleinPipeline", partial(_klein, distilled=True)),
    "HunyuanImage, distilled": Kin(
        "HunyuanImagePipeline", partial(later_families.hunyuan, distilled=True)
    ),
    "Krea 2 turbo": Kin("Krea2Pipeline", partial(later_families.krea, distilled=True)),
}


def _widen(folder: Path, pipeline: str) -> None:
    """Have a saved UNet take a picture and its mask beside the latents."""
    unet = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet")
    other = diffusers.UNet2DConditionModel.from_config(unet.config, in_channels=9)
    wide = other.conv_in.weight.detach().clone()
    weights = unet.state_dict() | {"conv_in.weight": wide}
    other.load_state_dict(weights)
    other.save_pretrained(folder / "unet")
    index = folder / "model_index.json"
    body = json.loads(index.read_text())
    index.write_text(json.dumps(body | {"_class_name": pipeline}))


def save_made(pipeline: Any, folder: Path) -> None:
    """Save a pipeline as a model's folder."""
    with without_warnings():
        pipeline.to(dtype=torch.float32)
        pipeline.save_pretrained(folder)
    # transformers writes another form of the tokenizer than the one the library reads everywhere.
    for name, part in pipeline.components.items():
        if isinstance(part, CLIPTokenizer):
            copytree(parts.TOKENIZER, folder / name, dirs_exist_ok=True)


def draw(
    pipeline: Any,
    recipes: Sequence[Recipe],
    told: list[int] | None = None,
    sources: Sequence[ReadySource] = (),
) -> list[Pixels]:
    """The pictures of one batch; `told` gets the steps that are told of."""
    way, steps = method_for(pipeline), [] if told is None else told
    way.prepare(pipeline, recipes)
    return list(way.draw(pipeline, recipes, lambda step, *_: steps.append(step), sources))


def make_sources_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pipelines that look at pictures at a megapixel look at them at few pixels."""
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit as edit
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as edit_plus
    from diffusers.pipelines.qwenimage21 import pipeline_qwenimage21 as edit_21

    for module in (edit, edit_plus, edit_21):
        real = module.calculate_dimensions
        monkeypatch.setattr(
            module, "calculate_dimensions", lambda area, ratio, real=real: real(area / 256, ratio)
        )


def make_texts_short(pipeline: Any) -> None:
    """Have a pipeline that fills a text up to 512 tokens, or a thousand, read fewer.

    That is most of what a tiny one computes, and says nothing of what its family's entry says.
    """
    if type(pipeline).__name__ == "HunyuanImagePipeline":
        pipeline.tokenizer_max_length = 64
    read = pipeline.encode_prompt
    tokens = signature(read).parameters.get(_TOKENS)
    if tokens is not None and tokens.default is not tokens.empty:
        pipeline.encode_prompt = lambda *texts, **how: read(*texts, **how | {_TOKENS: 96})


def is_same(one: Pixels, other: Pixels) -> bool:
    """Whether two pictures have the same pixels."""
    return bool(np.array_equal(one, other))
