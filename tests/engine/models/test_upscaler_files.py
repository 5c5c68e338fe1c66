"""Upscalers: told by their tensors, added as models, and refused where they are of another kind."""

from pathlib import Path

import pytest

from engine.models.catalog import model_of
from engine.models.file_kinds import file_kind
from engine.models.finding import look_at
from engine.models.upscaler_files import upscaler_shape
from engine.models.weights import model_size
from engine.models.weights_file import read_whole
from engine.plan.memory import memory_need
from tests.support.upscalers import write_compact, write_esrgan
from tests.support.weights_files import put_shapes


@pytest.mark.parametrize("naming", ["new", "numbered", "params_ema"])
def test_an_upscaler_is_told_by_its_tensors_whichever_way_they_are_called(
    naming: str, tmp_path: Path
) -> None:
    file = write_esrgan(tmp_path / "any.safetensors", naming=naming, blocks=2)  # type: ignore[arg-type]
    shape = upscaler_shape(read_whole(file).tensors)
    assert shape is not None
    assert (shape.design, shape.factor, shape.blocks, shape.growth) == ("esrgan", 4, 2, 2)
    assert file_kind(file).words == "an upscaler of ESRGAN's kind"


@pytest.mark.parametrize(
    ("doublings", "square", "factor"), [(1, 1, 2), (2, 2, 2), (3, 1, 8), (2, 1, 4)]
)
def test_how_many_times_larger_it_makes_a_picture_follows_from_its_layers(
    doublings: int, square: int, factor: int, tmp_path: Path
) -> None:
    naming = "new" if square > 1 else "numbered"
    file = write_esrgan(tmp_path / "x", naming=naming, doublings=doublings, square=square)  # type: ignore[arg-type]
    shape = upscaler_shape(read_whole(file).tensors)
    assert shape is not None and shape.factor == factor


def test_the_compact_kind_is_told_and_what_makes_nothing_larger_is_none(tmp_path: Path) -> None:
    compact = write_compact(tmp_path / "c", factor=3)
    assert file_kind(compact).words == "an upscaler of Real-ESRGAN's compact kind"
    same = write_esrgan(tmp_path / "same", doublings=2, square=4)
    assert upscaler_shape(read_whole(same).tensors) is None


def test_an_upscaler_is_added_as_a_model_that_only_enlarges(tmp_path: Path) -> None:
    file = write_esrgan(tmp_path / "4x-Any.safetensors")
    found = look_at(file)
    assert not found.fault
    model = model_of({"label": found.suggested_label, "source": str(file)})
    assert (model.label, model.draws_on, model.dtype) == ("4x-Any", "size", "float32")
    assert model.kind.upscales and not model.kind.negative_prompt
    size = model_size(model.files)
    assert size is not None
    # In tiles: a picture a hundred times as large takes no more.
    small, large = (memory_need(size, model, side**2, "cpu", 1 << 34) for side in (4096, 10_240))
    assert small == large and small.fits


@pytest.mark.parametrize(
    "shapes",
    [
        {f"body.{'9' * 5000}.weight": [8, 3, 3, 3], "body.0.weight": [8, 3, 3, 3]},
        {"body.9999.weight": [8, 3, 3, 3], "body.0.weight": [8, 3, 3, 3]},
        {"body.0.weight": [], "body.2.weight": []},
        {"conv_first.weight": [], "conv_first.bias": []},
        {f"model.{n}.weight": [1] for n in range(9)},
    ],
)
def test_tensors_of_absurd_names_and_shapes_are_no_upscaler(
    shapes: dict[str, list[int]], tmp_path: Path
) -> None:
    file = put_shapes(tmp_path / "odd.safetensors", shapes)
    assert upscaler_shape(read_whole(file).tensors) is None
    assert look_at(file).fault


def test_an_upscaler_of_another_kind_is_refused_in_words(tmp_path: Path) -> None:
    file = put_shapes(tmp_path / "swin.safetensors", {"conv_first.weight": [8, 3, 3, 3]})
    assert "of an unsupported kind. Use ESRGAN models" in look_at(file).fault
