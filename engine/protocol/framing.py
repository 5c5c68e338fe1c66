"""One framing for every wire: two lengths, a message as JSON, and the bytes of a file if any.

A message is a msgspec structure with a tag, so that reading is checking. The bounds are those of
the largest sheet with room to spare: what lies beyond them is no message of ours.
"""

import socket
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import msgspec

if TYPE_CHECKING:
    import asyncio  # what a client need not load

MESSAGE_BYTES = 512 << 20
"""Longest message."""
FILE_BYTES = 1 << 30
"""Longest file behind one."""
_LENGTHS = struct.Struct(">IQ")
_PART_BYTES = 256 << 10

T = TypeVar("T")
_encoder = msgspec.json.Encoder()


class WireError(Exception):
    """What came is not a message of this protocol; what to say of it."""


@dataclass(frozen=True, slots=True)
class Framed(Generic[T]):
    """A message, and the bytes that came behind it."""

    message: T
    file: bytes = b""


def pack(message: msgspec.Struct, file: bytes = b"") -> bytes:
    """A message as bytes, and a file behind it."""
    body = _encoder.encode(message)
    return b"".join((_LENGTHS.pack(len(body), len(file)), body, file))


class Unpacker(Generic[T]):
    """Reads frames whose messages are of certain kinds."""

    def __init__(self, kinds: object) -> None:
        """Args: kinds: `T`, a structure or a union of tagged structures."""
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(cast(type[T], kinds))

    def unpack(self, body: bytes, file: bytes = b"") -> Framed[T]:
        """A frame from its parts.

        Raises:
            WireError: it is none of the kinds, or not as it should be.
        """
        try:
            return Framed(self._decoder.decode(body), file)
        except (msgspec.DecodeError, RecursionError) as error:
            raise WireError(str(error)) from error

    async def read(self, reader: "asyncio.StreamReader") -> Framed[T]:
        """The next frame.

        Raises:
            asyncio.IncompleteReadError: the other side is gone.
            WireError: it does not speak this protocol. Without a frame's end, nothing that follows
                can be understood; after a whole frame, the next one can.
        """
        size, behind = lengths(await reader.readexactly(_LENGTHS.size))
        return self.unpack(await reader.readexactly(size), await reader.readexactly(behind))


def lengths(head: bytes) -> tuple[int, int]:
    """How long the message is, and the file behind it.

    Raises:
        LengthError: beyond any sensible size.
    """
    size, behind = _LENGTHS.unpack(head)
    if size > MESSAGE_BYTES or behind > FILE_BYTES:
        raise LengthError("something else than Promptsheet's messages")
    return size, behind


def parts_of(frame: bytes) -> tuple[bytes, bytes]:
    """Message and file of one frame that is there to its end.

    Raises:
        WireError: it is none.
    """
    start = _LENGTHS.size
    if len(frame) < start or len(frame) != start + sum(lengths(frame[:start])):
        raise WireError("not one whole frame")
    end = start + lengths(frame[:start])[0]
    return frame[start:end], frame[end:]


class LengthError(WireError):
    """Not even a frame: nothing that follows on this wire can be understood."""


class FrameSocket:
    """Frames on a blocking socket. One thread receives; any may send."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()
        self._sending = threading.Lock()

    def send(self, message: msgspec.Struct, file: bytes = b"") -> None:
        """Send one frame, whole.

        Raises:
            OSError: the other side is gone, or does not take it in time.
        """
        data = pack(message, file)
        with self._sending:
            self._connection.sendall(data)

    def receive(self, unpacker: Unpacker[T]) -> Framed[T] | None:
        """The next frame, of the kinds that `unpacker` reads; None when the other side is gone.

        Raises:
            WireError: it does not speak this protocol.
            TimeoutError: it did not come in the socket's time; what has come of it is kept.
            OSError: the connection broke.
        """
        while (parts := self._whole()) is None:
            part = self._connection.recv(_PART_BYTES)
            if not part:
                return None
            self._buffer += part
        return unpacker.unpack(*parts)

    def _whole(self) -> tuple[bytes, bytes] | None:
        """Message and file of the frame that has come; None while it has not, to its end."""
        start = _LENGTHS.size
        if len(self._buffer) < start:
            return None
        size, behind = lengths(bytes(self._buffer[:start]))
        end = start + size + behind
        if len(self._buffer) < end:
            return None
        parts = bytes(self._buffer[start : start + size]), bytes(self._buffer[start + size : end])
        del self._buffer[:end]
        return parts

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
