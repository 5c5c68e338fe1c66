"""A model that cannot be drawn with on this machine is refused before anything starts."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine import machine
from engine.api import Library, Settings
from engine.models import helpers
from engine.settings import EngineSettings, RenderSettings
from tests.support.weights_files import flux_folder


@pytest.fixture
def four_bits(tmp_path: Path, config: Path) -> Path:
    """A folder as bitsandbytes stores it, which is in the list as `nf4`."""
    folder = flux_folder(tmp_path / "nf4")
    stored = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    (folder / "transformer" / "config.json").write_text(json.dumps(stored))
    (config / "models.toml").write_text(f'[[models]]\nlabel = "nf4"\nsource = "{folder}"\n')
    return folder


def test_weights_of_bitsandbytes_need_it_and_a_gpu(
    four_bits: Path, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = tmp_path / "a.csv"
    sheet.write_text("prompt,model\na boat,nf4\na cat,builtin\na dog,nf4\n")
    settings = Settings(library=library)

    def said(settings: Settings = settings) -> set[str]:
        checked = Library(settings).sheets.check(sheet).sheet
        assert len(checked.ready) == (1 if checked.problems else 3)
        return {problem.message for problem in checked.problems}

    monkeypatch.setattr(helpers, "installed", lambda package: None)
    (lack,) = said()
    assert lack.startswith("The model nf4 needs bitsandbytes, which is not installed: `")
    assert lack.endswith("-m pip install bitsandbytes`.")
    assert not said(replace(settings, engine=EngineSettings(render_on=("elsewhere",))))
    monkeypatch.setattr(helpers, "installed", lambda package: "0.50")
    monkeypatch.setattr(machine, "roomiest_gpu", lambda: machine.Gpu(1 << 34, 8.6))
    assert not said()
    (lack,) = said(replace(settings, render=RenderSettings(devices=("cpu",))))
    assert "a form that only a GPU computes with, and there is none to render on here" in lack
