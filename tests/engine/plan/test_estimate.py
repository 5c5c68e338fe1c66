from engine.models.catalog import load_models
from engine.plan.estimate import Rate, estimate, expected_rates
from tests.engine.plan.test_recipes import values

MODELS = load_models()
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
    images, found = estimate([values()], MODELS, {"other": Rate(1.0, 1.0)})
    assert images == 3
    assert (found.seconds, found.bytes) == (None, None)


def test_steps_and_size_count() -> None:
    rates = {"builtin": Rate(1e-3, 1.0)}

    def seconds(**changes: object) -> float:
        found = estimate([values(**(SQUARE | changes), num_images=10)], MODELS, rates)[1].seconds
        assert found is not None
        return found

    assert seconds(rendering="quality") == 2 * seconds(rendering="default")
    assert seconds(aspect_ratio="2:1") > seconds(aspect_ratio="1:1")
