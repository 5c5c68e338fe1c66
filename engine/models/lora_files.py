"""What a LoRA's tensors tell: whose names they have, and for which family of models it is."""

import re
from collections.abc import Iterator, Mapping

from engine.models.weights_header import Tensor

_DOWN = re.compile(
    r"(?:\.lora_down\.weight|\.lora_A(?:\.default)?\.weight|[._]lora\.down\.weight"
    r"|\.hada_w1_b|\.hada_w2_b|\.lokr_w1(?:_b)?|\.lokr_w2(?:_b)?|\.lora_linear_layer\.down\.weight)$"
)
"""The smaller side of each pair: as wide as what the layer takes."""
_KOHYA = ("lora_unet_", "lora_te", "lora_transformer_", "lycoris_", "lora_prior_")

_CROSS = re.compile(r"attn2[._](?:processor[._])?to_k")
_BY_TEXT = {768: "sd", 1024: "sd2", 2048: "sdxl"}
"""Width of the text that a UNet's cross-attention reads."""
_BY_STREAM = {1536: "sd3", 2432: "sd3", 3072: "qwen"}
"""Width of a denoiser of two streams without single ones."""


def lora_kind(tensors: Mapping[str, Tensor]) -> tuple[str, str] | None:
    """A LoRA's family, as `FileKind.family`, and its naming; None: the file is no LoRA."""
    downs = {name: tensor for name, tensor in tensors.items() if _DOWN.search(name)}
    return (_family(downs), _naming(downs)) if downs else None


def _naming(downs: Mapping[str, Tensor]) -> str:
    if any(name.startswith(_KOHYA) for name in downs):
        return "kohya"
    return "peft" if any(".lora_A" in name for name in downs) else "diffusers"


def _family(downs: Mapping[str, Tensor]) -> str:
    # kohya writes all of a layer's path with underscores; alike, one rule serves both.
    paths = {name.replace(".", "_"): tensor for name, tensor in downs.items()}

    def has(pattern: str) -> bool:
        return any(re.search(pattern, path) for path in paths)

    if has(r"distilled_guidance_layer"):
        return "chroma"
    if has(r"double_stream_modulation|single_transformer_blocks_\d+_attn_to_qkv_mlp_proj"):
        return "flux2"
    if has(r"(?:^|_)double_blocks_\d+_|single_transformer_blocks_\d+_|(?:^|_)single_blocks_\d+_"):
        return _flux(paths)
    if has(r"joint_blocks_\d+_"):
        return "sd3"
    if has(r"(?:^|_)blocks_\d+_self_attn_"):
        return "wan"
    if has(r"(?:^|_)layers_\d+_(?:attention|adaLN|feed_forward)"):
        return _layered(paths)
    if has(r"transformer_blocks_\d+_(?:attn_add_q|attn_to_|img_m|txt_m|ff_context)") and not has(
        r"(?:down|up|mid|input|output|middle)_block"
    ):
        return next(_widths(paths, r"attn_(?:to_q|add_q_proj)"), "")
    return _stable_diffusion(paths)


def _flux(paths: Mapping[str, Tensor]) -> str:
    """FLUX.2's streams are 6144 numbers wide, or 4096 in its smaller kin; FLUX.1's 3072."""
    for path, tensor in paths.items():
        if re.search(r"(?:img_attn_qkv|attn_to_q(?:_|$)|txt_attn_qkv|attn_add_q_proj)", path):
            return "flux2" if _width(tensor) in (4096, 6144) else "flux"
    return "flux"


def _layered(paths: Mapping[str, Tensor]) -> str:
    for path, tensor in paths.items():
        if re.search(r"layers_\d+_attention_(?:qkv|to_q)", path):
            return {3840: "zimage", 2304: "lumina", 4608: "ideogram"}.get(_width(tensor), "")
    return ""


def _widths(paths: Mapping[str, Tensor], pattern: str) -> Iterator[str]:
    for path, tensor in paths.items():
        if re.search(pattern, path):
            yield _BY_STREAM.get(_width(tensor), "")


def _stable_diffusion(paths: Mapping[str, Tensor]) -> str:
    for path, tensor in paths.items():
        if _CROSS.search(path) and (family := _BY_TEXT.get(_width(tensor))):
            return family
    if any(path.startswith(("lora_te2_", "text_encoder_2_")) for path in paths):
        return "sdxl"
    for path, tensor in paths.items():
        if path.startswith(("lora_te_", "text_encoder_")) and re.search("self_attn_q_proj", path):
            return {768: "sd", 1024: "sd2"}.get(_width(tensor), "")
    return ""


def _width(tensor: Tensor) -> int:
    """How many numbers the layer takes: the second side of the pair's first."""
    return tensor.shape[1] if len(tensor.shape) >= 2 else 0
