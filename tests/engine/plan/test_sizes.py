import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.models.catalog import load_models
from engine.plan.sizes import SizeError, exact_size, parse_ratio, size_for

BUILTIN = load_models()["builtin"]
LARGE = replace(BUILTIN, base_resolution=1024, size_multiple=32)
SDXL = replace(LARGE, pipeline="StableDiffusionXLPipeline", size_multiple=8)
FLUX = replace(LARGE, pipeline="FluxPipeline", size_multiple=16)


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ("1:1", (1024, 1024)),
        ("3:2", (1248, 832)),
        ("2:3", (832, 1248)),
        ("5:4", (1120, 896)),
        ("16:10", (1280, 800)),
    ],
)
def test_common_ratios_give_the_sizes_people_know(ratio: str, size: tuple[int, int]) -> None:
    assert size_for(ratio, LARGE) == size


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ("1:1", (1024, 1024)),
        ("16:9", (1344, 768)),
        ("9:16", (768, 1344)),
        ("3:2", (1216, 832)),
        ("4:3", (1152, 896)),
        ("21:9", (1536, 640)),
        ("3:1", (1728, 576)),
        ("1:4", (512, 2048)),
    ],
)
def test_sdxl_draws_at_the_sizes_it_was_trained_at(ratio: str, size: tuple[int, int]) -> None:
    assert size_for(ratio, SDXL) == size


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ("16:9", (1312, 736)),
        ("10:16", (800, 1280)),
        ("4:3", (1152, 864)),
        ("2:1", (1408, 704)),
        ("3:1", (1536, 512)),
    ],
)
def test_models_of_one_megapixel_draw_at_the_sizes_people_know(
    ratio: str, size: tuple[int, int]
) -> None:
    assert size_for(ratio, FLUX) == size


def test_a_named_width_and_height_win_and_are_taken_to_the_models_multiple() -> None:
    assert exact_size(100, 150, "1:1", BUILTIN) == (96, 144)
    assert exact_size(160, None, "2:1", BUILTIN) == (160, 80)
    assert exact_size(None, 96, "3:2", BUILTIN) == (144, 96)
    assert exact_size(None, None, "3:2", BUILTIN) == size_for("3:2", BUILTIN)


@pytest.mark.parametrize(("width", "height"), [(2000, 2000), (512, 96), (16, None)])
def test_a_size_beyond_the_model_is_refused_with_its_limits(width: int, height: int | None) -> None:
    with pytest.raises(SizeError, match=r"model builtin"):
        exact_size(width, height, "1:9", BUILTIN)


@given(st.integers(1, 300), st.integers(1, 300))
def test_every_ratio_within_limits_is_served_nearly_and_in_steps(across: int, down: int) -> None:
    wanted = across / down
    if not 1 / 3 <= wanted <= 3:
        return
    for model in (BUILTIN, LARGE, SDXL, FLUX):
        width, height = size_for(f"{across}:{down}", model)
        assert width % model.size_multiple == height % model.size_multiple == 0
        assert abs(math.log(width / height / wanted)) < 0.12
        assert 0.7 < width * height / model.base_resolution**2 < 1.4


@given(st.integers(1, 60), st.integers(1, 60))
def test_portrait_mirrors_landscape(across: int, down: int) -> None:
    for model in (LARGE, SDXL, FLUX):
        assert size_for(f"{across}:{down}", model) == size_for(f"{down}:{across}", model)[::-1]


@pytest.mark.parametrize("text", ["", "1", "0:1", "1:-1", "a:b", "1:1:1", "1.5:1"])
def test_what_is_no_ratio_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_ratio(text)
