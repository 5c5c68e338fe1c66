"""Which LoRAs there are, and whether a file is still the one it was."""

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.models.catalog import load_models
from engine.models.file_digests import file_digest
from engine.models.loras import (
    KnownLora,
    LoraGoneError,
    load_loras,
    looked_at,
    lora_digest,
    require_same,
    why_not,
)
from engine.settings import SettingsError
from tests.support.loras import write_diffusers, write_kohya
from tests.support.models import BUILTIN


def test_a_folder_and_a_list_are_one_and_the_list_wins(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "loras"
    (folder / "styles").mkdir(parents=True)
    for name in ("ink.safetensors", "styles/fog bank.safetensors", "notes.txt", ".x.safetensors"):
        (folder / name).write_bytes(b"x")
    (config / "loras.toml").write_text(
        f'[[loras]]\nlabel = "ink"\nfile = "{folder}/styles/fog bank.safetensors"\nweight = 0.6\n'
        'words = ["zwx"]\nfamily = "sd"\n'
        '[[loras]]\nlabel = "gone"\nfile = "no.safetensors"\n'
        f'[[loras]]\nlabel = "a pickle"\nfile = "{folder}/notes.txt"\n'
        '[[loras]]\nlabel = "a, b"\nfile = "x"\n'
        '[[loras]]\nlabel = "strong"\nfile = "x"\nweight = 9\n'
    )
    loras = load_loras(folder)
    assert set(loras) == {"ink", "fog bank"}
    assert (loras["ink"].weight, loras["ink"].words, loras["fog bank"].weight) == (0.6, ("zwx",), 1)
    assert set(loras.faults) == {"gone", "a pickle", "a, b", "strong"}
    assert "file not found" in loras.faults["gone"]
    assert "can contain programs" in loras.faults["a pickle"]
    assert "-4" in loras.faults["strong"]


def test_two_files_of_one_name_ask_which_is_meant(config: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "ink.safetensors").write_bytes(b"x")
    loras = load_loras(tmp_path)
    assert not loras and "rename one" in loras.faults["ink"]


def test_without_a_list_or_a_folder_there_are_none(config: Path, tmp_path: Path) -> None:
    assert load_loras(None) == {} and load_loras(tmp_path / "nowhere") == {}
    (config / "loras.toml").write_text("[[models]]\n")
    with pytest.raises(SettingsError, match="each LoRA is a"):
        load_loras(None)


def test_a_digest_is_worked_out_once_and_anew_when_the_file_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file, other = tmp_path / "ink.safetensors", tmp_path / "other"
    file.write_bytes(b"one")
    first = file_digest(file)
    assert first == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    with monkeypatch.context() as only_known:
        only_known.setattr("hashlib.sha256", None)
        assert file_digest(file) == first
        only_known.setattr("engine.models.file_digests._KNOWN", {})  # as another process has it
        assert file_digest(file) == first
    times = file.stat()
    other.write_bytes(b"two")  # of the same size and time
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(file)
    assert file_digest(file) != first
    monkeypatch.setattr("engine.models.file_digests._KNOWN", {})
    for kept in (tmp_path / "cache").rglob("*.json"):
        kept.write_text("[]")
    assert file_digest(file) != first


def test_a_file_that_went_or_changed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ink.safetensors"
    file.write_bytes(b"one")
    digest = lora_digest("ink", file)
    require_same("ink", file, digest)
    file.write_bytes(b"three")
    with pytest.raises(LoraGoneError, match="the file of the LoRA ink has changed"):
        require_same("ink", file, digest)
    file.unlink()
    with pytest.raises(LoraGoneError, match="mount its disk"):
        require_same("ink", file, digest)


def test_a_lora_of_another_family_says_so_and_so_does_what_is_none(
    tmp_path: Path, config: Path
) -> None:
    model = load_models()["builtin"]
    xl = tmp_path / "ink.safetensors"
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight"
    save_file({name: np.zeros((2, 2048), np.float32)}, xl)
    why = why_not(KnownLora(label="ink", file=xl), model)
    assert why == (
        "The LoRA ink is for Stable Diffusion XL, and builtin is a model of Stable Diffusion 1 and"
        " 2."
    )
    own = write_kohya(tmp_path / "own.safetensors", BUILTIN)
    assert "is for FLUX.1" in why_not(KnownLora(label="x", file=own, family="flux"), model)
    vae = BUILTIN / "vae" / "diffusion_pytorch_model.safetensors"
    assert "is an autoencoder" in why_not(KnownLora(label="x", file=vae), model)
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    torn = KnownLora(label="x", file=tmp_path / "torn.safetensors")
    assert "incomplete" in why_not(torn, model)
    listed = looked_at(load_loras(tmp_path))
    assert {label: lora.family for label, lora in listed.items()} == {"ink": "sdxl", "own": ""}
    assert "incomplete" in listed.faults["torn"]


@pytest.mark.parametrize(
    ("mark", "kind"), [(".hada_w1_a", "LoHa"), (".lokr_w1", "LoKr"), (".dora_scale", "DoRA")]
)
def test_what_would_be_loaded_in_part_or_not_at_all_is_named(
    mark: str, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "ink.safetensors"
    layer = "lora_unet_mid_block_attentions_0_proj_in"
    names = (f"{layer}.lora_down.weight", f"{layer}{mark}")
    save_file({name: np.zeros((2, 2), np.float32) for name in names}, file)
    why = why_not(KnownLora(label="ink", file=file), load_models()["builtin"])
    assert why.startswith(f"The LoRA ink is a {kind}, which cannot be loaded")


def test_layers_of_other_sizes_are_found_by_the_headers_alone(tmp_path: Path) -> None:
    model = load_models()["builtin"]
    fits = [write_kohya(tmp_path / "a.safetensors", BUILTIN)]
    fits.append(write_diffusers(tmp_path / "b.safetensors", BUILTIN))
    for file in fits:
        assert why_not(KnownLora(label="ink", file=file), model) == ""
    for part in ("unet", "text_encoder"):
        wide = write_kohya(tmp_path / f"{part}.safetensors", BUILTIN, parts=(part,), wider=8)
        why = why_not(KnownLora(label="ink", file=wide), model)
        assert why.startswith("The LoRA ink does not fit the model builtin: its layers take ")
