"""The judge: says what is on a picture.

It is made from drawn pictures alone; it never sees the model, and the model's training never sees
it.

Colours are the nearest of the world's to the median of the corners (background) and to most of
the rest (object). Things are counted as connected areas that differ from the background. The
kind is a small convolutional classifier's word on each area, cut out and scaled.
"""

import itertools
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image, ImageFilter
from torch import nn

from assets.train.glyphs import COLOURS, KINDS
from assets.train.world import (
    SKIES,
    SKY_COLOURS,
    draw,
    one_thing,
    scene,
    several_things,
    two_things,
)

_CUT = 32
_SMALLEST = 40
"""Pixels; smaller areas are specks, not things."""

Pixels = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def _nearest(pixels: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    palette = np.array(list(COLOURS.values()), float)
    distances = ((pixels[:, None, :] - palette[None]) ** 2).sum(-1)
    nearest: npt.NDArray[np.intp] = distances.argmin(1)
    return nearest


def background(picture: Pixels) -> tuple[str, npt.NDArray[np.float64]]:
    """The background's colour, by name and as it is."""
    corners = [
        picture[v, u] for v in (slice(8), slice(-8, None)) for u in (slice(8), slice(-8, None))
    ]
    colour = np.median(np.concatenate([c.reshape(-1, 3) for c in corners]).astype(float), axis=0)
    return list(COLOURS)[int(_nearest(colour[None])[0])], colour


def _areas(mask: npt.NDArray[np.bool_]) -> list[Box]:
    """Boxes of the connected areas of the mask: runs of each row, joined to those above."""
    areas: list[list[int]] = []  # left, top, right, bottom, pixels
    above: list[tuple[int, int, list[int]]] = []
    for v, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(np.int8), [0]))))
        here: list[tuple[int, int, list[int]]] = []
        for start, end in edges.reshape(-1, 2).tolist():
            area = [start, v, end, v + 1, end - start]
            for other in {id(a): a for s, e, a in above if s < end and start < e}.values():
                area = [
                    *map(min, area[:2], other[:2]),
                    *map(max, area[2:4], other[2:4]),
                    area[4] + other[4],
                ]
                above = [(s, e, area if a is other else a) for s, e, a in above]
                here = [(s, e, area if a is other else a) for s, e, a in here]
                areas = [a for a in areas if a is not other]
            above = [(s, e, area if s < end and start < e else a) for s, e, a in above]
            here.append((start, end, area))
            areas.append(area)
        above = here
    return [(a[0], a[1], a[2], a[3]) for a in areas if a[4] >= _SMALLEST]


@dataclass(frozen=True, slots=True)
class Seen:
    """What is on a picture with a plain background."""

    background: str
    colour: str
    """The commonest colour of the things; "" when there are none."""
    boxes: list[Box]
    colours: list[str]
    """The commonest colour in each box."""


def look(picture: Pixels) -> Seen:
    """Background, colour and places of the things on a plain background."""
    name, colour = background(picture)
    pixels = picture.astype(float)
    mask = np.abs(pixels - colour).sum(-1) > 80
    # Parts a hair's breadth apart are one thing: close gaps of up to two pixels.
    closed = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(3))
    boxes = _areas(np.asarray(closed) > 0)
    things = pixels[mask]
    if len(things) < _SMALLEST:
        return Seen(name, "", [], [])
    inside = [
        pixels[top:bottom, left:right][mask[top:bottom, left:right]]
        for left, top, right, bottom in boxes
    ]
    return Seen(name, _commonest(things), boxes, [_commonest(thing) for thing in inside])


def _commonest(pixels: npt.NDArray[np.float64]) -> str:
    counts = np.bincount(_nearest(pixels), minlength=len(COLOURS))
    return list(COLOURS)[int(counts.argmax())]


def soft(picture: Pixels) -> float:
    """The share of pixels that are none of the picture's eight commonest colours.

    A colour takes with it all that lie within 14 levels of it before the next is chosen.
    """
    rest = picture.reshape(-1, 3).astype(int)
    pixels = len(rest)
    for _ in range(8):
        if len(rest):
            colours, counts = np.unique(rest, axis=0, return_counts=True)
            rest = rest[np.abs(rest - colours[counts.argmax()]).max(1) > 14]
    return len(rest) / pixels


def strong_steps(picture: Pixels) -> float:
    """Of the changes of colour (over 6 levels) from pixel to pixel rightwards, those over 90."""
    steps = np.abs(np.diff(picture.astype(int), axis=1)).max(2)
    return float((steps > 90).sum() / max(1, (steps > 6).sum()))


def sky(picture: Pixels) -> str:
    """A scene's sky, by the median of its top rows."""
    colour = np.median(picture[:6].reshape(-1, 3).astype(float), axis=0)
    return min(SKIES, key=lambda s: float(((np.array(SKY_COLOURS[s][0]) - colour) ** 2).sum()))


def _cut(image: Image.Image, box: Box) -> torch.Tensor:
    """The box's surroundings as a square, scaled, without colour's help: 1 × 32 × 32."""
    left, top, right, bottom = box
    half = max(right - left, bottom - top) / 2 + 3
    x, y = (left + right) / 2, (top + bottom) / 2
    corner = image.getpixel((2, 2))
    square = image.transform(
        (_CUT, _CUT),
        Image.Transform.EXTENT,
        (x - half, y - half, x + half, y + half),
        Image.Resampling.BILINEAR,
        fillcolor=corner,
    )
    difference = np.abs(np.asarray(square, float) - np.array(corner)).sum(-1)
    return torch.from_numpy(difference / max(60.0, float(difference.max()))).float()[None]


class KindJudge(nn.Module):
    """Cuts to scores of the kinds."""

    def __init__(self) -> None:
        super().__init__()
        widths = (1, 24, 48, 96)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
            layers += [nn.MaxPool2d(2)]
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(96 * (_CUT // 8) ** 2, len(KINDS))
        )

    def forward(self, cuts: torch.Tensor) -> torch.Tensor:
        """Shape: n × 1 × 32 × 32 → n × kinds."""
        scores: torch.Tensor = self.layers(cuts)
        return scores

    @torch.no_grad()
    def kind(self, picture: Image.Image, box: Box) -> str:
        """The kind of the thing in the box."""
        return KINDS[int(self(_cut(picture, box)[None]).argmax())]

    def things(self, picture: Image.Image) -> list[tuple[str, str]]:
        """(kind, colour) of all things on the picture, sorted."""
        seen = look(np.asarray(picture))
        return sorted(
            (self.kind(picture, b), c) for b, c in zip(seen.boxes, seen.colours, strict=True)
        )


def _drawn(rng: random.Random, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    cuts: list[torch.Tensor] = []
    kinds: list[int] = []
    while len(cuts) < n:
        maker = one_thing if rng.random() < 0.7 else several_things
        drawn = maker(rng, KINDS)
        image = draw(drawn, 128, 128, rng)
        if rng.random() < 0.5:  # so that soft edges do not confuse it
            image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
        boxes = look(np.asarray(image)).boxes
        if len(boxes) != drawn.groups[0].count:
            continue
        cuts.append(_cut(image, boxes[0]))
        kinds.append(KINDS.index(drawn.groups[0].kind))
    return torch.stack(cuts), torch.tensor(kinds)


def train_judge(file: Path, steps: int = 250) -> KindJudge:
    """A judge from drawn pictures, kept in `file`."""
    judge = KindJudge()
    if file.exists():
        judge.load_state_dict(torch.load(file, weights_only=True))
        return judge.eval()
    torch.manual_seed(5)
    rng = random.Random(5)
    optimizer = torch.optim.Adam(judge.parameters(), 2e-3)
    for step in range(steps):
        cuts, kinds = _drawn(rng, 64)
        loss = F.cross_entropy(judge(cuts + 0.05 * torch.randn_like(cuts)), kinds)
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - step / steps)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    torch.save(judge.state_dict(), file)
    return judge.eval()


def own_accuracy(judge: KindJudge, n: int = 500) -> dict[str, float]:
    """How often the judge is right about drawn pictures it has not seen."""
    rng = random.Random(11)
    right: dict[str, list[bool]] = {
        "background": [],
        "colour": [],
        "kind": [],
        "count": [],
        "sky": [],
        "pair": [],
    }
    for _ in range(n):
        one = one_thing(rng, KINDS)
        image = draw(one, 128, 128, rng)
        seen = look(np.asarray(image))
        right["background"].append(seen.background == one.background)
        right["colour"].append(seen.colour == one.groups[0].colour)
        named = [judge.kind(image, box) for box in biggest(seen.boxes)]
        right["kind"].append(named == [one.groups[0].kind])
        many = several_things(rng, KINDS)
        seen = look(np.asarray(draw(many, 128, 128, rng)))
        right["count"].append(len(seen.boxes) == many.groups[0].count)
        landscape = scene(rng)
        right["sky"].append(sky(np.asarray(draw(landscape, 128, 128, rng))) == landscape.sky)
        pair = two_things(rng, KINDS)
        named_pair = judge.things(draw(pair, 128, 128, rng))
        right["pair"].append(named_pair == sorted((g.kind, g.colour) for g in pair.groups))
    return {name: sum(answers) / n for name, answers in right.items()}


def biggest(boxes: list[Box]) -> list[Box]:
    """The box with the most pixels, alone in a list; none of none."""
    return sorted(boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))[-1:]
