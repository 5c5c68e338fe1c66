"""A picture together with its source: beside it, in its place, or wiped over."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from PIL import Image

from engine.api import Recipe, fitted, open_plain, read_rgb, source_path

SourceWay: TypeAlias = Literal["beside", "instead", "wipe"]
Size: TypeAlias = tuple[int, int]

GONE = "its source picture is missing"
SPOILT = "its source picture cannot be shown"
_LEAST = 384
"""Pixels of the longer side: a preview is smaller, and its source is to be known again."""
_BETWEEN = (72, 72, 72)
_LINE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class SourceView:
    """A picture's source, and how the two are shown."""

    path: Path
    fit: str
    """How it was brought to the picture's size."""
    background: str
    """`#RRGGBB`, where it is transparent or too small."""
    way: SourceWay = "beside"
    at: int = 50
    """Where it is wiped over: per cent of the width that show it."""


def source_view(recipe: Recipe, library: Path) -> SourceView | None:
    """The source of an image with this recipe, beside it; None: it is drawn from noise."""
    if not recipe.image:
        return None
    return SourceView(source_path(library, recipe.image), recipe.fit, recipe.background)


def is_across(size: Size, room: Size) -> bool:
    """Whether two pictures of a size are larger side by side than one above the other."""
    return _scale((2 * size[0], size[1]), room) >= _scale((size[0], 2 * size[1]), room)


def _scale(size: Size, room: Size) -> float:
    return min(room[0] / size[0], room[1] / size[1])


def together(
    image: Image.Image, source_view: SourceView, room: Size, part: tuple[int, int, int, int] | None
) -> Image.Image:
    """One picture of both; the source first, as it was fitted.

    Args:
        image: the picture.
        source_view: its source.
        room: pixels, width and height, that both are to fill.
        part: of each of the two; None for all of it.

    Raises:
        FileNotFoundError: the source is gone.
        Exception: the source is damaged.
    """
    colour = source_view.background.lstrip("#")
    red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
    if not source_view.path.exists():
        raise FileNotFoundError(source_view.path)
    with open_plain(source_view.path) as file:
        source = read_rgb(file, (red, green, blue))
    if part is None and max(image.size) < _LEAST:
        times = -(-_LEAST // max(image.size))
        image = image.resize((image.width * times, image.height * times))
    fit = {"crop": "crop", "pad": "pad"}.get(source_view.fit, "stretch")
    source = fitted(source, image.size, fit, (red, green, blue))  # type: ignore[arg-type]
    if source_view.way == "wipe":
        image = _wiped(source, image, source_view.at)
    if part is not None:
        source, image = source.crop(part), image.crop(part)
    if source_view.way == "instead":
        return source
    return image if source_view.way == "wipe" else _joined(source, image, room)


def _wiped(source: Image.Image, image: Image.Image, at: int) -> Image.Image:
    edge, line = round(image.width * at / 100), max(1, image.width // 256)
    wiped = image.copy()
    wiped.paste(source.crop((0, 0, edge, image.height)), (0, 0))
    if 0 < edge < image.width:
        wiped.paste(_LINE, (edge - line // 2, 0, edge - line // 2 + line, image.height))
    return wiped


def joined_size(size: Size, room: Size) -> Size:
    """How large two pictures of a size are together, in their own pixels."""
    (width, height), gap = size, _gap(size)
    return (2 * width + gap, height) if is_across(size, room) else (width, 2 * height + gap)


def _gap(size: Size) -> int:
    return max(1, max(size) // 48)


def _joined(source: Image.Image, image: Image.Image, room: Size) -> Image.Image:
    (width, height), gap = image.size, _gap(image.size)
    across = is_across(image.size, room)
    both = Image.new("RGB", joined_size(image.size, room), _BETWEEN)
    both.paste(source, (0, 0))
    both.paste(image, (width + gap, 0) if across else (0, height + gap))
    return both
