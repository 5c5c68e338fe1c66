"""What clients ask of the engine process about images and sessions that were made."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from engine.library.database import is_new, reading
from engine.library.read.sessions import size_of_trash
from engine.protocol.answers import Answer
from engine.protocol.commands import (
    Command,
    EmptyTrash,
    Favour,
    Rename,
    RestoreImages,
    RestoreSession,
    Tag,
    TrashImages,
    TrashSession,
)
from engine.protocol.records import Emptied, Trashed, TrashSize
from engine.service.client.connection import connect_or_start

A = TypeVar("A", bound=Answer)


def ask(library: Path, command: Command[A], *, asked: bool = False) -> A:
    """Give the engine process of `library` a command, started if need be; its answer.

    Args:
        library: whose.
        command: what is wanted.
        asked: whether it asks for work to be rendered.

    Raises:
        EngineError: it cannot be started, or refuses.
    """
    connection, _ = connect_or_start(library, asked=asked)
    with connection:
        return connection.ask(command)


def favour_images(images: Sequence[str], library: Path, *, on: bool = True) -> list[str]:
    """Mark images as favourites, or no longer; the ids of those that changed.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    return ask(library, Favour(images, on)).images


def trash_images(images: Sequence[str], library: Path) -> Trashed:
    """Move images to the library's trash. Favourites and what is being rendered are left.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    return ask(library, TrashImages(images)).trashed


def restore_images(images: Sequence[str], library: Path) -> list[str]:
    """Bring trashed images back; the ids of those that are back.

    Raises:
        EngineError: none is in the trash any more, or the engine process refuses.
    """
    return ask(library, RestoreImages(images)).images


def rename_session(session: str, name: str, library: Path) -> None:
    """Call a session something else.

    Raises:
        EngineError: the name cannot be, or the engine process cannot be started.
    """
    ask(library, Rename(session, name))


def tag_session(session: str, tags: Sequence[str], library: Path) -> list[str]:
    """Give a session these tags and no others; as they were stored.

    Raises:
        EngineError: a tag cannot be, or the engine process cannot be started.
    """
    return ask(library, Tag(session, tags)).tags


def trash_session(session: str, library: Path) -> None:
    """Stop a session and move all of it to the trash.

    Raises:
        EngineError: it does not come to rest, or the engine process refuses.
    """
    ask(library, TrashSession(session))


def restore_session(session: str, library: Path) -> None:
    """Bring a session back from the trash.

    Raises:
        EngineError: it is not there, or the engine process refuses.
    """
    ask(library, RestoreSession(session))


def empty_trash(library: Path) -> Emptied:
    """Delete for good what is in the trash; what that was.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    return ask(library, EmptyTrash()).emptied


def trash_size(library: Path) -> TrashSize:
    """What the trash holds.

    Raises:
        LibraryError: not a library this version can read.
    """
    if is_new(library):
        return TrashSize(0, 0, 0)
    with reading(library) as db:
        return size_of_trash(db)
