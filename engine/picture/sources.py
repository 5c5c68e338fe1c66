"""Pictures that people bring: what a file is, and the pixels of it that are drawn on.

Whatever opens one for the first time does so in the guarded child (`engine.picture.looking`): what
others wrote can be damaged, or meant to do harm.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from engine.picture.source_files import (
    MOST_PIXELS,
    SAVE_AS,
    Fit,
    SourceError,
    SourceFacts,
    open_plain,
)

T = TypeVar("T")
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM")
"""What is read; Pillow knows more, some by other programs and some that nobody keeps up."""
_NAMES = {"JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"), "MPO": (".jpg", ".jpeg", ".mpo")} | {
    "PNG": (".png",),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pnm"),
}
_LEVELS_OF_16 = 257
"""A level of 8 bits in levels of 16."""


def look_at(file: io.BufferedReader, name: str, digest: str) -> SourceFacts:
    """What a picture's file is, all of it read.

    Args:
        file: opened by `open_plain`.
        name: what it is called, which need not be true.
        digest: of its bytes.

    Raises:
        SourceError: nothing that can be drawn on.
        MemoryError: it takes more memory than there may be.
    """
    size = os.fstat(file.fileno()).st_size
    with _opened(file) as picture:
        kind = picture.format or ""
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise SourceError(
                f"It has {width} × {height} pixels, more than the limit of"
                f" {MOST_PIXELS // 1_000_000} million. Make it smaller."
            )
        frames = _decoded(lambda: getattr(picture, "n_frames", 1))
        if frames > 1 and kind != "MPO":  # of a camera: the picture, and another view of it
            what = f"has {frames} pages" if kind == "TIFF" else f"is animated ({frames} frames)"
            raise SourceError(f"It {what}. Save the one you want as a separate picture.")
        if kind in ("JPEG", "MPO"):
            picture.draft("RGB", (width // 8, height // 8))  # all is read, a part is computed
        _load(picture)
        _refuse_modes(picture.mode)
        turned = _decoded(picture.getexif).get(0x0112, 1) in (5, 6, 7, 8)
    note = ""
    if Path(name).suffix.lower() not in _NAMES.get(kind, ()):
        note = f"Despite its name, it is a {kind} picture."
    if turned:
        width, height = height, width
    return SourceFacts(width, height, kind, size, digest, note)


def _opened(file: io.BufferedReader) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # our own limit is looked at before anything is decoded
    Image.init()
    try:
        return Image.open(file, formats=[name for name in _FORMATS if name in Image.OPEN])
    except UnidentifiedImageError:
        file.seek(0)
        raise SourceError(_other_content(file.read(16))) from None
    except (OSError, ValueError, SyntaxError, ArithmeticError, EOFError) as error:
        raise SourceError(f"The picture is damaged: {error}. {SAVE_AS}") from error


def _other_content(start: bytes) -> str:
    known = (
        (b"%PDF", "a PDF"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"<svg", "a drawing (SVG)"),
        (b"<?xml", "a drawing (SVG) or other XML"),
        (b"8BPS", "a Photoshop document"),
        (b"\x00\x00\x00\x0cjP", "a JPEG 2000 picture"),
        (b"RIFF", "a sound or video file"),
    )
    if start[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return f"This is a HEIC picture from a phone, which cannot be read. {SAVE_AS}"
    what = next((what for magic, what in known if start.startswith(magic)), "")
    return f"This is {what or 'no picture that is known'}, or one that is damaged. {SAVE_AS}"


def _load(picture: Image.Image) -> None:
    _decoded(picture.load)


def _decoded(read: Callable[[], T]) -> T:
    """What comes of reading a part of a picture.

    Raises:
        SourceError: it is damaged.
        MemoryError: it takes more memory than there may be.
    """
    try:
        return read()
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders fail in as many ways as there are files
        cut = "truncated" in str(error).lower() or isinstance(error, EOFError)
        what = "is incomplete: its end is missing" if cut else f"is damaged: {error}"
        raise SourceError(f"The picture {what}. Copy or download it again.") from error


def _refuse_modes(mode: str) -> None:
    if mode == "F":
        raise SourceError(f"Its pixels are decimal numbers, which screens cannot show. {SAVE_AS}")


def read_rgb(file: io.BufferedReader, background: tuple[int, int, int]) -> Image.Image:
    """A picture as it is looked at: turned, in sRGB, opaque.

    Args:
        file: one that `look_at` has passed.
        background: what shows where it is transparent.

    Raises:
        SourceError: it is damaged.
    """
    with _opened(file) as picture:
        _load(picture)
        _refuse_modes(picture.mode)
        turned = _decoded(lambda: ImageOps.exif_transpose(picture))
        profile = turned.info.get("icc_profile")
        opaque = _opaque(_eight_bits(turned), background)
        return _in_srgb(opaque, profile)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Levels of 8 bits: where Pillow would cut 16 off at 255, which gives white."""
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        levels = np.asarray(picture).astype(np.int64).clip(0, 65_535)
        return Image.fromarray(np.round(levels / _LEVELS_OF_16).astype(np.uint8))
    return picture


def _opaque(picture: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        above = picture.convert("RGBA")
        below = Image.new("RGBA", above.size, (*background, 255))
        below.alpha_composite(above)
        return below.convert("RGB")
    if picture.mode in ("CMYK", "RGB", "L", "LAB"):
        return picture
    return picture.convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and picture.mode in ("RGB", "CMYK", "L", "LAB"):
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = {"GRAY": "L"}.get(own.profile.xcolor_space.strip(), own.profile.xcolor_space)
            if mode.strip() == picture.mode:
                converted = ImageCms.profileToProfile(
                    picture, own, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                return converted or picture.convert("RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a profile that is none: the colours as they stand
    if picture.mode == "LAB":  # which Pillow converts by profiles alone
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, lab, srgb, outputMode="RGB") or picture
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def fitted(
    picture: Image.Image, size: tuple[int, int], fit: Fit, background: tuple[int, int, int]
) -> Image.Image:
    """A picture at exactly the size that is drawn.

    Args:
        picture: in RGB (or L: a mask).
        size: width and height in pixels.
        fit: `crop` cuts off what is over, `pad` puts `background` around, `stretch` does neither.
        background: the colour of what is put around.
    """
    if picture.size == size:
        return picture
    if fit == "stretch":
        return picture.resize(size, Image.Resampling.LANCZOS)
    if fit == "crop":
        return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    colour = background if picture.mode == "RGB" else 0
    return ImageOps.pad(picture, size, Image.Resampling.LANCZOS, color=colour)


def ready_pixels(
    path: Path, size: tuple[int, int], fit: Fit, background: tuple[int, int, int]
) -> npt.NDArray[np.uint8]:
    """A source made ready to be drawn on.

    Args:
        path: its file.
        size: width and height in pixels.
        fit: as for `fitted`.
        background: as for `read_rgb`.

    Returns:
        Height × width × 3, RGB.

    Raises:
        SourceError: it is gone or damaged.
    """
    with open_plain(path) as file:
        return np.asarray(fitted(read_rgb(file, background), size, fit, background))


def ready_mask(path: Path, size: tuple[int, int], fit: Fit) -> npt.NDArray[np.uint8]:
    """A mask made ready: white (255) where it is redrawn, black where the picture stays.

    Args:
        path: its file; one with transparent parts is redrawn there.
        size: as for `fitted`; its own picture has the same.
        fit: as for `fitted`.

    Returns:
        Height × width.

    Raises:
        SourceError: it is gone or damaged.
    """
    with open_plain(path) as file, _opened(file) as picture:
        _load(picture)
        turned = _decoded(lambda: ImageOps.exif_transpose(picture))
        levels = _eight_bits(turned).convert("L")
        if "transparency" in turned.info or turned.mode in ("RGBA", "LA", "PA"):
            alpha = turned.convert("RGBA").getchannel("A")
            if alpha.getextrema() != (255, 255):
                levels = ImageOps.invert(alpha)
    return np.asarray(fitted(levels, size, fit, (0, 0, 0)))
