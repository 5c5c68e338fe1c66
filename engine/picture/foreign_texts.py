"""The texts inside a picture of any program: chunks, EXIF, remarks, and bits of its pixels."""

import contextlib
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 16 << 20
_EXIF, _USER_COMMENT = 0x8769, 0x9286
_TEXT_TAGS = {0x010E: "Description", 0x9C9C: "parameters", 0x9C9B: "Title", 0x0131: "Software"}
"""Where programs put texts beside the user comment."""
_KEYED = re.compile(
    r"\s*(prompt|workflow|parameters|Comment|invokeai_metadata)\s*:\s*(?=[\[{])", re.IGNORECASE
)
"""How ComfyUI writes into EXIF, which has no names for texts: the name, then the text."""
_STEALTH = {b"stealth_pnginfo": False, b"stealth_pngcomp": True}
_STEALTH_RGB = {b"stealth_rgbinfo": False, b"stealth_rgbcomp": True}
_SIGN_BYTES = 15
_STEALTH_PIXELS = 40_000_000


def foreign_texts(path: Path) -> dict[str, str]:
    """Keyword → text, of a PNG, JPEG or WebP file; empty if there is none.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        texts = dict(_png_texts(file)) if file.read(8) == _SIGNATURE else {}
    return texts or _exif_texts(path)


def hidden_text(path: Path) -> str:
    """The text that some programs keep in the lowest bits of pixels; empty if there is none."""
    # Decoders raise whatever they like on a damaged file.
    with contextlib.suppress(Exception), Image.open(path, formats=("PNG", "WEBP")) as image:
        if image.width * image.height > _STEALTH_PIXELS:
            return ""
        pixels = np.asarray(image.convert("RGBA"), np.uint8).transpose(1, 0, 2) & np.uint8(1)
        with_alpha = "A" in image.getbands()
        return (_stealth(pixels[:, :, 3].ravel(), _STEALTH) if with_alpha else "") or _stealth(
            pixels[:, :, :3].ravel(), _STEALTH_RGB
        )
    return ""


def _stealth(bits: npt.NDArray[np.uint8], signs: Mapping[bytes, bool]) -> str:
    head = np.packbits(bits[: (_SIGN_BYTES + 4) * 8]).tobytes()
    is_packed = signs.get(head[:_SIGN_BYTES])
    if is_packed is None:
        return ""
    length = struct.unpack(">I", head[_SIGN_BYTES:])[0]
    start = (_SIGN_BYTES + 4) * 8
    body = np.packbits(bits[start : start + length]).tobytes()
    if is_packed:
        body = _unpacked(body, zlib.MAX_WBITS | 16)
    return body.decode("utf-8", "replace")


def _unpacked(data: bytes, window: int = zlib.MAX_WBITS) -> bytes:
    return zlib.decompressobj(window).decompress(data, _MOST_BYTES)


def _png_texts(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    """The texts of a PNG file, those behind its pixels, too."""
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind not in (b"tEXt", b"zTXt", b"iTXt") or length > _MOST_BYTES:
            file.seek(length + 4, 1)
            continue
        body = file.read(length)
        file.seek(4, 1)
        key, _, value = body.partition(b"\0")
        name = key.decode("latin-1")
        with contextlib.suppress(zlib.error, IndexError):
            if kind == b"tEXt":
                yield name, _utf8_or_latin(value)
            elif kind == b"zTXt":
                yield name, _utf8_or_latin(_unpacked(value[1:]))
            else:
                text = value[2:].split(b"\0", 2)[2]
                text = _unpacked(text) if value[:1] == b"\1" else text
                yield name, text.decode("utf-8", "replace")


def _utf8_or_latin(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _exif_texts(path: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    # Decoders raise whatever they like on a damaged file.
    with contextlib.suppress(Exception), Image.open(path, formats=("JPEG", "WEBP", "PNG")) as image:
        exif = image.getexif()
        found = [(_TEXT_TAGS.get(tag, ""), value) for tag, value in exif.items()]
        inner = exif.get_ifd(_EXIF)
        found.insert(0, ("parameters", inner.get(_USER_COMMENT)))
        remark = image.info.get("comment")
        found += [("parameters", remark)] if remark else []
        for name, value in found:
            text = _comment(value) if isinstance(value, bytes) else value
            if not isinstance(text, str) or not text.strip("\0 "):
                continue
            text = text.strip("\0")
            if keyed := _KEYED.match(text):
                texts.setdefault(keyed[1], text[keyed.end() :])
            elif name:
                texts.setdefault(name, text)
    return texts


def _comment(value: bytes) -> str:
    """A text of EXIF in any of the ways that programs write it."""
    kind, body = value[:8], value[8:]
    if kind.startswith(b"UNICODE"):
        return _utf16_or_8(body)
    if kind.startswith(b"ASCII\0") or kind == b"\0" * 8:
        return _utf8_or_latin(body)
    # Without a kind: Windows writes UTF-16, others whatever they have.
    return _utf16_or_8(value)


def _utf16_or_8(body: bytes) -> str:
    """UTF-16 of the order in which Latin letters are some, or UTF-8."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    sample = body[:400]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if not even and not odd:
        with contextlib.suppress(UnicodeDecodeError):
            return body.decode("utf-8")
    return body.decode("utf-16-le" if odd > even else "utf-16-be", "replace")
