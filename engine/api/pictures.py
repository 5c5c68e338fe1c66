"""The pictures that a sheet's cells name: found, looked at once, and remembered."""

import difflib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from engine.errors import reason_of
from engine.library.read.sources import kept_picture
from engine.picture.source_files import SUFFIXES, SourceFacts
from engine.sheet.columns import COLUMN, Kind
from engine.sheet.headers import known_name
from engine.sheet.picture_names import digest_in, path_to_text
from engine.sheet.rows import SourcePicture
from engine.sheet.table import Table, cell_text
from engine.sheet.vocabulary import LookedAt

KnownPictures: TypeAlias = dict[tuple[str, int, int], SourceFacts | str]
"""Path, time of change and size → what was found."""
_MOST_SUGGESTED = 3


class PictureFolder:
    """Looks at the pictures that cells name; as a sheet's vocabulary has it. Blocks."""

    def __init__(
        self, library: Path, folder: Path | None, known: KnownPictures | None = None
    ) -> None:
        """Where to look.

        Args:
            library: whose copies may be named, as `name#digest`.
            folder: where names without a folder of their own are; None: there is none.
            known: what was found before, which is not looked at again.
        """
        self._library = library
        self._folder = folder
        self._known = {} if known is None else known

    @property
    def folder(self) -> Path | None:
        """Where names without a folder of their own are."""
        return self._folder

    def __call__(self, texts: Iterable[str]) -> Mapping[str, LookedAt]:
        """What each text stands for."""
        found: dict[str, LookedAt] = {}
        paths: dict[str, Path] = {}
        for text in texts:
            kept = self._kept_as(text)
            if kept is not None:
                found[text] = kept
            elif "://" in text:
                found[text] = LookedAt(
                    None, "This is a web address. Download the picture and use the file's name."
                )
            else:
                place = self._place(text)
                if isinstance(place, LookedAt):
                    found[text] = place
                else:
                    paths[text] = place
        self._look({path for path in paths.values() if self._stamp(path) not in self._known})
        for text, path in paths.items():
            found[text] = self._told(path)
        return found

    def _kept_as(self, text: str) -> LookedAt | None:
        """A picture that the library has a copy of, by its digest."""
        digest = digest_in(text)
        kept = kept_picture(self._library, digest) if digest else None
        if kept is not None:
            from engine.library.sources import (
                source_path,  # numpy and Pillow, which few sheets need
            )

            path = source_path(self._library, kept.digest).relative_to(self._library)
            return LookedAt(SourcePicture(str(path), kept.digest, kept.width, kept.height))
        if digest:
            return LookedAt(None, "This picture is no longer in the library.")
        return None

    def _place(self, text: str) -> Path | LookedAt:
        try:
            path = Path(text).expanduser()
            if not path.is_absolute():
                if self._folder is None:
                    return LookedAt(None, "Give the full path: there is no folder to search.")
                path = self._folder / path
            path.lstat()
        except FileNotFoundError:
            where = path.parent if path.parent.is_dir() else None
            near = _near(path.name, where) if where else ()
            beside = Path(text).parent
            message = f"File not found: {path.name} in {path.parent}."
            return LookedAt(None, message, tuple(str(beside / name) for name in near))
        except (OSError, ValueError, RuntimeError) as error:
            return LookedAt(None, f"This is not a valid file name: {reason_of(error)}.")
        return path

    def _stamp(self, path: Path) -> tuple[str, int, int]:
        try:
            about = path.stat()
        except OSError:
            return str(path), 0, 0
        return str(path), about.st_mtime_ns, about.st_size

    def _look(self, paths: Iterable[Path]) -> None:
        for _ in self.look_at(sorted(paths)):
            pass

    def look_at(
        self, paths: Sequence[Path], wanted: Callable[[], bool] = lambda: True
    ) -> Iterator[tuple[Path, SourceFacts | str]]:
        """Look at files, so that cells which name them are known.

        Args:
            paths: the files.
            wanted: asked now and then; if not, the rest is left.

        Yields:
            Each with what is known of it, or why it cannot be drawn on.
        """
        if not paths:
            return
        from engine.picture.looking import look_at_all  # Pillow, which few sheets need

        for path, facts in look_at_all(paths, wanted):
            self._known[self._stamp(path)] = facts
            yield path, facts

    def _told(self, path: Path) -> LookedAt:
        facts = self._known.get(self._stamp(path), "The file just changed. Try again.")
        if isinstance(facts, str):
            return LookedAt(None, facts)
        return as_looked_at(path, facts)


def as_looked_at(path: Path, facts: SourceFacts) -> LookedAt:
    """A picture that can be drawn on, as a cell stands for it."""
    place = path_to_text(path.absolute())
    picture = SourcePicture(place, facts.digest, facts.width, facts.height)
    return LookedAt(picture, facts.note)


def _near(name: str, folder: Path) -> tuple[str, ...]:
    """Pictures in a folder whose names are nearly this one."""
    try:
        names = [
            entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(SUFFIXES)
        ]
    except OSError:
        return ()
    folded = {other.casefold(): other for other in names}
    stems = {Path(other).stem.casefold(): other for other in names}
    found = [folded[near] for near in difflib.get_close_matches(name.casefold(), folded, n=3)]
    if same := stems.get(Path(name).stem.casefold()):
        found.insert(0, same)  # with another ending
    return tuple(dict.fromkeys(found))[:_MOST_SUGGESTED]


def with_own_columns(table: Table, pictures: PictureFolder) -> Table:
    """The table, its columns that are called as ours are but name no picture left to the user."""
    own = set()
    for at, header in enumerate(table.header):
        name = known_name(header)
        if name is None or COLUMN[name].kind is not Kind.PICTURE:
            continue
        texts = {cell_text(cells[at]).strip() for _, cells in table.lines if at < len(cells)}
        texts.discard("")
        if texts and not any(_looks_like_one(text) for text in texts):
            looked = pictures(texts)
            if all(each.picture is None for each in looked.values()):
                own.add(at)
    return replace(table, own=frozenset(own))


def _looks_like_one(text: str) -> bool:
    return text.lower().endswith(SUFFIXES) or digest_in(text) is not None
