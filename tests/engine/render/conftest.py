"""The built-in model's pipeline, and the threads it computes with."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from engine.render.pipelines import load_pipeline
from tests.support.models import BUILTIN


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def builtin() -> Any:
    return load_pipeline(BUILTIN, "float32", "cpu")
