"""Where the engine process of a library listens, and who may talk to it."""

import hashlib
import os
import socket
import struct
import tempfile
from pathlib import Path

from engine.settings import state_folder

_SOCKET_PATH_BYTES = 107


def socket_path(library: Path) -> Path:
    """Where the engine process of `library` listens: a private folder of this user's."""
    name = hashlib.blake2b(os.fsencode(os.path.realpath(library)), digest_size=8).hexdigest()
    path = state_folder() / f"{name}.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
        return path
    return Path(tempfile.gettempdir()) / f"promptsheet-{os.getuid()}" / f"{name}.sock"


def make_private(folder: Path) -> None:
    """Create `folder` for this user alone, or see to it that it is so.

    Raises:
        PermissionError: it belongs to someone else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user.")
    folder.chmod(0o700)


def peer_uid(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket."""
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    return int(struct.unpack("3i", credentials)[1])
