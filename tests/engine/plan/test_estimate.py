from engine.models.catalog import load_models
from engine.picture.recipe import Recipe
from engine.plan.estimate import Rate, estimate, expected_rates

RECIPE = Recipe("p", "", 0, 128, 128, 12, 4.0, "S", "builtin", "h")


def test_what_the_model_list_expects_comes_back_as_the_estimate() -> None:
    models = load_models()
    expect = models["builtin"].expect
    assert expect is not None
    found = estimate([RECIPE] * 10, expected_rates(models))
    assert found.seconds == 10 * expect.seconds_per_image
    assert found.bytes == 10 * expect.bytes_per_image


def test_nothing_is_guessed_of_an_unknown_model() -> None:
    found = estimate([RECIPE], {"other": Rate(1.0, 1.0)})
    assert (found.seconds, found.bytes) == (None, None)


def test_twice_the_steps_take_twice_the_time() -> None:
    rates = {"builtin": Rate(1e-6, 1.0)}
    once = estimate([RECIPE], rates).seconds
    twice = estimate([RECIPE, RECIPE], rates).seconds
    assert once is not None
    assert twice == 2 * once
