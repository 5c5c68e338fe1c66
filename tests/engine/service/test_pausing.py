import asyncio
import errno
import shutil
from pathlib import Path

import pytest

from engine.protocol.events import Paused
from engine.service.server.pausing import Pausing


def test_a_disk_that_cannot_be_asked_pauses_the_work_and_a_library_that_is_gone_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Paused] = []
    pausing = Pausing(tmp_path, 0, told.append, asyncio.Event())
    assert pausing.may_work()

    def fails(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", fails)
        assert not pausing.may_work()
        assert pausing.reason and "Input/output error" in pausing.reason
    assert pausing.may_work()
    assert pausing.reason is None
    tmp_path.rmdir()
    with pytest.raises(FileNotFoundError):
        pausing.may_work()
