"""What travels between the engine process and its clients: JSON messages in bounded lines."""

import hashlib
import json
import os
import socket
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import __version__
from engine.schema import SCHEMA_VERSION
from engine.settings import state_folder

PROTOCOL = 3
LINE_BYTES = 32 << 10
"""Longest line, well under the 64 KiB at which asyncio's readline gives up."""
MESSAGE_BYTES = 512 << 20
ALIVE_SECONDS = 2.0
"""Followers hear something at least as often, be it only that the engine process is alive."""
_SOCKET_PATH_BYTES = 107
_PACKED = 500

Message = Mapping[str, Any]


class WireError(Exception):
    """The other side does not speak this protocol."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the engine process says first."""

    protocol: int
    schema: int
    version: str
    """Of the code."""
    pid: int
    library: str
    detached: str
    """How it outlives the terminal, in words."""

    def mismatch(self) -> str | None:
        """Why this client and that engine process cannot work together; None if they can."""
        if (self.protocol, self.schema, self.version) == (PROTOCOL, SCHEMA_VERSION, __version__):
            return None
        return (
            f"The engine process {self.pid} runs Promptsheet {self.version} (protocol"
            f" {self.protocol}, schema {self.schema}); this is {__version__} (protocol {PROTOCOL},"
            f" schema {SCHEMA_VERSION}). Stop it with `promptsheet engine stop`: its work is kept"
            " and goes on with the version that starts next."
        )


def encode(message: Message) -> Iterator[bytes]:
    """The lines of one message: `+` and a part, again and again, then `=` and the last part."""
    text = json.dumps(message, ensure_ascii=True).encode()
    room = LINE_BYTES - 2
    for start in range(0, max(len(text), 1), room):
        mark = b"+" if start + room < len(text) else b"="
        yield mark + text[start : start + room] + b"\n"


def packed(things: Sequence[Message]) -> list[str]:
    """Many things as JSON texts of some each, for a message: one look at it is not for long."""
    return [json.dumps(things[start : start + _PACKED]) for start in range(0, len(things), _PACKED)]


def unpacked(texts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What was packed, one after the other.

    Raises:
        ValueError: not JSON.
    """
    for text in texts:
        yield from json.loads(text)


class Assembler:
    """Puts lines together again."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, line: bytes) -> dict[str, Any] | None:
        """The message that `line` completes; None if more is to come.

        Raises:
            WireError: not our protocol, or beyond any sensible size.
        """
        mark, part = line[:1], line[1:].rstrip(b"\n")
        self._size += len(part)
        if mark not in (b"+", b"=") or self._size > MESSAGE_BYTES:
            raise WireError("a line that is not Promptsheet's")
        self._parts.append(part)
        if mark == b"+":
            return None
        text = b"".join(self._parts)
        self._parts, self._size = [], 0
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise WireError("a message that is not JSON") from error
        if not isinstance(message, dict):
            raise WireError("a message that is not an object")
        return message


def socket_path(library: Path) -> Path:
    """Where the engine process of `library` listens: a private folder of this user's."""
    name = hashlib.blake2b(os.fsencode(os.path.realpath(library)), digest_size=8).hexdigest()
    path = state_folder(library) / f"{name}.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
        return path
    return Path(tempfile.gettempdir()) / f"promptsheet-{os.getuid()}" / f"{name}.sock"


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
