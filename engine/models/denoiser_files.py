"""What tells a denoiser's family: names that only its tensors have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """Tensors that only a denoiser of one family has."""

    family: str
    denoiser: str
    """Its diffusers class; empty: none loads it from a single file."""
    names: tuple[str, ...]
    """All of them are there; a name may end anywhere."""


_MARKS: Sequence[Mark] = (
    Mark("chroma", "ChromaTransformer2DModel", ("distilled_guidance_layer.",)),
    Mark("flux2", "Flux2Transformer2DModel", ("double_stream_modulation_img.",)),
    Mark(
        "flux",
        "FluxTransformer2DModel",
        ("double_blocks.0.img_attn.", "single_blocks.0.", "vector_in."),
    ),
    Mark(
        "flux",
        "FluxTransformer2DModel",
        ("single_transformer_blocks.0.", "time_text_embed.text_embedder."),
    ),
    Mark("qwen", "QwenImageTransformer2DModel", ("transformer_blocks.0.img_mod.", "txt_norm.")),
    Mark("qwen", "QwenImage21Transformer2DModel", ("txt_in.text_norm.",)),
    Mark("krea", "Krea2Transformer2DModel", ("txtfusion.",)),
    Mark("krea", "Krea2Transformer2DModel", ("text_fusion.", "time_mod_proj.")),
    Mark(
        "ernie",
        "ErnieImageTransformer2DModel",
        ("final_linear.", "adaLN_modulation.1.", "layers.0.self_attention."),
    ),
    Mark("sd3", "SD3Transformer2DModel", ("joint_blocks.0.context_block.",)),
    Mark(
        "sd3",
        "SD3Transformer2DModel",
        ("transformer_blocks.0.norm1_context.", "pos_embed.", "context_embedder."),
    ),
    Mark("zimage", "ZImageTransformer2DModel", ("cap_embedder.", "layers.0.adaLN_modulation.0.")),
    Mark("lumina", "Lumina2Transformer2DModel", ("cap_embedder.", "layers.0.adaLN_modulation.1.")),
    Mark("zimage", "ZImageTransformer2DModel", ("all_x_embedder.", "cap_embedder.")),
    Mark("lumina", "Lumina2Transformer2DModel", ("time_caption_embed.", "context_refiner.0.")),
    Mark("auraflow", "AuraFlowTransformer2DModel", ("double_layers.0.attn.w2q.",)),
    Mark(
        "auraflow", "AuraFlowTransformer2DModel", ("joint_transformer_blocks.0.", "register_tokens")
    ),
    Mark("hidream", "HiDreamImageTransformer2DModel", ("double_stream_blocks.0.block.",)),
    Mark("sana", "SanaTransformer2DModel", ("attention_y_norm.", "blocks.0.cross_attn.q_linear.")),
    Mark(
        "sana", "SanaTransformer2DModel", ("caption_norm.", "transformer_blocks.0.ff.conv_depth.")
    ),
    Mark("pixart", "", ("t_block.", "blocks.0.cross_attn.q_linear.")),
    Mark("pixart", "", ("adaln_single.", "caption_projection.", "pos_embed.")),
    Mark("hunyuan-video", "", ("txt_in.individual_token_refiner.",)),
    Mark("wan", "", ("head.modulation", "blocks.0.self_attn.")),
    Mark("ltx", "", ("patchify_proj.", "adaln_single.")),
)
_BEFORE = ("", "model.diffusion_model.", "diffusion_model.", "model.", "transformer.")
"""What programs put before a denoiser's names."""


def denoiser_mark(names: Iterable[str]) -> tuple[Mark, str] | None:
    """Whose denoiser has tensors of these names, and what stands before them; None: nobody's."""
    names = list(names)
    for before in _BEFORE:
        own = [name.removeprefix(before) for name in names if name.startswith(before)]
        for mark in _MARKS:
            if all(any(name.startswith(begin) for name in own) for begin in mark.names):
                return mark, before
    return None
