"""A GGUF file is told by its table of tensors; what cannot be loaded of it is refused in words."""

from pathlib import Path

import numpy as np
import pytest

from engine.models.catalog import model_of
from engine.models.file_kinds import file_kind
from engine.models.finding import look_at
from engine.models.weights import model_size
from engine.models.weights_file import read_header
from engine.models.weights_header import WeightsFileError
from engine.settings import SettingsError
from tests.support.weights_files import flux_folder

pytest.importorskip("gguf")
from tests.support.gguf_files import FLUX, write_gguf


@pytest.fixture
def flux(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "flux-Q8_0.gguf", FLUX)


def test_names_shapes_and_sizes_are_what_its_makers_package_wrote(flux: Path) -> None:
    header = read_header(flux)
    assert header.is_gguf and header.metadata["some.text"] == "a name"
    found = {name: (t.dtype, t.shape, t.end - t.begin) for name, t in header.tensors.items()}
    assert found["double_blocks.0.img_attn.qkv.weight"] == ("Q8_0", (96, 64), 96 * 2 * 34)
    assert found["vector_in.in_layer.weight"] == ("F32", (5, 3), 60)
    assert header.file_bytes <= flux.stat().st_size < header.file_bytes + 32


def test_it_is_a_model_with_a_base_of_its_family_and_as_large_as_it_is_stored(
    flux: Path, tmp_path: Path
) -> None:
    assert file_kind(flux).words == "only the denoiser of FLUX.1"
    alone = look_at(flux)
    assert alone.needs_base and "name that as base" in alone.fault
    base = flux_folder(tmp_path / "base")
    found = look_at(flux, base)
    assert not found.fault and found.suggested_label == "flux-Q8_0"
    entry = {"label": "q8", "source": str(flux), "base": str(base)}
    model = model_of(entry)
    assert model.helper == "gguf" and model.pipeline == "FluxPipeline"
    size = model_size(model.files)
    assert size is not None
    (denoiser,) = (part for part in size.parts if part.name == "transformer")
    assert (denoiser.numbers, denoiser.other_bytes) == (30, 96 * 2 * 34 + 8 * 34)
    with pytest.raises(SettingsError, match="is already quantised: remove this"):
        model_of({**entry, "quantise": "int8"})


@pytest.mark.parametrize("length", [3, 10, 40, 200, -40])
def test_one_that_is_cut_off_anywhere_is_refused(flux: Path, length: int) -> None:
    content = flux.read_bytes()
    flux.write_bytes(content[:length])
    with pytest.raises(WeightsFileError):
        read_header(flux)


def test_absurd_counts_other_versions_and_other_numbers_are_refused(flux: Path) -> None:
    content = flux.read_bytes()
    huge = (1 << 60).to_bytes(8, "little")
    for at, other in ((4, (9).to_bytes(4, "little")), (8, huge), (16, huge), (24, huge)):
        flux.write_bytes(content[:at] + other + content[at + len(other) :])
        with pytest.raises(WeightsFileError):
            read_header(flux)
    kind = content.index(b"double_blocks.0.img_attn.qkv.weight") + 35 + 4 + 16
    flux.write_bytes(content[:kind] + (23).to_bytes(4, "little") + content[kind + 4 :])
    with pytest.raises(WeightsFileError, match="uses a GGUF format that is not supported"):
        read_header(flux)


def test_what_is_no_denoiser_alone_is_told_what_it_is(tmp_path: Path) -> None:
    lora = {"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": np.ones((16, 3072))}
    fault = look_at(write_gguf(tmp_path / "a.gguf", lora)).fault
    assert "is a LoRA" in fault and "only denoisers in files ending in" in fault
    other = write_gguf(tmp_path / "named.safetensors", FLUX)
    assert "files ending in .gguf" in look_at(other).fault
