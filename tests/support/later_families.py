"""Tiny pipelines of the families whose texts a language model reads: of 2025 and after."""

import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import diffusers
import transformers
from transformers import CLIPTextModelWithProjection

from tests.support import tiny_parts as parts

_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% for part in m['content'] %}{{ part['text'] }}{% endfor %}<|im_end|>\n{% endfor %}"
)


def _flux2() -> Any:
    return diffusers.Flux2Pipeline(
        scheduler=parts.flow(),
        vae=parts.flux2_vae(),
        text_encoder=parts.mistral("Mistral3ForConditionalGeneration", layers=30),
        tokenizer=parts.tokenizer(),
        transformer=parts.flux2_denoiser(guided=True),
    )


def _ernie() -> Any:
    denoiser = diffusers.ErnieImageTransformer2DModel(
        hidden_size=32,
        num_attention_heads=2,
        num_layers=1,
        ffn_hidden_size=32,
        in_channels=16,
        out_channels=16,
        text_in_dim=32,
        rope_axes_dim=(4, 4, 8),
    )
    for weight in denoiser.parameters():
        if weight.dim() > 1 and not weight.any():  # with which training begins
            weight.data.normal_(std=0.2)
    return diffusers.ErnieImagePipeline(
        transformer=denoiser,
        vae=parts.flux2_vae(),
        text_encoder=parts.mistral("Mistral3Model"),
        tokenizer=parts.tokenizer(),
        scheduler=parts.flow(),
    )


def krea(*, distilled: bool = False) -> Any:
    return diffusers.Krea2Pipeline(
        scheduler=parts.flow(),
        vae=parts.still_vae(),
        text_encoder=parts.qwen3_vl("Qwen3VLModel"),
        tokenizer=parts.tokenizer(),
        transformer=diffusers.Krea2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            num_key_value_heads=1,
            intermediate_size=32,
            timestep_embed_dim=32,
            text_hidden_dim=32,
            num_text_layers=2,
            text_num_attention_heads=2,
            text_num_key_value_heads=2,
            text_intermediate_size=32,
            num_layerwise_text_blocks=1,
            num_refiner_text_blocks=1,
            axes_dims_rope=(4, 4, 8),
        ),
        text_encoder_select_layers=(1, 2),
        is_distilled=distilled,
    )


def _ovis() -> Any:
    return diffusers.OvisImagePipeline(
        scheduler=parts.flow(),
        vae=parts.vae(),
        text_encoder=parts.decoder("Qwen3", "Qwen3Model"),
        tokenizer=parts.tokenizer(),
        transformer=diffusers.OvisImageTransformer2DModel(
            in_channels=16,
            out_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            axes_dims_rope=(4, 4, 8),
        ),
    )


def hunyuan(*, distilled: bool = False) -> Any:
    bytes_as_words = transformers.ByT5Tokenizer()
    guider = diffusers.AdaptiveProjectedMixGuidance
    return diffusers.HunyuanImagePipeline(
        scheduler=parts.flow(),
        vae=diffusers.AutoencoderKLHunyuanImage(
            in_channels=3,
            out_channels=3,
            latent_channels=4,
            block_out_channels=(32, 32),
            layers_per_block=1,
            spatial_compression_ratio=2,
            sample_size=64,
            scaling_factor=0.5,
        ),
        text_encoder=parts.qwen_vl(),
        tokenizer=parts.tokenizer(),
        text_encoder_2=parts.t5(words=len(bytes_as_words)),
        tokenizer_2=bytes_as_words,
        transformer=diffusers.HunyuanImageTransformer2DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=16,
            num_layers=1,
            num_single_layers=1,
            num_refiner_layers=1,
            text_embed_dim=32,
            text_embed_2_dim=32,
            rope_axes_dim=(8, 8),
            guidance_embeds=distilled,
        ),
        guider=None if distilled else guider(guidance_scale=3.5),
        ocr_guider=None if distilled else guider(guidance_scale=3.5),
    )


def _hidream() -> Any:
    words = 128  # its CLIP is a long one
    return diffusers.HiDreamImagePipeline(
        scheduler=parts.flow(),
        vae=parts.vae(),
        text_encoder=parts.clip(CLIPTextModelWithProjection, words),
        tokenizer=parts.tokenizer(),
        text_encoder_2=parts.clip(CLIPTextModelWithProjection, words),
        tokenizer_2=parts.tokenizer(),
        text_encoder_3=parts.t5(),
        tokenizer_3=parts.tokenizer(),
        text_encoder_4=parts.decoder("Llama", "LlamaForCausalLM"),
        tokenizer_4=parts.tokenizer(),
        transformer=diffusers.HiDreamImageTransformer2DModel(
            patch_size=2,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            caption_channels=(32, 32),
            text_emb_dim=64,
            axes_dims_rope=(8, 4, 4),
            max_resolution=(64, 64),
            llama_layers=(0, 1),
        ),
    )


def _kolors() -> Any:
    from diffusers.pipelines.kolors import ChatGLMModel, ChatGLMTokenizer
    from diffusers.pipelines.kolors.text_encoder import ChatGLMConfig
    from sentencepiece import SentencePieceTrainer

    words = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a red boat on the sea, blue text, people, an owl, a castle"] * 9),
        model_writer=words,
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    file = Path(mkdtemp()) / "tokenizer.model"
    file.write_bytes(words.getvalue())
    reader = ChatGLMModel(
        ChatGLMConfig(
            num_layers=2,
            padded_vocab_size=64,
            hidden_size=32,
            ffn_hidden_size=37,
            kv_channels=8,
            num_attention_heads=4,
            seq_length=256,
            multi_query_attention=True,
            multi_query_group_num=2,
            add_qkv_bias=True,
            original_rope=True,
        )
    )
    for weight in reader.parameters():
        if weight.dim() == 1:
            weight.data.fill_(1.0)
        else:
            weight.data.normal_(std=0.2)
    return diffusers.KolorsPipeline(
        vae=parts.vae(),
        text_encoder=reader,
        tokenizer=ChatGLMTokenizer(str(file)),
        unet=diffusers.UNet2DConditionModel(
            sample_size=16,
            block_out_channels=(16, 32),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            cross_attention_dim=32,
            attention_head_dim=4,
            norm_num_groups=16,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=32 + 6 * 8,
            encoder_hid_dim=32,
            encoder_hid_dim_type="text_proj",
        ),
        scheduler=diffusers.EulerDiscreteScheduler(beta_schedule="scaled_linear"),
    )


def _looker(reader: str, words: Any, patch: int) -> Any:
    """What makes pictures ready for a reader, which sees them in patches; needs torchvision."""
    images = transformers.Qwen2VLImageProcessor(
        patch_size=patch, min_pixels=(2 * patch) ** 2, max_pixels=(4 * patch) ** 2
    )
    videos = getattr(transformers, f"{reader}VideoProcessor")()
    return getattr(transformers, f"{reader}Processor")(images, words, videos, chat_template=_CHAT)


def _edit(pipeline: str) -> Any:
    words = parts.qwen_words()
    return getattr(diffusers, pipeline)(
        scheduler=parts.flow(),
        vae=parts.still_vae(),
        text_encoder=parts.qwen_vl(words),
        tokenizer=words,
        processor=_looker("Qwen2VL", words, 14),
        transformer=parts.qwen_denoiser(),
    )


def _qwen21() -> Any:
    words = parts.qwen_words()
    return diffusers.QwenImage21Pipeline(
        scheduler=parts.flow(),
        vae=diffusers.AutoencoderKLQwenImage21(
            base_dim=8,
            decoder_base_dim=8,
            z_dim=4,
            dim_mult=[1, 1, 1, 1, 1],
            num_res_blocks=1,
            latents_mean=[0.1] * 4,
            latents_std=[0.9] * 4,
        ),
        text_encoder=parts.qwen3_vl("Qwen3VLForConditionalGeneration", words),
        processor=_looker("Qwen3VL", words, 16),
        transformer=diffusers.QwenImage21Transformer2DModel(
            in_channels=4,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            context_in_dim=32,
            axes_dims_rope=(4, 4, 8),
        ),
    )


def _longcat() -> Any:
    words = parts.qwen_words()
    vae = diffusers.AutoencoderKL(
        block_out_channels=(16, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        latent_channels=16,  # the pipeline takes them for granted
        norm_num_groups=16,
        scaling_factor=0.5,
        shift_factor=0.1,
    )
    return diffusers.LongCatImagePipeline(
        scheduler=parts.flow(),
        vae=vae,
        text_encoder=parts.qwen_vl(words),
        tokenizer=words,
        text_processor=_looker("Qwen2VL", words, 14),
        transformer=diffusers.LongCatImageTransformer2DModel(
            in_channels=64,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=[4, 4, 8],
        ),
    )


MADE: Mapping[str, Callable[[], Any]] = {
    "Flux2Pipeline": _flux2,
    "ErnieImagePipeline": _ernie,
    "Krea2Pipeline": krea,
    "OvisImagePipeline": _ovis,
    "HunyuanImagePipeline": hunyuan,
    "HiDreamImagePipeline": _hidream,
    "KolorsPipeline": _kolors,
}
"""Class → makes a tiny one."""
LOOKING: Mapping[str, Callable[[], Any]] = {
    "QwenImageEditPipeline": partial(_edit, "QwenImageEditPipeline"),
    "QwenImageEditPlusPipeline": partial(_edit, "QwenImageEditPlusPipeline"),
    "QwenImage21Pipeline": _qwen21,
    "LongCatImagePipeline": _longcat,
}
"""Those that look at pictures themselves, which needs torchvision."""
