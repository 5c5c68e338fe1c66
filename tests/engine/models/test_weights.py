"""A model's size is read from the headers of its files, as they are loaded."""

import json
from pathlib import Path

import pytest

from engine.models.catalog import load_models
from engine.models.model_files import ModelFiles
from engine.models.weights import ModelSize, PartSize, Role, model_size
from tests.support.command import Promptsheet
from tests.support.weights_files import put

pytestmark = pytest.mark.slow


def folder_of(path: Path) -> Path:
    """A diffusers folder: a transformer with a quantised part, a decoder, a part never loaded."""
    parts = {"transformer": ["a", "b"], "vae": ["a", "b"], "safety_checker": ["a", "b"]}
    path.mkdir()
    (path / "model_index.json").write_text(json.dumps({"_class_name": "X"} | parts))
    put(
        path / "transformer" / "diffusion_pytorch_model.safetensors",
        weight=("F16", [10, 20], 2),
        small=("I8", [300], 1),
    )
    put(path / "transformer" / "diffusion_pytorch_model.fp16.safetensors", w=("F16", [999], 2))
    put(path / "vae" / "model.safetensors", weight=("F32", [50], 4))
    put(path / "safety_checker" / "model.safetensors", weight=("F32", [7000], 4))
    attention = {"num_attention_heads": 24, "attention_head_dim": 128, "patch_size": 2}
    (path / "transformer" / "config.json").write_text(json.dumps(attention))
    blocks = {"block_out_channels": [128, 256, 512, 512]}
    (path / "vae" / "config.json").write_text(json.dumps(blocks))
    return path


def test_what_is_loaded_is_counted_and_nothing_else(tmp_path: Path) -> None:
    assert model_size(ModelFiles(str(folder_of(tmp_path / "model")))) == ModelSize(
        (PartSize("transformer", 200, 300), PartSize("vae", 50)), 3072, 16, 256
    )


def test_weights_that_will_be_rounded_are_counted_as_bytes(tmp_path: Path) -> None:
    files = ModelFiles(str(folder_of(tmp_path / "model")), quantise="int8")
    size = model_size(files)
    assert size is not None
    assert size.parts == (PartSize("transformer", 0, 500), PartSize("vae", 50))


def test_files_that_tell_nothing_are_not_guessed_at(tmp_path: Path) -> None:
    assert model_size(ModelFiles(str(tmp_path))) is None
    folder = folder_of(tmp_path / "model")
    (folder / "vae" / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec")
    assert model_size(ModelFiles(str(folder))) is None


def test_the_builtin_model_is_as_large_as_its_weights() -> None:
    files = load_models()["builtin"].files
    size = model_size(files)
    assert size is not None
    on_disk = sum(path.stat().st_size for path in files.path.rglob("*.safetensors"))
    assert 0.9 < sum(size.bytes_of(2, role) for role in Role) / on_disk < 1.01, (
        "they are stored as float16"
    )


def test_a_model_that_will_not_fit_is_named_before_the_start(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    giant = folder_of(config / "giant")
    header = json.dumps({"w": {"dtype": "BF16", "shape": [10**7, 10**7], "data_offsets": [0, 1]}})
    weights = giant / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    (config / "models.toml").write_text('[[models]]\nlabel = "giant"\nsource = "giant"\n')
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("prompt,model\na boat,builtin\na cat,giant\n")
    memory = promptsheet.json("check", sheet)["estimate"]["memory"]
    fits = {need["model"]: need["fits"] for need in memory}
    assert fits == {"builtin": True, "giant": False}
    assert all(need["device_bytes"] > 0 for need in memory)
    said = promptsheet("check", sheet).stdout
    assert "giant needs about" in said and "it won't fit" in said
