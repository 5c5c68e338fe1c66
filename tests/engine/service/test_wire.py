import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.service.wire import (
    LINE_BYTES,
    Assembler,
    WireError,
    encode,
    make_private,
    peer_uid,
    socket_path,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.lists(st.dictionaries(st.text(), JSON)))
def test_messages_arrive_as_they_were_sent(messages: list[dict[str, object]]) -> None:
    assembler = Assembler()
    lines = [line for message in messages for line in encode(message)]
    assert [m for line in lines if (m := assembler.feed(line)) is not None] == messages


def test_a_long_message_travels_in_lines_that_asyncio_can_read() -> None:
    message = {"rows": ["日本 \x1b[31m" * 100] * 500}
    lines = list(encode(message))
    assert max(map(len, lines)) <= LINE_BYTES
    assert all(line.count(b"\n") == 1 for line in lines)
    assembler = Assembler()
    assert [assembler.feed(line) for line in lines][-1] == message


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1\n", b"=not json\n", b"=[1]\n", b"\n"])
def test_a_stranger_is_told_from_a_client(line: bytes) -> None:
    with pytest.raises(WireError):
        Assembler().feed(line)


def test_the_socket_path_fits_into_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ("long" * 40)))
    path = socket_path(tmp_path)
    assert len(os.fsencode(path)) < 108
    make_private(path.parent)
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_one_library_has_one_socket_by_whatever_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert socket_path(tmp_path / "real") == socket_path(tmp_path / "link")
    assert socket_path(tmp_path / "real") != socket_path(tmp_path / "other")


def test_the_peer_is_known_by_its_user() -> None:
    ours, _theirs = socket.socketpair()
    assert peer_uid(ours) == os.getuid()
