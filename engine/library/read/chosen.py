"""Which of a session's images are taken along, under which names, and with what in their files."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from engine.library.database import reading
from engine.library.read.copying import row_digits, whole_file
from engine.library.read.reader import OF_SESSION, ImageInfo, find_session
from engine.library.read.results import Result, columns_of, results_of
from engine.machine import cores
from engine.picture.formats import PLAIN_LEVELS, PNG, encode, kind_of
from engine.picture.png import PictureError, decode, without_text
from engine.plan.names import FreeNames, image_name
from engine.sheet.picture_names import name_of

_T = TypeVar("_T")
_THREADS = min(8, cores())


@dataclass(frozen=True, slots=True)
class ImageChoice:
    """Which images of a session; all of them, if nothing is said."""

    images: frozenset[str] | None = None
    """Only these, by their ids."""
    rows: frozenset[int] | None = None
    """Only those of these rows, by their numbers."""
    favourites: bool = False
    """Only these."""
    strip_metadata: bool = False
    """No recipe goes with them: not in a picture, a table, a page or a name."""

    def results(self, library: Path, session: str) -> Iterator[Result]:
        """The images, in whatever state, in the order of the sheet, read by the page.

        Raises:
            LibraryError: no such session, or not a library this version can read.
        """
        found = results_of(library, session, images=self.images, favourites=self.favourites)
        return (each for each in found if self.rows is None or each.info.row in self.rows)

    def count(self, library: Path, session: str) -> int:
        """How many images these are.

        Raises:
            LibraryError: no such session, or not a library this version can read.
        """
        if self.images is not None:
            return len(self.images)
        info = find_session(library, session)
        if self.rows is None:
            return info.favourites if self.favourites else info.images
        with reading(library) as db:
            (found,) = db.execute(
                "SELECT count(*) FROM images i JOIN rows r ON r.id = i.row"
                f" WHERE r.{OF_SESSION} AND r.number IN (SELECT value FROM json_each(?))"
                " AND i.trashed IS NULL AND i.favourite >= ?",
                (info.session, json.dumps(sorted(self.rows)), self.favourites),
            ).fetchone()
        return int(found)


class ResultNames:
    """Names of pictures in one folder, that sort like the sheet and tell what they are."""

    def __init__(self, library: Path, session: str, *, strip_metadata: bool) -> None:
        """Args: strip_metadata: leave the prompts out of the names."""
        # Their own names differ anyway; some source may be called as another image is.
        self._mixed = "image" in columns_of(library, session)
        self._width = row_digits(library, session)
        self._stripped = strip_metadata
        self.free = FreeNames()

    def of(self, result: Result) -> str:
        """The name of an image with a file; it is taken from then on."""
        info = result.info
        suffix = Path(info.file or "").suffix
        if drawn_on := result.cells.get("image"):
            return self.free.of_result(name_of(drawn_on), info.variation, suffix)
        prompt = "" if self._stripped else info.recipe.prompt
        name = image_name(info.row, info.variation, prompt, self._width) + suffix
        return self.free.free(PurePosixPath(name)) if self._mixed else name


def taken_data(library: Path, image: ImageInfo, *, strip_metadata: bool) -> bytes | None:
    """What is in an image's file, or in one like it without its recipe; None: it is lost."""
    data = whole_file(library, image)
    if data is None or not strip_metadata:
        return data
    try:
        return without_recipe(library / (image.file or ""), data)
    except (OSError, PictureError):
        return None


def each_data(
    library: Path, results: Iterable[Result], make: Callable[[Result, bytes | None], _T]
) -> Iterator[_T]:
    """What is made of each image's file, in order; several are made at a time, and few held.

    Args:
        library: the library.
        results: the images.
        make: is called in some thread, with what is in the file; None: it is lost.
    """

    def made(result: Result) -> _T:
        return make(result, whole_file(library, result.info))

    with ThreadPoolExecutor(_THREADS) as pool:
        ahead: deque[Future[_T]] = deque()
        try:
            for result in results:
                ahead.append(pool.submit(made, result))
                if len(ahead) > 2 * _THREADS:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def without_recipe(path: Path, data: bytes) -> bytes:
    """The same picture as a file that says nothing of how it was made.

    Args:
        path: the file.
        data: what is in it.

    Raises:
        OSError, PictureError: it is no whole picture.
    """
    kind = kind_of(path) or PNG
    if kind == PNG:
        return without_text(data)
    return encode(decode(path), {}, kind, PLAIN_LEVELS[kind])
