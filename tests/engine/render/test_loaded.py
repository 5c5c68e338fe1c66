"""Having models ready, and why one cannot be."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from engine.models.model_files import ModelFiles
from engine.models.weights import ModelSize
from engine.render import loaded, pipelines
from engine.render.lanes import Lanes

pytestmark = pytest.mark.slow


def test_a_folder_that_is_not_there_is_no_fault_of_the_model(tmp_path: Path) -> None:
    models = loaded.LoadedModels("cpu", Lanes(1), 1)
    with pytest.raises(loaded.ModelAbsentError, match="mount its disk"):
        models.load(
            ModelFiles(str(tmp_path)), "a fingerprint", "auto"
        )  # a mount point with nothing mounted


@pytest.mark.parametrize(("dtype", "fits"), [("float16", True), ("float32", False)])
def test_a_model_larger_than_all_memory_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, dtype: str, fits: bool
) -> None:
    models = loaded.LoadedModels("cpu", Lanes(1), 1)
    size = ModelSize(5 << 30, 0, 0, 8, 0)  # 10 GiB in half precision
    monkeypatch.setattr(loaded, "model_size", lambda _: size)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=16 << 30))
    assert models.fits_alone(ModelFiles("large"), dtype) is fits


def test_weights_of_any_dimensions_are_laid_out() -> None:
    part = torch.nn.ModuleList([torch.nn.Conv3d(4, 4, 3), torch.nn.Conv2d(4, 4, 3)])
    pipelines.lay_out(part)
    flat, deep = part[1].weight, part[0].weight
    assert isinstance(flat, torch.Tensor) and isinstance(deep, torch.Tensor)
    assert flat.is_contiguous(memory_format=torch.channels_last)
    assert deep.is_contiguous()


def test_a_folder_with_weights_of_half_the_size_alone_is_loaded(
    builtin: Any, tmp_path: Path
) -> None:
    builtin.save_pretrained(tmp_path, variant="fp16")
    again = pipelines.load_pipeline(tmp_path, "float32", "cpu")
    name, weight = next(iter(builtin.unet.named_parameters()))
    assert torch.equal(again.unet.get_parameter(name), weight)
