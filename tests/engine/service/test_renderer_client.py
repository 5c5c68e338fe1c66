"""Renderers that do not start: why, in words."""

import asyncio
import sys
import tempfile
from pathlib import Path

import pytest

from engine.service.server.renderer_client import MachineError, RendererClient, RendererDiedError
from tests.support.forking import called

pytestmark = pytest.mark.slow


def started_by(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said of a renderer whose interpreter is a shell script."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr("engine.service.renderer_process.sys.executable", str(python))
    return refused("cpu", tmp_path)


def refused(device: str, folder: Path) -> str:
    """Why a renderer does not start."""
    with pytest.raises((MachineError, RendererDiedError)) as caught:
        asyncio.run(RendererClient.start(device, 2, 2, folder / "engine.log", 300))
    return str(caught.value)


def refused_without_temporary_files(folder: Path) -> str:
    """The same where no temporary file can be made."""
    tempfile._candidate_tempdir_list = lambda: ["/nowhere"]  # type: ignore[attr-defined]
    tempfile.tempdir = None
    return refused("cpu", folder)


def test_what_it_said_last_is_why_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "libgomp: Thread creation failed: Resource temporarily unavailable"
    said = started_by(f"echo first; echo '{words}' >&2; exit 1", tmp_path, monkeypatch)
    assert said == f"the renderer on cpu ended (exit code 1): {words}"
    assert (tmp_path / "engine.log").read_text() == f"first\n{words}\n"


def test_a_limit_on_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = started_by(
        f'ulimit -v 500000; exec {sys.executable} "$@"', tmp_path, monkeypatch
    ).lower()
    assert "memory" in said or "failed to map" in said


def test_a_process_that_cannot_be_started_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.service.renderer_process.sys.executable", str(tmp_path / "nowhere"))
    with pytest.raises(MachineError, match="cannot start a process"):
        asyncio.run(RendererClient.start("cpu", 2, 2, tmp_path / "engine.log", 300))


def test_a_device_that_is_not_there_and_a_temporary_folder_that_is_not_are_said(
    tmp_path: Path,
) -> None:
    assert "CUDA" in called(refused, "cuda:63", tmp_path)
    assert "Traceback" in (tmp_path / "engine.log").read_text()
    assert "temporary directory" in called(refused_without_temporary_files, tmp_path)
