"""OKLab, in which distance is what the eye sees (B. Ottosson, 2020), from and to sRGB."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_CONES, _FROM_LAB = np.linalg.inv(_TO_CONES), np.linalg.inv(_TO_LAB)


def to_oklab(levels: npt.ArrayLike) -> Floats:
    """OKLab of sRGB levels 0 … 1, both n × 3."""
    srgb = np.asarray(levels, np.float64)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return _times(np.cbrt(_times(linear, _TO_CONES)), _TO_LAB)


def from_oklab(lab: Floats) -> Floats:
    """The nearest sRGB levels 0 … 1, n × 3."""
    linear = _times(_times(lab, _FROM_LAB) ** 3, _FROM_CONES).clip(0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).clip(
        0, 1
    )


def _times(points: Floats, matrix: Floats) -> Floats:
    """Each point times a 3 × 3 matrix; sums in a fixed order, whatever the threads."""
    return np.stack([(points * row).sum(-1) for row in matrix], -1)
