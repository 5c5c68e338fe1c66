"""Pictures that are to be drawn on, found in folders and among files; what cannot be is named."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.api.checked import Checked
from engine.api.pictures import as_looked_at
from engine.picture.source_files import SUFFIXES
from engine.sheet.picture_names import shown_path
from engine.sheet.vocabulary import LookedAt

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A file that is meant to be drawn on; nobody has looked into it yet."""

    path: Path
    name: str
    """What it is called: in folders below the one that was given, those are kept."""
    file: str
    """As messages name it."""


@dataclass(frozen=True, slots=True)
class RefusedPicture:
    """A file that is not drawn on."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class FoundPictures:
    """What was found, in the order of its names; each file once."""

    pictures: tuple[FoundPicture, ...]
    refused: tuple[RefusedPicture, ...] = ()


@dataclass(frozen=True, slots=True)
class PictureRows:
    """Pictures as the rows of a sheet."""

    checked: Checked | None
    """None: none of them can be drawn on."""
    refused: tuple[RefusedPicture, ...]


def find_pictures(given: Iterable[Path], *, recursive: bool = True) -> FoundPictures:
    """Files, and those in folders whose names end as pictures' do; hidden ones are left.

    Folders that are links are not followed: they can lead round in circles.

    Args:
        given: files and folders.
        recursive: whether folders in folders are searched.
    """
    wanted, refused = list[FoundPicture](), list[RefusedPicture]()
    paths = [(path, _is_folder(path)) for path in given]
    several = sum(is_folder for _, is_folder in paths) > 1
    for path, is_folder in paths:
        if not is_folder:
            wanted.append(FoundPicture(path.absolute(), path.name, shown_path(path)))
            continue
        # Two folders may have the same names in them.
        above = Path(path.absolute().name) if several else Path()
        found = list(_in_folder(path, above, recursive, refused))
        if not found and not any(each.file == shown_path(path) for each in refused):
            refused.append(RefusedPicture(shown_path(path), "There is no picture in this folder."))
        wanted += found
    return _each_once(wanted, refused)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # looking at it says why
        return False


def _in_folder(
    folder: Path, above: Path, recursive: bool, refused: list[RefusedPicture]
) -> Iterator[FoundPicture]:
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        reason = f"The folder cannot be looked into: {error.strerror}."
        refused.append(RefusedPicture(shown_path(folder), reason))
        return
    for entry in inside:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if recursive:
                yield from _in_folder(folder / entry.name, above / entry.name, recursive, refused)
        elif entry.name.lower().endswith(SUFFIXES) and not entry.is_dir():
            path = folder / entry.name
            yield FoundPicture(path.absolute(), str(above / entry.name), shown_path(path))


def _each_once(wanted: Sequence[FoundPicture], refused: list[RefusedPicture]) -> FoundPictures:
    """No file twice, by whatever names or links."""
    known: dict[tuple[int, int], FoundPicture] = {}
    pictures = []
    for picture in wanted:
        try:
            about = picture.path.stat()
        except (OSError, ValueError):  # looking at it says why
            pictures.append(picture)
            continue
        first = known.setdefault((about.st_dev, about.st_ino), picture)
        if first is picture:
            pictures.append(picture)
        else:
            reason = f"It is the same file as {first.file}, which is taken once."
            refused.append(RefusedPicture(picture.file, reason))
    return FoundPictures(tuple(pictures), tuple(refused))


@dataclass
class LookedAtPictures:
    """Pictures that can be drawn on, each under a name that no other has; and all others."""

    named: dict[str, LookedAt] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)
    refused: list[RefusedPicture] = field(default_factory=list)


def look_at_found(found: FoundPictures, progress: Progress) -> LookedAtPictures:
    """Look at each, whatever it takes; the pictures themselves are not kept.

    Args:
        found: by `find_pictures`.
        progress: told how many of how many were looked at; what it raises ends it.
    """
    from engine.picture.looking import look_at_all

    looked = LookedAtPictures(refused=list(found.refused))
    facts = look_at_all(picture.path for picture in found.pictures)
    for number, (picture, (path, fact)) in enumerate(
        zip(found.pictures, facts, strict=True), start=1
    ):
        if isinstance(fact, str):
            looked.refused.append(RefusedPicture(picture.file, fact))
        else:
            name = _own_name(picture, looked.named)
            looked.named[name] = as_looked_at(path, fact)
            looked.paths[name] = path
        progress(number, len(found.pictures))
    return looked


def _own_name(picture: FoundPicture, taken: dict[str, LookedAt]) -> str:
    """What its cell says: its name, else its whole path."""
    for name in (picture.name, str(picture.path)):
        text = shown_path(name).strip()
        if text and text not in taken:
            return text
    number = 2
    while f"{text} ({number})" in taken:
        number += 1
    return f"{text} ({number})"
