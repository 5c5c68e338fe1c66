"""A pipeline of Stable Diffusion's as one file, under the names that its makers' program gives."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

Tensors = dict[str, torch.Tensor]

_UNET = {
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "add_embedding.linear_1.": "label_emb.0.0.",
    "add_embedding.linear_2.": "label_emb.0.2.",
    "conv_in.": "input_blocks.0.0.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
    "mid_block.resnets.0.": "middle_block.0.",
    "mid_block.attentions.0.": "middle_block.1.",
    "mid_block.resnets.1.": "middle_block.2.",
}
_UNET_RESNET = {
    "norm1.": "in_layers.0.",
    "conv1.": "in_layers.2.",
    "norm2.": "out_layers.0.",
    "conv2.": "out_layers.3.",
    "time_emb_proj.": "emb_layers.1.",
    "conv_shortcut.": "skip_connection.",
}
_VAE_ATTENTION = {
    "group_norm.": "norm.",
    "to_q.": "q.",
    "to_k.": "k.",
    "to_v.": "v.",
    "to_out.0.": "proj_out.",
}
_OPEN_CLIP = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.": "ln_final.",
    "encoder.layers.": "transformer.resblocks.",
    ".layer_norm1.": ".ln_1.",
    ".layer_norm2.": ".ln_2.",
    ".mlp.fc1.": ".mlp.c_fc.",
    ".mlp.fc2.": ".mlp.c_proj.",
    ".self_attn.out_proj.": ".attn.out_proj.",
}


def save_checkpoint(pipeline: Any, path: Path) -> Path:
    """Save a pipeline as one file."""
    tensors = {f"model.diffusion_model.{n}": t for n, t in _unet(pipeline.unet).items()}
    tensors |= {f"first_stage_model.{n}": t for n, t in _vae(pipeline.vae).items()}
    clip = {f"transformer.text_model.{n}": t for n, t in _clip(pipeline.text_encoder).items()}
    if (second := getattr(pipeline, "text_encoder_2", None)) is None:
        tensors |= {f"cond_stage_model.{n}": t for n, t in clip.items()}
    else:
        tensors |= {f"conditioner.embedders.0.{n}": t for n, t in clip.items()}
        tensors |= {f"conditioner.embedders.1.model.{n}": t for n, t in _open_clip(second).items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


def _renamed(name: str, names: Mapping[str, str]) -> str:
    for ours, theirs in names.items():
        name = name.replace(ours, theirs)
    return name


def _unet(unet: Any) -> Tensors:
    each = unet.config.layers_per_block + 1
    attends = ["CrossAttn" in kind for kind in unet.config.up_block_types]

    def block(found: re.Match[str]) -> str:
        way, number, part, place = found[1], int(found[2]), found[3], int(found[4])
        if way == "down":
            if part == "downsamplers":
                return f"input_blocks.{each * (number + 1)}.0.op."
            return f"input_blocks.{each * number + place + 1}.{int(part == 'attentions')}."
        if part == "upsamplers":
            return f"output_blocks.{each * number + each - 1}.{1 + attends[number]}.conv."
        return f"output_blocks.{each * number + place}.{int(part == 'attentions')}."

    blocks = r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(?:conv\.(?=weight|bias))?"
    return {_unet_name(name, blocks, block): tensor for name, tensor in unet.state_dict().items()}


def _unet_name(name: str, blocks: str, block: Any) -> str:
    if ".resnets." in name:
        head, tail = re.split(r"(?<=resnets\.\d\.)", name, maxsplit=1)
        name = head + _renamed(tail, _UNET_RESNET)
    for ours, theirs in _UNET.items():
        if name.startswith(ours):
            return name.replace(ours, theirs, 1)
    return re.sub(blocks, block, name)


def _vae(vae: Any) -> Tensors:
    levels = len(vae.config.block_out_channels)
    made = {}
    for name, tensor in vae.state_dict().items():
        value = tensor
        theirs = name.replace("conv_norm_out.", "norm_out.").replace(
            "conv_shortcut.", "nin_shortcut."
        )
        theirs = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", theirs)
        if "mid_block.attentions.0." in theirs:
            head, tail = theirs.split("mid_block.attentions.0.")
            theirs = f"{head}mid.attn_1.{_renamed(tail, _VAE_ATTENTION)}"
            if value.dim() == 2:
                value = value[:, :, None, None]
        theirs = re.sub(r"down_blocks\.(\d)\.resnets\.", r"down.\1.block.", theirs)
        theirs = re.sub(r"down_blocks\.(\d)\.downsamplers\.0\.", r"down.\1.downsample.", theirs)

        def up(found: re.Match[str]) -> str:
            return f"up.{levels - 1 - int(found[1])}.{'block' if found[2] == 'resnets' else 'up'}"

        theirs = re.sub(r"up_blocks\.(\d)\.(resnets)", up, theirs)
        theirs = re.sub(
            r"up_blocks\.(\d)\.upsamplers\.0",
            lambda m: f"up.{levels - 1 - int(m[1])}.upsample",
            theirs,
        )
        made[theirs] = value
    return made


def _clip(encoder: Any) -> Tensors:
    return {
        name.removeprefix("text_model."): tensor for name, tensor in encoder.state_dict().items()
    }


def _open_clip(encoder: Any) -> Tensors:
    own, made = _clip(encoder), {}
    for name, tensor in own.items():
        if name == "text_projection.weight":
            made["text_projection"] = tensor.T
        elif found := re.fullmatch(r"(.*\.)self_attn\.q_proj\.(weight|bias)", name):
            parts = [own[f"{found[1]}self_attn.{part}_proj.{found[2]}"] for part in "qkv"]
            made[f"{_renamed(found[1], _OPEN_CLIP)}attn.in_proj_{found[2]}"] = torch.cat(parts)
        elif not re.search(r"self_attn\.[kv]_proj", name):
            made[_renamed(name, _OPEN_CLIP)] = tensor
    return made
