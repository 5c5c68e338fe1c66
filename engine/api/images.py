"""Images: looked at, rated, put in the trash and brought back, copied."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from engine.library.read import reader
from engine.library.read.gallery import Gallery, Wanted, glance
from engine.library.read.picking import PickRow, PickWay, row_to_pick
from engine.library.read.reader import ImageInfo
from engine.library.records import Copied
from engine.protocol.answers import Rated
from engine.protocol.commands import Decide, Favour, Rate, RestoreImages, TrashImages
from engine.protocol.records import Trashed
from engine.service.client.route import ask


class Images:
    """The images of one library."""

    def __init__(self, path: Path) -> None:
        """Args: path: the library's folder."""
        self._path = path

    # ---------------------------------------------------------------- looked at

    def of(self, session: str) -> Iterator[ImageInfo]:
        """The images of a session by rows and variations, read by the page; not those in the trash.

        Args:
            session: its id.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        return reader.each_image(self._path, session)

    def named(self, images: Sequence[str]) -> list[ImageInfo]:
        """The images with these ids, as far as there are such, session by session, by rows.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        return reader.images_named(self._path, images)

    def as_json(self, session: str) -> Iterator[str]:
        """As `of`, each a JSON object in ASCII: four times as quick."""
        return reader.images_as_json(self._path, session)

    def gallery(
        self, session: str | None, wanted: Wanted | None = None, *, first: int | None = None
    ) -> Gallery:
        """The images of a session, a page at a time.

        Args:
            session: its id; None for all sessions.
            wanted: which of its images; all that are done, if it is not said.
            first: so many are enough for now, where all would take a while.

        Raises:
            LibraryError: no such library or session.
        """
        return Gallery(self._path, session, wanted, first=first)

    def glance(self, session: str, count: int) -> list[ImageInfo]:
        """A few finished images of a session: favourites first, then some from all over it.

        Raises:
            LibraryError: no such library.
        """
        return glance(self._path, session, count)

    def row_to_pick(
        self, session: str, row: int = 0, way: PickWay = "here", passed: Collection[int] = ()
    ) -> PickRow | None:
        """A row with its images, to choose among; None if there is none.

        Args:
            session: the session's id.
            row: the number of the row that one is at.
            way: `here`: that one; `open`: the next that nobody has decided, those that are still
                rendered last; `next`, `previous`: the neighbours.
            passed: numbers of rows that `open` goes past, too.

        Raises:
            LibraryError: no such session, or not a library this version can read.
        """
        return row_to_pick(self._path, session, row, way, passed)

    def newest(self, session: str, row: int | None = None) -> Path | None:
        """The file of the image of a session that was finished last.

        Args:
            session: its id.
            row: the number of the row that the image is of; None: of any.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        return reader.newest_image(self._path, session, row)

    def pixels(self, session: str) -> str | None:
        """One digest of all finished pictures of a session, in the order of the sheet.

        Two runs that drew the same have the same. None while there is no picture, or one of which
        no digest is known.

        Args:
            session: its id.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        return reader.pixels_of(self._path, session)

    def departures(self, session: str) -> tuple[int, list[str]]:
        """How many images of a session could not have all its conditions, and which these were."""
        return reader.departures_of(self._path, session)

    # ---------------------------------------------------------------- curated

    def favour(self, images: Sequence[str], *, on: bool = True) -> dict[str, int]:
        """Make images favourites, which is to rate them 5, or no longer, which is to rate them 0.

        Args:
            images: their ids.
            on: whether they become favourites.

        Returns:
            Image → the rating that it had, for those that changed.

        Raises:
            EngineError: the engine process cannot be started, or refuses.
        """
        return ask(self._path, Favour(images, on)).before

    def rate(self, ratings: Mapping[str, int]) -> dict[str, int]:
        """Rate images.

        Args:
            ratings: image's id → 0, which is none, to 5, which is a favourite.

        Returns:
            Image → the rating that it had, for those that changed: what takes it back.

        Raises:
            EngineError: the engine process cannot be started, or refuses.
        """
        return ask(self._path, Rate(dict(ratings))).before

    def decide(
        self, session: str, row: int, ratings: Mapping[str, int], *, decided: bool = True
    ) -> Rated:
        """Record that someone has chosen among the images of a row; what was before.

        Args:
            session: the session's id.
            row: the row's number.
            ratings: as for `rate`; empty: nothing of it is kept.
            decided: whether the row is decided now, or no longer.

        Raises:
            EngineError: the engine process cannot be started, or refuses.
        """
        return ask(self._path, Decide(session, row, dict(ratings), decided))

    def trash(self, images: Sequence[str]) -> Trashed:
        """Move images to the trash. Favourites and what is being rendered are left.

        Args:
            images: their ids.

        Raises:
            EngineError: the engine process cannot be started, or refuses.
        """
        return ask(self._path, TrashImages(images)).trashed

    def restore(self, images: Sequence[str]) -> list[str]:
        """Bring trashed images back; the ids of those that are back.

        Args:
            images: their ids.

        Raises:
            EngineError: none is in the trash any more, or the engine process refuses.
        """
        return ask(self._path, RestoreImages(images)).images

    # ---------------------------------------------------------------- taken along

    def copy(
        self,
        images: Collection[str],
        folder: Path,
        progress: Callable[[int, int], None] = lambda _, __: None,
        *,
        captions: bool = False,
    ) -> Copied:
        """Copy finished images into a folder, named as in an export; nothing there is replaced.

        Args:
            images: their ids.
            folder: made if need be.
            progress: told how many of how many were looked at; what it raises ends the copying.
            captions: write NAME.txt with the final prompt beside each NAME.png, as trainers of
                LoRAs want it. One that was there is left as it is.

        Raises:
            LibraryError: no library there, or not one this version can read.
            OSError: the folder cannot be written.
        """
        from engine.library.read import copying  # numpy and Pillow, which few need

        return copying.copy_images(self._path, images, folder, progress, captions=captions)

    def files(self, images: Sequence[ImageInfo]) -> Iterator[tuple[str, bytes | None]]:
        """The files of images under the names of an export, folders left out.

        Yields:
            A name, and what is in the file; None: it is missing or damaged.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        from engine.library.read import copying  # numpy and Pillow, which few need

        for image, name in zip(images, copying.names_of(self._path, images), strict=True):
            yield Path(name).name, copying.whole_file(self._path, image)
