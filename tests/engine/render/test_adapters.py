"""LoRAs on a model: what they change, and that nothing is left of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.models.file_digests import file_digest
from engine.models.loras import LoraError, LoraGoneError
from engine.models.placement import Placement
from engine.picture.recipe import Lora, Recipe
from engine.render import adapters
from engine.render.loaded import LoadedModel
from engine.render.pipelines import load_pipeline
from engine.render.ready_sources import Pixels
from tests.bench.random_models import save_sdxl
from tests.support.families import save_tiny
from tests.support.loras import write_diffusers, write_kohya
from tests.support.models import BUILTIN

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

RECIPE = Recipe("a red circle", "", 7, 48, 48, 2, 4.0, "S", "builtin", "h")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("loras")


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, Path]:
    """Digest → file: `ink` and `words` by kohya's scripts, `fog` by diffusers."""
    write_kohya(folder / "ink.safetensors", BUILTIN, parts=("unet",))
    write_kohya(folder / "words.safetensors", BUILTIN, parts=("text_encoder",))
    write_diffusers(folder / "fog.safetensors", BUILTIN, seed=1)
    return {file_digest(path): path for path in folder.glob("*.safetensors")}


def lora(files: dict[str, Path], name: str, weight: float = 1.0) -> Lora:
    return Lora(name, next(d for d, path in files.items() if path.stem == name), weight)


@pytest.fixture(scope="module")
def model(builtin: Any) -> LoadedModel:
    return LoadedModel(builtin, Placement("float32"), "cpu", 1)


def draw(model: LoadedModel, files: dict[str, Path], *loras: Lora) -> Pixels:
    recipe = replace(RECIPE, scheduler=type(model._pipeline.scheduler).__name__, loras=loras)
    model.put_on(loras, files)
    model.prepare([recipe])
    (drawn,) = model.draw([recipe], lambda *_: None)
    return drawn


def differ(one: Pixels, other: Pixels) -> bool:
    return bool(np.abs(one.astype(int) - other.astype(int)).max() > 0)


@pytest.mark.parametrize("name", ["ink", "fog", "words"])
def test_a_lora_acts_by_its_weight_and_leaves_the_model_as_it_was(
    name: str, model: LoadedModel, files: dict[str, Path]
) -> None:
    base = draw(model, files)
    whole, half = (draw(model, files, lora(files, name, weight)) for weight in (1.0, 0.5))
    assert differ(base, whole) and differ(base, half) and differ(whole, half)
    assert not differ(draw(model, files), base), "off is off, to the last bit"
    assert not differ(draw(model, files, lora(files, name, 0.0)), base)
    assert not differ(draw(model, files, lora(files, name)), whole)


def test_a_picture_does_not_hang_on_what_was_put_on_before(
    model: LoadedModel, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sets: Sequence[tuple[Lora, ...]] = (
        (lora(files, "ink", 0.8),),
        (lora(files, "fog", -0.5), lora(files, "ink", 0.3)),
        (lora(files, "words"),),
        (),
    )
    first = [draw(model, files, *each) for each in sets]
    again = [draw(model, files, *each) for each in reversed(sets)][::-1]
    assert not any(map(differ, first, again))
    monkeypatch.setattr(adapters, "_KEPT_BYTES", 0)  # each is loaded anew each time
    assert not any(map(differ, first, [draw(model, files, *each) for each in sets]))
    fresh = LoadedModel(load_pipeline(BUILTIN, "float32", "cpu"), Placement("float32"), "cpu", 1)
    assert not differ(draw(fresh, files, *sets[1]), first[1])


def test_what_does_not_fit_is_said_in_words_and_leaves_the_model_as_it_was(
    model: LoadedModel, files: dict[str, Path], tmp_path: Path
) -> None:
    base = draw(model, files)
    write_kohya(tmp_path / "wide.safetensors", BUILTIN, wider=8)
    write_kohya(tmp_path / "half.safetensors", BUILTIN, parts=("unet",), wider=8, seed=2)
    (tmp_path / "torn.safetensors").write_bytes(b"no safetensors")
    save_sdxl(tmp_path / "sdxl", full=False)
    write_diffusers(tmp_path / "other.safetensors", tmp_path / "sdxl")
    others = {file_digest(path): path for path in tmp_path.glob("*.safetensors")}
    for name in ("wide", "half", "torn", "other"):
        with pytest.raises(LoraError, match=f"the LoRA {name} does not fit this model"):
            draw(model, others, lora(others, name))
        assert not differ(draw(model, files), base), name
    ink = draw(model, files, lora(files, "ink"))
    with pytest.raises(LoraError):
        draw(model, files | others, lora(files, "ink"), lora(others, "wide"))
    assert not differ(draw(model, files, lora(files, "ink")), ink)


def test_a_file_that_went_or_changed_is_not_put_on(model: LoadedModel, tmp_path: Path) -> None:
    file = write_kohya(tmp_path / "new.safetensors", BUILTIN, seed=5)
    digest = file_digest(file)
    write_kohya(file, BUILTIN, seed=6)
    with pytest.raises(LoraGoneError, match="has changed since this session started"):
        draw(model, {digest: file}, Lora("new", digest, 1.0))
    file.unlink()
    with pytest.raises(LoraGoneError, match="is not there"):
        draw(model, {digest: file}, Lora("new", digest, 1.0))


@pytest.mark.parametrize("name", ["StableDiffusionXLPipeline", "FluxPipeline", "Ideogram4Pipeline"])
def test_models_of_other_kinds_take_them_too(name: str, tmp_path: Path) -> None:
    save_tiny(name, tmp_path / "m")
    model = LoadedModel(
        load_pipeline(tmp_path / "m", "float32", "cpu"), Placement("float32"), "cpu", 1
    )
    file = write_diffusers(tmp_path / "fog.safetensors", tmp_path / "m")
    files = {file_digest(file): file}
    base = draw(model, files)
    assert differ(draw(model, files, lora(files, "fog")), base)
    assert not differ(draw(model, files), base)
