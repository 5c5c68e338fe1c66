"""Models that cannot be loaded now: their work waits, and all the rest goes on."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.library.write.writer import Writer
from engine.models.catalog import find_model
from engine.models.file_digests import file_digest
from engine.picture.recipe import Lora
from engine.protocol.events import AnyEvent, Paused
from engine.protocol.rendering import RenderBatch
from engine.service.server.renderer_client import NotNowError
from engine.settings import SettingsError
from tests.support.libraries import new_session
from tests.support.renderers import (
    FakeRenderer,
    drawn_by,
    fake,
    mine,
    reasons_of,
    settle,
    states,
)

__all__ = ["fake", "mine"]


def halfway(change: Callable[[], object]) -> None:
    """Have something change while the third batch is being rendered."""
    begun = iter(range(3))

    def fault(_: RenderBatch) -> None:
        if next(begun, None) == 2:
            change()

    FakeRenderer.fault = staticmethod(fault)


def test_another_models_folder_may_go_at_any_time(writer: Writer, mine: Path) -> None:
    halfway(lambda: shutil.rmtree(mine))
    writer.add_session(new_session(rows=6))
    settle(writer)
    assert states(writer) == ["done"] * 24
    assert find_model("builtin") is not None
    with pytest.raises(SettingsError, match="is not there"):
        find_model("mine")


def test_a_list_that_is_half_saved_is_used_as_it_was(
    writer: Writer, mine: Path, config: Path
) -> None:
    halfway(lambda: (config / "models.toml").write_text("[[models]]\nlabel = "))
    writer.add_session(drawn_by("mine", new_session(rows=6)))
    settle(writer)
    assert states(writer) == ["done"] * 24


def test_a_model_that_cannot_be_loaded_now_waits_and_the_other_sessions_go_on(
    writer: Writer, mine: Path
) -> None:
    """The first session waits for its model; the second one's end brings it back."""
    away = mine.rename(mine.with_name("away"))
    writer.add_session(drawn_by("mine", new_session(key="waits1")))
    writer.add_session(new_session(rows=6))

    def said(event: AnyEvent) -> None:
        if isinstance(event, Paused) and event.reason:
            assert states(writer) == ["done"] * 24, "the rest goes on first"
            away.rename(mine)

    events = settle(writer, until="waits1", hear=said)
    reasons = reasons_of(events)
    assert "is not there" in str(reasons[0])
    assert reasons[-1] is None
    assert states(writer, "waits1") == ["done"] * 12


@pytest.mark.parametrize("devices", [["cpu"], ["cuda:0", "cpu"]])
def test_memory_that_others_use_is_waited_for_without_a_strike(
    writer: Writer, devices: list[str]
) -> None:
    tries = iter(range(6))

    def load_fault(device: str) -> None:
        if device == devices[0] and next(tries, None) is not None:
            raise NotNowError("out of memory: choose a smaller size or a smaller model")

    FakeRenderer.load_fault = staticmethod(load_fault)
    writer.add_session(new_session(rows=8, largest=2))
    events = settle(writer, devices)
    assert states(writer) == ["done"] * 32
    said = reasons_of(events)
    assert bool(said) == (len(devices) == 1), "another device goes on"


def test_images_whose_lora_went_or_changed_wait_and_the_same_models_others_go_on(
    writer: Writer, config: Path, tmp_path: Path
) -> None:
    file, old, new = (tmp_path / f"{name}.safetensors" for name in ("ink", "old", "new"))
    for path in (old, new):
        path.write_bytes(path.stem.encode())
    shutil.copy(new, file)
    (config / "loras.toml").write_text(f'[[loras]]\nlabel = "ink"\nfile = "{file}"\n')
    ink, plain = Lora("ink", file_digest(old), 0.5), new_session(key="waits1")
    rows = [replace(r, recipes=[replace(x, loras=(ink,)) for x in r.recipes]) for r in plain.rows]
    writer.add_session(replace(plain, rows=rows))
    writer.add_session(new_session(rows=6))
    said = []

    def hear(event: AnyEvent) -> None:
        if isinstance(event, Paused) and event.reason and event.reason not in said:
            assert states(writer) == ["done"] * 24, "the rest goes on first"
            said.append(event.reason)
            if len(said) == 1:
                file.unlink()
            else:
                shutil.copy(old, file)

    seen: list[RenderBatch] = []
    FakeRenderer.fault = staticmethod(seen.append)
    settle(writer, until="waits1", hear=hear)
    assert (
        "the file of the LoRA ink has changed" in said[0] and "the LoRA ink is not there" in said[1]
    )
    assert states(writer, "waits1") == ["done"] * 12
    assert seen[-1].loras == {ink.digest: str(file)} and seen[0].loras == {}
