"""Where the engine process of a library listens, and who may talk to it."""

import hashlib
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.settings import state_folder

_SOCKET_PATH_BYTES = 107
"""Longest path in an address."""


def socket_path(library: Path) -> Path:
    """Where the engine process of `library` listens: a private folder of this user's."""
    name = hashlib.blake2b(os.fsencode(os.path.realpath(library)), digest_size=8).hexdigest()
    return state_folder(library) / f"{name}.sock"


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """The path of a socket as an address takes it: a long one by a descriptor of its folder.

    Raises:
        OSError: the folder is not there, or cannot be looked into.
    """
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def make_private(folder: Path) -> None:
    """Create `folder` for this user alone, or see to it that it is so.

    Raises:
        PermissionError: it belongs to someone else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Of a link, both: anyone may have laid one in the temporary folder, to a folder of ours.
    if {folder.stat().st_uid, folder.lstat().st_uid} != {os.getuid()}:
        raise PermissionError(f"{folder} belongs to another user.")
    folder.chmod(0o700)


def peer_uid(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket."""
    return _peer(connection)[1]


def peer_pid(connection: socket.socket) -> int:
    """The process at the other end of a Unix socket; the one that listened, if it was that."""
    return _peer(connection)[0]


def _peer(connection: socket.socket) -> tuple[int, int, int]:
    """Process, user and group."""
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    pid, uid, gid = struct.unpack("3i", credentials)
    return pid, uid, gid
