"""What people do to images and sessions that can be undone."""

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.api import (
    favour_images,
    rename_session,
    restore_images,
    restore_session,
    tag_session,
    trash_images,
    trash_session,
)
from tui.text import count_text


class Favour:
    """Images become favourites, or no longer are."""

    def __init__(self, library: Path, images: Sequence[str], *, on: bool) -> None:
        self.images = list(images)
        self.words = ""
        self._library = library
        self._on = on

    def do(self) -> None:
        """Mark them; only those that changed are changed back by `undo`."""
        self.images = favour_images(self.images, self._library, on=self._on)
        what = "a favourite" if len(self.images) == 1 else "favourites"
        count = count_text(len(self.images), "image")
        self.words = f"{count} {'' if self._on else 'no longer '}{what}"

    def undo(self) -> None:
        """Mark them as they were."""
        favour_images(self.images, self._library, on=not self._on)


class TrashImages:
    """Images go to the trash; favourites are left."""

    def __init__(self, library: Path, images: Sequence[str]) -> None:
        self.images = list(images)
        self.words = ""
        self._library = library

    def do(self) -> None:
        """Move them."""
        trashed = trash_images(self.images, self._library)
        self.images = trashed.images
        parts = [f"{count_text(len(trashed.images), 'image')} to the trash"]
        parts += [f"{count_text(trashed.favourites, 'favourite')} kept"] * bool(trashed.favourites)
        parts += [f"{trashed.rendering} still being rendered"] * bool(trashed.rendering)
        self.words = ", ".join(parts)

    def undo(self) -> None:
        """Bring them back."""
        if self.images:
            restore_images(self.images, self._library)


class _OnSession:
    """Something done to a session, by one call and undone by another."""

    def __init__(self, words: str, do: Callable[[], object], undo: Callable[[], object]) -> None:
        self.images: list[str] = []
        self.words = words
        self._do = do
        self._undo = undo

    def do(self) -> None:
        """Do it."""
        self._do()

    def undo(self) -> None:
        """Undo it."""
        self._undo()


def renaming(library: Path, session: str, before: str, after: str) -> _OnSession:
    """A session is called something else."""
    return _OnSession(
        f"{before} is now {after}",
        lambda: rename_session(session, after, library),
        lambda: rename_session(session, before, library),
    )


def tagging(library: Path, session: str, before: Sequence[str], after: Sequence[str]) -> _OnSession:
    """A session has other tags."""
    return _OnSession(
        f"tags: {', '.join(after) or 'none'}",
        lambda: tag_session(session, after, library),
        lambda: tag_session(session, before, library),
    )


def trashing(library: Path, session: str, name: str) -> _OnSession:
    """A session goes to the trash as a whole."""
    return _OnSession(
        f"{name} to the trash",
        lambda: trash_session(session, library),
        lambda: restore_session(session, library),
    )


def restoring(library: Path, session: str, name: str) -> _OnSession:
    """A session comes back from the trash."""
    return _OnSession(
        f"{name} back from the trash",
        lambda: restore_session(session, library),
        lambda: trash_session(session, library),
    )
