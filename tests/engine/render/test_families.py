"""Every family of the one table, on a tiny pipeline of its architecture with random weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.models.families import FAMILIES, family_of
from engine.models.family import Family
from engine.models.schedulers import FLOW_KINDS, SCHEDULERS
from engine.picture.recipe import Recipe
from engine.render.drawing import method_for
from engine.render.loaded import LoadedModel
from engine.render.pipelines import load_pipeline
from engine.render.ready_sources import ReadySource
from engine.render.scheduling import use_scheduler
from tests.support.families import TINY, draw, is_same, save_tiny

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

RECIPE = Recipe("a red boat on the sea", "", 7, 32, 64, 3, 5.0, "S", "m", "h")
UNWANTED = "blue text, people"


class StopError(Exception):
    """Stands for a stop."""


def stop_at_the_second(step: int, *_: object) -> None:
    if step == 2:
        raise StopError


def test_what_the_table_calls_tested_is_tested() -> None:
    assert {name for name, family in FAMILIES.items() if family.tested} == set(TINY)


def draws_on_pictures(pipeline: Any, family: Family) -> None:
    noise = np.random.default_rng(1)
    one, other = (
        ReadySource(noise.integers(low, low + 100, (96, 64, 3), np.uint8)) for low in (0, 150)
    )
    strength = None if family.edits else 0.5  # of three steps one is left out, or two
    mine = replace(RECIPE, width=64, height=96, image="d", strength=strength)
    told: list[int] = []
    (drawn,) = draw(pipeline, [mine], told, [one])
    assert drawn.shape == (96, 64, 3)
    assert told == [*range(1, family.steps_taken(RECIPE.steps, strength) + 1)]
    assert not is_same(drawn, draw(pipeline, [mine], None, [other])[0])
    if family.shares_sources and not family.alone:
        second = replace(mine, prompt="an owl", seed=3)
        beside = draw(pipeline, [mine, second], None, [one, other])[0]
        assert is_same(beside, draw(pipeline, [mine, mine], None, [one, one])[0])


@pytest.mark.parametrize("name", TINY)
def test_a_family_draws_as_its_table_says(name: str, tmp_path: Path) -> None:
    save_tiny(name, tmp_path / "model")
    pipeline, family = load_pipeline(tmp_path / "model", "float32", "cpu"), family_of(name)
    own = type(pipeline.scheduler).__name__
    use_scheduler(pipeline, own)
    told: list[int] = []
    (first,) = draw(pipeline, [RECIPE], told)
    assert first.shape == (64, 32, 3) and first.std() > 5
    assert told == [1, 2, 3]

    (guided,) = draw(pipeline, [replace(RECIPE, guidance=9.0)])
    assert is_same(first, guided) is not family.guides
    (without,) = draw(pipeline, [replace(RECIPE, negative_prompt=UNWANTED)])
    assert is_same(first, without) is not family.heeds_negative(RECIPE.guidance)
    little = replace(RECIPE, guidance=family.guides_above)
    unheeded = [replace(little, negative_prompt=UNWANTED)]
    assert is_same(draw(pipeline, [little])[0], draw(pipeline, unheeded)[0])

    if not family.alone:
        others = [replace(RECIPE, prompt="a castle with towers on a hill", seed=1)]
        others += [replace(RECIPE, prompt="an owl", seed=2)]
        beside = draw(pipeline, [RECIPE, *others])
        assert is_same(beside[0], draw(pipeline, [RECIPE] * 3)[0]), "as beside copies of itself"
        assert is_same(beside[0], draw(pipeline, [*others, RECIPE])[2])

    with pytest.raises(StopError):
        list(method_for(pipeline).draw(pipeline, [RECIPE], stop_at_the_second))
    assert is_same(draw(pipeline, [RECIPE])[0], first), "a stop leaves it as it was"
    assert hasattr(pipeline, "load_lora_weights") is bool(family.loras)

    for offered in family.schedulers_for()[-1:]:
        kind = FLOW_KINDS.get(offered) if family.flow else None
        use_scheduler(pipeline, f"{kind or SCHEDULERS[offered].kind} ({offered})")
        (other,) = draw(pipeline, [RECIPE], told := [])
        assert other.std() > 5 and 0 < max(told) <= 3
    use_scheduler(pipeline, own)

    if family.image_to_image or family.edits:
        draws_on_pictures(pipeline, family)

    model, mine = LoadedModel(pipeline, "float32", "cpu", 2), replace(RECIPE, scheduler=own)
    seen: list[bytes | None] = []

    def look(_: int, latents: Any, scheduler: Any) -> None:
        seen.append(model.preview(latents, scheduler, 0, mine))

    assert is_same(next(iter(model.draw([mine], look))), first)
    assert len(seen) == 3 and all(seen), "a preview after each step"
