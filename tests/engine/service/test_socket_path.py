import os
import socket
from pathlib import Path

import pytest

from engine.service.socket_path import address_of, make_private, peer_uid, socket_path


def test_the_folder_of_sockets_is_for_its_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = socket_path(tmp_path)
    make_private(path.parent)
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_socket_is_reached_however_long_its_path_is(tmp_path: Path) -> None:
    path = tmp_path / ("long" * 40) / "library.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as ours, socket.socket(socket.AF_UNIX) as theirs:
        with address_of(path) as address:
            ours.bind(address)
        ours.listen()
        assert path.is_socket()
        with address_of(path) as address:
            theirs.connect(address)


def test_one_library_has_one_socket_by_whatever_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert socket_path(tmp_path / "real") == socket_path(tmp_path / "link")
    assert socket_path(tmp_path / "real") != socket_path(tmp_path / "other")


def test_the_peer_is_known_by_its_user() -> None:
    ours, _theirs = socket.socketpair()
    assert peer_uid(ours) == os.getuid()
