"""Every family with every scheduler that it is said to use, in float32 and bfloat16.

Tiny pipelines with random weights: what is measured is whether they draw, and how long that takes.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.models.families import family_of
from engine.models.family import Family
from engine.models.schedulers import FLOW_KINDS, SCHEDULERS
from engine.picture.recipe import Recipe

_RECIPE = Recipe("a red boat on the sea", "", 7, 32, 64, 4, 5.0, "S", "m", "h")
"""PNDM takes no fewer steps."""
_DTYPES = ("float32", "bfloat16")
_FLAT = 5.0
"""Levels: a picture that varies less shows nothing."""
_MANY = 10
"""Steps: kin that were taught to take fewer are drawn with as many as they take."""


def main() -> int:
    """Draw them all; how many did not."""
    from tests.support.families import make_sources_small

    with pytest.MonkeyPatch.context() as patch:
        make_sources_small(patch)
        return _drawn()


def _drawn() -> int:
    from tests.support.families import KIN, TINY, save_tiny

    failed = 0
    for name in (*TINY, *KIN):
        kin = KIN.get(name)
        family = family_of(kin.pipeline if kin else name)
        family = family.as_distilled() if kin and kin.distilled else family
        if family.helper and not find_spec(family.helper):
            print(f"{name:34} left out: it needs {family.helper}", flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            if kin:
                kin.save(model)
            else:
                save_tiny(name, model)
            for dtype in _DTYPES:
                began, tried = time.monotonic(), dict(_tried(model, family, dtype))
                faults = [f"{what}: {fault}" for what, fault in tried.items() if fault]
                failed += len(faults)
                verdict = "; ".join(faults) or f"{len(tried)} ways, all well"
                took = time.monotonic() - began
                print(f"{name:34} {dtype:9} {took:5.1f} s  {verdict}", flush=True)
    return failed


def _tried(model: Path, family: Family, dtype: str) -> Iterator[tuple[str, str]]:
    """What was drawn with, and what was wrong with it, if anything was."""
    from engine.render.pipelines import load_pipeline
    from engine.render.scheduling import use_scheduler

    pipeline = load_pipeline(model, dtype, "cpu")
    own = type(pipeline.scheduler).__name__
    on_picture = ("", *family.schedulers_for(on_picture=True))
    for offered in ("", *family.schedulers_for()):
        kind = FLOW_KINDS.get(offered) if family.flow else None
        wanted = f"{kind or SCHEDULERS[offered].kind} ({offered})" if offered else own
        use_scheduler(pipeline, wanted)
        if not family.needs_picture:
            yield offered or "its own", _fault(pipeline, family, on_picture=False)
        if (family.image_to_image or family.edits) and offered in on_picture:
            yield f"{offered or 'its own'} on a picture", _fault(pipeline, family, on_picture=True)


def _fault(pipeline: Any, family: Family, *, on_picture: bool) -> str:
    """What is wrong with a picture that is drawn; empty: nothing."""
    from engine.render.ready_sources import ReadySource
    from tests.support.families import draw

    told: list[int] = []
    _, usual, _ = family.renderings
    few = replace(_RECIPE, steps=usual.steps, guidance=usual.guidance)
    recipe, sources = few if usual.steps < _MANY else _RECIPE, []
    if on_picture:
        noise = np.random.default_rng(1).integers(0, 255, (96, 64, 3), np.uint8)
        sources = [ReadySource(noise)]
        strength = None if family.edits else 0.7
        recipe = replace(recipe, width=64, height=96, image="d", strength=strength)
    try:
        (drawn,) = draw(pipeline, [recipe], told, sources)
    except Exception as error:  # of whatever kind: the next is tried
        return f"{type(error).__name__}: {str(error)[:100]}"
    if drawn.shape != (recipe.height, recipe.width, 3):
        return f"drawn as {drawn.shape} instead of {recipe.height} × {recipe.width}"
    if drawn.std() < _FLAT:
        return "flat"
    steps = family.steps_taken(recipe.steps, recipe.strength)
    return "" if told and max(told) <= steps else f"told of steps {told} of {steps}"
