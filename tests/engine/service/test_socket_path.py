import os
import socket
from pathlib import Path

import pytest

from engine.service.socket_path import make_private, peer_uid, socket_path


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
