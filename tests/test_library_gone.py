"""An engine process whose library goes away ends by itself, also while it has nothing to do."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.service.lock import LOCK_FILE
from tests.support.command import Promptsheet

pytestmark = pytest.mark.slow


def rename(library: Path) -> None:
    library.rename(library.with_name("moved"))


@pytest.mark.parametrize(
    "lose",
    [
        lambda library: (library / LOCK_FILE).unlink(),
        lambda library: (library / "library.sqlite3").unlink(),
        rename,
    ],
    ids=["lock deleted", "database deleted", "library renamed"],
)
def test_an_idle_engine_process_ends_with_its_library_and_the_next_command_starts_afresh(
    promptsheet: Promptsheet, library: Path, lose: Callable[[Path], object]
) -> None:
    pid = promptsheet.json("engine", "start")["pid"]
    lose(library)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "it goes on without its library"
        time.sleep(0.05)
    again = promptsheet.json("engine", "start")
    assert again["running"] and again["pid"] != pid
    os.kill(again["pid"], 0)
