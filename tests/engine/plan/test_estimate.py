import pytest

from engine.models.catalog import load_models
from engine.models.weights import ModelSize, PartSize
from engine.plan.estimate import ModelRate, estimate, expected_rates
from engine.plan.memory import MemoryNeed, memory_needs
from tests.support.rows import values

MODELS = load_models()
GIB = 1 << 30
SQUARE = {"aspect_ratio": "1:1", "rendering": "default"}


def test_what_the_model_list_expects_comes_back_as_the_estimate() -> None:
    expect = MODELS["builtin"].expect
    assert expect is not None
    images, found = estimate(
        [values(**SQUARE, num_images=4), values(**SQUARE, num_images=6)],
        MODELS,
        expected_rates(MODELS),
    )
    assert images == 10
    assert found.seconds == 10 * expect.seconds_per_image
    assert found.bytes == 10 * expect.bytes_per_image


def test_nothing_is_guessed_of_a_model_without_a_rate() -> None:
    images, found = estimate([values()], MODELS, {"other": ModelRate(1.0, 1.0)})
    assert images == 3
    assert (found.seconds, found.bytes) == (None, None)


def test_steps_and_size_count() -> None:
    rates = {"builtin": ModelRate(1e-3, 1.0)}

    def seconds(**changes: object) -> float:
        found = estimate([values(**(SQUARE | changes), num_images=10)], MODELS, rates)[1].seconds
        assert found is not None
        return found

    assert seconds(rendering="quality") == 2 * seconds(rendering="default")
    assert seconds(aspect_ratio="2:1") > seconds(aspect_ratio="1:1")


SDXL = ModelSize(
    (PartSize("text_encoder", 820_000_000), PartSize("unet", 2_650_000_000)), 320, 8, 256
)
NUMBERS = sum(part.numbers for part in SDXL.parts)


def needs(size: ModelSize | None, devices: dict[str, int], **changes: object) -> MemoryNeed | None:
    found = memory_needs([values(**(SQUARE | changes))], MODELS, {"builtin": size}, devices)
    return found[0] if found else None


def test_memory_follows_the_devices_number_format_and_the_largest_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.machine.processor_facts", lambda: ("flags : avx512f",))
    gpu = needs(SDXL, {"cuda:0": 8 * GIB, "cuda:1": 24 * GIB}, width=384, height=128)
    assert gpu is not None and gpu.device == "cuda:1" and gpu.fits
    assert 2 * NUMBERS < gpu.bytes < 2 * NUMBERS + 2 * GIB
    cpu = needs(SDXL, {"cpu": 8 * GIB})
    assert cpu is not None and cpu.bytes > 4 * NUMBERS
    assert cpu.fits and cpu.halves and cpu.placed_bytes < 8 * GIB < cpu.bytes
    small = needs(SDXL, {"cpu": 4 * GIB})
    assert small is not None and not small.fits
    wide = needs(SDXL, {"cpu": 8 * GIB}, width=384, height=128)
    assert wide is not None and wide.bytes > cpu.bytes
    assert needs(None, {"cpu": 1}) is None and needs(SDXL, {}) is None
    monkeypatch.setattr("engine.machine.processor_facts", lambda: ("flags : avx512f avx512_bf16",))
    half = needs(SDXL, {"cpu": 8 * GIB})
    assert half is not None and half.bytes < cpu.bytes - NUMBERS
