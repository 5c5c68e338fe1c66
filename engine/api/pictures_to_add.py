"""Pictures that a person names for the rows of a sheet, whose cells are to hold their names."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.api.found_pictures import FoundPicture, FoundPictures, RefusedPicture, find_pictures
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


def pictures_for_cells(given: Iterable[Path], wanted: Callable[[], bool]) -> FoundPictures:
    """As `find_pictures`, of what is given: `MOST` pictures at most, which cells can name."""
    found = find_pictures(given, most=MOST, wanted=wanted)
    named, refused = list[FoundPicture](), list(found.refused)
    for picture in found.pictures:
        if reason := _unwritable(picture.path):
            refused.append(RefusedPicture(shown_path(picture.path), reason))
        else:
            named.append(picture)
    return FoundPictures(tuple(named), tuple(refused))


def _unwritable(path: Path) -> str:
    """Why a cell cannot name a file; empty: it can."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return "Its name is not valid UTF-8, so it cannot go in a cell. Rename the file."
    if text != text.strip() or "://" in text or digest_in(text):
        return "A cell would change this name. Rename the file."
    return ""
