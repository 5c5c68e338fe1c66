import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.models.catalog import load_models
from engine.plan.sizes import parse_ratio, size_for

BUILTIN = load_models()["builtin"]
LARGE = replace(BUILTIN, base_resolution=1024, size_multiple=32)


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


@given(st.integers(1, 300), st.integers(1, 300))
def test_every_ratio_within_limits_is_served_nearly_and_in_steps(across: int, down: int) -> None:
    wanted = across / down
    if not 1 / 3 <= wanted <= 3:
        return
    for model in (BUILTIN, LARGE):
        width, height = size_for(f"{across}:{down}", model)
        assert width % model.size_multiple == height % model.size_multiple == 0
        assert abs(math.log(width / height / wanted)) < 0.12
        assert 0.7 < width * height / model.base_resolution**2 < 1.4


@given(st.integers(1, 60), st.integers(1, 60))
def test_portrait_mirrors_landscape(across: int, down: int) -> None:
    assert size_for(f"{across}:{down}", LARGE) == size_for(f"{down}:{across}", LARGE)[::-1]


@pytest.mark.parametrize("text", ["", "1", "0:1", "1:-1", "a:b", "1:1:1", "1.5:1"])
def test_what_is_no_ratio_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_ratio(text)
