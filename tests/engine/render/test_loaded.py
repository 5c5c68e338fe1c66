"""Having models ready, and why one cannot be."""

import weakref
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
import torch

from engine.models.model_files import ModelFiles
from engine.models.placement import Placement, PlacementWish, need
from engine.models.weights import ModelSize, PartSize, Role, model_size
from engine.picture.recipe import Recipe
from engine.protocol.rendering import LoadModel
from engine.render import loaded, pipelines
from engine.render.lanes import Lanes
from tests.support.families import save_tiny
from tests.support.models import BUILTIN

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


def wanted(
    source: Path, pixels: int = 0, model_hash: str = "a fingerprint", **wish: Any
) -> LoadModel:
    return LoadModel("m", ModelFiles(str(source)), model_hash, PlacementWish(**wish), pixels)


def test_a_folder_that_is_not_there_is_no_fault_of_the_model(tmp_path: Path) -> None:
    models = loaded.LoadedModels("cpu", Lanes(1), 1)
    with pytest.raises(loaded.ModelAbsentError, match="mount its disk"):
        models.load(wanted(tmp_path))  # a mount point with nothing mounted


@pytest.mark.parametrize(("dtype", "fits"), [("float16", True), ("float32", False)])
def test_a_model_larger_than_all_memory_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, dtype: str, fits: bool
) -> None:
    models = loaded.LoadedModels("cpu", Lanes(1), 1)
    size = ModelSize((PartSize("unet", 5 << 30),), 0, 8, 0)  # 10 GiB in half precision
    monkeypatch.setattr(loaded, "model_size", lambda _: size)
    memory = SimpleNamespace(total=16 << 30, available=16 << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert models.fits_alone(wanted(Path("large"), dtype=dtype)) is fits


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


def test_two_models_that_memory_does_not_hold_together_are_loaded_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Measured: the first is freed before the second is read, so the process stays as large."""
    files = {name: ModelFiles(str(copytree(BUILTIN, tmp_path / name))) for name in ("one", "two")}
    (tmp_path / "two" / "README.md").write_text("another")
    size = model_size(files["one"])
    assert size is not None
    takes = need(size, 64 * 64, "cpu", Placement("float32"))
    weights = sum(size.bytes_of(4, role) for role in Role)
    monkeypatch.setattr(loaded, "total_bytes", lambda _: int(1.5 * takes))
    models, rss = loaded.LoadedModels("cpu", Lanes(1), 1), psutil.Process().memory_info

    def load(name: str) -> weakref.ref[Any]:
        asked = wanted(files[name].path, 64 * 64, files[name].fingerprint(), dtype="float32")
        model = models.load(asked)
        assert isinstance(model, loaded.LoadedModel)
        return weakref.ref(model._pipeline.unet)

    first, after_one = load("one"), rss().rss
    assert first() is not None
    second, after_two = load("two"), rss().rss
    assert first() is None and second() is not None and len(models.loaded) == 1
    assert after_two - after_one < weights / 2
    monkeypatch.setattr(loaded, "total_bytes", lambda _: 3 * takes)
    assert models._has_room(takes, weights), "with room for both neither goes"


def test_a_session_keeps_its_placement_where_that_fits_and_says_what_it_is(tmp_path: Path) -> None:
    save_tiny("StableDiffusionPipeline", tmp_path)
    models = loaded.LoadedModels("cpu", Lanes(1), 1)
    files = ModelFiles(str(tmp_path))
    asked = wanted(tmp_path, 96 * 96, files.fingerprint(), dtype="float32", decode="tiled")
    chosen = models.load(asked).offered
    assert chosen.tiled and Placement.of(chosen) == Placement("float32", "none", True)
    kept = msgspec.structs.replace(asked, wish=PlacementWish(), kept=Placement.of(chosen))
    assert models.load(kept).offered == chosen and len(models.loaded) == 1
    whole = msgspec.structs.replace(asked, wish=PlacementWish(dtype="float32"))
    assert models.load(whole).offered.departures_from(chosen) == ["tiled: True → False"]
    with pytest.raises(KeyError):
        models.get(files.fingerprint(), Placement("float32", "text"))


def test_rounded_weights_are_another_model_with_nearly_the_same_pictures(tmp_path: Path) -> None:
    """On the image it is said to what, and by which torchao; offloading changes nothing more."""
    pytest.importorskip("torchao")
    save_tiny("StableDiffusionXLPipeline", tmp_path)
    plain = ModelFiles(str(tmp_path))
    rounded = msgspec.structs.replace(plain, quantise="int8")
    assert plain.fingerprint() != rounded.fingerprint()
    recipe = Recipe("a red circle", "", 7, 64, 64, 2, 4.0, "EulerDiscreteScheduler", "m", "h")
    models = loaded.LoadedModels("cpu", Lanes(1), 1)

    def drawn(files: ModelFiles, placement: Placement) -> tuple[Any, Any]:
        model = models._loaded(files, placement, 0)
        (picture,) = model.draw([recipe], lambda *_: None)
        return model.offered, picture.astype(int)

    (_, exact), (offered, picture) = (
        drawn(files, Placement("float32")) for files in (plain, rounded)
    )
    assert offered.quantised == "int8" and offered.versions["torchao"]
    assert 0 < np.abs(picture - exact).max() < 16
    assert np.array_equal(drawn(rounded, Placement("float32", "model"))[1], picture)
