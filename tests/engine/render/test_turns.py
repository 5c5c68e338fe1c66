"""A model of which not all is on the device at a time: the same pixels, part after part."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.models.families import family_of
from engine.models.placement import Placement
from engine.picture.recipe import Recipe
from engine.render import turns
from engine.render.drawing import method_for
from engine.render.loaded import LoadedModel
from engine.render.pipelines import ModelError, load_pipeline
from engine.render.ready_sources import ReadySource
from tests.support.families import draw, save_tiny
from tests.support.models import BUILTIN

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

RECIPES = [
    Recipe(text, "blurry", seed, 64, 64, 2, 4.0, "S", "m", "h")
    for seed, text in enumerate(("a red circle", "two green squares"))
]


class Apart(turns.Turns):
    """Stands for a device of its own: whatever is not there now has no numbers."""

    came: list[str]

    def __init__(self, groups: Sequence[Sequence[torch.nn.Module]], device: str) -> None:
        super().__init__(groups, device)
        Apart.came = []
        self._numbers = {part: _numbers(part) for group in groups for part in group}
        for group in groups:
            self._leave(list(group))

    def _come(self, group: list[torch.nn.Module]) -> None:
        Apart.came += [" + ".join(type(part).__name__ for part in group)]
        for part in group:
            for weight, data in self._numbers[part]:
                weight.data = data

    def _leave(self, group: list[torch.nn.Module]) -> None:
        for part in group:
            for weight, data in self._numbers[part]:
                weight.data = torch.full_like(data, float("nan"))


def _numbers(part: torch.nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    floats = (weight for weight in part.parameters() if weight.is_floating_point())
    return [(weight, weight.data) for weight in floats]


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> type[Apart]:
    monkeypatch.setattr(turns, "Turns", Apart)
    return Apart


@pytest.mark.parametrize("name", ["Ideogram4Pipeline", "StableDiffusionXLPipeline"])
def test_offloading_changes_no_pixel_and_each_part_is_there_when_it_computes(
    apart: type[Apart], tmp_path: Path, name: str
) -> None:
    """By one call that calls layers of its text encoder, with two denoisers; and in stages."""
    save_tiny(name, tmp_path)

    def drawn(offload: Any) -> list[Any]:
        pipeline = load_pipeline(tmp_path, "float32", "cpu")
        turns.place(pipeline, Placement("float32", offload), "cpu")
        return draw(pipeline, RECIPES[:1] if family_of(name).alone else RECIPES)

    whole = drawn("none")
    assert whole[0].std() > 1
    for offload in ("text", "model", "layers"):
        apart.came = []
        for one, other in zip(whole, drawn(offload), strict=True):
            assert np.array_equal(one, other), offload
        if offload == "text":
            assert len(apart.came) == 2, "the encoders, then all else"
        elif offload == "model":
            assert all("Text" in kind or "Qwen" in kind for kind in apart.came[:-2]), apart.came
            assert apart.came[-1].startswith("Autoencoder"), "denoisers came once, for all steps"


def test_a_text_that_was_encoded_needs_its_encoder_no_more(
    apart: type[Apart], tmp_path: Path
) -> None:
    """And what is kept of it draws, to the last bit, what the encoder's own answer draws."""
    save_tiny("Ideogram4Pipeline", tmp_path)
    whole = load_pipeline(tmp_path, "float32", "cpu")
    (first, *_), other = draw(whole, RECIPES[:1]), replace(RECIPES[0], seed=9, width=96)
    (second, *_) = draw(whole, [other])
    pipeline = load_pipeline(tmp_path, "float32", "cpu")
    turns.place(pipeline, Placement("float32", "text"), "cpu")
    model = LoadedModel(pipeline, Placement("float32", "text"), "cpu", 1)

    def drawn(recipe: Recipe) -> Any:
        apart.came.clear()
        (picture,) = model.draw([recipe], lambda *_: None)
        return picture

    assert np.array_equal(drawn(RECIPES[0]), first) and len(apart.came) == 2
    assert np.array_equal(drawn(RECIPES[0]), first) and apart.came == []
    reseeded = drawn(replace(RECIPES[0], seed=9))
    assert apart.came == [] and not np.array_equal(reseeded, first)
    assert np.array_equal(drawn(other), second)
    assert len(apart.came) == 2, "another size is another layout of the text"
    drawn(replace(RECIPES[0], prompt="an owl"))
    assert len(apart.came) == 2


def test_what_is_drawn_on_a_picture_and_previewed_is_the_same_too(
    apart: type[Apart], builtin: Any
) -> None:
    """The autoencoder is asked for between the steps, and the denoiser comes back."""
    grey = np.full((64, 64, 3), 120, np.uint8)
    half = np.where(np.arange(64)[:, None] < 32, 255, 0).astype(np.uint8).repeat(64, 1)
    source = ReadySource(grey, half)
    recipes = [
        Recipe("a red circle", "", 7, 64, 64, 4, 4.0, "S", "m", "h", image="i", strength=0.6)
    ]

    def drawn(pipeline: Any, offload: Any) -> tuple[Any, bytes | None]:
        turns.place(pipeline, Placement("float32", offload), "cpu")
        model, shown = LoadedModel(pipeline, Placement("float32", offload), "cpu", 1), []
        model.prepare(recipes)
        pictures = list(
            method_for(pipeline).draw(
                pipeline,
                recipes,
                lambda _, latents, scheduler: shown.append(
                    model.preview(latents, scheduler, 0, recipes[0])
                ),
                [source],
            )
        )
        return pictures[0], shown[0]

    one = drawn(builtin, "none")
    other = drawn(load_pipeline(BUILTIN, "float32", "cpu"), "model")
    assert np.array_equal(one[0], other[0])
    assert one[1] is not None and one[1] == other[1]


def test_tiles_are_smaller_than_what_they_are_of_and_only_nearly_change_a_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "TILE", 128)
    pipeline = load_pipeline(BUILTIN, "float32", "cpu")
    vae, cells = pipeline.vae, 128 // pipeline.vae_scale_factor
    shape = (1, vae.config.latent_channels, cells + 4, cells + 4)
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    vae.tile_sample_min_size, vae.tile_latent_min_size = 2048, 16 * cells
    with torch.no_grad():
        whole = vae.decode(latents).sample
        turns.place(pipeline, Placement("float32", tiled=True), "cpu")
        tiled = vae.decode(latents).sample
    assert (vae.tile_sample_min_size, vae.tile_latent_min_size) == (128, cells)
    assert whole.shape == tiled.shape and not torch.equal(whole, tiled)
    assert (whole - tiled).abs().mean() < 0.1 * whole.std()
    pipeline.vae = None
    with pytest.raises(ModelError, match='decode = "whole"'):
        turns.place(pipeline, Placement("float32", tiled=True), "cpu")


def test_memory_that_runs_out_while_a_part_comes_leaves_all_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small, large = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    here = turns.Turns([[small], [large]], "cpu")
    small(torch.zeros(1, 2))
    kept = large.weight.data_ptr()
    to, tried = torch.nn.Module.to, []

    def full(module: torch.nn.Module, *where: Any, **named: Any) -> torch.nn.Module:
        tried.append(module)
        if module is large and tried.count(large) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return to(module, *where, **named)

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(torch.OutOfMemoryError):
        large(torch.zeros(1, 2))
    assert here._here is None and here._weights == []
    assert large.weight.data_ptr() == kept
    assert large(torch.zeros(1, 2)).shape == (1, 2), "and it may come again"
