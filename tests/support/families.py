"""A tiny pipeline of each family, with random weights: its architecture, and next to no size.

All have the built-in model's tokenizer: their own cannot be made of nothing.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from shutil import copytree
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from engine.picture.recipe import Recipe
from engine.render.drawing import method_for
from engine.render.ready_sources import Pixels, ReadySource
from tests.bench.random_models import save_sd15, save_sdxl

_TOKENIZER = str(files("assets") / "models" / "builtin" / "tokenizer")
_CHAT = "{% for m in messages %}{{ m['content'] }} {% endfor %}"


def _tokenizer() -> Any:
    tokenizer = CLIPTokenizer.from_pretrained(_TOKENIZER)
    tokenizer.chat_template = _CHAT
    return tokenizer


_WORDS = len(CLIPTokenizer.from_pretrained(_TOKENIZER))


def _vae(levels: int = 2) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(16,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=16,
        scaling_factor=0.5,
        shift_factor=0.1,
    )


def _deep_vae() -> Any:
    widths = (16, 16, 16)
    return diffusers.AutoencoderDC(
        latent_channels=4,
        attention_head_dim=8,
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        encoder_layers_per_block=(1, 1, 1),
        decoder_layers_per_block=(1, 1, 1),
        encoder_qkv_multiscales=((), (), ()),
        decoder_qkv_multiscales=((), (), ()),
        scaling_factor=0.5,
    )


def _clip(kind: Any = CLIPTextModel) -> Any:
    tokenizer = _tokenizer()
    return kind(
        transformers.CLIPTextConfig(
            vocab_size=_WORDS,
            hidden_size=32,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            projection_dim=32,
            max_position_embeddings=tokenizer.model_max_length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def _t5(kind: str = "T5", width: int = 32) -> Any:
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=_WORDS, d_model=width, d_kv=8, d_ff=37, num_layers=1, num_heads=4
    )
    return getattr(transformers, f"{kind}EncoderModel")(config)


def _decoder(kind: str, model: str, layers: int = 2, **more: Any) -> Any:
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=_WORDS,
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=2048,
        pad_token_id=0,
        **more,
    )
    return getattr(transformers, model)(config)


def _flow(**more: Any) -> Any:
    return FlowMatchEulerDiscreteScheduler(shift=3.0, **more)


def _flux(pipeline: str, *, guided: bool = True) -> Any:
    return getattr(diffusers, pipeline)(
        scheduler=_flow(),
        vae=_vae(),
        text_encoder=_clip(),
        tokenizer=_tokenizer(),
        text_encoder_2=_t5(),
        tokenizer_2=_tokenizer(),
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
        scheduler=_flow(),
        vae=diffusers.AutoencoderKLFlux2(
            block_out_channels=(16, 32),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=16,
        ),
        text_encoder=_decoder("Qwen3", "Qwen3ForCausalLM", layers=28),
        tokenizer=_tokenizer(),
        transformer=diffusers.Flux2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=96,
            timestep_guidance_channels=32,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        ),
        is_distilled=distilled,
    )


def _chroma() -> Any:
    return diffusers.ChromaPipeline(
        scheduler=_flow(),
        vae=_vae(),
        text_encoder=_t5(),
        tokenizer=_tokenizer(),
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
    rope = {"rope_type": "default", "type": "default", "mrope_section": [1, 1, 2]}
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 32,
            "intermediate_size": 37,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "rope_scaling": rope,
            "rope_theta": 1e6,
            "vocab_size": _WORDS,
            "pad_token_id": 0,
        },
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 32,
        },
        vocab_size=_WORDS,
    )
    return diffusers.QwenImagePipeline(
        scheduler=_flow(),
        vae=diffusers.AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 2, 4],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.1] * 4,
            latents_std=[0.9] * 4,
        ),
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=_tokenizer(),
        transformer=diffusers.QwenImageTransformer2DModel(
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            axes_dims_rope=(4, 4, 8),
        ),
    )


def _zimage() -> Any:
    return diffusers.ZImagePipeline(
        scheduler=_flow(),
        vae=_vae(),
        text_encoder=_decoder("Qwen3", "Qwen3Model"),
        tokenizer=_tokenizer(),
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
        tokenizer=_tokenizer(),
        text_encoder=_decoder("Gemma2", "Gemma2Model"),
        vae=_deep_vae(),
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
        tokenizer=_tokenizer(),
        text_encoder=_t5(),
        vae=_vae(),
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
        vae=_vae(),
        text_encoder=_clip(),
        tokenizer=_tokenizer(),
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
        tokenizer=_tokenizer(),
        text_encoder=_t5("UMT5"),
        vae=_vae(),
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
        scheduler=_flow(),
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
        scheduler=_flow(),
        vae=_vae(levels=4),  # the pipeline takes an eighth of a side for granted
        text_encoder=_decoder("Gemma2", "Gemma2Model"),
        tokenizer=_tokenizer(),
    )


def _cogview() -> Any:
    return diffusers.CogView4Pipeline(
        tokenizer=_tokenizer(),
        text_encoder=_decoder("Glm", "GlmModel"),
        vae=_vae(),
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
        scheduler=_flow(use_dynamic_shifting=True),
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
        scheduler=_flow(),
        vae=_vae(),
        text_encoder=_clip(CLIPTextModelWithProjection),
        tokenizer=_tokenizer(),
        text_encoder_2=_clip(CLIPTextModelWithProjection),
        tokenizer_2=_tokenizer(),
        text_encoder_3=_t5(width=64),
        tokenizer_3=_tokenizer(),
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
}

_INPAINTING = {
    "StableDiffusionInpaintPipeline": save_sd15,
    "StableDiffusionXLInpaintPipeline": save_sdxl,
}

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
    logging.disable(logging.WARNING)  # of parts cast as a whole, which random weights may be
    pipeline.to(dtype=torch.float32)
    pipeline.save_pretrained(folder)
    # transformers writes another form of the tokenizer than the one the library reads everywhere.
    for part in folder.glob("tokenizer*"):
        copytree(_TOKENIZER, part, dirs_exist_ok=True)


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


def is_same(one: Pixels, other: Pixels) -> bool:
    """Whether two pictures have the same pixels."""
    return bool(np.array_equal(one, other))
