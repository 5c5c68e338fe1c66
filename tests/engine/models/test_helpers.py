"""What is said where a package is missing that some models need."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from engine.models import helpers

VERSIONS = {"torch": "2.13.0+cpu", "sentencepiece": "0.2.3", "protobuf": "7.36.2"}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    there = dict(VERSIONS)
    monkeypatch.setattr(helpers, "installed", there.get)
    return there


def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it() -> None:
    error = ImportError("Qwen2VLVideoProcessor requires the Torchvision library but it was not fou")
    said = helpers.helper_reason(error)
    assert said is not None and "needs torchvision, which is not installed" in said
    assert "--index-url https://download.pytorch.org/whl/cpu`" in said, "torch's own build"
    unsaid = ValueError("Could not load any video processor class for processor")
    assert "needs torchvision" in str(helpers.helper_reason(unsaid))
    peft = str(helpers.helper_reason(ValueError("PEFT backend is required")))
    assert f"`{sys.executable} -m pip install peft`" in peft


def test_what_rounded_weights_need_is_said_with_its_command() -> None:
    unsaid = ModuleNotFoundError("No module named 'torchao'")
    assert "pip install torchao`, then `promptsheet engine stop`" in str(
        helpers.helper_reason(unsaid)
    )
    stored = ImportError("Using `bitsandbytes` 4-bit quantization requires bitsandbytes")
    assert "needs bitsandbytes" in str(helpers.helper_reason(stored))


def test_what_is_there_is_not_to_blame() -> None:
    assert helpers.lack_of("sentencepiece") == helpers.lack_of("") == ""
    assert helpers.lack_of("torchvision").startswith("needs torchvision, which is not installed: `")
    assert (
        helpers.helper_reason(ImportError("T5Tokenizer requires the SentencePiece library")) is None
    )
    assert helpers.helper_reason(ValueError("torchvisionary")) is None


def test_a_torchvision_for_another_torch_is_told_from_one_that_is_missing(
    installed: dict[str, str],
) -> None:
    error = RuntimeError("operator torchvision::nms does not exist")
    assert "not installed" in str(helpers.helper_reason(error))
    installed["torchvision"] = "0.24.0"
    assert "built for another torch" in str(helpers.helper_reason(error))


def test_the_list_says_versions_and_what_the_others_are_for() -> None:
    found = helpers.helpers()
    assert found["sentencepiece"] == "0.2.3"
    assert found["peft"].startswith("not installed, for LoRA files: ")


def test_torchvision_is_of_the_release_that_the_extra_names() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["vision"] == [f"torchvision=={helpers.TORCHVISION}"]
    (torch,) = (d for d in project["dependencies"] if re.match(r"torch\b", d))
    assert torch == "torch==2.13.*", "TORCHVISION follows torch: torch 2.13 has torchvision 0.28"
