"""The pictures that batches are drawn on, made ready beside the drawing."""

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from PIL import ImageColor

from engine.picture.recipe import Recipe
from engine.picture.source_files import FITS, Fit, SourceError, digest_of_open, open_plain
from engine.picture.sources import ready_mask, ready_pixels
from engine.render.ready_sources import ReadySource

ROOM_BYTES = 192 << 20
"""Of pixels that are kept for later batches: 64 pictures of a megapixel."""
_MOST_CHECKED = 4096
"""Files that are remembered to be whole."""

_Made: TypeAlias = tuple[str, str, int, int, str, str]
"""All that a picture made ready follows from: image, mask, width, height, fit, background."""
_FileStamp: TypeAlias = tuple[int, int, int, int]


class SourceCache:
    """Sources made ready, over batches: those used last are kept while there is room.

    A file that was touched since it was read is read again, whatever is kept.
    """

    def __init__(self, room: int = ROOM_BYTES) -> None:
        """Args: room: bytes of pixels that are kept; the last picture is, whatever it takes."""
        self._room = room
        self._made: OrderedDict[_Made, ReadySource] = OrderedDict()
        self._checked: OrderedDict[str, _FileStamp] = OrderedDict()

    @property
    def bytes(self) -> int:
        """Of the pixels that are kept."""
        return sum(map(_bytes_of, self._made.values()))

    def ready(self, recipe: Recipe, files: Mapping[str, Path]) -> ReadySource:
        """What a recipe is drawn on.

        Args:
            recipe: one that is drawn on a picture.
            files: digest → file, of the pictures that recipes name.

        Raises:
            SourceError: it is gone, damaged, or no longer what it was.
        """
        image = self._whole(recipe.image, files)
        mask = self._whole(recipe.mask, files) if recipe.mask else None
        size = recipe.source_size
        key = (recipe.image, recipe.mask, *size, recipe.fit, recipe.background)
        if key not in self._made:
            how: Fit = next(name for name in FITS if name == recipe.fit)
            red, green, blue, *_ = ImageColor.getrgb(recipe.background)
            pixels = ready_pixels(image, size, how, (red, green, blue))
            self._made[key] = ReadySource(pixels, ready_mask(mask, size, how) if mask else None)
        self._made.move_to_end(key)
        while self.bytes > self._room and len(self._made) > 1:
            self._made.popitem(last=False)
        return self._made[key]

    def _whole(self, digest: str, files: Mapping[str, Path]) -> Path:
        """The file of a source, byte for byte what was taken in."""
        path = files.get(digest)
        if path is None:
            raise SourceError(f"its source picture is not in the library ({digest})")
        stamp = _stamp_of(path)
        if stamp is None or self._checked.get(digest) != stamp:
            with open_plain(path) as file:
                found = digest_of_open(file)
            if found != digest:
                raise SourceError(f"its source picture has been changed: {path}")
        if stamp is not None:
            self._checked[digest] = stamp
            self._checked.move_to_end(digest)
            if len(self._checked) > _MOST_CHECKED:
                self._checked.popitem(last=False)
        return path


def _stamp_of(path: Path) -> _FileStamp | None:
    """What is another once a file was written to or replaced; None: opening it says why."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def _bytes_of(made: ReadySource) -> int:
    return int(made.pixels.nbytes) + (0 if made.mask is None else int(made.mask.nbytes))
