"""Steps in which next to nothing changes are left out where an entry asks, and never mixed up."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from engine.models.catalog import model_of
from engine.models.families import FAMILIES
from engine.models.placement import Placement
from engine.picture.recipe import Recipe
from engine.render.loaded import LoadedModel
from engine.render.pipelines import load_pipeline
from engine.render.ready_sources import Pixels, ReadySource
from engine.render.step_caching import tells_its_passes
from engine.settings import SettingsError
from tests.support.families import is_same, make_texts_short, save_tiny

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

STEPS = 4
RECIPE = Recipe(
    "a red boat", "", 7, 32, 32, STEPS, 4.0, "FlowMatchEulerDiscreteScheduler", "m", "h"
)
OTHER = replace(RECIPE, prompt="an owl on a roof", seed=3)


class Counted:
    """A model with two blocks at least, and how often its last one computed."""

    def __init__(self, pipeline: Any, asked: str) -> None:
        self._counts = 0
        blocks = pipeline.transformer.transformer_blocks
        last = getattr(pipeline.transformer, "single_transformer_blocks", blocks)[-1]
        real = last.forward

        def counted(*arguments: Any, **named: Any) -> Any:
            self._counts += 1
            return real(*arguments, **named)

        last.forward = counted
        self.model = LoadedModel(pipeline, Placement("float32"), "cpu", 1, 0, asked)

    def draw(self, recipe: Recipe, *on: ReadySource, said: list[str] | None = None) -> Pixels:
        depart = [] if said is None else said
        (picture,) = self.model.draw([recipe], lambda *_: None, on, depart.append)
        return picture

    def computed(self) -> int:
        self._counts, counts = 0, self._counts
        return counts


def deep(name: str, folder: Path) -> Any:
    """A tiny pipeline whose denoiser has two blocks of a kind."""
    if not folder.exists():
        save_tiny(name, folder)
    pipeline = load_pipeline(folder, "float32", "cpu")
    make_texts_short(pipeline)
    denoiser = pipeline.transformer
    torch.manual_seed(0)
    pipeline.transformer = type(denoiser).from_config({**denoiser.config, "num_layers": 2})
    return pipeline


CACHED = sorted(name for name, family in FAMILIES.items() if family.step_cache and family.tested)


@pytest.mark.parametrize("name", [name for name in CACHED if not FAMILIES[name].needs_picture])
def test_blocks_are_left_out_and_an_image_is_the_same_whatever_was_drawn_before(
    name: str, tmp_path: Path
) -> None:
    exact = Counted(deep(name, tmp_path / "m"), "")
    assert exact.model.offered.step_cache == ""
    plain = exact.draw(RECIPE)
    whole = exact.computed()
    cached = Counted(deep(name, tmp_path / "m"), "first-block 1")
    assert cached.model.offered.step_cache == "first-block 1"
    first = cached.draw(RECIPE)
    assert 0 < cached.computed() < whole
    assert not is_same(first, plain)
    cached.draw(OTHER)
    stopped = cached.model.draw([OTHER], stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        next(stopped)
    assert is_same(cached.draw(RECIPE), first)


def stop_at_the_second(step: int, *_: object) -> None:
    if step == 2:
        raise KeyboardInterrupt


def test_a_threshold_that_nothing_stays_under_changes_nothing(tmp_path: Path) -> None:
    exact, never = (
        Counted(deep("FluxPipeline", tmp_path / "m"), asked) for asked in ("", "first-block 1e-09")
    )
    assert is_same(never.draw(RECIPE), exact.draw(RECIPE))
    assert never.computed() == exact.computed()


def test_where_passes_cannot_be_told_apart_nothing_is_left_out_and_the_image_says_so(
    tmp_path: Path,
) -> None:
    assert all(tells_its_passes(getattr(diffusers, name)) for name in CACHED)
    assert tells_its_passes(diffusers.QwenImageImg2ImgPipeline)
    assert not tells_its_passes(diffusers.FluxImg2ImgPipeline)
    cached = Counted(deep("FluxPipeline", tmp_path / "m"), "first-block 1")
    on = ReadySource(np.full((32, 32, 3), 90, np.uint8))
    said: list[str] = []
    cached.draw(replace(RECIPE, image="d", strength=0.9), on, said=said)
    assert cached.computed() == STEPS
    assert said == ["step_cache: first-block 1 → none (it cannot be had on a picture)"]


def test_an_entry_of_another_kind_is_refused_and_one_that_can_draws_one_image_a_call(
    tmp_path: Path,
) -> None:
    for name in ("FluxPipeline", "SanaPipeline"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model_index.json").write_text(f'{{"_class_name": "{name}"}}')
    entry = {"label": "fast", "source": str(tmp_path / "FluxPipeline"), "step_cache": "first-block"}
    model = model_of(entry)
    assert model.draws_alone and model.files.step_cache == "first-block 0.08"
    plain = model_of({"label": "plain", "source": entry["source"]})
    assert not plain.draws_alone
    assert plain.files.fingerprint() != model.files.fingerprint()
    with pytest.raises(SettingsError, match=r"only with FLUX.*not with Sana"):
        model_of({**entry, "source": str(tmp_path / "SanaPipeline")})
