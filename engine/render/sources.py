"""The pictures that a batch is drawn on, made ready beside the drawing."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from PIL import ImageColor

from engine.picture.recipe import Recipe
from engine.picture.source_files import FITS, Fit, SourceError, digest_of_open, open_plain
from engine.picture.sources import ready_mask, ready_pixels
from engine.render.drawing import ReadySource


class SourceCache:
    """The sources of one batch: what several images are drawn on is made ready once."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Args: files: digest → file."""
        self._files = files
        self._whole = cache(self._checked)
        self._made = cache(self._make)

    def ready(self, recipe: Recipe) -> ReadySource:
        """What a recipe is drawn on.

        Raises:
            SourceError: it is gone, damaged, or no longer what it was.
        """
        size = recipe.width, recipe.height
        return self._made(recipe.image, recipe.mask, size, recipe.fit, recipe.background)

    def _make(
        self, image: str, mask: str, size: tuple[int, int], fit: str, background: str
    ) -> ReadySource:
        how: Fit = next(name for name in FITS if name == fit)
        red, green, blue, *_ = ImageColor.getrgb(background)
        pixels = ready_pixels(self._whole(image), size, how, (red, green, blue))
        return ReadySource(pixels, ready_mask(self._whole(mask), size, how) if mask else None)

    def _checked(self, digest: str) -> Path:
        """The file of a source, byte for byte what was taken in."""
        path = self._files.get(digest)
        if path is None:
            raise SourceError(f"the picture that it is drawn on is not in the library ({digest})")
        with open_plain(path) as file:
            found = digest_of_open(file)
        if found != digest:
            raise SourceError(f"the picture that it is drawn on has been changed: {path}")
        return path
