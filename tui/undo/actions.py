"""What people do to images, sessions and models that can be undone."""

from collections.abc import Callable, Mapping, Sequence

from engine.api import Library
from tui.model_words import needed_words
from tui.text import count_text, stars


class FavourAction:
    """Images become favourites, or no longer are."""

    def __init__(self, library: Library, images: Sequence[str], *, on: bool) -> None:
        self.images = list(images)
        self.words = ""
        self._library = library
        self._on = on

    def do(self) -> None:
        """Mark them; `undo` gives those that changed the rating back that they had."""
        self._before = self._library.images.favour(self.images, on=self._on)
        self.images = [*self._before]
        what = "a favourite" if len(self.images) == 1 else "favourites"
        count = count_text(len(self.images), "image")
        self.words = f"{count} {'' if self._on else 'no longer '}{what}"

    def undo(self) -> None:
        """Rate them as they were."""
        self._library.images.rate(self._before)


class RateAction:
    """Images get other ratings."""

    def __init__(self, library: Library, ratings: Mapping[str, int]) -> None:
        self.images = [*ratings]
        self.words = ""
        self._library = library
        self._ratings = ratings

    def do(self) -> None:
        """Rate them; `undo` gives those that changed the rating back that they had."""
        self._before = self._library.images.rate(self._ratings)
        self.images = [*self._before]
        given = {*self._ratings.values()}
        how = stars(given.pop()) if len(given) == 1 else "by their order"
        self.words = f"{count_text(len(self.images), 'image')} rated {how}"

    def undo(self) -> None:
        """Rate them as they were."""
        self._library.images.rate(self._before)


class DecideAction:
    """It is decided which of a row's images are kept."""

    def __init__(
        self, library: Library, session: str, row: int, ratings: Mapping[str, int], kept: int
    ) -> None:
        """A decision.

        Args:
            library: the library.
            session: the session's id.
            row: the row's number.
            ratings: image → its new rating, for those that get another one.
            kept: how many are kept.
        """
        self.images = [*ratings]
        self.words = f"row {row}: {count_text(kept, 'image')} kept"
        self.session, self.row = session, row
        self._library, self._ratings = library, ratings

    def do(self) -> None:
        """Rate what changes, and record that the row is decided."""
        images = self._library.images
        self._before = images.decide(self.session, self.row, self._ratings)
        self.images = [*self._before.before]

    def undo(self) -> None:
        """Rate them as they were; the row is as undecided as it was."""
        before = self._before
        self._library.images.decide(self.session, self.row, before.before, decided=before.decided)


class TrashAction:
    """Images go to the trash; favourites are left."""

    def __init__(self, library: Library, images: Sequence[str]) -> None:
        self.images = list(images)
        self.words = ""
        self._library = library

    def do(self) -> None:
        """Move them."""
        trashed = self._library.images.trash(self.images)
        self.images = trashed.images
        parts = [f"{count_text(len(trashed.images), 'image')} moved to trash"]
        parts += [f"{count_text(trashed.favourites, 'favourite')} not moved"] * bool(
            trashed.favourites
        )
        parts += [f"{trashed.rendering} still rendering"] * bool(trashed.rendering)
        self.words = ", ".join(parts)

    def undo(self) -> None:
        """Bring them back."""
        if self.images:
            self._library.images.restore(self.images)


class RestoreAction:
    """Images come back from the trash."""

    def __init__(self, library: Library, images: Sequence[str]) -> None:
        self.images = list(images)
        self.words = ""
        self._library = library

    def do(self) -> None:
        """Bring them back."""
        self.images = self._library.images.restore(self.images)
        self.words = f"{count_text(len(self.images), 'image')} restored from trash"

    def undo(self) -> None:
        """Move them there again."""
        if self.images:
            self._library.images.trash(self.images)


class _ByCalls:
    """Something done by one call and undone by another; it concerns no single images."""

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


def renaming(library: Library, session: str, before: str, after: str) -> _ByCalls:
    """A session gets another name."""
    return _ByCalls(
        f"{before} renamed to {after}",
        lambda: library.sessions.rename(session, after),
        lambda: library.sessions.rename(session, before),
    )


def tagging(
    library: Library, session: str, before: Sequence[str], after: Sequence[str]
) -> _ByCalls:
    """A session has other tags."""
    return _ByCalls(
        f"tags: {', '.join(after) or 'none'}",
        lambda: library.sessions.tag(session, after),
        lambda: library.sessions.tag(session, before),
    )


def trashing(library: Library, session: str, name: str) -> _ByCalls:
    """A session goes to the trash as a whole."""
    return _ByCalls(
        f"{name} moved to trash",
        lambda: library.sessions.trash(session),
        lambda: library.sessions.restore(session),
    )


def restoring(library: Library, session: str, name: str) -> _ByCalls:
    """A session comes back from the trash."""
    return _ByCalls(
        f"{name} restored from trash",
        lambda: library.sessions.restore(session),
        lambda: library.sessions.trash(session),
    )


class TakeOutAction:
    """A model is taken out of the list."""

    def __init__(self, library: Library, label: str) -> None:
        self.images: list[str] = []
        self.words = ""
        self._library, self._label = library, label

    def do(self) -> None:
        """Take it out, and say who still needs it."""
        models = self._library.models
        self._removed = models.remove(self._label)
        self.words = f"{self._label} removed from the list; its files stay"
        if needed := needed_words(models.needed_by(self._label)):
            self.words += f". {needed}"

    def undo(self) -> None:
        """Put it back."""
        self._library.models.put_back(self._removed)
        self.words = f"{self._label} removed from the list"
