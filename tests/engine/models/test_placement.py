"""How a model is made to fit: by its size, the picture and all of the device's memory alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models.placement import Placed, Placement, PlacementWish, need, placed
from engine.models.weights import ModelSize, PartSize
from engine.picture.recipe import Conditions

GB = 10**9
MEGAPIXEL = 1024**2
FLUX = ModelSize(
    (
        PartSize("text_encoder", 123_000_000),
        PartSize("text_encoder_2", 4_760_000_000),
        PartSize("transformer", 11_900_000_000),
        PartSize("vae", 84_000_000),
    ),
    3072,
    16,
    256,
)
SDXL = ModelSize(
    (
        PartSize("text_encoder", 123_000_000),
        PartSize("text_encoder_2", 695_000_000),
        PartSize("unet", 2_570_000_000),
        PartSize("vae", 84_000_000),
    ),
    320,
    8,
    256,
)


@pytest.fixture(autouse=True)
def no_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.machine.processor_facts", lambda: ("flags : avx512f",))


def way(size: ModelSize, gigabytes: float, pixels: int = MEGAPIXEL, **wish: Any) -> Placed:
    return placed(size, pixels, "cuda:0", int(gigabytes * GB), PlacementWish(**wish))


@pytest.mark.parametrize(
    ("size", "gigabytes", "pixels", "offload", "tiled"),
    [
        (FLUX, 80, MEGAPIXEL, "none", False),
        (FLUX, 32, MEGAPIXEL, "text", False),
        (FLUX, 38, 4 * MEGAPIXEL, "text", False),
        (FLUX, 12, MEGAPIXEL, "layers", False),
        (SDXL, 24, MEGAPIXEL, "none", False),
        (SDXL, 10, MEGAPIXEL, "text", False),
        (SDXL, 8, MEGAPIXEL, "model", False),
        (SDXL, 12, 4 * MEGAPIXEL, "model", False),
        (SDXL, 10.5, 4 * MEGAPIXEL, "text", True),
        (SDXL, 6, 4 * MEGAPIXEL, "layers", True),
    ],
)
def test_what_changes_no_pixels_comes_before_tiles_and_what_is_slow_comes_last(
    size: ModelSize, gigabytes: float, pixels: int, offload: str, tiled: bool
) -> None:
    found = way(size, gigabytes, pixels)
    assert found.fits and found.placement == Placement("bfloat16", offload, tiled)  # type: ignore[arg-type]
    assert found.bytes <= 0.9 * gigabytes * GB
    assert found.whole_bytes >= found.bytes


def test_rounded_weights_fit_where_whole_ones_do_not() -> None:
    rounded = ModelSize(
        tuple(PartSize(part.name, 0, part.numbers) for part in FLUX.parts), 3072, 16, 256
    )
    assert way(rounded, 24).placement == Placement("bfloat16")


def test_what_never_fits_is_tried_in_the_way_that_takes_least() -> None:
    found = way(FLUX, 1)
    assert not found.fits and found.placement == Placement("bfloat16", "layers", True)
    assert found.bytes > GB


def test_the_entry_decides_where_it_says_something() -> None:
    assert way(SDXL, 80, offload="model", decode="tiled").placement == Placement(
        "bfloat16", "model", True
    )
    stubborn = way(FLUX, 24, offload="none")
    assert stubborn.placement.offload == "none" and not stubborn.fits
    assert way(FLUX, 24, decode="whole", offload="text").placement.tiled is False
    assert placed(None, MEGAPIXEL, "cuda:0", GB, PlacementWish(offload="text")).placement == (
        Placement("bfloat16", "text")
    )


def test_on_the_cpu_parts_stay_and_half_the_bytes_come_after_tiles() -> None:
    def here(gigabytes: float, **wish: Any) -> Placed:
        return placed(SDXL, 4 * MEGAPIXEL, "cpu", int(gigabytes * GB), PlacementWish(**wish))

    assert here(64, offload="layers").placement == Placement("float32")
    assert here(24).placement == Placement("float32", "none", True)
    halved = here(18)
    assert halved.placement.dtype == "bfloat16" and halved.halves and halved.fits
    assert here(12, dtype="float32").placement == Placement("float32", "none", True)


def test_a_session_keeps_its_way_where_that_fits_and_its_dtype_anywhere() -> None:
    kept = Placement("float16", "model", False)
    wish = PlacementWish()
    assert placed(SDXL, MEGAPIXEL, "cuda:1", 80 * GB, wish, kept).placement == kept
    whole = Placement("float16")
    assert placed(FLUX, MEGAPIXEL, "cuda:1", 32 * GB, wish, whole).placement == Placement(
        "float16", "text"
    )
    assert placed(SDXL, MEGAPIXEL, "cpu", 80 * GB, wish, kept).placement == whole


def test_conditions_recorded_before_there_were_ways_had_the_whole_model_there() -> None:
    old = {"device": "cpu", "dtype": "float32", "threads": 1, "attention": "sdpa"}
    before = Conditions.from_json(old | {"compile": False, "versions": {}})
    assert Placement.of(before) == Placement("float32")


@given(
    gigabytes=st.integers(1, 200),
    pixels=st.integers(64**2, 4096**2),
    size=st.sampled_from([FLUX, SDXL]),
)
def test_more_memory_never_makes_it_slower_or_changes_more(
    gigabytes: int, pixels: int, size: ModelSize
) -> None:
    less, more = way(size, gigabytes, pixels), way(size, gigabytes + 1, pixels)
    assert more.fits >= less.fits and more.whole_bytes == less.whole_bytes
    if less.fits:
        assert more.bytes >= less.bytes or more.placement.tiled <= less.placement.tiled
    assert less == way(size, gigabytes, pixels), "the same each time"
    assert less.bytes == need(size, pixels, "cuda:0", less.placement)
