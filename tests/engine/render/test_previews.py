"""Previews: whether anyone looks at an image while it is drawn changes nothing about it."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderDC, AutoencoderTiny

from engine.models.placement import Placement
from engine.picture.recipe import Recipe
from engine.render.loaded import LoadedModel
from engine.render.pipelines import twin_of
from engine.render.ready_sources import Pixels

RECIPES = [
    Recipe(f"{seed} red circles", "", seed, 64, 64, 3, 4.0, "DPM++ 2M Karras", "builtin", "h")
    for seed in range(2)
]


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


def tiny(_: Any) -> Any:
    return AutoencoderTiny(
        latent_channels=6,
        encoder_block_out_channels=(16, 16, 16, 16),
        decoder_block_out_channels=(16, 16, 16, 16),
    )


def deep(_: Any) -> Any:
    widths = (12, 12, 12, 12)
    return AutoencoderDC(
        latent_channels=6,
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        encoder_layers_per_block=(1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1),
        encoder_qkv_multiscales=((),) * 4,
        decoder_qkv_multiscales=((),) * 4,
        encoder_block_types="ResBlock",
        decoder_block_types="ResBlock",
    )


def short_of_memory(vae: Any) -> Any:
    def encode(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    vae = copy.copy(vae)
    vae.encode = encode
    return vae


def the_usual(vae: Any) -> Any:
    return vae


@pytest.mark.parametrize(
    ("autoencoder", "previews"), [(the_usual, 3), (tiny, 0), (deep, 3), (short_of_memory, 0)]
)
def test_looking_at_an_image_neither_changes_it_nor_fails_it(
    builtin: Any, autoencoder: Callable[[Any], Any], previews: int
) -> None:
    torch.manual_seed(0)
    pipeline = twin_of(builtin)
    pipeline.vae = autoencoder(builtin.vae)
    model = LoadedModel(pipeline, Placement("float32"), "cpu", cores=1)
    seen: list[bytes] = []

    def look(step: int, latents: torch.Tensor, scheduler: Any) -> None:
        file = model.preview(latents, scheduler, 1, RECIPES[1])
        seen.extend([file] if file else [])

    def drawn(step: Callable[[int, torch.Tensor, Any], None]) -> list[Pixels]:
        return list(model.draw(RECIPES, step))

    unseen = drawn(lambda *_: None)
    for one, other in zip(drawn(look), unseen, strict=True):
        assert np.array_equal(one, other)
    assert len(seen) == previews


def test_a_model_without_an_autoencoder_has_none(builtin: Any) -> None:
    pipeline = twin_of(builtin)
    del pipeline.vae
    model = LoadedModel(pipeline, Placement("float32"), "cpu", cores=1)
    for _ in range(2):
        assert model.preview(torch.zeros(1, 6, 8, 8), pipeline.scheduler, 0, RECIPES[0]) is None
