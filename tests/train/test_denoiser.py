"""A denoiser goes on from an earlier one."""

import torch
from diffusers import UNet2DConditionModel

from assets.train.denoiser import _take_over, new_denoiser


def test_attention_that_is_new_changes_nothing_before_it_has_learned() -> None:
    torch.manual_seed(0)
    later = new_denoiser().eval()
    earlier = UNet2DConditionModel.from_config(
        later.config,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    ).eval()
    latents = torch.randn(1, later.config.in_channels, 16, 16)
    text = torch.randn(1, 8, later.config.cross_attention_dim)
    with torch.no_grad():
        before = earlier(latents, 500, text).sample
        assert not torch.equal(later(latents, 500, text).sample, before)
        _take_over(later, earlier)
        assert torch.equal(later(latents, 500, text).sample, before)
