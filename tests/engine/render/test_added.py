"""What an entry adds to its model: another autoencoder, words of its own, where CLIP ends."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.models.additions import Additions
from engine.models.model_files import ModelFiles
from engine.models.placement import PlacementWish
from engine.picture.recipe import Recipe
from engine.protocol.rendering import LoadModel
from engine.render.drawing import method_for
from engine.render.lanes import Lanes
from engine.render.loaded import LoadedModels, ModelAbsentError
from engine.render.pipelines import ModelError
from engine.render.ready_sources import Pixels
from engine.render.single_files import load_model
from tests.bench.random_models import save_sdxl
from tests.support.models import BUILTIN

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

RECIPE = Recipe("a red circle", "", 7, 48, 48, 2, 4.0, "S", "builtin", "h")
VAE = "diffusion_pytorch_model.safetensors"


def draw(additions: Additions, folder: Path = BUILTIN, prompt: str = RECIPE.prompt) -> Pixels:
    return drawn_with(loaded(additions, folder), prompt)


def loaded(additions: Additions, folder: Path = BUILTIN) -> Any:
    return load_model(ModelFiles(str(folder), added=additions), "float32", "cpu")


def drawn_with(pipeline: Any, prompt: str = RECIPE.prompt) -> Pixels:
    recipe = replace(RECIPE, prompt=prompt)
    (pixels,) = method_for(pipeline).draw(pipeline, [recipe], lambda *_: None)
    return pixels


def same(one: Pixels, other: Pixels) -> bool:
    return bool(np.array_equal(one, other))


@pytest.fixture(scope="module")
def base(builtin: Any) -> Pixels:
    return drawn_with(builtin)


def test_another_autoencoder_is_used_from_a_folder_or_a_file(tmp_path: Path, base: Pixels) -> None:
    assert same(draw(Additions(vae=str(BUILTIN / "vae"))), base)
    folder = copytree(BUILTIN / "vae", tmp_path / "vae")
    weights = load_file(folder / VAE)
    weights["decoder.conv_out.bias"] += 0.5
    save_file(weights, folder / VAE)
    brighter = draw(Additions(vae=str(folder)))
    assert brighter.mean() > base.mean() + 10
    assert same(draw(Additions(vae=str(folder / VAE))), brighter)
    (folder / VAE).write_bytes(b"torn")
    for place in (folder, folder / VAE, BUILTIN / "unet" / VAE):
        with pytest.raises(ModelError, match="is not an autoencoder for this model"):
            draw(Additions(vae=str(place)))


def test_words_of_its_own_are_called_by_their_files_names(tmp_path: Path, builtin: Any) -> None:
    width = builtin.text_encoder.get_input_embeddings().weight.shape[1]
    torch.manual_seed(0)
    one, many, wide, odd, boat = (
        str(tmp_path / f"{name}.safetensors") for name in ("zwx", "qqj-v2", "wide", "odd", "boat")
    )
    save_file({"emb_params": torch.randn(1, width)}, one)
    save_file({"<qqj>": torch.randn(3, width)}, many)
    save_file({"emb_params": torch.randn(1, width + 1)}, wide)
    save_file({"a": torch.ones(1, width), "b": torch.ones(1, width)}, odd)
    save_file({"emb_params": torch.randn(1, width)}, boat)
    pipeline = loaded(Additions(embeddings=(one, many)))
    assert same(drawn_with(pipeline), drawn_with(builtin)), "without its name nothing changes"
    for word in ("zwx", "qqj-v2"):
        assert not same(drawn_with(pipeline, f"a {word}"), drawn_with(builtin, f"a {word}"))
    for file, words in ((wide, "is not for this model"), (odd, "not an embedding")):
        with pytest.raises(ModelError, match=words):
            loaded(Additions(embeddings=(file,)))
    with pytest.raises(ModelError, match=r"boat.safetensors cannot be used.*Rename the file"):
        loaded(Additions(embeddings=(boat, boat)))


def test_words_for_both_encoders_of_sdxl(tmp_path: Path) -> None:
    save_sdxl(tmp_path / "sdxl", full=False)
    file = str(tmp_path / "zwx.safetensors")
    save_file({"clip_l": torch.randn(2, 32), "clip_g": torch.randn(2, 48)}, file)
    drawn = [draw(Additions(embeddings=e), tmp_path / "sdxl", "a zwx") for e in ((file,), ())]
    assert not same(*drawn)


def test_clip_skip_counts_as_the_web_uis_do(base: Pixels) -> None:
    assert same(draw(Additions(clip_skip=1)), base)
    assert not same(draw(Additions(clip_skip=2)), base)


def test_what_is_added_is_part_of_the_model_and_waited_for(tmp_path: Path) -> None:
    file = tmp_path / VAE
    file.write_bytes((BUILTIN / "vae" / VAE).read_bytes())
    plain, skipping, other = (
        ModelFiles(str(BUILTIN), added=added)
        for added in (Additions(), Additions(clip_skip=2), Additions(vae=str(file)))
    )
    assert len({files.fingerprint() for files in (plain, skipping, other)}) == 3
    there = other.fingerprint()
    models = LoadedModels("cpu", Lanes(1), 1)
    wanted = LoadModel("m", other, there, PlacementWish(), 64 * 64)
    models.load(wanted)
    file.unlink()
    with pytest.raises(ModelAbsentError, match="is missing: put it back"):
        LoadedModels("cpu", Lanes(1), 1).load(wanted)
