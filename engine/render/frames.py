"""The pipe between the engine process and a renderer: JSON messages, some with a file behind them.

To a renderer:

    load     model, source, model_hash, dtype     make this model ready
    render   batch, size, conditions, split_from, images: [{image, slot, recipe}]
    stop     batch                        leave it after the current step
    previews wanted                       whether anyone looks at previews

From a renderer:

    hello    device                       torch is there
    loaded   model, conditions, hashes    the model is ready; these conditions are on offer; the
                                          fingerprints of all that are loaded
    started  batch                        it is being computed; the next may come
    step     batch, step, steps
    preview  batch, image + a JPEG file   what is being denoised
    picture  batch, text + the file       one finished image, and the text inside it
    free     batch, began, ended, taken, room
                                          all pixels computed, between these monotonic times; bytes
                                          of memory it took, and that there are for a call
    ended    batch                        all pictures sent, or stopped
    failed   batch, cause, reason, hashes cause: load, changed, disk, memory, device or error;
                                          without a batch it answers `load`
"""

import asyncio
import json
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Any

_LENGTHS = struct.Struct(">IQ")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    kind: str
    body: dict[str, Any]
    file: bytes = b""


def pack(frame: Frame) -> bytes:
    """The frame as bytes: both lengths, the message, the file."""
    message = json.dumps([frame.kind, frame.body]).encode()
    return _LENGTHS.pack(len(message), len(frame.file)) + message + frame.file


def _unpack(message: bytes, file: bytes) -> Frame:
    kind, body = json.loads(message)
    return Frame(kind, body, file)


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """The next frame.

    Raises:
        asyncio.IncompleteReadError: the renderer is gone.
    """
    lengths = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    return _unpack(await reader.readexactly(lengths[0]), await reader.readexactly(lengths[1]))


class FrameSocket:
    """The renderer's end; any thread may send."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb")
        self._connection = connection
        self._sending = threading.Lock()

    def send(self, kind: str, file: bytes = b"", **body: object) -> None:
        """Send one frame, whole."""
        data = pack(Frame(kind, body, file))
        with self._sending:
            self._connection.sendall(data)

    def receive(self) -> Frame | None:
        """The next frame; None when the engine process is gone."""
        head = self._file.read(_LENGTHS.size)
        if len(head) < _LENGTHS.size:
            return None
        lengths = _LENGTHS.unpack(head)
        message, file = self._file.read(lengths[0]), self._file.read(lengths[1])
        return _unpack(message, file) if len(file) == lengths[1] and message else None
