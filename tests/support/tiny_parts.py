"""What the tiny pipelines of several families are made of.

All have the built-in model's tokenizer: their own cannot be made of nothing.
"""

from importlib.resources import files
from typing import Any

import diffusers
import transformers
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextModel, CLIPTokenizer

TOKENIZER = str(files("assets") / "models" / "builtin" / "tokenizer")
_CHAT = "{% for m in messages %}{{ m['content'] }} {% endfor %}"


def tokenizer() -> Any:
    made = CLIPTokenizer.from_pretrained(TOKENIZER)
    made.chat_template = _CHAT
    return made


WORDS = len(CLIPTokenizer.from_pretrained(TOKENIZER))


def vae(levels: int = 2) -> AutoencoderKL:
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


def deep_vae() -> Any:
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


def clip(kind: Any = CLIPTextModel, positions: int = 0) -> Any:
    words = tokenizer()
    return kind(
        transformers.CLIPTextConfig(
            vocab_size=WORDS,
            hidden_size=32,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            projection_dim=32,
            max_position_embeddings=positions or words.model_max_length,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
        )
    )


def t5(kind: str = "T5", width: int = 32, words: int = WORDS) -> Any:
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=words, d_model=width, d_kv=8, d_ff=37, num_layers=1, num_heads=4
    )
    return getattr(transformers, f"{kind}EncoderModel")(config)


def decoder(kind: str, model: str, layers: int = 2, **more: Any) -> Any:
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=WORDS,
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


def flow(**more: Any) -> Any:
    return FlowMatchEulerDiscreteScheduler(shift=3.0, **more)


def qwen_words() -> Any:
    """A tokenizer of the kind that Qwen's models have: a letter a token, and their own signs."""
    signs = ("endoftext", "im_start", "im_end", "vision_start", "vision_end", "image_pad")
    letters = sorted(ByteLevel.alphabet())
    words = {word: number for number, word in enumerate(["<|endoftext|>", *letters])}
    made = transformers.Qwen2Tokenizer(vocab=words, merges=[])
    own = [f"<|{sign}|>" for sign in (*signs, "video_pad")]
    made.add_special_tokens({"additional_special_tokens": own})
    return made


def qwen_vl(words: Any = None) -> Any:
    """Qwen 2.5's reader of texts and pictures, for a tokenizer; None: for the built-in one."""
    rope = {"rope_type": "default", "type": "default", "mrope_section": [1, 1, 2]}
    count = len(words) if words else WORDS
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 32,
            "intermediate_size": 37,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "rope_scaling": rope,
            "rope_theta": 1e6,
            "vocab_size": count,
            "pad_token_id": 0,
        },
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 32,
        },
        vocab_size=count,
        **signs_of(words),
    )
    return transformers.Qwen2_5_VLForConditionalGeneration(config)


def signs_of(words: Any) -> dict[str, int]:
    """Which tokens stand for pictures, as a reader's configuration has them."""
    if words is None:
        return {}
    names = {"image_token_id": "image_pad", "video_token_id": "video_pad"}
    names |= {f"vision_{at}_token_id": f"vision_{at}" for at in ("start", "end")}
    return {key: words.convert_tokens_to_ids(f"<|{sign}|>") for key, sign in names.items()}


def qwen3_vl(model: str, words: Any = None) -> Any:
    """Qwen 3's."""
    config = transformers.Qwen3VLConfig(
        text_config={
            "vocab_size": len(words) if words else WORDS,
            "hidden_size": 32,
            "intermediate_size": 37,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [2, 1, 1],
                "mrope_interleaved": True,
            },
        },
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 32,
            "deepstack_visual_indexes": [0],
        },
        **signs_of(words),
    )
    return getattr(transformers, model)(config)


def still_vae() -> Any:
    """Of moving pictures, for still ones."""
    return diffusers.AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 2, 4],
        num_res_blocks=1,
        temperal_downsample=[False, True],
        latents_mean=[0.1] * 4,
        latents_std=[0.9] * 4,
    )


def flux2_vae() -> Any:
    return diffusers.AutoencoderKLFlux2(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=16,
    )


def flux2_denoiser(*, guided: bool) -> Any:
    return diffusers.Flux2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=96,
        timestep_guidance_channels=32,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=guided,
    )


def mistral(model: str, layers: int = 2) -> Any:
    config = transformers.Mistral3Config(
        text_config={
            "model_type": "mistral",
            "vocab_size": WORDS,
            "hidden_size": 32,
            "intermediate_size": 37,
            "num_hidden_layers": layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 8,
        },
        vision_config={
            "model_type": "pixtral",
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "head_dim": 8,
            "patch_size": 4,
            "image_size": 16,
        },
    )
    return getattr(transformers, model)(config)


def qwen_denoiser() -> Any:
    return diffusers.QwenImageTransformer2DModel(
        in_channels=16,
        out_channels=4,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(4, 4, 8),
    )
