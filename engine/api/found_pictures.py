"""Pictures that are to be drawn on, found in folders and among files; what cannot be is named."""

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.api.checked import Checked
from engine.api.pictures import as_looked_at
from engine.errors import reason_of
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


def find_pictures(
    given: Iterable[Path],
    *,
    recursive: bool = True,
    most: int | None = None,
    wanted: Callable[[], bool] = lambda: True,
) -> FoundPictures:
    """Files, and those in folders whose names end as pictures' do; hidden ones are left.

    Folders that are links are not followed: they can lead round in circles.

    Args:
        given: files, folders, and patterns (`*`, `?`, `[…]`, `**` for folders in folders).
        recursive: whether folders in folders are searched.
        most: pictures that are taken; None: all.
        wanted: asked at each name; if not, the rest is left.
    """
    walk = _Walk(recursive, wanted)
    paths = [(path, _is_folder(path)) for path in given]
    several = sum(is_folder for _, is_folder in paths) > 1
    found, known = list[FoundPicture](), dict[tuple[int, int], FoundPicture]()
    for path, is_folder in paths:
        before = len(found) + len(walk.refused)
        for picture in walk.named(path, is_folder=is_folder, several=several):
            if not walk.is_first(picture, known):
                continue
            if len(found) == most:
                reason = f"Only the first {most:,} pictures were added. Add the rest separately."
                walk.refused.append(RefusedPicture(picture.file, reason))
                return FoundPictures(tuple(found), tuple(walk.refused))
            found.append(picture)
        if len(found) + len(walk.refused) == before and wanted():
            where = "in this folder" if is_folder else "there"
            reason = f"No pictures found {where}."
            walk.refused.append(RefusedPicture(shown_path(path), reason))
    return FoundPictures(tuple(found), tuple(walk.refused))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # looking at it says why
        return False


@dataclass
class _Walk:
    """Through what was given, as long as it is wanted."""

    recursive: bool
    wanted: Callable[[], bool]
    refused: list[RefusedPicture] = field(default_factory=list)

    def named(self, path: Path, *, is_folder: bool, several: bool) -> Iterator[FoundPicture]:
        """The files that a path stands for.

        Args:
            path: a file, a folder or a pattern.
            is_folder: whether it is a folder.
            several: whether there are more folders, which may have the same names in them.
        """
        if is_folder:
            yield from self._in_folder(path, Path(path.absolute().name) if several else Path())
        elif glob.has_magic(str(path)) and not os.path.lexists(path):
            yield from sorted(self._matching(str(path)), key=lambda found: found.path)
        elif self.wanted():
            yield _found(path, path.name)

    def _matching(self, pattern: str) -> Iterator[FoundPicture]:
        for name in glob.iglob(pattern, recursive=True):  # noqa: PTH207 # it may be absolute
            if not self.wanted():
                return
            path = Path(name)
            if name.lower().endswith(SUFFIXES) and not path.is_dir():
                yield _found(path, path.name)

    def _in_folder(self, folder: Path, above: Path) -> Iterator[FoundPicture]:
        inside = [self._inside(folder, above)]
        while inside:
            for path, name, is_folder in inside[-1]:
                if is_folder:
                    inside.append(self._inside(path, name))
                    break
                yield _found(path, str(name))
            else:
                inside.pop()

    def _inside(self, folder: Path, above: Path) -> Iterator[tuple[Path, Path, bool]]:
        """Path, name and whether it is a folder, of all that is wanted of one, in order."""
        names = list[tuple[str, bool]]()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not self.wanted():
                        return
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        names += [(entry.name, True)] if self.recursive else []
                    elif entry.name.lower().endswith(SUFFIXES) and not entry.is_dir():
                        names.append((entry.name, False))
        except OSError as error:
            reason = f"The folder cannot be opened: {reason_of(error)}."
            self.refused.append(RefusedPicture(shown_path(folder), reason))
            return
        for name, is_folder in sorted(names):
            if not self.wanted():
                return
            yield folder / name, above / name, is_folder

    def is_first(self, picture: FoundPicture, known: dict[tuple[int, int], FoundPicture]) -> bool:
        """Whether its file was not found yet, by whatever name or link; else it is refused."""
        try:
            about = picture.path.stat()
        except (OSError, ValueError):  # looking at it says why
            return True
        first = known.setdefault((about.st_dev, about.st_ino), picture)
        if first is not picture:
            reason = f"Same file as {first.file}, which is added only once."
            self.refused.append(RefusedPicture(picture.file, reason))
        return first is picture


def _found(path: Path, name: str) -> FoundPicture:
    return FoundPicture(path.absolute(), name, shown_path(path))


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
