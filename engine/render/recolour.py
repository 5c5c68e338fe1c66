"""Palette steering: a finished picture's colours moved to a palette's, its shapes kept.

The picture's main colours are found, each is given one of the palette's, and every colour moves as
the main colours near it do. It is a mapping of colours alone: it depends on nothing but the picture
and the palette, costs milliseconds at any size, and serves every pipeline.
"""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from engine.picture.oklab import Floats, from_oklab, to_oklab
from engine.plan.palettes import weighted

STRENGTH = 0.8
"""How far colours go: 1 is all the way."""
_CONTRAST = 0.5
"""What is left of the differences within one main colour."""
_SOFTNESS = 0.06
"""How gently one main colour's movement passes into the next one's, in OKLab."""
_LIGHTNESS = 2.0
"""Dark stays dark: differences of lightness count this much when colours are given out."""
_SAMPLES = 1600
_ROUNDS = 12
_GRID = 21


def recolour(pixels: npt.NDArray[np.uint8], palette: Sequence[str]) -> npt.NDArray[np.uint8]:
    """The picture in the palette's colours; itself, without a palette.

    Args:
        pixels: height × width × 3.
        palette: `#RRGGBB`, each perhaps with `:weight`; colours of more weight get more room.
    """
    if not palette:
        return pixels
    colours = weighted(palette)
    wanted = to_oklab(np.array([colour for colour, _ in colours]) / 255)
    shares = np.array([share for _, share in colours])
    main, sizes = _main_colours(_sampled(pixels), len(wanted))
    targets = wanted[_given_out(main, sizes, wanted, shares)]
    table = ImageFilter.Color3DLUT(_GRID, _table(main, targets).ravel().tolist())
    return np.asarray(Image.fromarray(pixels).filter(table))


def _sampled(pixels: npt.NDArray[np.uint8]) -> Floats:
    """OKLab of pixels spread evenly over the picture."""
    height, width, _ = pixels.shape
    every = max(1, int((height * width / _SAMPLES) ** 0.5))
    return to_oklab(pixels[::every, ::every].reshape(-1, 3) / 255)


def _main_colours(points: Floats, count: int) -> tuple[Floats, Floats]:
    """`count` colours in the middle of the points nearest to each, and each one's share."""
    found = [points[_distances(points, points.mean(0)[None])[:, 0].argmax()]]
    for _ in range(count - 1):
        found.append(points[_distances(points, np.array(found)).min(1).argmax()])
    centres = np.array(found)
    for _ in range(_ROUNDS):
        nearest = _distances(points, centres).argmin(1)
        centres = np.array(
            [
                points[nearest == at].mean(0) if (nearest == at).any() else centre
                for at, centre in enumerate(centres)
            ]
        )
    nearest = _distances(points, centres).argmin(1)
    return centres, np.bincount(nearest, minlength=count) / len(points)


def _distances(points: Floats, others: Floats) -> Floats:
    """Between each point and each other: n × m."""
    apart: Floats = np.sqrt(((points[:, None] - others[None]) ** 2).sum(-1))
    return apart


def _given_out(main: Floats, sizes: Floats, wanted: Floats, shares: Floats) -> list[int]:
    """For each main colour the index of the palette's colour it becomes, each taken once."""
    apart = ((main[:, None] - wanted[None]) * np.array([_LIGHTNESS, 1, 1])) ** 2
    cost = (sizes[:, None] + 0.02) * apart.sum(-1) + (sizes[:, None] - shares[None]) ** 2
    orders = permutations(range(len(wanted)))
    return list(min(orders, key=lambda order: sum(cost[at, to] for at, to in enumerate(order))))


def _table(main: Floats, targets: Floats) -> Floats:
    """Where each colour of a grid goes: red runs fastest, as Pillow has it; levels 0 … 1."""
    steps = np.linspace(0, 1, _GRID)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    lab = to_oklab(np.stack([red, green, blue], -1).reshape(-1, 3))
    nearness = -_distances(lab, main) / _SOFTNESS
    shares = np.exp(nearness - nearness.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    middle = (shares[:, :, None] * main[None]).sum(1)
    target = (shares[:, :, None] * targets[None]).sum(1)
    moved = target + _CONTRAST * (lab - middle)
    return from_oklab(lab + STRENGTH * (moved - lab))
