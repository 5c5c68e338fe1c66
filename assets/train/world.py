"""The world the model knows: what can be on a picture, chosen by chance, and drawn.

Layouts are few and fixed on purpose: an obedient small world is worth more than a varied blur.
One combination in ten is held out from training; `held_out` says which.
"""

import random
import zlib
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from assets.train.glyphs import COLOURS, GLYPHS, Canvas, Colour, Pen, apart, mix

Place = Literal["", "left", "center", "right", "top", "bottom"]
Size = Literal["", "small", "large"]

SKIES = ("day", "sunset", "night", "storm", "dawn")
GROUNDS = ("hills", "desert", "sea", "snow", "meadow", "city")
LIGHTS = ("sun", "full moon", "crescent moon")
PICTURE_SIZES = {(128, 128): 0.5, (96, 144): 0.12, (144, 96): 0.14, (176, 96): 0.14, (96, 176): 0.1}
"""(width, height) → share; 1:1 to about 2:1 and back, each of about 128² pixels."""

SKY_COLOURS: dict[str, tuple[Colour, Colour]] = {
    "day": ((120, 196, 244), (168, 220, 250)),
    "sunset": ((226, 88, 62), (248, 156, 74)),
    "night": ((18, 22, 58), (34, 40, 92)),
    "storm": ((84, 90, 104), (116, 122, 134)),
    "dawn": ((206, 160, 214), (248, 200, 196)),
}
_SHADE = {"day": 0.0, "sunset": 0.12, "night": 0.34, "storm": 0.2, "dawn": 0.04}
_GROUND_COLOURS: dict[str, tuple[Colour, Colour]] = {
    "hills": ((96, 180, 84), (64, 146, 70)),
    "desert": ((236, 196, 120), (220, 170, 92)),
    "sea": ((40, 116, 190), (96, 168, 224)),
    "snow": ((240, 246, 252), (214, 228, 244)),
    "meadow": ((142, 204, 90), (120, 186, 76)),
    "city": ((96, 98, 104), (82, 84, 92)),
}
FLYING = ("balloon", "bird")
_LIVES = {
    "hills": ("house", "tree", "cat", "rabbit", "flower", "lighthouse", "mushroom", *FLYING),
    "desert": ("cactus", "house", "cat", "car", *FLYING),
    "sea": ("boat", "boat", "fish", "lighthouse", *FLYING),
    "snow": ("house", "pine tree", "snowman", "cat", "rabbit", *FLYING),
    "meadow": ("house", "tree", "cat", "rabbit", "flower", "mushroom", *FLYING),
    "city": ("car", "car", "tree", "cat", *FLYING),
}
USUAL_COLOUR = {
    "tree": "green",
    "pine tree": "green",
    "cactus": "green",
    "lighthouse": "red",
    "snowman": "white",
}
_STARS = ((0.07, 0.3), (0.2, 0.12), (0.36, 0.4), (0.5, 0.1), (0.64, 0.34), (0.8, 0.1), (0.93, 0.42))
_PLACE_X = {"left": 0.2, "center": 0.5, "right": 0.8}


@dataclass(frozen=True, slots=True)
class Group:
    """Some things of one kind and colour."""

    kind: str
    colour: str
    count: int = 1
    size: Size = ""
    place: Place = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is on a picture. Plain ones have a background; scenes have a sky and a ground."""

    groups: tuple[Group, ...]
    background: str = ""
    above: bool = False
    """Of two groups: the first above the second, rather than left of it."""
    sky: str = ""
    ground: str = ""
    light: str = ""
    light_place: Place = ""
    clouds: int = 0
    mountains: int = 0
    lightning: bool = False


def held_out(*combination: object) -> bool:
    """Whether this combination never occurs in training (one in ten)."""
    return zlib.crc32(" ".join(map(str, combination)).encode()) % 10 == 0


def is_held_out(picture: Picture) -> bool:
    """Whether anything on the picture belongs to the held-out combinations."""
    where = picture.background or f"{picture.sky} {picture.ground}"
    return any(
        held_out(group.kind, group.colour, where)
        or (group.count > 1 and held_out(group.count, group.kind, group.colour))
        for group in picture.groups
    )


def _other_colour(rng: random.Random, *taken: str) -> str:
    free = [c for c in COLOURS if all(apart(COLOURS[c], COLOURS[t]) for t in taken)]
    return rng.choice(free)


def one_thing(rng: random.Random, kinds: tuple[str, ...]) -> Picture:
    """One thing on a plain background."""
    background = rng.choice(list(COLOURS))
    size: Size = rng.choice(("", "", "small", "large"))
    places: tuple[Place, ...] = ("", "", "left", "right", "top", "bottom")
    place = rng.choice(places) if size != "large" else ""
    group = Group(rng.choice(kinds), _other_colour(rng, background), 1, size, place)
    return Picture((group,), background)


def several_things(rng: random.Random, kinds: tuple[str, ...]) -> Picture:
    """Two, three or four of one kind on a plain background."""
    background = rng.choice(list(COLOURS))
    group = Group(
        rng.choice(kinds), _other_colour(rng, background), rng.choice((1, 2, 2, 2, 3, 3, 3, 4))
    )
    return Picture((group,), background)


def two_things(rng: random.Random, kinds: tuple[str, ...]) -> Picture:
    """Two different things on a plain background."""
    background = rng.choice(list(COLOURS))
    first = rng.choice(kinds)
    second = rng.choice([kind for kind in kinds if kind != first])
    colour = _other_colour(rng, background)
    groups = Group(first, colour), Group(second, _other_colour(rng, background, colour))
    return Picture(groups, background, above=rng.random() < 0.35)


def scene(rng: random.Random) -> Picture:
    """A landscape with up to two groups of things, light, weather and mountains."""
    sky, ground = rng.choice(SKIES), rng.choice(GROUNDS)
    lives = sorted(set(_LIVES[ground]))
    # What is flying comes last: the light and the clouds leave it a place.
    kinds = rng.sample(lives, rng.choices((0, 1, 2), (0.12, 0.6, 0.28))[0])
    groups = []
    for kind in kinds:
        usual = USUAL_COLOUR.get(kind)
        colour = usual if usual and rng.random() < 0.7 else rng.choice(list(COLOURS))
        count = rng.choices((1, 2, 3), (0.5, 0.27, 0.23))[0] if len(kinds) == 1 else 1
        groups.append(Group(kind, colour, count))
    if len(groups) == 1 and groups[0].count == 1:
        groups[0] = replace(groups[0], place=rng.choice(("left", "center", "right")))
    light = ""
    if sky in ("day", "sunset", "dawn") and rng.random() < 0.55:
        light = "sun"
    elif sky == "night" and rng.random() < 0.65:
        light = rng.choice(LIGHTS[1:])
    clouds = 0
    if sky in ("day", "dawn", "storm") and rng.random() < (0.75 if sky == "storm" else 0.35):
        clouds = rng.choice((1, 2, 3))
    free: list[Place] = ["left", "center", "right"]
    flying = [group for group in groups if group.kind in FLYING]
    if flying and not (len(groups) == 1 and flying[0].count == 1):
        clouds, light = 0, light if sky == "sunset" else ""
    elif flying:
        free.remove(flying[0].place)
    light_place: Place = rng.choice(free) if light else ""
    if light_place:
        free.remove(light_place)
    return Picture(
        tuple(groups),
        sky=sky,
        ground=ground,
        light=light,
        light_place=light_place,
        clouds=min(clouds, len(free)),
        mountains=rng.choice((1, 2, 3)) if ground != "city" and rng.random() < 0.3 else 0,
        lightning=sky == "storm" and not flying and rng.random() < 0.45,
    )


def draw(picture: Picture, width: int, height: int, rng: random.Random) -> Image.Image:
    """The picture, drawn; chance moves things a little."""
    if picture.background:
        return _plain(picture, width, height, rng).finished()
    return _scene(picture, width, height, rng).finished()


# ------------------------------------------------------------------ plain backgrounds


def _spots(
    n: int, width: int, height: int, lengthwise: bool
) -> tuple[list[tuple[float, float]], float]:
    """Where n things go, side by side or one above the other, and their radius."""
    if n == 4 and max(width, height) < 1.4 * min(width, height):
        return [(width * u, height * v) for v in (0.28, 0.72) for u in (0.28, 0.72)], min(
            width, height
        ) * 0.18
    side, across = (width, height) if lengthwise else (height, width)
    r = min(0.3 * across, 0.395 * side / n)
    middles = [side * (i + 0.5) / n for i in range(n)]
    return [(m, height / 2) if lengthwise else (width / 2, m) for m in middles], r


def _plain(picture: Picture, width: int, height: int, rng: random.Random) -> Canvas:
    ground = COLOURS[picture.background]
    canvas = Canvas(width, height, ground)
    m = min(width, height)

    def glyph(group: Group, x: float, y: float, r: float) -> None:
        x, y = x + rng.uniform(-0.015, 0.015) * m, y + rng.uniform(-0.015, 0.015) * m
        GLYPHS[group.kind](
            Pen(canvas, x, y, r * rng.uniform(0.95, 1.04), ground), COLOURS[group.colour]
        )

    if len(picture.groups) == 2:
        spots, r = _spots(2, width, height, not picture.above)
        for group, (x, y) in zip(picture.groups, spots, strict=True):
            glyph(group, x, y, r)
        return canvas
    (group,) = picture.groups
    if group.count > 1:
        spots, r = _spots(group.count, width, height, width >= height)
        for x, y in spots:
            glyph(group, x, y, r)
        return canvas
    r = {"small": 0.16, "": 0.29, "large": 0.42}[group.size] * m
    if group.place and not group.size:
        r = 0.24 * m
    u = {"left": -1, "right": 1}.get(group.place, 0) * (width / 2 - r - 0.07 * m)
    v = {"top": -1, "bottom": 1}.get(group.place, 0) * (height / 2 - r - 0.07 * m)
    glyph(group, width / 2 + u, height / 2 + v, r)
    return canvas


# ------------------------------------------------------------------ scenes


def _scene(picture: Picture, width: int, height: int, rng: random.Random) -> Canvas:
    top, low = SKY_COLOURS[picture.sky]
    shade, m = _SHADE[picture.sky], min(width, height)
    horizon = height * rng.choice((0.54, 0.58, 0.62))
    canvas = Canvas(width, height, top)
    canvas.rectangle(0, horizon * 0.58, width, height, low)
    if picture.sky == "night":
        for u, v in _STARS:
            r = 0.016 * m
            x, y = u * width, v * horizon
            canvas.polygon([(x - r, y), (x, y - r), (x + r, y), (x, y + r)], (240, 240, 210))
    free = ["left", "center", "right"]
    if picture.light:
        free.remove(picture.light_place)
        _light(canvas, picture, horizon)
    lone = picture.groups[0] if len(picture.groups) == 1 else None
    if lone and lone.kind in FLYING and lone.place in free:
        free.remove(lone.place)
    cloud = {"day": (248, 250, 252), "dawn": (252, 232, 232)}.get(picture.sky, (62, 66, 78))
    for place in free[: picture.clouds]:
        x, y, r = _PLACE_X[place] * width, 0.17 * height, 0.075 * m
        canvas.ellipse(x - 1.1 * r, y, 0.75 * r, 0.75 * r, cloud)
        canvas.ellipse(x + 1.1 * r, y, 0.75 * r, 0.75 * r, cloud)
        canvas.ellipse(x, y - 0.3 * r, r, r, cloud)
        canvas.rectangle(x - 1.1 * r, y, x + 1.1 * r, y + 0.75 * r, cloud)
    if picture.lightning:
        x, r = rng.choice((0.35, 0.65)) * width, horizon * 0.36
        zigzag = (
            (0.15, -0.9),
            (-0.5, 0.15),
            (-0.08, 0.15),
            (-0.3, 0.95),
            (0.5, -0.15),
            (0.1, -0.15),
            (0.45, -0.9),
        )
        canvas.polygon([(x + u * r, horizon * 0.6 + v * r) for u, v in zigzag], (252, 232, 120))
    for i in range(picture.mountains):
        x, h = width * (i + 0.5) / picture.mountains, 0.36 * m
        half = max(0.85 * h, 0.5 * width / picture.mountains)
        body, snow = mix((112, 116, 140), (0, 0, 0), shade), mix((244, 246, 250), (0, 0, 0), shade)
        foot = horizon + 0.03 * height
        canvas.polygon([(x - half, foot), (x, foot - h), (x + half, foot)], body)
        tip = 0.32
        canvas.polygon(
            [
                (x - half * tip, foot - h * (1 - tip)),
                (x, foot - h),
                (x + half * tip, foot - h * (1 - tip)),
            ],
            snow,
        )
    _ground(canvas, picture, horizon, shade, rng)
    _things(canvas, picture, horizon, shade, rng)
    return canvas


def _light(canvas: Canvas, picture: Picture, horizon: float) -> None:
    m = min(canvas.width, canvas.height)
    top, _ = SKY_COLOURS[picture.sky]
    x, r = _PLACE_X[picture.light_place] * canvas.width, 0.105 * m
    if picture.light == "sun":
        low = picture.sky != "day"
        y = horizon - 0.5 * r if low else 0.17 * canvas.height
        colour = {"day": (255, 224, 70), "sunset": (255, 220, 100), "dawn": (255, 236, 170)}
        canvas.ellipse(x, y, r * 1.2, r * 1.2, colour[picture.sky])
        return
    y = 0.17 * canvas.height
    canvas.ellipse(x, y, r, r, (244, 240, 214))
    if picture.light == "crescent moon":
        canvas.ellipse(x + 0.5 * r, y - 0.18 * r, 0.82 * r, 0.82 * r, top)


def _ground(
    canvas: Canvas, picture: Picture, horizon: float, shade: float, rng: random.Random
) -> None:
    width, height, m = canvas.width, canvas.height, min(canvas.width, canvas.height)
    near, far = (mix(c, (0, 0, 0), shade) for c in _GROUND_COLOURS[picture.ground])
    if picture.ground in ("sea", "city", "meadow"):
        if picture.ground == "city":
            _skyline(canvas, horizon, shade, rng)
        foot = horizon + (0.06 * height if picture.ground == "city" else 0)
        canvas.rectangle(0, foot, width, height, near)
    if picture.ground == "sea":
        for u, v in (
            (0.14, 0.2),
            (0.62, 0.3),
            (0.36, 0.55),
            (0.86, 0.62),
            (0.12, 0.84),
            (0.6, 0.9),
        ):
            x, y = u * width, horizon + v * (height - horizon)
            canvas.rectangle(x - 0.08 * m, y, x + 0.08 * m, y + 0.022 * m, far)
    elif picture.ground == "city":
        y = horizon + 0.3 * (height - horizon)
        canvas.rectangle(0, y, width, height, far)
    elif picture.ground == "meadow":
        petals = [mix(COLOURS[c], (0, 0, 0), shade) for c in ("white", "yellow", "pink")]
        spots = (
            (0.08, 0.3),
            (0.32, 0.86),
            (0.5, 0.4),
            (0.68, 0.9),
            (0.9, 0.34),
            (0.1, 0.9),
            (0.9, 0.82),
        )
        for i, (u, v) in enumerate(spots):
            canvas.ellipse(
                u * width, horizon + v * (height - horizon), 0.022 * m, 0.022 * m, petals[i % 3]
            )
    else:
        bump = 0.05 if picture.ground != "snow" else 0.035
        turn = rng.choice((-1, 1))
        for base, colour in ((horizon, near), (horizon + 0.2 * height, far)):
            points = [
                (width * i / 24, base + turn * bump * height * (1 - (i / 12 - 1) ** 2 * 2))
                for i in range(25)
            ]
            canvas.polygon([*points, (width, height), (0, height)], colour)
            turn = -turn


def _skyline(canvas: Canvas, horizon: float, shade: float, rng: random.Random) -> None:
    width, m = canvas.width, min(canvas.width, canvas.height)
    walls = [mix(c, (0, 0, 0), shade) for c in ((88, 96, 124), (112, 104, 132), (72, 84, 108))]
    lit = (252, 222, 120) if shade > 0.1 else (190, 214, 232)
    rise, step, first = (0.3, 0.46, 0.22, 0.4, 0.26), 0.2 * m, rng.choice((0, 2))
    for i in range(int(width / step) + 1):
        x, h = i * step, rise[(i + first) % len(rise)] * m
        y = horizon + 0.06 * canvas.height - h
        canvas.rectangle(x, y, x + step, canvas.height, walls[i % 3])
        for k in range(int(h / (0.12 * m))):
            for u in (0.18, 0.58):
                v = y + 0.045 * m + k * 0.12 * m
                canvas.rectangle(x + u * step, v, x + (u + 0.24) * step, v + 0.055 * m, lit)


def _things(
    canvas: Canvas, picture: Picture, horizon: float, shade: float, rng: random.Random
) -> None:
    width, height, m = canvas.width, canvas.height, min(canvas.width, canvas.height)
    for i, group in enumerate(picture.groups):
        if len(picture.groups) == 2:
            xs = [(0.27, 0.73)[i]]
        elif group.count == 1:
            xs = [{"left": 0.24, "right": 0.76}.get(group.place, 0.5)]
        else:
            xs = {2: [0.28, 0.72], 3: [0.19, 0.5, 0.81]}[group.count]
        r = m * {1: 0.21, 2: 0.19, 3: 0.16}[group.count]
        for u in xs:
            if group.kind in FLYING:
                y = 0.27 * height
            elif group.kind == "fish":
                y = height - 0.22 * height
            else:
                y = horizon + 0.27 * height - r
            x = u * width + rng.uniform(-0.015, 0.015) * m
            size = r * (0.78 if group.kind == "bird" else 1) * rng.uniform(0.95, 1.04)
            pen = Pen(canvas, x, y, size, SKY_COLOURS[picture.sky][0], shade * 0.5)
            GLYPHS[group.kind](pen, COLOURS[group.colour])
