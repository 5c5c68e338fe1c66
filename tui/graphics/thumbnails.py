"""Small copies of pictures, made once and kept in the user's cache.

They are the app's, not the library's: a library may be read-only, on another machine or someone
else's, and the engine process has better to do between two images. The folder may be deleted at
any time.
"""

import contextlib
import hashlib
import os
import random
import tempfile
from pathlib import Path

from PIL import Image, ImageOps

from engine.api import cache_folder

THUMBNAIL = 384
"""Pixels of the longer side: 24 cells of 16 pixels."""
_WORTH = 512 * 512
"""Pixels below which decoding the picture itself is as quick."""
_MOST_PIXELS = 100_000_000
_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")
_QUALITY = 90
_FOLDERS = 256
_MOST_BYTES = 2 << 30
"""Of all thumbnails; beyond it the oldest go."""
_TIDY_EVERY = 64


def thumbnail(path: Path, about: os.stat_result) -> Image.Image:
    """The picture in a file, no larger than `THUMBNAIL`, from the cache if it is there.

    Args:
        path: the file.
        about: of it; a file that was changed has another thumbnail.

    Raises:
        OSError, SyntaxError, ValueError: the file is no whole picture, or has too many pixels.
    """
    kept = _place(path, about)
    with contextlib.suppress(OSError), Image.open(kept, formats=("JPEG",)) as small:
        return small.convert("RGB")
    image = opened(path, (THUMBNAIL, THUMBNAIL))
    large = image.width * image.height > _WORTH
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if large:
        _keep(image, kept)
    return image


def opened(path: Path, most: tuple[int, int]) -> Image.Image:
    """The picture in a file, upright and on white.

    Args:
        path: the file.
        most: width and height it will be shown at: a JPEG is decoded no larger than it needs.

    Raises:
        OSError, SyntaxError, ValueError: the file is no whole picture, or has too many pixels.
    """
    Image.init()
    # Not every Pillow has all of them.
    with Image.open(path, formats=[name for name in _FORMATS if name in Image.OPEN]) as source:
        if source.width * source.height > _MOST_PIXELS:
            raise Image.DecompressionBombError
        source.draft("RGB", most)
        return _opaque(ImageOps.exif_transpose(source))


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        # Of 16 bits, the upper eight: Pillow would cut off at 255, which gives white.
        return image.convert("I").point(lambda level: level / 256).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _folder() -> Path:
    return cache_folder() / "thumbnails"


def _place(path: Path, about: os.stat_result) -> Path:
    identity = f"{path}\0{about.st_mtime_ns}\0{about.st_size}\0{THUMBNAIL}"
    name = hashlib.blake2b(os.fsencode(identity), digest_size=16).hexdigest()
    return _folder() / name[:2] / f"{name[2:]}.jpg"


def _keep(image: Image.Image, place: Path) -> None:
    """Write it whole or not at all; without room or permission there simply is none."""
    with contextlib.suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=place.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                image.save(file, "JPEG", quality=_QUALITY, subsampling=0)
            Path(beside).rename(place)
        finally:
            Path(beside).unlink(missing_ok=True)
        if random.randrange(_TIDY_EVERY) == 0:
            tidy(place.parent, _MOST_BYTES // _FOLDERS)


def tidy(folder: Path, most_bytes: int) -> None:
    """Remove the oldest files of a folder until it holds no more than `most_bytes`."""
    files = sorted(
        (
            (about.st_mtime, about.st_size, entry.path)
            for entry in os.scandir(folder)
            if (about := entry.stat())
        ),
        reverse=True,
    )
    total = 0
    for _, size, file in files:
        total += size
        if total > most_bytes:
            Path(file).unlink(missing_ok=True)
