"""How long a sheet will take and how much it will weigh, from what is known."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

from engine.models.catalog import Model, ModelList
from engine.plan.memory import MemoryNeed
from engine.plan.sizes import Enlarged, enlarged_from, row_size
from engine.sheet.columns import DEFAULT_STRENGTH, ENLARGED_STRENGTH
from engine.sheet.rows import RowValues


@dataclass(frozen=True, slots=True)
class ModelRate:
    """What a model's images cost here."""

    seconds_per_work: float
    """Seconds for one step over one pixel."""
    bytes_per_pixel: float | None
    """None: not known."""


@dataclass(frozen=True, slots=True)
class DiskNeed:
    """What the images take of the library's disk."""

    bytes: int
    room: int
    """What they may take: what is free, less the reserve and what running work will still take."""
    fits: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """None where nothing is known of one of the models yet."""

    seconds: float | None
    bytes: int | None
    memory: tuple[MemoryNeed, ...] = ()
    """What the models need of the device; not of those whose files do not tell."""
    disk: DiskNeed | None = None
    """What the images need of the disk; None where nothing is known, of them or of the disk."""


def expected_rates(models: ModelList) -> dict[str, ModelRate]:
    """Label → rate, for the models whose entry says what to expect."""
    return {label: rate for label, m in models.items() if (rate := _expected(m)) is not None}


def _expected(model: Model) -> ModelRate | None:
    if model.expect is None:
        return None
    pixels = model.base_resolution**2
    work = pixels * model.rendering["default"].steps
    return ModelRate(model.expect.seconds_per_image / work, model.expect.bytes_per_image / pixels)


def estimate(
    rows: Iterable[RowValues], models: ModelList, rates: Mapping[str, ModelRate]
) -> tuple[int, Estimate]:
    """How many images `rows` make; and seconds and bytes for them on one renderer.

    Args:
        rows: checked rows.
        models: the model list.
        rates: label → what the model's images cost.
    """
    alike: Counter[Hashable] = Counter()
    firsts: dict[Hashable, RowValues] = {}
    for row in rows:
        key: Hashable = (*_costs(row), row.image is not None)
        firsts.setdefault(key, row)
        alike[key] += row.num_images
    counts: Counter[tuple[str, Enlarged, int]] = Counter()
    for key, count in alike.items():
        for work in _work(firsts[key], models):
            counts[work] += count
    if any(label not in rates for label, *_ in counts):
        return counts.total(), Estimate(None, None)
    seconds, weight_of_all = 0.0, 0.0
    weighed = True
    for (label, made, taken), count in counts.items():
        seconds += rates[label].seconds_per_work * count * made.drawn * taken
        weight = rates[label].bytes_per_pixel
        weighed &= weight is not None
        weight_of_all += (weight or 0.0) * count * made.width * made.height
    return counts.total(), Estimate(round(seconds, 1), round(weight_of_all) if weighed else None)


_costs = attrgetter(
    *("model", "rendering", "steps", "aspect_ratio", "width", "height", "strength"),
    *("upscale", "upscaler"),
)
"""What decides the cost of a row's images, beside whether they are drawn on a picture."""


def _work(row: RowValues, models: ModelList) -> Iterator[tuple[str, Enlarged, int]]:
    """What each of a row's images takes, and what is made of it: model, size, steps."""
    model = models[row.model]
    strength = None
    if row.image and model.draws_on == "strength":
        strength = DEFAULT_STRENGTH if row.strength is None else row.strength
    asked = row.steps or model.rendering[row.rendering].steps
    yield row.model, row_size(row, model), _steps_taken(model, asked, strength)
    if row.enlarges:
        label = row.upscaler or row.model
        size = enlarged_from(row, model, models[label])
        yield label, size, _steps_taken(models[label], asked, ENLARGED_STRENGTH)


def _steps_taken(model: Model, asked: int, strength: float | None) -> int:
    return 1 if model.kind.upscales else model.kind.steps_taken(asked, strength)
