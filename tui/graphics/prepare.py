"""Pictures made ready for the screen: decoded, scaled and encoded, all off the event loop."""

import asyncio
import os
import stat
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from PIL import Image, UnidentifiedImageError
from rich.console import Console
from textual.strip import Strip

from tui.graphics.encode import EncodedPicture, draw, encode, pixel_size
from tui.graphics.protocol import Protocol, cell_size, current
from tui.graphics.thumbnails import THUMBNAIL, opened, thumbnail
from tui.graphics.with_source import GONE, SPOILT, SourceView, together

_MOST_CELLS = 297
"""Rows and columns that kitty can number."""
_CACHE_BYTES = 64_000_000
_THREADS = 2
_WHOLE = (1 << 20, 1 << 20)


@dataclass(frozen=True, slots=True)
class PictureFault:
    """There is no picture to show, and why in plain words."""

    reason: str


PicturePart: TypeAlias = tuple[int, int, int, int]
"""Left, upper, right and lower edge of a part of a picture, in its own pixels."""


@dataclass(frozen=True, slots=True)
class _Key:
    path: Path
    modified: int
    size: int
    box: tuple[int, int]
    cell: tuple[int, int]
    protocol: Protocol
    thin: bool
    part: PicturePart | None
    source_view: SourceView | None
    source: tuple[int, int] | None
    """When its source was changed, and its size; None: it is not there."""


class PictureCache:
    """Prepared pictures, the least recently used leaving first. Safe to use from threads."""

    def __init__(self, most_bytes: int = _CACHE_BYTES) -> None:
        self._most_bytes = most_bytes
        self._pictures: OrderedDict[_Key, EncodedPicture] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._pictures)

    def get(self, key: _Key) -> EncodedPicture | None:
        """The picture, if it is still here."""
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)

    def put(self, key: _Key, picture: EncodedPicture) -> None:
        """Keep a picture, at the cost of older ones."""
        with self._lock:
            if (old := self._pictures.pop(key, None)) is not None:
                self.bytes -= old.weight
            self._pictures[key] = picture
            self.bytes += picture.weight
            while self.bytes > self._most_bytes:
                self.bytes -= self._pictures.popitem(last=False)[1].weight


_cache = PictureCache()
_pool = ThreadPoolExecutor(_THREADS, "pictures")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture and its rows, ready for a widget."""

    picture: EncodedPicture
    strips: list[Strip]
    """Empty where only sixels are shown."""
    said: str = ""
    """What is to be said of it."""


async def drawn(
    path: Path,
    box: tuple[int, int],
    console: Console,
    part: PicturePart | None = None,
    *,
    rough: bool = False,
    source_view: SourceView | None = None,
) -> Drawing | PictureFault:
    """The picture in the file, as large as `box` (columns, rows) allows, made in a thread.

    Cancelling takes it out of the queue, if it is still waiting there.

    Args:
        path: the file.
        box: columns and rows it may fill.
        console: the app's; it tells how many colours the terminal has.
        part: of the picture; None for all of it.
        rough: in less than half the bytes, as always where the line is thin.
        source_view: what it was drawn on, to be shown with it; None: it is shown alone.
    """
    loop = asyncio.get_running_loop()
    terminal = current()
    thin = terminal.bandwidth == "low" or rough
    work = (path, box, cell_size(), terminal.protocol, console, thin, part, source_view)
    return await loop.run_in_executor(_pool, _draw, *work)


def _draw(
    path: Path,
    box: tuple[int, int],
    cell: tuple[int, int],
    protocol: Protocol,
    console: Console,
    thin: bool,
    part: PicturePart | None,
    source_view: SourceView | None,
) -> Drawing | PictureFault:
    picture = prepare(path, box, cell, protocol, thin=thin, part=part, source_view=source_view)
    said, is_with_it = "", source_view is not None and source_view.way != "instead"
    if isinstance(picture, PictureFault) and is_with_it:
        # The source may be what is at fault: then the picture is there all the same.
        said = GONE if picture.reason == GONE else SPOILT
        picture = prepare(path, box, cell, protocol, thin=thin, part=part)
    if isinstance(picture, PictureFault):
        return picture
    strips = [] if picture.sixels else draw(picture)
    for strip in strips:
        # Each style remembers its escape sequence: here, instead of on the event loop.
        strip.render(console)
    return Drawing(picture, strips, said)


def prepare(
    path: Path,
    box: tuple[int, int],
    cell: tuple[int, int],
    protocol: Protocol,
    cache: PictureCache = _cache,
    *,
    thin: bool = False,
    part: PicturePart | None = None,
    source_view: SourceView | None = None,
) -> EncodedPicture | PictureFault:
    """The picture in the file, as large as `box` (columns, rows) allows. Never raises.

    Args:
        path: the file.
        box: columns and rows it may fill.
        cell: width and height of a character cell in pixels.
        protocol: how the terminal takes pictures.
        cache: where finished pictures are kept.
        thin: whether the line to the terminal is.
        part: of the picture; None for all of it.
        source_view: as for `drawn`; the fault may be its.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            return PictureFault("This is not a file.")
        source = _stamp(source_view.path) if source_view else None
        if source_view is not None and source is None:
            return PictureFault(GONE)
        stamp = about.st_mtime_ns, about.st_size
        key = _Key(path, *stamp, box, cell, protocol, thin, part, source_view, source)
        if (picture := cache.get(key)) is None:
            picture = _make(key, about)
            cache.put(key, picture)
    except FileNotFoundError:
        return PictureFault("File not found.")
    except PermissionError:
        return PictureFault("No permission to read this file.")
    except UnidentifiedImageError:
        return PictureFault("The file is not a picture.")
    except Image.DecompressionBombError:
        return PictureFault("This picture is too large to show.")
    # Decoders raise whatever they like on a damaged file.
    except Exception:
        return PictureFault("The file is damaged or incomplete.")
    return picture


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size


def fitting(size: tuple[int, int], box: tuple[int, int], cell: tuple[int, int]) -> tuple[int, int]:
    """The most columns and rows inside `box` that keep the proportions of `size` in pixels."""
    most = min(box[0], _MOST_CELLS) * cell[0], min(box[1], _MOST_CELLS) * cell[1]
    scale = min(most[0] / size[0], most[1] / size[1])
    columns, rows = (max(1, round(size[i] * scale / cell[i])) for i in (0, 1))
    return columns, rows


def _make(key: _Key, about: os.stat_result) -> EncodedPicture:
    most = (key.box[0] * key.cell[0], key.box[1] * key.cell[1])
    if key.source_view is not None:
        # All of its pixels: it is seen against another one.
        image = together(opened(key.path, _WHOLE), key.source_view, most, key.part)
    else:
        small = key.part is None and max(most) <= THUMBNAIL
        image = thumbnail(key.path, about) if small else opened(key.path, most)
        if key.part is not None:
            image = image.crop(key.part)
    cells = fitting(image.size, key.box, key.cell)
    size = pixel_size(key.protocol, cells, key.cell)
    # Beyond its own pixels a picture is shown as they are, so that they can be judged.
    enlarged = key.part is not None and size[0] >= image.width
    way = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
    scaled = image.resize(size, way, reducing_gap=None if enlarged else 3.0)
    return encode(scaled, key.protocol, cells, low=key.thin)
