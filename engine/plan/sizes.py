"""From an aspect ratio, or a width and a height, to a size a model can draw."""

import math
from functools import lru_cache
from typing import NamedTuple

from engine.models.catalog import Model
from engine.models.family import Size
from engine.plan.tiles import corners_of
from engine.sheet.rows import RowValues

_RATIO_WEIGHT = 4.0
_NEAR = 0.1
"""How far a listed size's ratio may be from the wanted one, as a logarithm: about 10 %."""


class SizeError(ValueError):
    """A size that the model cannot draw; the message says why and what it can."""


def parse_ratio(text: str) -> tuple[int, int]:
    """`w:h` as two whole numbers.

    Raises:
        ValueError: anything else.
    """
    width, height = (int(part) for part in text.split(":"))
    if width < 1 or height < 1:
        raise ValueError(f"{text!r} is not a ratio")
    return width, height


def size_for(ratio: str, model: Model) -> Size:
    """Width and height in pixels for `ratio` (`w:h`).

    The sizes that the model's family was trained at, or is used at by custom, come first. Else, of
    all sizes that are multiples of the model's step, the one nearest to the ratio and to the area
    of base_resolution²; a wrong ratio counts four times as much as a wrong area, so 2:3 at 1024 in
    steps of 32 gives 832 × 1248, and at 128 in steps of 16 gives 96 × 144.
    """
    across, down = parse_ratio(ratio)
    divisor = math.gcd(across, down)
    return _size(across // divisor, down // divisor, _limits(model))


def exact_size(width: int | None, height: int | None, ratio: str, model: Model) -> Size:
    """Width and height in pixels where one or both are asked for; the other follows from `ratio`.

    Both are taken to the nearest multiple of the model's step.

    Raises:
        SizeError: longer for its width, or larger, than the model can draw.
    """
    across, down = parse_ratio(ratio)
    step = model.size_multiple
    if width is None and height is None:
        return size_for(ratio, model)
    wide = width if width is not None else round((height or 0) * across / down)
    high = height if height is not None else round(wide * down / across)
    size = tuple(max(step, round(side / step) * step) for side in (wide, high))
    if max(size) > min(size) * model.max_ratio * (1 + 1e-9):
        raise SizeError(
            f"{size[0]} × {size[1]} is too long: the model {model.label} can draw up to"
            f" {model.max_ratio:g} times the shorter side."
        )
    sides = model.kind.sides_at(model.base_resolution)
    if sides is not None and not sides[0] <= min(size) <= max(size) <= sides[1]:
        raise SizeError(
            f"{size[0]} × {size[1]} has a side the model {model.label} cannot draw: each must"
            f" have {sides[0]} to {sides[1]} pixels."
        )
    most = model.max_area * model.base_resolution**2
    if size[0] * size[1] > most:
        side = _largest_side(model)
        raise SizeError(
            f"{size[0]} × {size[1]} is too large for the model {model.label}: the limit is {side}"
            f" × {side} or as many pixels in another shape (max_area in the model list)."
        )
    return size[0], size[1]


def _largest_side(model: Model) -> int:
    """Of a square that the model can draw."""
    most, step = math.sqrt(model.max_area) * model.base_resolution, model.size_multiple
    return max(step, math.floor(most / step) * step)


_MOST_ENLARGED = 10_240**2
"""Pixels of a picture that is redrawn in tiles, at most."""
OVERLAP = 4
"""A tile that is redrawn shares the fourth part of its side with the next."""


class Enlarged(NamedTuple):
    """How a picture is made larger."""

    width: int
    """Pixels."""
    height: int
    tile: int = 0
    """Side of the tiles that a model redraws it in; 0: whole, or as the upscaler does."""

    @property
    def drawn(self) -> int:
        """Pixels that are drawn for it: those that tiles share more than once."""
        if not self.tile:
            return self.width * self.height
        count = len(corners_of((self.width, self.height), self.tile, self.tile // OVERLAP))
        return count * min(self.tile, self.width) * min(self.tile, self.height)


def enlarged_size(width: int, height: int, model: Model) -> Enlarged:
    """The size nearest to one that a picture is enlarged to; in tiles if not whole.

    Raises:
        SizeError: the model cannot make it so large.
    """
    try:
        return Enlarged(*exact_size(width, height, "1:1", model))
    except SizeError:
        if model.draws_on != "strength" or width * height > _MOST_ENLARGED:
            raise
    step = model.size_multiple
    wide, high = (max(step, round(side / step) * step) for side in (width, height))
    return Enlarged(wide, high, _largest_side(model))


def row_size(row: RowValues, model: Model) -> Enlarged:
    """The size of a row's images.

    Raises:
        SizeError: the model cannot draw it.
    """
    if row.image and row.upscale and row.width and row.height:
        return enlarged_size(row.width, row.height, model)
    return Enlarged(*exact_size(row.width, row.height, row.aspect_ratio, model))


def enlarged_from(row: RowValues, model: Model, upscaler: Model) -> Enlarged:
    """The size of what is made of a row's own images, larger.

    Args:
        row: that asks for it (`RowValues.enlarges`).
        model: its model.
        upscaler: what enlarges them; it may be the same.

    Raises:
        SizeError: one of the two cannot make it so large.
    """
    first = row_size(row, model)
    return enlarged_size(first.width * row.enlarges, first.height * row.enlarges, upscaler)


class _SizeLimits(NamedTuple):
    """What of a model decides sizes, in a form that can be remembered."""

    base: int
    step: int
    sizes: tuple[Size, ...]
    named: tuple[tuple[str, Size], ...]
    sides: Size | None
    """The shortest side and the longest; None: any."""


def _limits(model: Model) -> _SizeLimits:
    family, base = model.kind, model.base_resolution
    sides = family.sides_at(base)
    if family.base != base:
        return _SizeLimits(base, model.size_multiple, (), (), sides)
    return _SizeLimits(base, model.size_multiple, family.sizes, family.named_sizes, sides)


@lru_cache(4096)
def _size(across: int, down: int, limits: _SizeLimits) -> Size:
    base, step, sizes, named, sides = limits
    wanted = max(across, down) / min(across, down)
    fitting = [size for size in sizes if size[0] % step == size[1] % step == 0]
    near = min(fitting, key=lambda size: _off(size, wanted), default=None)
    custom = dict(named).get(_landscape(across, down))
    if near is not None and _off(near, wanted) <= _NEAR:
        found = near
    elif custom is not None and custom[0] % step == custom[1] % step == 0:
        found = custom
    else:
        found = _nearest(wanted, base**2, step, sides)
    return found if across >= down else found[::-1]


def _landscape(across: int, down: int) -> str:
    """The usual way to write a ratio, landscape: 16:10, not 8:5."""
    long, short = max(across, down), min(across, down)
    return "16:10" if (long, short) == (8, 5) else f"{long}:{short}"


def _off(size: Size, wanted: float) -> float:
    return abs(math.log(size[0] / size[1] / wanted))


def _nearest(wanted: float, area: int, step: int, sides: Size | None) -> Size:
    """Landscape; within `sides` where there is such a size of about that ratio."""

    def fault(size: Size) -> tuple[float, float]:
        off_ratio = _off(size, wanted)
        return _RATIO_WEIGHT * off_ratio + abs(math.log(size[0] * size[1] / area)), off_ratio

    centre = max(1, round(math.sqrt(area / wanted) / step))
    sizes: list[Size] = []
    first = min(centre // 2, sides[0] // step) if sides else centre // 2
    for short in range(max(1, first), centre * 3 // 2 + 2):
        ideal = short * wanted
        longs = {max(short, math.floor(ideal)), max(short, math.ceil(ideal))}
        sizes += [(long * step, short * step) for long in longs]
    within = [s for s in sizes if sides and s[0] <= sides[1] and s[1] >= sides[0]]
    return min(within or sizes, key=fault)
