import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.config_records import Declared, DeclaredError, bounds_words, build, explanations
from engine.models.catalog import Model, load_models
from engine.models.fingerprint import fingerprint
from engine.settings import Settings, SettingsError, load_settings, with_devices
from engine.settings_file import understood, write_setting
from engine.sheet.check import check_table
from tests.support.models import BUILTIN
from tests.support.sheets import VOCABULARY, table


def diffusers_folder(path: Path, latent: int = 64) -> Path:
    (path / "unet").mkdir(parents=True)
    (path / "vae").mkdir()
    (path / "model_index.json").write_text('{"scheduler": ["diffusers", "DDIMScheduler"]}')
    (path / "unet" / "config.json").write_text(json.dumps({"sample_size": latent}))
    (path / "vae" / "config.json").write_text('{"block_out_channels": [1, 2, 3, 4]}')
    return path


def test_the_builtin_model_is_the_default(config: Path) -> None:
    models = load_models()
    assert next(iter(models)) == "builtin"
    assert models["builtin"].scheduler == "DPMSolverMultistepScheduler"
    assert set(models["builtin"].rendering) == {"turbo", "default", "quality"}


def test_a_users_folder_needs_two_lines_and_tells_its_own_resolution(config: Path) -> None:
    diffusers_folder(config / "mine", latent=96)
    (config / "models.toml").write_text('[[models]]\nlabel = "mine"\nsource = "mine"\n')
    mine = load_models()["mine"]
    assert mine.base_resolution == 768
    assert mine.source == config / "mine"
    assert mine.scheduler == "DDIMScheduler"
    assert set(mine.rendering) == {"turbo", "default", "quality"}


FLUX = {"attention_head_dim": 128, "in_channels": 64, "num_layers": 19, "patch_size": 1}


@pytest.mark.parametrize(
    ("pipeline", "transformer", "vae", "base"),
    [
        ("FluxPipeline", FLUX, {"block_out_channels": [128, 256, 512, 512]}, 1024),
        ("QwenImagePipeline", {}, {"base_dim": 96, "dim_mult": [1, 2, 4, 4]}, 1328),
        ("SanaPipeline", {"sample_size": 16}, {"encoder_block_out_channels": [1] * 6}, 512),
        ("SanaPipeline", {"sample_size": 32}, {"encoder_block_out_channels": [1] * 6}, 1024),
        ("SomebodysPipeline", {}, {"block_out_channels": [1, 2, 3, 4]}, 512),
    ],
)
def test_a_folder_without_a_latent_size_has_the_resolution_of_its_family(
    config: Path, pipeline: str, transformer: object, vae: object, base: int
) -> None:
    for part, body in (("transformer", transformer), ("vae", vae)):
        (config / "mine" / part).mkdir(parents=True)
        (config / "mine" / part / "config.json").write_text(json.dumps(body))
    (config / "mine" / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    (config / "models.toml").write_text('[[models]]\nlabel = "mine"\nsource = "mine"\n')
    assert load_models()["mine"].base_resolution == base


def test_a_user_may_replace_an_entry(config: Path) -> None:
    diffusers_folder(config / "mine")
    (config / "models.toml").write_text(
        '[[models]]\nlabel = "builtin"\nsource = "mine"\nrendering.turbo = {steps=1, guidance=0}\n'
    )
    builtin = load_models()["builtin"]
    assert builtin.source == config / "mine"
    assert builtin.rendering["turbo"].steps == 1
    assert "quality" in builtin.rendering


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[models]]\nlabel = 'a'\n", "source"),
        ("[[models]]\nlabel = 'a'\nsource = '/nowhere'\n", "is not there"),
        ("[[models]]\nsource = 'mine'\n", "label"),
        ("[[models]]\nlabel = 'a'\nsource = 'mine'\nmax_ratio = 'wide'\n", "max_ratio"),
        ("[[models]]\nlabel = 'a'\nsource = 'mine'\nbase_resolutoin = 512\n", "base_resolutoin"),
    ],
)
def test_a_faulty_entry_concerns_its_label_alone(config: Path, text: str, words: str) -> None:
    diffusers_folder(config / "mine")
    good = "[[models]]\nlabel = 'good'\nsource = 'mine'\n"
    (config / "models.toml").write_text(text + good)
    models = load_models()
    assert list(models) == ["builtin", "good"]
    [fault] = models.faults.values()
    assert re.search(words, fault) and "models.toml" in fault
    if "label = 'a'" in text:
        words_of = replace(VOCABULARY, model_faults=models.faults)
        sheet = check_table(table(("prompt", "model"), ("x", "a"), ("y", "builtin")), words_of)
        assert [row.number for row in sheet.ready] == [3]
        assert fault in sheet.problems[0].message


def test_what_an_entry_adds_is_found_beside_its_list_and_part_of_the_model(config: Path) -> None:
    folder = diffusers_folder(config / "mine")
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    (config / "words").mkdir()
    (config / "x.pt").write_bytes(b"x")
    for name in ("words/zwx.safetensors", "words/qqj.safetensors"):
        save_file({"emb_params": np.zeros((1, 768), np.float32)}, config / name)
    shutil.copy(BUILTIN / "vae" / "diffusion_pytorch_model.safetensors", config / "vae.safetensors")
    entry = "[[models]]\nlabel = 'a'\nsource = 'mine'\n"
    added = 'vae = "vae.safetensors"\nembeddings = "words"\nclip_skip = 2\n'
    (config / "models.toml").write_text(entry + added)
    model = load_models()["a"]
    assert model.vae == config / "vae.safetensors" and model.clip_skip == 2
    assert [path.stem for path in model.embeddings] == ["qqj", "zwx"]
    before = model.files.fingerprint()
    assert before != fingerprint(folder)
    save_file({"emb_params": np.ones((1, 768), np.float32)}, config / "words" / "zwx.safetensors")
    assert load_models()["a"].files.fingerprint() != before
    for wrong, words in (
        ('vae = "x.pt"', ".safetensors file"),
        ('vae = "words"', "has no config.json"),
        ('vae = "words/zwx.safetensors"', "is a textual inversion embedding"),
        ('embeddings = ["vae.safetensors"]', "is an autoencoder"),
        ('embeddings = ["gone.safetensors"]', ".safetensors file not found"),
        ('embeddings = ["words", "words/zwx.safetensors"]', ""),
        ("clip_skip = 0", "clip_skip"),
    ):
        (config / "models.toml").write_text(f"{entry}{wrong}\n")
        assert words in load_models().faults.get("a", "")
    (folder / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    (config / "models.toml").write_text(f"{entry}clip_skip = 2\n")
    assert "FLUX.1 models do not: remove them" in load_models().faults["a"]


@pytest.mark.parametrize(
    ("text", "words"), [("[model]\n", "\\[\\[models\\]\\]"), ("not toml", "cannot be read")]
)
def test_a_list_that_is_none_is_named(config: Path, text: str, words: str) -> None:
    (config / "models.toml").write_text(text)
    with pytest.raises(SettingsError, match=words) as caught:
        load_models()
    assert "models.toml" in str(caught.value)


def test_a_fingerprint_changes_with_any_file_and_with_nothing_else(tmp_path: Path) -> None:
    folder = diffusers_folder(tmp_path / "model")
    weights = folder / "unet" / "weights.safetensors"
    weights.write_bytes(bytes(20 << 20))
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    (folder / ".cache").mkdir()
    (folder / ".cache" / "download").write_text("not part of the model")
    assert fingerprint(folder) == before
    weights.write_bytes(bytes(range(256)) * (20 << 12))
    assert fingerprint(folder) != before


def test_settings_come_from_the_file_then_the_environment_then_the_command_line(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PROMPTSHEET_LIBRARY", raising=False)
    (config / "settings.toml").write_text(
        f'library = "{tmp_path}/file"\n[render]\nthreads = 3\ndevices = ["cpu", "cpu"]\n'
    )
    settings = load_settings()
    assert settings.library == tmp_path / "file"
    assert settings.render.threads == 3
    assert settings.render.devices == ("cpu", "cpu")
    assert settings.engine.idle_minutes == 10
    monkeypatch.setenv("PROMPTSHEET_LIBRARY", str(tmp_path / "environment"))
    assert load_settings().library == tmp_path / "environment"
    assert load_settings(tmp_path / "line").library == tmp_path / "line"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[render]\nthreads = -1\n", "render.threads"),
        ("[render]\nthraeds = 1\n", "render.thraeds"),
        ("threads == 1", "not valid TOML"),
    ],
)
def test_a_faulty_settings_file_is_named_with_the_line_to_mend(
    config: Path, text: str, words: str
) -> None:
    (config / "settings.toml").write_text(text)
    with pytest.raises(SettingsError, match=words) as caught:
        load_settings()
    assert str(config / "settings.toml") in str(caught.value)


def numbers_of(kind: type[Declared], path: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted name of every number in a record, however deep, and its annotation."""
    for name, wanted in get_type_hints(kind, include_extras=True).items():
        inner = next((a for a in get_args(wanted) if isinstance(a, type)), wanted)
        if get_origin(wanted) is dict and isinstance(get_args(wanted)[1], type):
            inner = get_args(wanted)[1]
        if isinstance(inner, type) and issubclass(inner, Declared):
            yield from numbers_of(inner, f"{path}{name}.")
        elif inner in (int, float):
            yield path + name, wanted


@pytest.mark.parametrize("kind", [Settings, Model])
def test_every_number_has_bounds_and_a_value_beyond_them_is_refused_with_what_to_write(
    kind: type[Declared],
) -> None:
    found = dict(numbers_of(kind))
    assert len(found) > 8
    for name, wanted in found.items():
        words = bounds_words(wanted)
        assert words, f"{name} has no bounds"
        highest = words.rpartition(" to ")[2]
        body: Any = int(highest) + 1 if "whole" in words else float(highest) * 2
        for part in reversed(name.split(".")):
            body = {part: {"turbo": body} if part == "rendering" else body}
        with pytest.raises(DeclaredError) as caught:
            build(kind, body)
        named = name.replace("rendering.", "rendering.turbo.")
        assert f"{named}: " in str(caught.value) and f"write {words}" in str(caught.value)


def test_a_number_of_threads_that_would_empty_the_process_table_is_refused(config: Path) -> None:
    (config / "settings.toml").write_text("[render]\nthreads = 100000\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "render.threads: 100000 is not allowed; write a whole number from 0 to 256" in str(
        caught.value
    )
    with pytest.raises(SettingsError, match="name 1 to 64"):
        with_devices(Settings(), ["cpu"] * 100)


def test_files_that_notepad_saved_with_a_mark_are_read_and_written(config: Path) -> None:
    diffusers_folder(config / "mine")
    for name, text in (
        ("settings.toml", "[render]\nthreads = 3\n"),
        ("models.toml", '[[models]]\nlabel = "mine"\nsource = "mine"\n'),
    ):
        (config / name).write_text(text, encoding="utf-8-sig")
    assert load_settings().render.threads == 3
    assert "mine" in load_models()
    write_setting("render.threads", understood("render.threads", "4"))
    assert load_settings().render.threads == 4


def test_every_setting_is_explained_where_it_is_declared() -> None:
    settings = load_settings()
    sections = [settings, settings.engine, settings.render, settings.sheet, settings.app]
    for section in sections:
        for name, explanation in explanations(type(section)):
            assert explanation, name
