"""Upscalers enlarge in tiles nobody sees, the same each time, and in smaller ones where need be."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.models.catalog import model_of
from engine.picture.recipe import Recipe
from engine.protocol.rendering import LoadModel
from engine.render import upscaling
from engine.render.drawing import NoPictureError
from engine.render.lanes import Lanes
from engine.render.loaded import LoadedModels
from engine.render.pipelines import ModelError
from engine.render.ready_sources import Pixels, ReadySource
from engine.render.upscaler_nets import load_upscaler
from engine.render.upscaling import LoadedUpscaler
from tests.support.upscalers import write_compact, write_esrgan

WIDE, HIGH = 48, 32
RECIPE = Recipe(
    prompt="",
    negative_prompt="",
    seed=1,
    width=WIDE * 4,
    height=HIGH * 4,
    steps=1,
    guidance=0.0,
    scheduler="none",
    model="any",
    model_hash="",
    image="digest",
    upscale=4,
)


def _picture(wide: int = WIDE, high: int = HIGH) -> Pixels:
    return np.random.default_rng(5).integers(0, 256, (high, wide, 3), np.uint8)


def _loaded(path: Path) -> LoadedUpscaler:
    model = model_of({"label": "any", "source": str(path)})
    wanted = LoadModel("any", model.files, model.files.fingerprint(), model.placement, 64 * 64)
    loaded = LoadedModels("cpu", Lanes(1), 1).load(wanted)
    assert isinstance(loaded, LoadedUpscaler)
    return loaded


def _made(loaded: LoadedUpscaler, recipe: Recipe = RECIPE, **more: Any) -> Pixels:
    steps = more.pop("steps", list[int]())
    sources = [ReadySource(_picture(*recipe.source_size))]
    (made,) = loaded.draw([recipe], lambda step, *_: steps.append(step), sources, **more)
    return made


@pytest.mark.parametrize(
    ("file", "recipe"),
    [
        ({}, RECIPE),
        ({"naming": "numbered"}, RECIPE),
        ({"doublings": 1, "naming": "numbered"}, RECIPE),
        ({"square": 2}, replace(RECIPE, width=102, height=66, upscale=2)),
        ({}, replace(RECIPE, width=96, height=64, upscale=2)),
    ],
    ids=["4x", "numbered", "2x twice", "2x of an odd size", "4x, made smaller"],
)
def test_a_picture_is_exactly_as_many_times_larger_as_was_asked(
    file: dict[str, Any], recipe: Recipe, tmp_path: Path
) -> None:
    loaded = _loaded(write_esrgan(tmp_path / "any", **file))
    steps: list[int] = []
    made = _made(loaded, recipe, steps=steps)
    assert made.shape == (recipe.height, recipe.width, 3)
    assert made.std() > 1
    assert steps[-1] == loaded.steps_of(recipe)


def test_a_network_that_adds_nothing_leaves_the_pixels_where_they_were(tmp_path: Path) -> None:
    network, shape = load_upscaler(write_compact(tmp_path / "c", factor=3), "cpu")
    for weight in network.parameters():
        weight.zero_()
    given = torch.rand(1, 3, 4, 5)
    expected = given.repeat_interleave(3, 2).repeat_interleave(3, 3)
    assert shape.factor == 3 and torch.equal(network(given), expected)


LARGE = replace(RECIPE, width=150 * 4, height=100 * 4)


def test_tiles_cannot_be_seen_and_each_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_compact(tmp_path / "any")
    whole = _made(_loaded(file), LARGE)
    monkeypatch.setattr(upscaling, "TILE", 96)
    steps: list[int] = []
    tiled = _made(_loaded(file), LARGE, steps=steps)
    assert steps == [1, 2, 3, 4]
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert np.array_equal(tiled, _made(_loaded(file), LARGE))


def test_where_memory_is_out_tiles_are_halved_and_the_image_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, departures = _loaded(write_compact(tmp_path / "any")), list[str]()
    whole, tile = _made(loaded, LARGE), loaded._tile

    def scarce(pixels: Pixels) -> Pixels:
        if max(pixels.shape) > 64:
            raise torch.OutOfMemoryError("out of memory")
        return tile(pixels)

    monkeypatch.setattr(loaded, "_tile", scarce)
    made = _made(loaded, LARGE, depart=departures.append)
    assert departures == [f"tiles: 256 → {side} pixels (out of memory)" for side in (128, 64)]
    assert np.abs(whole.astype(int) - made).max() <= 1

    def none(_: Pixels) -> Pixels:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(loaded, "_tile", none)
    with pytest.raises(torch.OutOfMemoryError):
        _made(loaded, LARGE)


def test_what_a_step_raises_ends_it_between_tiles(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(*_: object) -> None:
        raise StoppedError

    loaded = _loaded(write_esrgan(tmp_path / "any"))
    with pytest.raises(StoppedError):
        next(loaded.draw([RECIPE], stop, [ReadySource(_picture())]))


def test_numbers_that_are_none_and_layers_that_do_not_fit_are_said(tmp_path: Path) -> None:
    loaded = _loaded(write_esrgan(tmp_path / "any"))
    next(loaded._network.parameters()).fill_(float("nan"))
    with pytest.raises(NoPictureError, match="not numbers"):
        _made(loaded)
    from safetensors.numpy import load_file, save_file

    tensors = load_file(tmp_path / "any")
    tensors["conv_hr.weight"] = tensors["conv_hr.weight"][:, :3]
    save_file(tensors, tmp_path / "torn")
    with pytest.raises(ModelError, match="its layers do not fit together"):
        _loaded(tmp_path / "torn")
