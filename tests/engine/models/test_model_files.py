"""A model may be one file: what it is, what it needs, whether it is whole, and what is refused."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.models.catalog import load_models
from engine.models.finding import free_label, look_at, look_through
from engine.models.model_files import ModelFiles
from engine.models.weights import model_size, weights_bytes
from engine.models.wholeness import faults_of
from tests.support.weights_files import (
    BOTH,
    CLIP,
    DOWN,
    OPEN_CLIP,
    VAE,
    Shapes,
    flux,
    flux_folder,
    kohya,
    put_shapes,
    unet,
)

SD = unet() | VAE | CLIP
SD2 = unet(4, 1024) | VAE | OPEN_CLIP
SDXL = unet(4, 2048) | VAE | BOTH


def listed(config: Path, **fields: str) -> None:
    lines = (f"{name} = {json.dumps(value)}" for name, value in fields.items())
    (config / "models.toml").write_text("\n".join(("[[models]]", *lines, "")))


@pytest.mark.parametrize(
    ("shapes", "pipeline", "scheduler", "base"),
    [
        (SD, "StableDiffusionPipeline", "PNDMScheduler", 512),
        (SD2, "StableDiffusionPipeline", "DDIMScheduler", 768),
        (SDXL, "StableDiffusionXLPipeline", "EulerDiscreteScheduler", 1024),
    ],
)
def test_a_checkpoint_tells_what_it_is_by_its_header(
    config: Path, shapes: Shapes, pipeline: str, scheduler: str, base: int
) -> None:
    path = put_shapes(config / "anything.safetensors", shapes)
    listed(config, label="mine", source="anything.safetensors")
    mine = load_models()["mine"]
    assert (mine.pipeline, mine.scheduler, mine.base_resolution) == (pipeline, scheduler, base)
    assert mine.source == path and mine.files.configs.is_dir()
    assert faults_of(mine.files) == []


def test_stable_diffusion_2_that_predicts_noise_draws_smaller(config: Path) -> None:
    put_shapes(config / "a.safetensors", SD2)
    listed(config, label="mine", source="a.safetensors", prediction="epsilon")
    assert load_models()["mine"].base_resolution == 512
    put_shapes(config / "a.safetensors", SD2, {"modelspec.prediction_type": "epsilon"})
    listed(config, label="mine", source="a.safetensors")
    assert load_models()["mine"].base_resolution == 512


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (kohya(DOWN, 768), "LoRA for Stable Diffusion 1.*not a model by itself"),
        (unet(8) | VAE | CLIP, "edit.*not support"),
        (flux(), "only the denoiser of FLUX.1.*name that as base"),
        (flux(channels=384), "inpainting, which is not supported"),
        ({"head.modulation": [1], "blocks.0.self_attn.q.weight": [8, 8]}, "video.*single file"),
        ({"weight": [3]}, "an unknown kind"),
    ],
)
def test_another_file_is_told_what_it_is(config: Path, shapes: Shapes, words: str) -> None:
    put_shapes(config / "sdxl.safetensors", shapes)
    listed(config, label="mine", source="sdxl.safetensors")
    models = load_models()
    assert "mine" not in models
    assert re.search(words, models.faults["mine"])


def test_a_denoiser_takes_the_rest_from_its_base(config: Path) -> None:
    base = flux_folder(config / "flux")
    path = put_shapes(config / "a.safetensors", flux(guided=False))
    listed(config, label="mine", source="a.safetensors", base="flux")
    mine = load_models()["mine"]
    assert mine.pipeline == "FluxPipeline" and mine.distilled
    assert mine.files.configs == base
    size = model_size(mine.files)
    assert size is not None
    numbers = {part.name: part.numbers for part in size.parts}
    assert numbers.pop("transformer") == sum(map(_product, flux(guided=False).values()))
    assert sum(numbers.values()) == 2 * 100
    assert weights_bytes(mine.files) > path.stat().st_size
    (base / "transformer" / "model.safetensors").unlink()
    assert faults_of(mine.files) == [], "that one is not loaded"


def _product(shape: Sequence[int]) -> int:
    return shape[0] * shape[1]


@pytest.mark.parametrize(
    ("theirs", "words"), [("QwenImageTransformer2DModel", "for another"), (None, "not a diffusers")]
)
def test_a_base_of_another_family_is_refused(
    tmp_path: Path, theirs: str | None, words: str
) -> None:
    base = flux_folder(tmp_path / "base")
    index = base / "model_index.json"
    index.write_text(index.read_text().replace("FluxTransformer2DModel", theirs or ""))
    if theirs is None:
        index.unlink()
    path = put_shapes(tmp_path / "a.safetensors", flux())
    assert words in look_at(path, base).fault


def test_averages_of_training_are_not_counted_as_memory(tmp_path: Path) -> None:
    averages = {f"model_ema.{number}": [1000] for number in range(3)}
    plain = model_size(ModelFiles(str(put_shapes(tmp_path / "a.safetensors", SD))))
    full = model_size(ModelFiles(str(put_shapes(tmp_path / "b.safetensors", SD | averages))))
    assert plain == full is not None


def test_what_a_file_is_called_is_no_part_of_its_fingerprint(tmp_path: Path) -> None:
    files = ModelFiles(str(put_shapes(tmp_path / "a.safetensors", SD)))
    before = files.fingerprint()
    (tmp_path / "a.safetensors").rename(tmp_path / "b.safetensors")
    renamed = ModelFiles(str(tmp_path / "b.safetensors"))
    assert renamed.fingerprint() == before
    assert ModelFiles(renamed.source, "", "epsilon").fingerprint() != before
    base = flux_folder(tmp_path / "flux")
    based = ModelFiles(renamed.source, str(base)).fingerprint()
    (base / "vae" / "config.json").write_text('{"other": 1}')
    assert len({before, based, ModelFiles(renamed.source, str(base)).fingerprint()}) == 3


def test_a_folder_that_is_not_whole_says_what_is_missing(tmp_path: Path) -> None:
    folder = flux_folder(tmp_path / "flux")
    files = ModelFiles(str(folder))
    assert faults_of(files) == []
    whole = folder / "vae" / "model.safetensors"
    whole.write_bytes(whole.read_bytes()[:-1])
    (folder / "text_encoder" / "model.safetensors").rename(folder / "text_encoder" / "model.bin")
    (folder / "scheduler").rmdir()
    shards = {"weight_map": {"w": "model.safetensors", "v": "b.safetensors", "x": "../../x"}}
    index = folder / "transformer" / "model.safetensors.index.json"
    index.write_text(json.dumps(shards))
    said = "\n".join(faults_of(files))
    assert "vae: model.safetensors is incomplete" in said
    assert "text_encoder has only pickle files" in said
    assert "the folder scheduler" in said
    assert "b.safetensors, named in model.safetensors.index.json, is missing" in said
    assert "../../x" in said
    index.write_text(json.dumps({"weight_map": {"v": "model.safetensors"}}))
    assert any("lacks v" in fault for fault in faults_of(files))


def test_a_folder_full_of_files_is_looked_through(tmp_path: Path) -> None:
    put_shapes(tmp_path / "checkpoints" / "a model.safetensors", SD)
    put_shapes(tmp_path / "loras" / "b.safetensors", kohya(DOWN, 2048))
    (tmp_path / "checkpoints" / "old.ckpt").write_bytes(b"PK\x03\x04")
    (tmp_path / "checkpoints" / "notes.txt").write_text("none of ours")
    put_shapes(tmp_path / ".cache" / "c.safetensors", SD)
    flux_folder(tmp_path / "diffusers" / "flux")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = {each.path.name: each for each in look_through(tmp_path)}
    assert set(found) == {"a model.safetensors", "b.safetensors", "old.ckpt", "flux"}
    assert [name for name, each in found.items() if not each.fault] == [
        "a model.safetensors",
        "flux",
    ]
    assert found["a model.safetensors"].suggested_label == "a-model"
    assert "LoRA for Stable Diffusion XL" in found["b.safetensors"].fault
    assert "pickle" in found["old.ckpt"].fault


def test_a_place_that_is_no_model_says_why(tmp_path: Path) -> None:
    assert "File not found" in look_at(tmp_path / "nowhere").fault
    assert "`promptsheet models pull acme/tiny`" in look_at(Path("acme/tiny")).fault
    hub = "https://huggingface.co/acme/tiny"
    assert f"`promptsheet models pull {hub}`" in look_at(Path(hub)).fault
    assert "Download the .safetensors file" in look_at(Path("https://civitai.com/models/1")).fault
    assert "model_index.json" in look_at(tmp_path).fault
    (tmp_path / "model_index.json").write_text("{")
    assert "damaged" in look_at(tmp_path).fault


def test_a_folder_that_is_not_whole_or_that_diffusers_does_not_know_is_no_model(
    tmp_path: Path,
) -> None:
    flux = flux_folder(tmp_path / "flux")
    assert not look_at(flux).fault
    index = flux / "model_index.json"
    index.write_text(index.read_text().replace("FluxPipeline", "FuturePipeline"))
    assert "the pipeline FuturePipeline, which the diffusers" in look_at(flux).fault
    (weights,) = (flux / "transformer").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1])
    assert f"{flux}: transformer: {weights.name} is incomplete" in look_at(flux).fault
    weights.unlink()
    assert f"{flux}/transformer has no weights" in look_at(flux).fault
    assert not look_at(flux).is_tree and look_at(tmp_path).is_tree, "one model that is not whole"


def test_a_label_that_is_taken_gets_a_number() -> None:
    assert free_label("a", {"b"}) == "a"
    assert free_label("a", {"a", "a-2"}) == "a-3"


@pytest.mark.parametrize(
    ("index", "file", "where"),
    [
        ({"_class_name": ["pipeline", "My"]}, "", "model_index.json, _class_name"),
        ({"unet": ["my_unet", "My"]}, "unet/my_unet.py", "my_unet.py"),
        ({"unet": ["my_unet", "My"]}, "my_unet.py", "my_unet.py"),
        ({"unet": ["diffusers", "My"]}, "unet/config.json", "unet/config.json, auto_map"),
        ({"../x": ["diffusers", "My"]}, "", "model_index.json, '../x'"),
    ],
)
def test_a_folder_that_brings_code_is_no_model(
    tmp_path: Path, index: dict[str, object], file: str, where: str
) -> None:
    (tmp_path / "unet").mkdir()
    index = {"_class_name": "StableDiffusionPipeline", **index}
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    if file:
        (tmp_path / file).write_text('{"auto_map": {"AutoModel": "my.My"}}')
    fault = look_at(tmp_path).fault
    assert f"brings its own code ({where}), which Promptsheet never runs" in fault
    alone = put_shapes(tmp_path / "a.safetensors", flux())
    assert "brings its own code" in look_at(alone, tmp_path).fault


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.safetensors")
    (found,) = look_through(tmp_path)
    assert found.fault.endswith("a.safetensors is neither a file nor a folder.")


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ("scaled_fp8", "float8 or 8 bits with scales"),
        ("double_blocks.0.img_attn.qkv.scale_weight", "float8 or 8 bits with scales"),
        ("double_blocks.0.img_attn.qkv.weight.absmax", "bitsandbytes' 4 or 8 bits"),
    ],
)
def test_weights_that_mean_nothing_without_numbers_beside_them_are_refused(
    tmp_path: Path, beside: str, words: str
) -> None:
    base = flux_folder(tmp_path / "base")
    path = put_shapes(tmp_path / "a.safetensors", flux() | {beside: [1]})
    assert f"only the denoiser of FLUX.1, its weights in {words}" in look_at(path, base).fault
    part = base / "transformer"
    put_shapes(part / "model.safetensors", {"w": [1], beside: [1]})
    (fault,) = faults_of(ModelFiles(str(base)))
    assert words in fault and look_at(base).fault.endswith(fault)
    (part / "config.json").write_text('{"quantization_config": {}}')
    assert faults_of(ModelFiles(str(base))) == [], "whoever loads it knows what they are"
    assert not look_at(base).fault
