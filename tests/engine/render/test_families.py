"""Every family of the one table, on a tiny pipeline of its architecture with random weights."""

import inspect
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
from diffusers.loaders.single_file_model import SINGLE_FILE_LOADABLE_CLASSES

from engine.models.families import FAMILIES, family_of
from engine.models.family import Family
from engine.models.file_kinds import file_kind
from engine.models.model_files import DENOISERS, parts_of
from engine.models.placement import Placement
from engine.models.schedulers import FLOW_KINDS, SCHEDULERS
from engine.picture.recipe import Recipe
from engine.render.drawing import method_for
from engine.render.loaded import LoadedModel
from engine.render.pipelines import load_pipeline
from engine.render.ready_sources import Pixels, ReadySource
from engine.render.scheduling import use_scheduler
from tests.support.families import (
    TINY,
    draw,
    is_same,
    make_sources_small,
    make_texts_short,
    save_tiny,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

RECIPE = Recipe("a red boat on the sea", "", 7, 32, 64, 2, 5.0, "S", "m", "h")
UNWANTED = "blue text, people"


class StopError(Exception):
    """Stands for a stop."""


def stop_at_the_first(step: int, *_: object) -> None:
    raise StopError


def test_what_the_table_calls_tested_is_tested() -> None:
    assert {name for name, family in FAMILIES.items() if family.tested} == set(TINY)


def test_the_table_knows_the_classes_of_diffusers_and_which_load_lora_files() -> None:
    for name, family in FAMILIES.items():
        made = getattr(diffusers, name)
        loads = any("LoraLoaderMixin" in kind.__name__ for kind in made.__mro__)
        assert bool(family.loras) is loads, name
        if family.image_to_image:
            assert hasattr(diffusers, family.image_to_image)
        taken = inspect.signature(made.__call__).parameters
        assert {family.guidance, *dict(family.fixed)} <= taken.keys(), name
        assert ("negative_prompt" in taken) >= family.negative_prompt, name


def some(low: int) -> ReadySource:
    """A picture to draw on, of noise."""
    return ReadySource(np.random.default_rng(1).integers(low, low + 100, (64, 64, 3), np.uint8))


def drawn(
    pipeline: Any, *recipes: Recipe, told: list[int] | None = None, on: int = 0
) -> list[Pixels]:
    """Drawn with a picture beside the prompts where the family cannot do without."""
    if family_of(type(pipeline).__name__).needs_picture:
        on_picture = [replace(recipe, image="d") for recipe in recipes]
        return draw(pipeline, on_picture, told, [some(on)] * len(recipes))
    return draw(pipeline, recipes, told)


def draws_on_pictures(pipeline: Any, family: Family) -> None:
    one, other = some(0), some(150)
    strength = None if family.edits else 0.5  # of three steps one is left out, or two
    mine = replace(RECIPE, width=64, height=64, steps=3, image="d", strength=strength)
    told: list[int] = []
    (on_one,) = draw(pipeline, [mine], told, [one])
    assert on_one.shape == (64, 64, 3)
    assert told == [*range(1, family.steps_taken(mine.steps, strength) + 1)]
    assert not is_same(on_one, draw(pipeline, [mine], None, [other])[0])
    if family.shares_sources and not family.alone:
        second = replace(mine, prompt="an owl", seed=3)
        beside = draw(pipeline, [mine, second], None, [one, other])[0]
        assert is_same(beside, draw(pipeline, [mine, mine], None, [one, one])[0])


def its_weights_tell_what_they_are(folder: Path) -> None:
    """Of those denoisers that a single file can hold, the class is told by its tensors."""
    for part, cls in parts_of(folder).items():
        for path in (folder / part).glob("*.safetensors"):
            kind = file_kind(path)
            if part in DENOISERS:
                told = cls if cls in SINGLE_FILE_LOADABLE_CLASSES else ""
                assert kind.denoiser == told
            else:
                assert kind.what in ("autoencoder", "text encoder", "unknown")


@pytest.mark.parametrize("name", TINY)
def test_a_family_draws_as_its_table_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = family_of(name)
    if family.helper and not find_spec(family.helper):
        pytest.skip(f"needs {family.helper}")
    make_sources_small(monkeypatch)
    save_tiny(name, tmp_path / "model")
    its_weights_tell_what_they_are(tmp_path / "model")
    pipeline = load_pipeline(tmp_path / "model", "float32", "cpu")
    make_texts_short(pipeline)
    own = type(pipeline.scheduler).__name__
    use_scheduler(pipeline, own)
    told: list[int] = []
    (first,) = drawn(pipeline, RECIPE, told=told)
    assert first.shape == (64, 32, 3) and first.std() > 5
    assert told == [1, 2]

    (guided,) = drawn(pipeline, replace(RECIPE, guidance=9.0))
    assert is_same(first, guided) is not family.guides
    (without,) = drawn(pipeline, replace(RECIPE, negative_prompt=UNWANTED))
    assert is_same(first, without) is not family.heeds_negative(RECIPE.guidance)
    if family.heeds_negative(RECIPE.guidance):
        little = replace(RECIPE, guidance=family.guides_above)
        unheeded = replace(little, negative_prompt=UNWANTED)
        assert is_same(drawn(pipeline, little)[0], drawn(pipeline, unheeded)[0])

    if not family.alone:
        longer = replace(RECIPE, prompt="a castle with towers on a hill", seed=1)
        beside = drawn(pipeline, RECIPE, longer)
        copies = drawn(pipeline, RECIPE, RECIPE)
        assert is_same(beside[0], copies[0]), "as beside a copy of itself"
        assert is_same(beside[0], copies[1]), "and in another slot"

    for offered in family.schedulers_for()[-1:]:
        kind = FLOW_KINDS.get(offered) if family.flow else None
        use_scheduler(pipeline, f"{kind or SCHEDULERS[offered].kind} ({offered})")
        (other,) = drawn(pipeline, RECIPE, told=(told := []))
        assert other.std() > 5 and 0 < max(told) <= 2
    use_scheduler(pipeline, own)

    if family.image_to_image or family.edits:
        draws_on_pictures(pipeline, family)

    on_some = [some(0)] if family.needs_picture else []
    mine = replace(RECIPE, scheduler=own, image="d" if on_some else "")
    with pytest.raises(StopError):
        list(method_for(pipeline).draw(pipeline, [mine], stop_at_the_first, on_some))
    model = LoadedModel(pipeline, Placement("float32"), "cpu", 2)
    seen: list[bytes | None] = []

    def look(_: int, latents: Any, scheduler: Any) -> None:
        seen.append(model.preview(latents, scheduler, 0, mine))

    again = next(iter(model.draw([mine], look, on_some)))
    assert is_same(again, first), "another scheduler, pictures and a stop leave it as it was"
    assert len(seen) == 2 and all(seen), "a preview after each step"

    half = load_pipeline(tmp_path / "model", "bfloat16", "cpu")
    make_texts_short(half)
    (in_half,) = drawn(half, RECIPE)
    assert in_half.shape == (64, 32, 3) and in_half.std() > 5
