"""A model of one file draws what its folder draws, and asks nothing of any network."""

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from accelerate import init_empty_weights
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from engine.models import model_files
from engine.models.model_files import ModelFiles, shipped_configs
from engine.models.placement import Placement
from engine.picture.recipe import Recipe
from engine.render.lanes import Lanes
from engine.render.loaded import LoadedModel, LoadedModels
from engine.render.pipelines import ModelError, load_pipeline
from engine.render.single_files import _tokenizers, load_model
from tests.support.command import Promptsheet
from tests.support.families import draw, is_same, save_tiny
from tests.support.gguf_files import write_gguf
from tests.support.ldm_files import save_checkpoint
from tests.support.runs import pixels_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread", "no_network")]

RECIPE = Recipe("a red circle", "", 7, 32, 32, 2, 4.0, "S", "mine", "h")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def refuse(one: Any, *place: Any) -> None:
        if getattr(one, "family", None) != socket.AF_UNIX:
            raise AssertionError("a network was asked")
        connect(one, *place)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def made(pipeline: str, folder: Path) -> tuple[Any, Path]:
    """A tiny pipeline, and it as one file."""
    save_tiny(pipeline, folder)
    whole = load_pipeline(folder, "float32", "cpu")
    return whole, save_checkpoint(whole, folder.parent / "anything.safetensors")


@pytest.mark.parametrize("name", ["StableDiffusionPipeline", "StableDiffusionXLPipeline"])
def test_a_checkpoint_draws_what_its_folder_draws(name: str, tmp_path: Path) -> None:
    whole, path = made(name, tmp_path / "folder")
    files = ModelFiles(str(path), str(tmp_path / "folder"))
    assert files.kind.pipeline == name
    single = load_model(files, "float32", "cpu")
    for part in ("unet", "vae", "text_encoder"):
        own, theirs = getattr(whole, part).state_dict(), getattr(single, part).state_dict()
        assert own.keys() == theirs.keys()
        assert all(torch.equal(own[name], theirs[name]) for name in own)
    (drawn,) = draw(single, [RECIPE])
    # Numbers that lie elsewhere in memory may be added in another order.
    assert np.abs(draw(whole, [RECIPE])[0].astype(int) - drawn.astype(int)).max() <= 1
    assert single.scheduler.config.prediction_type == "epsilon"
    assert is_same(draw(load_model(files, "float32", "cpu"), [RECIPE])[0], drawn)
    turned = ModelFiles(files.source, files.base, "v_prediction")
    assert load_model(turned, "float32", "cpu").scheduler.config.prediction_type == "v_prediction"


def test_a_prompt_is_drawn_with_a_file_that_was_added(
    promptsheet: Promptsheet, tmp_path: Path
) -> None:
    _, path = made("StableDiffusionPipeline", tmp_path / "folder")
    base = tmp_path / "folder"
    added = promptsheet.json("models", "add", path, "--label", "mine", "--base", base, "--yes")
    assert added["added"] and added["model"]["base_resolution"] == 128
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("prompt,model,rendering,num_images,seed_number\na red circle,mine,turbo,1,3\n")
    drawn = []
    for _ in range(2):
        done = promptsheet.json("run", sheet)
        assert done["done"] == done["images"] > 0
        drawn.append(pixels_of(promptsheet, done["session"]))
    assert drawn[0] == drawn[1]
    (mine,) = [m for m in promptsheet.json("models", "list")["models"] if m["label"] == "mine"]
    assert mine["last_used"] and mine["memory"]["bytes"] > path.stat().st_size


def test_what_a_checkpoint_leaves_out_comes_with_promptsheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, path = made("StableDiffusionPipeline", tmp_path / "folder")
    wide = torch.nn.Conv2d(9, whole.unet.conv_in.out_channels, 3, padding=1)
    tensors = load_file(path)
    tensors["model.diffusion_model.input_blocks.0.0.weight"] = wide.weight.detach().clone()
    save_file(tensors, path)
    monkeypatch.setattr(model_files, "shipped_configs", lambda _: tmp_path / "folder")
    files = ModelFiles(str(path))
    assert not files.base and not files.fault()
    pipeline = load_model(files, "float32", "cpu")
    assert type(pipeline).__name__ == "StableDiffusionInpaintPipeline"
    assert pipeline.unet.config.in_channels == 9
    assert torch.equal(pipeline.unet.conv_in.weight, wide.weight)
    assert len(pipeline.tokenizer) == 49_408


def test_a_checkpoint_that_lacks_weights_is_refused(tmp_path: Path) -> None:
    _, path = made("StableDiffusionPipeline", tmp_path / "folder")
    whole = load_file(path)
    files = ModelFiles(str(path), str(tmp_path / "folder"))
    text = "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight"
    for lacking, said in (
        ("model.diffusion_model.out.2.weight", "its denoiser or"),
        (text, r"its text_encoder, encoder\.layers\.0\.mlp\.fc1\.weight"),
    ):
        save_file({name: tensor for name, tensor in whole.items() if name != lacking}, path)
        with pytest.raises(ModelError, match=f"lacks weights of {said}"):
            load_model(files, "float32", "cpu")
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ModelError, match="incomplete"):
        load_model(files, "float32", "cpu")


def test_a_checkpoint_of_another_shape_than_its_base_is_refused(tmp_path: Path) -> None:
    _, path = made("StableDiffusionPipeline", tmp_path / "folder")
    with pytest.raises(ModelError, match=r"anything\.safetensors cannot be loaded"):
        load_model(ModelFiles(str(path)), "float32", "cpu")  # ours is the full-size one's


def test_a_denoiser_draws_with_what_its_base_has(tmp_path: Path) -> None:
    save_tiny("FluxPipeline", tmp_path / "folder")
    whole = load_pipeline(tmp_path / "folder", "float32", "cpu")
    (weights,) = (tmp_path / "folder" / "transformer").glob("*.safetensors")
    path = tmp_path / "finetuned.safetensors"
    weights.rename(path)  # the folder's own is not needed
    single = load_model(ModelFiles(str(path), str(tmp_path / "folder")), "float32", "cpu")
    assert is_same(draw(whole, [RECIPE])[0], draw(single, [RECIPE])[0])


def test_a_denoiser_stored_as_gguf_draws_nearly_what_it_was_made_of(tmp_path: Path) -> None:
    folder, path = tmp_path / "folder", tmp_path / "rounded.gguf"
    save_tiny("FluxPipeline", folder)
    whole = load_pipeline(folder, "float32", "cpu")
    write_gguf(path, whole.transformer.state_dict())
    files = ModelFiles(str(path), str(folder))
    assert files.kind.words == "only the denoiser of FLUX.1" and not files.fault()
    models = LoadedModels("cpu", Lanes(1), 1)
    model = models._loaded(files, Placement("float32"), 0)
    assert isinstance(model, LoadedModel) and model.offered.quantised == "gguf"
    assert model.offered.versions["gguf"]
    flow = replace(RECIPE, scheduler="FlowMatchEulerDiscreteScheduler")
    (exact,), (drawn,) = draw(whole, [flow]), model.draw([flow], lambda *_: None)
    difference = np.abs(exact.astype(int) - drawn.astype(int))
    assert 0 < difference.max() < 16
    assert is_same(drawn, next(iter(model.draw([flow], lambda *_: None))))


WEIGHTS = {
    "sd": {"unet": 859_520_964, "vae": 83_653_863, "text_encoder": 123_060_480},
    "sd2": {"unet": 865_910_724, "vae": 83_653_863, "text_encoder": 340_387_840},
    "sdxl": {
        "unet": 2_567_463_684,
        "vae": 83_653_863,
        "text_encoder": 123_060_480,
        "text_encoder_2": 694_659_840,
    },
}
"""How many the published models have."""


@pytest.mark.parametrize("family", WEIGHTS)
def test_our_configurations_make_models_as_large_as_the_published_ones(family: str) -> None:
    folder = shipped_configs(family)
    index = json.loads((folder / "model_index.json").read_text())
    clips = {"CLIPTextModel": CLIPTextModel}
    clips["CLIPTextModelWithProjection"] = CLIPTextModelWithProjection
    for part, count in WEIGHTS[family].items():
        config = json.loads((folder / part / "config.json").read_text())
        with init_empty_weights():
            if (kind := index[part][1]) in clips:
                module = clips[kind](CLIPTextConfig(**config))
            else:
                module = getattr(diffusers, kind).from_config(config)
        assert sum(each.numel() for each in module.parameters()) == count, part
    scheduler = getattr(diffusers, index["scheduler"][1])
    made = scheduler.from_pretrained(str(folder), subfolder="scheduler", local_files_only=True)
    assert made.config.beta_end == 0.012


def test_our_vocabulary_reads_prompts_as_clip_does() -> None:
    one, two = _tokenizers("sdxl").values()
    read = one("a photo of a cat").input_ids
    assert read == [49_406, 320, 1_125, 539, 320, 2_368, 49_407]
    assert one("a", padding="max_length").input_ids[:5] == [49_406, 320, 49_407, 49_407, 49_407]
    assert two("a", padding="max_length").input_ids[:5] == [49_406, 320, 49_407, 0, 0]
    assert len(one("x " * 200, truncation=True).input_ids) == 77
