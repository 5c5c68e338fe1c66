import asyncio
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.commands import (
    AnyCommand,
    Follow,
    RequestedRow,
    RowsSource,
    Stop,
    Submit,
    Tag,
    TrashImages,
)
from engine.protocol.framing import FrameSocket, LengthError, Unpacker, WireError, pack
from tests.support.rows import values

TEXT = st.text()
COMMANDS = st.one_of(
    st.builds(Stop, TEXT | st.none(), st.lists(st.integers(0, 10**6)) | st.none()),
    st.builds(Tag, TEXT, st.lists(TEXT)),
    st.builds(TrashImages, st.lists(TEXT)),
    st.builds(Follow, st.booleans(), st.booleans()),
)


def unpacked(data: bytes) -> Any:
    """What arrives of bytes that were sent."""

    async def read() -> Any:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        unpacker: Unpacker[AnyCommand] = Unpacker(AnyCommand)
        return await unpacker.read(reader)

    return asyncio.run(read())


@given(COMMANDS, st.binary())
def test_messages_and_files_arrive_as_they_were_sent(command: AnyCommand, file: bytes) -> None:
    frame = unpacked(pack(command, file))
    assert (frame.message, frame.file) == (command, file)


def test_a_row_survives_the_way_through_a_message() -> None:
    row = RequestedRow(
        5, {"prompt": "日本 \x1b[31m"}, {"id": "7"}, values(color_palette=("#FF0000",))
    )
    sent = Submit("a test", RowsSource("typed", columns=["prompt", "id"]), Submit.packed([row] * 3))
    assert list(unpacked(pack(sent)).message.requested()) == [row] * 3


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[1]",
        b"{}",
        b'{"do":"dance"}',
        b'{"do":"stop"}',
        b'{"do":"stop","session":7}',
        b'{"do":"stop","session":null,"rows":["2"]}',
        b'{"do":"stop","session":null,"force":true}',
        b'{"do":"move","session":"s","to":"the moon"}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_command_is_told_from_one(body: bytes) -> None:
    unpacker: Unpacker[AnyCommand] = Unpacker(AnyCommand)
    with pytest.raises(WireError):
        unpacker.unpack(body)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64])
def test_a_stranger_is_told_from_a_client_before_anything_is_kept_of_it(data: bytes) -> None:
    with pytest.raises(LengthError):
        unpacked(data)


def test_frames_come_over_a_blocking_socket_and_its_end_is_no_frame() -> None:
    ours, theirs = socket.socketpair()
    unpacker: Unpacker[AnyCommand] = Unpacker(AnyCommand)
    receiving = FrameSocket(theirs)
    FrameSocket(ours).send(Stop(None), b"file")
    ours.sendall(pack(Stop("s"))[:-1])
    ours.close()
    frame = receiving.receive(unpacker)
    assert frame is not None
    assert (frame.message, frame.file) == (Stop(None), b"file")
    assert receiving.receive(unpacker) is None
    receiving.close()
