"""Pictures that a person names for the rows of a sheet: by folders, patterns and files."""

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.api.found_pictures import FoundPicture, RefusedPicture, find_pictures
from engine.picture.source_files import SUFFIXES
from engine.sheet.picture_names import digest_in, shown_path

MOST = 10_000
"""Pictures that are taken at once."""


@dataclass(frozen=True, slots=True)
class UsablePicture:
    """One that can be drawn on."""

    path: Path
    width: int
    """Pixels."""
    height: int
    note: str = ""
    """What is to be said of it although it can be used; empty: nothing."""


def named_files(
    given: Iterable[str], wanted: Callable[[], bool]
) -> tuple[list[FoundPicture], list[RefusedPicture]]:
    """The files that texts name, each once; those of folders by their names' endings.

    Args:
        given: paths of files and folders, which are searched with all below, and patterns (`*`,
            `?`, `[…]`, `**` for folders in folders).
        wanted: asked at each folder; if not, the rest is left.

    Returns:
        `MOST` files at most, and what cannot be taken.
    """
    files, refused = dict[Path, None](), list[RefusedPicture]()
    for text in given:
        found = 0
        for path in _files(text):
            if not wanted():
                break
            if path is not None:
                found += 1
                files[path.absolute()] = None
            if len(files) > MOST:
                break
        if not found and wanted() and len(files) <= MOST:
            refused.append(RefusedPicture(text, "There is no picture there."))
    if len(files) > MOST:
        reason = f"There are more: the first {MOST:,} pictures are taken. Take the rest apart."
        refused.append(RefusedPicture(shown_path(files.popitem()[0]), reason))
    each_once = find_pictures(files)
    readable = list[FoundPicture]()
    for picture in each_once.pictures:
        if reason := _unwritable(picture.path):
            refused.append(RefusedPicture(shown_path(picture.path), reason))
        else:
            readable.append(picture)
    return readable, [*each_once.refused, *refused]


def _files(text: str) -> Iterator[Path | None]:
    """The files that one text names; None wherever another folder is begun."""
    path = Path(os.path.expanduser(text))  # noqa: PTH111 # it raises nothing
    if path.is_dir():
        # Folders that are links are not followed: they can lead round in circles.
        for folder, folders, names in os.walk(path):
            yield None
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and name.lower().endswith(SUFFIXES):
                    yield Path(folder) / name
    elif not os.path.lexists(path) and glob.has_magic(str(path)):
        for name in glob.iglob(str(path), recursive=True):  # noqa: PTH207 # it may be absolute
            found = Path(name)
            yield found if found.suffix.lower() in SUFFIXES and not found.is_dir() else None
    else:
        yield path  # of one that is not there, looking at it says so


def _unwritable(path: Path) -> str:
    """Why a cell cannot name a file; empty: it can."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return "Its name is no UTF-8, so no cell can hold it. Rename it."
    if text != text.strip() or "://" in text or digest_in(text):
        return "A cell with this name would be read as another one. Rename it."
    return ""
