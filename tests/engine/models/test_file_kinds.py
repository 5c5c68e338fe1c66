"""What a file is follows from its tensors: never from what it is called."""

from pathlib import Path

import pytest

from engine.models.file_kinds import FileKind, file_kind
from tests.support.weights_files import (
    BOTH,
    CLIP,
    DOWN,
    OPEN_CLIP,
    REFINER,
    UNET,
    VAE,
    Shapes,
    flux,
    kohya,
    put_shapes,
    unet,
)

INPAINT = "StableDiffusionInpaintPipeline"
XL = "StableDiffusionXLPipeline"


@pytest.mark.parametrize(
    ("shapes", "kind"),
    [
        (unet() | VAE | CLIP, FileKind("checkpoint", "sd", "StableDiffusionPipeline")),
        (unet(9) | VAE | CLIP, FileKind("checkpoint", "sd", INPAINT, variant="inpaint")),
        (unet(8) | VAE | CLIP, FileKind("checkpoint", "sd", variant="edit")),
        (unet(4, 1024) | VAE | OPEN_CLIP, FileKind("checkpoint", "sd2", "StableDiffusionPipeline")),
        (unet(5, 1024) | VAE | OPEN_CLIP, FileKind("checkpoint", "sd2", variant="depth")),
        (unet(4, 2048) | VAE | BOTH, FileKind("checkpoint", "sdxl", XL)),
        (
            unet(9, 2048) | VAE | BOTH,
            FileKind("checkpoint", "sdxl", "StableDiffusionXLInpaintPipeline", variant="inpaint"),
        ),
        (unet(4, 1280) | VAE | REFINER, FileKind("checkpoint", "sdxl", variant="refiner")),
        (
            unet(4, 2048) | VAE | BOTH | {"v_pred": [0], "ztsnr": [0]},
            FileKind("checkpoint", "sdxl", XL, prediction="v_prediction", from_noise_alone=True),
        ),
        (unet(4, 2048), FileKind("denoiser", "sdxl", denoiser="UNet2DConditionModel")),
        (flux(), FileKind("denoiser", "flux", denoiser="FluxTransformer2DModel")),
        (flux(f"{UNET}."), FileKind("denoiser", "flux", denoiser="FluxTransformer2DModel")),
        (
            flux(guided=False),
            FileKind("denoiser", "flux", denoiser="FluxTransformer2DModel", variant="distilled"),
        ),
        (
            flux(channels=384),
            FileKind("denoiser", "flux", denoiser="FluxTransformer2DModel", variant="inpaint"),
        ),
        (
            flux() | {"distilled_guidance_layer.in_proj.weight": [8, 8]},
            FileKind("denoiser", "chroma", denoiser="ChromaTransformer2DModel"),
        ),
        (
            {"transformer_blocks.0.img_mod.1.weight": [8, 8], "txt_norm.weight": [8]},
            FileKind("denoiser", "qwen", denoiser="QwenImageTransformer2DModel"),
        ),
        (
            {"cap_embedder.0.weight": [8], "layers.0.adaLN_modulation.0.weight": [8, 8]},
            FileKind("denoiser", "zimage", denoiser="ZImageTransformer2DModel"),
        ),
        (
            {"cap_embedder.0.weight": [8], "layers.0.adaLN_modulation.1.weight": [8, 8]},
            FileKind("denoiser", "lumina", denoiser="Lumina2Transformer2DModel"),
        ),
        (
            {f"{UNET}.joint_blocks.0.context_block.attn.qkv.weight": [8, 8]},
            FileKind("denoiser", "sd3", denoiser="SD3Transformer2DModel"),
        ),
        (
            {"head.modulation": [1, 2, 8], "blocks.0.self_attn.q.weight": [8, 8]},
            FileKind("denoiser", "wan"),
        ),
        (kohya(DOWN, 768), FileKind("lora", "sd", naming="kohya")),
        (kohya(DOWN, 1024), FileKind("lora", "sd2", naming="kohya")),
        (kohya(DOWN, 2048), FileKind("lora", "sdxl", naming="kohya")),
        (
            kohya("lora_te2_text_model_encoder_layers_0_mlp_fc1", 1280),
            FileKind("lora", "sdxl", naming="kohya"),
        ),
        (
            kohya("lora_te_text_model_encoder_layers_0_self_attn_q_proj", 768),
            FileKind("lora", "sd", naming="kohya"),
        ),
        (
            kohya("lora_unet_double_blocks_0_img_attn_qkv", 3072),
            FileKind("lora", "flux", naming="kohya"),
        ),
        (
            kohya("lora_unet_double_blocks_0_img_attn_qkv", 6144),
            FileKind("lora", "flux2", naming="kohya"),
        ),
        (
            {"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": [16, 3072]},
            FileKind("lora", "flux", naming="peft"),
        ),
        (
            {"transformer_blocks.0.attn.add_q_proj.lora_A.default.weight": [16, 3072]},
            FileKind("lora", "qwen", naming="peft"),
        ),
        (
            {"transformer.transformer_blocks.0.attn.add_q_proj.lora_A.weight": [16, 1536]},
            FileKind("lora", "sd3", naming="peft"),
        ),
        (
            {"diffusion_model.layers.0.attention.to_q.lora_A.weight": [16, 3840]},
            FileKind("lora", "zimage", naming="peft"),
        ),
        (
            {"diffusion_model.layers.0.attention.qkv.lora_A.weight": [16, 4608]},
            FileKind("lora", "ideogram", naming="peft"),
        ),
        (
            {
                "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora"
                ".down.weight": [4, 768]
            },
            FileKind("lora", "sd", naming="diffusers"),
        ),
        (
            {
                "decoder.conv_in.weight": [512, 16, 3, 3],
                "encoder.conv_in.weight": [128, 3, 3, 3],
            },
            FileKind("autoencoder"),
        ),
        ({"emb_params": [8, 768]}, FileKind("embedding", "sd")),
        ({"<a-cat>": [1024]}, FileKind("embedding", "sd2")),
        ({"clip_l": [4, 768], "clip_g": [4, 1280]}, FileKind("embedding", "sdxl")),
        ({"text_model.embeddings.token_embedding.weight": [9, 8]}, FileKind("text encoder")),
        ({"encoder.block.0.layer.0.SelfAttention.q.weight": [8, 8]}, FileKind("text encoder")),
        ({"control_model.time_embed.0.weight": [8, 8]}, FileKind("controlnet")),
        (
            {"image_proj.proj.weight": [8, 8], "ip_adapter.1.to_k_ip.weight": [8, 8]},
            FileKind("adapter"),
        ),
        (
            {"conv_first.weight": [64, 3, 3, 3], "body.0.rdb1.conv1.weight": [32, 64, 3, 3]},
            FileKind("upscaler"),
        ),
        (
            {"params_ema.conv_first.weight": [64, 12, 3, 3], "params_ema.conv_last.bias": [3]},
            FileKind("upscaler"),
        ),
        ({"model.0.weight": [64, 3, 3, 3], "model.10.bias": [3]}, FileKind("upscaler")),
        ({"weight": [3, 3]}, FileKind("unknown")),
        ({}, FileKind("unknown")),
    ],
)
def test_a_file_is_told_by_its_tensors(tmp_path: Path, shapes: Shapes, kind: FileKind) -> None:
    assert file_kind(put_shapes(tmp_path / "sdxl-lora-vae.safetensors", shapes)) == kind


def test_what_a_file_is_can_be_said() -> None:
    assert FileKind("lora", "sdxl").words == "a LoRA for Stable Diffusion XL"
    assert FileKind("autoencoder").words == "an autoencoder (VAE)"
    said = FileKind("checkpoint", "sd", variant="inpaint").words
    assert said == "a complete model of Stable Diffusion 1 for inpainting"
    assert FileKind("lora", "").words == "a LoRA of an unknown family"
    assert FileKind("upscaler").words == "an upscaler"
