"""What both sides of a wire tell of sessions, as values."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tally:
    """A session's counts after a change."""

    session: str
    images: int
    waiting: int
    rendering: int
    stopped: int
    failed: int
    done: int
    rewriting: int
    """Images whose prompts a language model is still to rewrite."""

    @property
    def settled(self) -> bool:
        """Whether nothing of it will be rendered unless someone asks."""
        return self.waiting == 0 and self.rendering == 0


@dataclass(frozen=True, slots=True)
class Trashed:
    """What came of trashing images."""

    images: list[str]
    """Ids of those that are in the trash now."""
    favourites: int
    """Left alone: favourites are protected."""
    rendering: int
    """Left alone: they are being rendered."""


@dataclass(frozen=True, slots=True)
class TrashSize:
    """What the trash holds."""

    images: int
    """Trashed one by one."""
    sessions: int
    """Trashed as a whole."""
    bytes: int


@dataclass(frozen=True, slots=True)
class Emptied(TrashSize):
    """What was deleted for good."""

    left: list[str] = field(default_factory=list)
    """Files that could not be deleted, relative to the library; not among the bytes."""
