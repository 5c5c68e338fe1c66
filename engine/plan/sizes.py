"""From an aspect ratio to a width and a height a model can draw."""

import math

from engine.models.catalog import Model

_RATIO_WEIGHT = 4.0


def parse_ratio(text: str) -> tuple[int, int]:
    """`w:h` as two whole numbers.

    Raises:
        ValueError: anything else.
    """
    width, height = (int(part) for part in text.split(":"))
    if width < 1 or height < 1:
        raise ValueError(f"{text!r} is not a ratio")
    return width, height


def size_for(ratio: str, model: Model) -> tuple[int, int]:
    """Width and height in pixels for `ratio` (`w:h`).

    Of all sizes that are multiples of the model's step, the one nearest to the ratio and to the
    area of base_resolution²; a wrong ratio counts four times as much as a wrong area, so 2:3 at
    1024 in steps of 32 gives 832 × 1248, and at 128 in steps of 16 gives 96 × 144.
    """
    across, down = parse_ratio(ratio)
    wanted = across / down
    area = model.base_resolution**2
    step = model.size_multiple

    def fault(size: tuple[int, int]) -> tuple[float, float]:
        width, height = size
        off_ratio = abs(math.log(width / height / wanted))
        off_area = abs(math.log(width * height / area))
        return _RATIO_WEIGHT * off_ratio + off_area, off_ratio

    centre = max(1, round(math.sqrt(area * min(wanted, 1 / wanted)) / step))
    shorts = range(max(1, centre // 2), centre * 3 // 2 + 2)
    sizes = []
    for short in shorts:
        ideal = short * max(wanted, 1 / wanted)
        for long in {max(short, math.floor(ideal)), max(short, math.ceil(ideal))}:
            pair = (long * step, short * step)
            sizes.append(pair if wanted >= 1 else pair[::-1])
    return min(sizes, key=fault)
