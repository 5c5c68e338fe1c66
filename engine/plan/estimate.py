"""How long a sheet will take and how much it will weigh, from what is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.models.catalog import Model, ModelList
from engine.picture.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Rate:
    """What a model's images cost here."""

    seconds_per_work: float
    """Seconds for one step over one pixel."""
    bytes_per_pixel: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """None where nothing is known of one of the models yet."""

    seconds: float | None
    bytes: int | None


def expected_rates(models: ModelList) -> dict[str, Rate]:
    """Label → rate, for the models whose entry says what to expect."""
    return {label: rate for label, m in models.items() if (rate := _expected(m)) is not None}


def _expected(model: Model) -> Rate | None:
    if model.expect is None:
        return None
    pixels = model.base_resolution**2
    work = pixels * model.rendering["default"].steps
    return Rate(model.expect.seconds_per_image / work, model.expect.bytes_per_image / pixels)


def estimate(recipes: Iterable[Recipe], rates: Mapping[str, Rate]) -> Estimate:
    """Seconds and bytes for all `recipes` on one renderer."""
    seconds, size = 0.0, 0.0
    for recipe in recipes:
        rate = rates.get(recipe.model)
        if rate is None:
            return Estimate(None, None)
        pixels = recipe.width * recipe.height
        seconds += rate.seconds_per_work * pixels * recipe.steps
        size += rate.bytes_per_pixel * pixels
    return Estimate(round(seconds, 1), round(size))
