"""A model's files are held against what they were when it came; what changed is named."""

import hashlib
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.models import recorded
from engine.models.hub.choosing import HubFile
from engine.models.hub.messages import RECORD, PullRecord
from engine.models.model_files import ModelFiles
from engine.models.recorded import changes_since, note_whole, record_added, record_of

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
LARGE = 9 << 20


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTSHEET_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def model(tmp_path: Path) -> ModelFiles:
    """A folder in diffusers' format with one large file."""
    folder = tmp_path / "tiny"
    (folder / "unet").mkdir(parents=True)
    index = '{"_class_name": "X", "unet": ["diffusers", "UNet2DConditionModel"]}'
    (folder / "model_index.json").write_text(index)
    (folder / "unet" / "config.json").write_text("{}")
    save_file({"w": np.zeros(LARGE, np.uint8)}, folder / WEIGHTS)
    return ModelFiles(str(folder))


def pulled(model: ModelFiles) -> None:
    """Lay beside it what a pull does, with digests of both kinds."""
    files = []
    for name in ("model_index.json", WEIGHTS):
        body = (model.path / name).read_bytes()
        large = name == WEIGHTS
        git = hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False)
        digest = hashlib.sha256(body) if large else git
        by = "sha256" if large else "git"
        files.append(HubFile(name, len(body), digest.hexdigest(), by))  # type: ignore[arg-type]
    record = PullRecord("acme/tiny", "main", "c" * 40, "mit", "", tuple(files))
    (model.path / RECORD).write_bytes(msgspec.json.encode(record))


def change(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff")


def faults(model: ModelFiles, *, whole: bool = False) -> list[str]:
    record = record_of(model)
    assert record is not None
    return changes_since(model, record, whole=whole)


def test_one_changed_byte_of_what_was_pulled_is_found_where_all_is_read(model: ModelFiles) -> None:
    assert record_of(model) is None
    pulled(model)
    assert faults(model) == faults(model, whole=True) == []
    change(model.path / WEIGHTS, LARGE // 2)
    assert faults(model) == [], "its size is the same"
    (fault,) = faults(model, whole=True)
    assert fault.startswith(f"{WEIGHTS} was changed since the model was pulled")


def test_small_sizes_missing_and_new_files_are_named_at_once(model: ModelFiles) -> None:
    pulled(model)
    change(model.path / "model_index.json", 0)
    os.truncate(model.path / WEIGHTS, 100)
    first, second = faults(model)
    assert first.startswith("model_index.json was changed") and "has 100 bytes" in second
    (model.path / WEIGHTS).rename(model.path / "unet" / "model.safetensors")
    said = faults(model)
    assert f"{WEIGHTS} is missing: pull it again: undamaged files stay." in said
    assert not any("appeared since" in line for line in said), "its index is not readable"


def test_weights_that_came_later_and_would_be_loaded_are_named(model: ModelFiles) -> None:
    record_added(model)
    save_file({"w": np.zeros(4, np.uint8)}, model.path / "unet" / "more.safetensors")
    (fault,) = faults(model)
    assert fault.startswith("unet/more.safetensors appeared since the model was added")


def test_what_was_added_is_held_against_samples_and_once_read_against_its_digest(
    model: ModelFiles,
) -> None:
    record_added(model)
    assert faults(model, whole=True) == []
    record = record_of(model)
    assert record is not None and note_whole(model, record)
    unseen = (64 << 10) + 100
    change(model.path / WEIGHTS, unseen)
    assert faults(model) == [], "no sample lies there"
    assert len(faults(model, whole=True)) == 1
    record = record_of(model)
    assert record is not None and not note_whole(model, record)
    change(model.path / WEIGHTS, 10)
    assert len(faults(model)) == 1


def test_a_pull_is_not_recorded_twice_and_a_single_file_by_its_name(
    model: ModelFiles, tmp_path: Path
) -> None:
    pulled(model)
    record_added(model)
    record = record_of(model)
    assert record is not None and record.came == "pulled"
    one = ModelFiles(str(tmp_path / "one.safetensors"))
    save_file({"w": np.zeros(4, np.uint8)}, one.path)
    record_added(one)
    one.path.unlink()
    found = recorded.record_of(ModelFiles(str(one.path)))
    assert found is not None
    (fault,) = recorded._changed(found, whole=False)
    assert fault == "one.safetensors is missing: download it again."
