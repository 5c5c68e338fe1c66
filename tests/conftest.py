"""What every test stands on: a library and settings of its own, and the real command."""

import gc
import logging
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest

from engine.service.client import detach
from tests.support import fork_server, worker
from tests.support.command import Promptsheet
from tests.support.forking import LightPopen, ServedPopen
from tests.support.models import draw_quickly

# A commit passes always or never. What nobody thought of yet is looked for by `make wild`.
_ALL = hypothesis.settings(  # a busy machine takes its time
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "repeatable", _ALL, derandomize=True, database=None, max_examples=60
)
hypothesis.settings.register_profile("wild", _ALL, print_blob=True, max_examples=200)
hypothesis.settings.load_profile("repeatable")


def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Have the workers forked."""
    fork_server.name()
    given = config.invocation_params
    fork_server.collect(str(given.dir), [str(word) for word in given.args])
    for spec in specs:
        if spec.popen:
            spec.python = f"{sys.executable} {worker.__file__}"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that is collected goes before the end: looking through it all would only cost."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True, scope="session")
def forked_engine_processes() -> Iterator[None]:
    """An engine process that a test starts through the library is forked, too, as what reads is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", LightPopen)
        served = SimpleNamespace(**vars(subprocess) | {"Popen": ServedPopen})
        patch.setattr(detach, "subprocess", served)
        yield


@pytest.fixture(autouse=True)
def log_for_the_next() -> Iterator[None]:
    """No test leaves the log switched off: whichever comes after it in its process may read it."""
    yield
    assert not logging.root.manager.disable


@pytest.fixture
def in_earnest(monkeypatch: pytest.MonkeyPatch) -> None:
    """What reads a sheet, copies it or looks at pictures is started the long way, as our child."""
    monkeypatch.setattr(subprocess, "Popen", LightPopen.__base__)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty settings folder."""
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("PROMPTSHEET_CONFIG", str(folder))
    return folder


@pytest.fixture
def quick(config: Path) -> None:
    """Images are drawn in few steps."""
    draw_quickly(config)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Where a library may be made."""
    return tmp_path / "library"


@pytest.fixture
def promptsheet(config: Path, library: Path, tmp_path: Path) -> Iterator[Promptsheet]:
    """The command on a new library; its engine processes end with the test."""
    environment = os.environ | {"PROMPTSHEET_LIBRARY": str(library)}
    command = Promptsheet(library, environment)
    yield command
    for lock in tmp_path.rglob("engine.lock"):
        command("engine", "stop", "--library", lock.parent)


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Promptsheet]:
    """The command on a library whose renderer is warm, shared: a start of one takes ten seconds.

    For tests that only add sessions and look at nothing but their own, the last one's. An image is
    drawn in few steps, unless its row or its command says how many.
    """
    folder = tmp_path_factory.mktemp("warm")
    (folder / "config").mkdir()
    draw_quickly(folder / "config")
    places = {
        "PROMPTSHEET_CONFIG": str(folder / "config"),
        "PROMPTSHEET_LIBRARY": str(folder / "library"),
    }
    promptsheet = Promptsheet(folder / "library", os.environ | places)
    yield promptsheet
    promptsheet("engine", "stop")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
