"""The kinds of files a picture can be stored as; each carries its recipe."""

import hashlib
import io
import zlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from engine.picture.png import PictureError, encode_png, read_text

PNG, WEBP, JPEG, JXL = "png", "webp", "jpeg", "jxl"
FORMATS = (PNG, WEBP, JPEG, JXL)
SUFFIXES = {PNG: ".png", WEBP: ".webp", JPEG: ".jpg", JXL: ".jxl"}
PLAIN_LEVELS = {PNG: 1, WEBP: 95, JPEG: 95, JXL: 95}
"""The level at which a picture is written again without its text."""
_PARAMETERS = "parameters"
_OURS = "promptsheet"
_MARK = b"promptsheet\0"
_UNICODE = b"UNICODE\0"
_EXIF_BYTES = 60_000
"""JPEG's header has room for 64 KiB of it."""


def is_available(kind: str) -> bool:
    """Whether files of a kind can be written and read here; JPEG XL needs Pillow's plug-in."""
    return kind != JXL or find_spec("pillow_jxl") is not None


def kind_of(path: Path) -> str | None:
    """The kind of a picture file, by its name; None for any other file."""
    return next((kind for kind, suffix in SUFFIXES.items() if suffix == path.suffix), None)


def encode(pixels: npt.NDArray[np.uint8], text: Mapping[str, str], kind: str, level: int) -> bytes:
    """A whole file; the same input gives the same bytes.

    Args:
        pixels: height × width × 3, RGB.
        text: `parameters` for other programs, `promptsheet` our own record.
        kind: one of `FORMATS`.
        level: of compression for PNG (0 to 3), of quality (1 to 100) for the others.
    """
    if kind == PNG:
        return encode_png(pixels, text, level)
    load_plugin(kind)
    file = io.BytesIO()
    options = {"method": 4} if kind == WEBP else {}
    Image.fromarray(pixels).save(file, kind, quality=level, exif=_exif(text), **options)
    return file.getvalue()


def pixel_digest(pixels: npt.NDArray[np.uint8]) -> str:
    """What is equal where pixels are: BLAKE2b over the RGB bytes, as 32 hexadecimal digits.

    Of the picture as it was drawn: a JPEG or WebP file decodes to something near it.

    Args:
        pixels: height × width × 3, RGB.
    """
    return hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16).hexdigest()


def load_plugin(kind: str | None) -> None:
    """Have Pillow learn a kind of files, before it reads or writes one."""
    if kind == JXL:
        import pillow_jxl  # noqa: F401


def _exif(text: Mapping[str, str]) -> bytes:
    """Our record as a maker's note; the line for other programs where they look for it.

    Left out is what there is no room for: first that line.
    """
    parameters = _UNICODE + text.get(_PARAMETERS, "").encode("utf-16-be", "replace")
    record = _MARK + zlib.compress(text.get(_OURS, "").encode("utf-8", "replace"))
    if len(parameters) + len(record) > _EXIF_BYTES:
        parameters = b""
    exif = Image.Exif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    if text.get(_PARAMETERS) and parameters:
        inner[ExifTags.Base.UserComment] = parameters
    if text.get(_OURS) and len(record) <= _EXIF_BYTES:
        inner[ExifTags.Base.MakerNote] = record
    return exif.tobytes()


def read_texts(path: Path) -> dict[str, str]:
    """The text in a picture file's header; pixels are not looked at.

    Raises:
        PictureError: not a picture file of ours, or cut off before its pixels.
    """
    kind = kind_of(path)
    if kind == PNG:
        return read_text(path)
    if kind is None or not is_available(kind):
        raise PictureError(f"{path.name} is not a picture file that can be read")
    load_plugin(kind)
    try:
        with Image.open(path) as image:
            inner = image.getexif().get_ifd(ExifTags.IFD.Exif)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise PictureError(f"{path.name} cannot be read: {error}") from error
    return _texts(inner.get(ExifTags.Base.MakerNote), inner.get(ExifTags.Base.UserComment))


def _texts(note: object, comment: object) -> dict[str, str]:
    texts: dict[str, str] = {}
    if isinstance(comment, bytes) and comment.startswith(_UNICODE):
        texts[_PARAMETERS] = comment.removeprefix(_UNICODE).decode("utf-16-be", "replace")
    if isinstance(note, bytes) and note.startswith(_MARK):
        try:
            record = zlib.decompress(note.removeprefix(_MARK))
        except zlib.error:
            return texts
        texts[_OURS] = record.decode("utf-8", "replace")
    return texts
