"""Soft pictures made flat: what the decoder's topmost part has to learn to draw."""

import torch
import torch.nn.functional as F  # noqa: N812

_COLOURS = 14
"""Of a picture, at most, that others give way to."""
_SHARE = 0.001
"""Of a picture that a colour takes at least."""
_ALIKE = 24 / 127.5
"""Two colours nearer than this are one; so are a pixel's and a colour that it is sure to be."""
_REACH = 4
"""Pixels from which a colour may come to a pixel between colours."""
_STRANGE = 110 / 127.5
"""A pixel as far from all of them belongs to none."""


def span(pictures: torch.Tensor, window: int) -> torch.Tensor:
    """How much a channel changes in the window around each pixel, the most of all channels.

    Shape: n × 3 × height × width → n × 1 × height × width.
    """
    padding = window // 2
    most = F.max_pool2d(pictures, window, 1, padding)
    least = -F.max_pool2d(-pictures, window, 1, padding)
    return (most - least).amax(1, keepdim=True)


def colours_of(y: torch.Tensor) -> torch.Tensor:
    """A picture's commonest colours. Shape: 3 × height × width, -1 to 1 → n × 3."""
    pixels = y.reshape(3, -1).T
    # Where nothing changes nearby a pixel's own colour is meant, and none between two.
    calm = (span(y[None], 3) < _ALIKE).reshape(-1)
    rest = pixels[calm]
    colours: list[torch.Tensor] = []
    least = max(8, int(_SHARE * len(pixels)))
    for _ in range(_COLOURS):
        if len(rest) < least:
            break
        bins = ((rest + 1) * 8).long().clamp(0, 15)
        keys = (bins[:, 0] * 16 + bins[:, 1]) * 16 + bins[:, 2]
        most = keys.mode().values
        centre = rest[keys == most].mean(0)
        for _ in range(2):
            near = (rest - centre).abs().amax(1) < _ALIKE
            centre = rest[near].median(0).values
        if int(near.sum()) >= least:
            colours.append(centre)
        rest = rest[~near & ~(keys == most)]
    return torch.stack(colours) if colours else pixels.mean(0)[None]


def snapped(y: torch.Tensor) -> torch.Tensor:
    """A picture whose every pixel has one of the commonest colours found near it.

    Edges are smoothed as drawn ones are, by twice as many pixels a side. What is far from every
    colour nearby is a detail of its own, and stays as it is. Shape: 3 × height × width, -1 to 1.
    """
    colours = colours_of(y)[:, :, None, None]
    fine = F.interpolate(y[None], scale_factor=2, mode="bicubic", align_corners=False)[0]
    far = (fine[None] - colours).abs().amax(1)
    sure = (far < _ALIKE / 2).float()
    near = F.max_pool2d(sure[None], 4 * _REACH + 1, 1, 2 * _REACH)[0] > 0
    least, which = torch.where(near, far, torch.inf).min(0)
    flat = colours[which, :, 0, 0].permute(2, 0, 1)
    return F.avg_pool2d(torch.where(least[None] < _STRANGE, flat, fine), 2)
