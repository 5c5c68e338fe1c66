"""The things of the world: one flat drawing for each kind, in any colour."""

import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

COLOURS: dict[str, Colour] = {
    "red": (214, 40, 40),
    "orange": (245, 130, 32),
    "yellow": (250, 210, 50),
    "green": (56, 160, 72),
    "blue": (40, 96, 210),
    "purple": (128, 58, 170),
    "pink": (244, 140, 180),
    "brown": (128, 78, 42),
    "black": (24, 24, 28),
    "white": (246, 246, 242),
    "gray": (140, 144, 150),
    "teal": (30, 170, 170),
}
_SUPERSAMPLING = 3
_WOOD, _LEAF, _INK = (104, 68, 40), (44, 122, 58), (24, 24, 28)
_CREAM, _GLASS, _LAMP = (250, 246, 236), (190, 220, 240), (255, 232, 130)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with `share` (0 to 1) of `other`."""
    r, g, b = (round(x * (1 - share) + y * share) for x, y in zip(one, other, strict=True))
    return r, g, b


def apart(one: Colour, other: Colour) -> bool:
    """Whether the eye tells the two colours apart at once."""
    return sum(abs(x - y) for x, y in zip(one, other, strict=True)) > 110


class Canvas:
    """A picture being drawn, in pixels of the finished size, anti-aliased."""

    def __init__(self, width: int, height: int, ground: Colour) -> None:
        self.width, self.height = width, height
        size = (width * _SUPERSAMPLING, height * _SUPERSAMPLING)
        self._image = Image.new("RGB", size, ground)
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon(
            [(x * _SUPERSAMPLING, y * _SUPERSAMPLING) for x, y in points], fill=colour
        )

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse around (x, y)."""
        box = [(x - rx), (y - ry), (x + rx), (y + ry)]
        self._draw.ellipse([v * _SUPERSAMPLING for v in box], fill=colour)

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """A filled rectangle."""
        self._draw.rectangle([v * _SUPERSAMPLING for v in (x0, y0, x1, y1)], fill=colour)

    def finished(self) -> Image.Image:
        """The picture."""
        return self._image.reduce(_SUPERSAMPLING)


class Pen:
    """Draws on a canvas in a glyph's own coordinates: −1 to 1, y downwards, shaded by the scene."""

    def __init__(
        self, canvas: Canvas, x: float, y: float, r: float, under: Colour, shade: float = 0.0
    ) -> None:
        self._canvas, self._x, self._y, self._r = canvas, x, y, r
        self._shade = shade
        self.under = under
        """What lies behind the glyph: holes are drawn in it."""

    def shaded(self, colour: Colour) -> Colour:
        """As the scene's light shows it."""
        return mix(colour, (0, 0, 0), self._shade)

    def polygon(self, colour: Colour, *points: Point) -> None:
        """A filled polygon."""
        at = [(self._x + u * self._r, self._y + v * self._r) for u, v in points]
        self._canvas.polygon(at, self.shaded(colour))

    def disc(self, colour: Colour, u: float, v: float, ru: float, rv: float | None = None) -> None:
        """A filled ellipse around (u, v); a circle unless `rv` is given."""
        r = self._r
        rv = ru if rv is None else rv
        self._canvas.ellipse(self._x + u * r, self._y + v * r, ru * r, rv * r, self.shaded(colour))

    def box(self, colour: Colour, u0: float, v0: float, u1: float, v1: float) -> None:
        """A filled rectangle."""
        self.polygon(colour, (u0, v0), (u1, v0), (u1, v1), (u0, v1))

    def hole(self, u: float, v: float, radius: float) -> None:
        """A disc of what lies behind."""
        x, y, r = self._x + u * self._r, self._y + v * self._r, radius * self._r
        self._canvas.ellipse(x, y, r, r, self.under)


def _corners(n: int, radius: float, turn: float, inner: float | None = None) -> list[Point]:
    """A regular polygon's corners, or a star's when `inner` is its inner radius."""
    steps = n if inner is None else 2 * n
    return [
        (
            (radius if inner is None or i % 2 == 0 else inner) * math.cos(a),
            (radius if inner is None or i % 2 == 0 else inner) * math.sin(a),
        )
        for i in range(steps)
        for a in [turn + 2 * math.pi * i / steps]
    ]


_UP = -math.pi / 2


def _circle(pen: Pen, c: Colour) -> None:
    pen.disc(c, 0, 0, 1)


def _square(pen: Pen, c: Colour) -> None:
    pen.box(c, -0.9, -0.9, 0.9, 0.9)


def _triangle(pen: Pen, c: Colour) -> None:
    pen.polygon(c, (0, -1), (1.05, 0.85), (-1.05, 0.85))


def _star(pen: Pen, c: Colour) -> None:
    pen.polygon(c, *((u, v + 0.08) for u, v in _corners(5, 1.12, _UP, 0.48)))


def _heart(pen: Pen, c: Colour) -> None:
    pen.disc(c, -0.48, -0.36, 0.52)
    pen.disc(c, 0.48, -0.36, 0.52)
    pen.polygon(c, (-0.93, -0.1), (0, -0.5), (0.93, -0.1), (0, 0.98))


def _diamond(pen: Pen, c: Colour) -> None:
    pen.polygon(c, (0, -1.1), (0.78, 0), (0, 1.1), (-0.78, 0))


def _ring(pen: Pen, c: Colour) -> None:
    pen.disc(c, 0, 0, 1)
    pen.hole(0, 0, 0.52)


def _cross(pen: Pen, c: Colour) -> None:
    pen.box(c, -1, -0.34, 1, 0.34)
    pen.box(c, -0.34, -1, 0.34, 1)


def _crescent(pen: Pen, c: Colour) -> None:
    pen.disc(c, 0, 0, 1)
    pen.hole(0.5, -0.18, 0.82)


def _hexagon(pen: Pen, c: Colour) -> None:
    pen.polygon(c, *_corners(6, 1.02, 0))


def _house(pen: Pen, c: Colour) -> None:
    dark = sum(c) < 250
    pen.box(c, -0.75, -0.2, 0.75, 1)
    pen.polygon(mix(c, _CREAM if dark else _INK, 0.55), (-1.02, -0.16), (0, -1), (1.02, -0.16))
    pen.box(mix(c, _CREAM if dark else _INK, 0.7), -0.2, 0.36, 0.2, 1)
    for u in (-0.5, 0.5):
        pen.box(_LAMP, u - 0.16, 0.06, u + 0.16, 0.4)


def _tree(pen: Pen, c: Colour) -> None:
    pen.box(_WOOD, -0.14, 0.2, 0.14, 1)
    pen.disc(c, 0, -0.36, 0.64)
    pen.disc(c, -0.44, 0.04, 0.46)
    pen.disc(c, 0.44, 0.04, 0.46)


def _pine(pen: Pen, c: Colour) -> None:
    pen.box(_WOOD, -0.13, 0.6, 0.13, 1)
    for top, foot, half in ((-1.0, -0.3, 0.5), (-0.65, 0.2, 0.68), (-0.2, 0.74, 0.85)):
        pen.polygon(c, (0, top), (half, foot), (-half, foot))


def _flower(pen: Pen, c: Colour) -> None:
    pen.box(_LEAF, -0.08, 0, 0.08, 1)
    pen.polygon(_LEAF, (0, 0.95), (0.62, 0.4), (0.12, 0.5))
    pen.polygon(_LEAF, (0, 0.95), (-0.62, 0.4), (-0.12, 0.5))
    for u, v in _corners(6, 0.4, _UP):
        pen.disc(c, u, v - 0.36, 0.29)
    pen.disc(
        _WOOD if apart(c, _WOOD) and not apart(c, (250, 206, 50)) else (250, 206, 50),
        0,
        -0.36,
        0.26,
    )


def _eyes(pen: Pen, c: Colour, half: float, v: float, size: float) -> None:
    for u in (-half, half):
        pen.disc(_CREAM if sum(c) < 330 else _INK, u, v, size)


def _cat(pen: Pen, c: Colour) -> None:
    pen.polygon(c, (0.3, 0.98), (0.9, 0.8), (0.95, 0.0), (0.72, 0.0), (0.68, 0.62), (0.3, 0.72))
    pen.disc(c, 0, 0.52, 0.52, 0.48)
    pen.disc(c, 0, -0.3, 0.54, 0.48)
    for s in (-1, 1):
        pen.polygon(c, (s * 0.52, -1), (s * 0.06, -0.68), (s * 0.54, -0.3))
    _eyes(pen, c, 0.22, -0.32, 0.1)


def _rabbit(pen: Pen, c: Colour) -> None:
    pen.disc(c, 0, 0.56, 0.5, 0.44)
    pen.disc(c, 0, -0.06, 0.42, 0.38)
    for s in (-1, 1):
        pen.disc(c, s * 0.22, -0.6, 0.15, 0.42)
    pen.disc(mix(c, _CREAM, 0.75) if sum(c) < 600 else (214, 210, 206), 0.46, 0.72, 0.2)
    _eyes(pen, c, 0.17, -0.1, 0.085)


def _fish(pen: Pen, c: Colour) -> None:
    pen.polygon(c, (0.3, 0), (1.02, -0.55), (1.02, 0.55))
    pen.disc(c, -0.22, 0, 0.76, 0.52)
    pen.disc(_CREAM if sum(c) < 560 else _INK, -0.56, -0.12, 0.13)


def _bird(pen: Pen, c: Colour) -> None:
    pen.polygon(c, (0.3, -0.05), (1.05, -0.3), (0.95, 0.25))
    pen.disc(c, 0, 0.12, 0.6, 0.44)
    pen.disc(c, -0.5, -0.3, 0.36)
    pen.polygon(
        (245, 130, 32) if apart(c, (245, 130, 32)) else (250, 210, 50),
        (-0.8, -0.42),
        (-0.8, -0.14),
        (-1.15, -0.24),
    )
    pen.polygon(
        mix(c, _INK if sum(c) > 250 else _CREAM, 0.35), (-0.2, 0.0), (0.5, -0.05), (0.15, 0.42)
    )
    pen.disc(_CREAM if sum(c) < 330 else _INK, -0.54, -0.36, 0.09)


def _boat(pen: Pen, c: Colour) -> None:
    pen.polygon(c, (-1, 0.42), (1, 0.42), (0.62, 0.98), (-0.62, 0.98))
    pen.box(_WOOD, -0.06, -1, 0.06, 0.42)
    pen.polygon(_CREAM, (0.12, -0.95), (0.9, 0.28), (0.12, 0.28))
    pen.polygon((222, 218, 208), (-0.12, -0.7), (-0.76, 0.28), (-0.12, 0.28))


def _car(pen: Pen, c: Colour) -> None:
    pen.polygon(c, (-0.66, 0.16), (-0.4, -0.4), (0.34, -0.4), (0.66, 0.16))
    pen.polygon(_GLASS, (-0.46, 0.12), (-0.3, -0.26), (-0.05, -0.26), (-0.05, 0.12))
    pen.polygon(_GLASS, (0.08, 0.12), (0.08, -0.26), (0.26, -0.26), (0.46, 0.12))
    pen.box(c, -1, 0.12, 1, 0.66)
    for u in (-0.52, 0.52):
        pen.disc((40, 40, 46), u, 0.68, 0.28)
        pen.disc((170, 172, 176), u, 0.68, 0.12)


def _balloon(pen: Pen, c: Colour) -> None:
    pen.polygon(c, (-0.62, 0.1), (0.62, 0.1), (0.2, 0.62), (-0.2, 0.62))
    pen.disc(c, 0, -0.3, 0.7)
    pen.disc(mix(c, _CREAM, 0.55) if sum(c) < 600 else (206, 204, 200), 0, -0.3, 0.24, 0.69)
    for u in (-0.2, 0.13):
        pen.box(_WOOD, u, 0.58, u + 0.07, 0.75)
    pen.box(_WOOD, -0.2, 0.72, 0.2, 1)


def _lighthouse(pen: Pen, c: Colour) -> None:
    light = _CREAM if sum(c) < 600 else (176, 180, 188)
    edges = [(0.48 - 0.055 * i, 1 - 0.32 * i) for i in range(5)]
    for i in range(4):
        (a, low), (b, high) = edges[i], edges[i + 1]
        pen.polygon(c if i % 2 == 0 else light, (-a, low), (a, low), (b, high), (-b, high))
    pen.box(_LAMP, -0.2, -0.62, 0.2, -0.28)
    pen.polygon(_INK, (-0.34, -0.6), (0, -1), (0.34, -0.6))


def _cactus(pen: Pen, c: Colour) -> None:
    pen.box(c, -0.22, -0.75, 0.22, 1)
    pen.disc(c, 0, -0.75, 0.22)
    for s, v in ((-1, 0.3), (1, 0.1)):
        left, right = sorted((0, s * 0.78))
        pen.box(c, left, v - 0.16, right, v + 0.16)
        left, right = sorted((s * 0.46, s * 0.78))
        pen.box(c, left, v - 0.6, right, v + 0.16)
        pen.disc(c, s * 0.62, v - 0.6, 0.16)


def _mushroom(pen: Pen, c: Colour) -> None:
    pen.polygon(_CREAM, (-0.24, 0.1), (0.24, 0.1), (0.34, 0.98), (-0.34, 0.98))
    pen.polygon(
        c, *((math.cos(a), 0.16 + math.sin(a)) for i in range(25) for a in [math.pi * (1 + i / 24)])
    )
    spots = _CREAM if sum(c) < 600 else (214, 40, 40)
    for u, v, r in ((-0.5, -0.15, 0.16), (0.05, -0.45, 0.18), (0.52, -0.1, 0.14)):
        pen.disc(spots, u, v, r)


def _snowman(pen: Pen, c: Colour) -> None:
    pen.disc(c, 0, 0.5, 0.5)
    pen.disc(c, 0, -0.22, 0.37)
    scarf = (214, 40, 40) if apart(c, (214, 40, 40)) else (40, 96, 210)
    pen.box(scarf, -0.34, -0.1, 0.34, 0.08)
    pen.box(_INK if sum(c) > 250 else (140, 144, 150), -0.24, -1, 0.24, -0.56)
    pen.box(_INK if sum(c) > 250 else (140, 144, 150), -0.4, -0.62, 0.4, -0.5)
    _eyes(pen, c, 0.13, -0.32, 0.06)
    pen.polygon((245, 130, 32), (-0.02, -0.27), (0.42, -0.2), (-0.02, -0.14))


SHAPES: dict[str, Callable[[Pen, Colour], None]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "diamond": _diamond,
    "ring": _ring,
    "cross": _cross,
    "crescent": _crescent,
    "hexagon": _hexagon,
}
OBJECTS: dict[str, Callable[[Pen, Colour], None]] = {
    "house": _house,
    "tree": _tree,
    "pine tree": _pine,
    "flower": _flower,
    "cat": _cat,
    "rabbit": _rabbit,
    "fish": _fish,
    "bird": _bird,
    "boat": _boat,
    "car": _car,
    "balloon": _balloon,
    "lighthouse": _lighthouse,
    "cactus": _cactus,
    "mushroom": _mushroom,
    "snowman": _snowman,
}
GLYPHS = SHAPES | OBJECTS
KINDS = tuple(GLYPHS)
