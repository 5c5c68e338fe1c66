"""Every scheduler that can be named draws, with the model that is there and with flow models."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from engine.models.catalog import load_models
from engine.models.schedulers import FLOW_KINDS, SCHEDULERS, names_for
from engine.picture.recipe import Recipe
from engine.render.drawing import method_for
from engine.render.pipelines import load_pipeline
from engine.render.scheduling import SchedulerError, use_scheduler
from engine.sheet.columns import COLUMN

pytestmark = pytest.mark.slow


MODEL = load_models()["builtin"]


@pytest.fixture(scope="module")
def builtin() -> Any:
    return load_pipeline(MODEL.source, "float32", "cpu")


def recipe(scheduler: str) -> Recipe:
    return Recipe("green hills", "", 7, 64, 64, 4, 4.0, scheduler, "builtin", "h")


def test_the_column_offers_what_there_is() -> None:
    assert COLUMN["scheduler"].choices == tuple(SCHEDULERS)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_draws(builtin: Any, name: str) -> None:
    use_scheduler(builtin, f"{SCHEDULERS[name].kind} ({name})")
    (pixels,) = method_for(builtin).draw(builtin, [recipe(name)], lambda *_: None)
    assert pixels.std() > 5, "a flat grey is no picture"


def test_the_models_own_comes_back(builtin: Any) -> None:
    use_scheduler(builtin, MODEL.scheduler)
    own = builtin.scheduler
    use_scheduler(builtin, "EulerDiscreteScheduler (euler)")
    assert builtin.scheduler is not own
    assert builtin.scheduler.config.prediction_type == own.config.prediction_type
    use_scheduler(builtin, MODEL.scheduler)
    assert builtin.scheduler is own


@pytest.mark.parametrize("name", names_for(flow=True))
def test_flow_models_take_their_own_kind_of_each(name: str) -> None:
    pipeline = SimpleNamespace(scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0))
    use_scheduler(pipeline, f"{FLOW_KINDS.get(name, SCHEDULERS[name].kind)} ({name})")
    pipeline.scheduler.set_timesteps(4)
    sample = torch.zeros(1, 4, 8, 8)
    for step in pipeline.scheduler.timesteps:
        sample = pipeline.scheduler.step(torch.ones_like(sample), step, sample).prev_sample
    assert np.isfinite(sample.numpy()).all()


def test_an_unknown_one_is_refused(builtin: Any) -> None:
    with pytest.raises(SchedulerError, match="knows no scheduler"):
        use_scheduler(builtin, "Gone (gone)")
    use_scheduler(builtin, MODEL.scheduler)
