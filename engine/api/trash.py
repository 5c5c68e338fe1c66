"""What lies in the trash: found, counted, deleted for good."""

from pathlib import Path

from engine.library.read.reader import (
    ImageInfo,
    SessionInfo,
    find_in_trash,
    list_in_trash,
    list_trashed,
)
from engine.library.read.sessions import trash_size
from engine.protocol.commands import EmptyTrash
from engine.protocol.records import Emptied, TrashSize
from engine.service.client.route import ask


class Trash:
    """The trash of one library; `Sessions` and `Images` put things there and bring them back."""

    def __init__(self, path: Path) -> None:
        """Args: path: the library's folder."""
        self._path = path

    def find(self, wanted: str) -> SessionInfo:
        """The session meant by `wanted` of those with something in the trash.

        Args:
            wanted: an id, a name, or `last`: the newest of them.

        Raises:
            LibraryError: none, or several of that name.
        """
        return find_in_trash(self._path, wanted)

    def sessions(self) -> list[SessionInfo]:
        """The sessions with something in the trash, newest first.

        Raises:
            LibraryError: not a library this version can read.
        """
        return list_in_trash(self._path)

    def images(self, session: str) -> list[ImageInfo]:
        """The images of a session that are in the trash one by one, in the order of the sheet.

        Args:
            session: its id.

        Raises:
            LibraryError: no library there, or not one this version can read.
        """
        return list_trashed(self._path, session)

    def size(self) -> TrashSize:
        """What the trash holds.

        Raises:
            LibraryError: not a library this version can read.
        """
        return trash_size(self._path)

    def empty(self) -> Emptied:
        """Delete for good what is in the trash; what that was.

        Raises:
            EngineError: the engine process cannot be started, or refuses.
        """
        return ask(self._path, EmptyTrash()).emptied
