"""`promptsheet models pull`: sizes first, then the model is in the list."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.models.test_pulling import FILES as TINY
from tests.engine.models.test_pulling import FIRST, PULLED
from tests.support.command import Promptsheet
from tests.support.fake_hub import COMMIT, FakeHub, FakeRepository, serving
from tests.support.weights_files import CLIP, DOWN, VAE, kohya, put_shapes, unet

pytestmark = pytest.mark.slow


@pytest.fixture
def hub(promptsheet: Promptsheet, config: Path, tmp_path: Path) -> Iterator[FakeHub]:
    (config / "settings.toml").write_text(f'models_folder = "{tmp_path / "models"}"\n')
    with serving() as hub:
        hub.repositories["acme/tiny"] = FakeRepository(dict(TINY))
        promptsheet.environment |= {
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": "hf_ofTheUser",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        yield hub


def test_a_model_is_asked_about_pulled_and_listed(
    promptsheet: Promptsheet, hub: FakeHub, tmp_path: Path
) -> None:
    asked = promptsheet("models", "pull", "acme/tiny")
    assert asked.returncode == 2 and "Confirm with --yes" in asked.stderr
    assert "licence   mit" in asked.stdout and "361 kB in 6 files" in asked.stdout
    assert not (tmp_path / "models").exists()
    done = promptsheet("models", "pull", "acme/tiny@main", "--label", "小さい", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    plan, *progress, last = map(json.loads, done.stdout.splitlines())
    assert plan["plan"]["commit"] == COMMIT and plan["plan"]["here_bytes"] == 0
    assert progress[-1]["progress"]["done_bytes"] == plan["plan"]["bytes"]
    folder = tmp_path / "models" / PULLED
    assert last == {"model": "小さい", "folder": str(folder), "commit": COMMIT}
    assert (folder / FIRST).read_bytes() == TINY[FIRST]
    listed = promptsheet.json("models", "list")["models"][-1]
    assert (listed["label"], listed["licence"], listed["source"]) == ("小さい", "mit", str(folder))
    again = promptsheet("models", "pull", "acme/tiny")
    assert (
        "nothing: it is already here" in again.stdout
        and "小さい was added to your models" in again.stdout
    )
    for said in (asked, done, again):
        assert "hf_ofTheUser" not in said.stdout + said.stderr


def test_one_file_is_pulled_and_told_by_its_tensors(
    promptsheet: Promptsheet, hub: FakeHub, tmp_path: Path
) -> None:
    whole = put_shapes(tmp_path / "a", unet() | VAE | CLIP).read_bytes()
    lora = put_shapes(tmp_path / "b", kohya(DOWN, 768)).read_bytes()
    files = {"pretty pictures.safetensors": whole, "lora.safetensors": lora}
    hub.repositories["acme/files"] = FakeRepository(files)
    told = promptsheet("models", "pull", "acme/files", "--yes")
    assert "models pull acme/files --file NAME" in told.stderr
    one = ("models", "pull", "acme/files", "--yes", "--file")
    assert promptsheet(*one, "pretty pictures.safetensors").returncode == 0
    listed = promptsheet.json("models", "list")["models"][-1]
    assert listed["label"] == "pretty-pictures" and listed["pipeline"] == "StableDiffusionPipeline"
    told = promptsheet(*one, "lora.safetensors")
    assert "lora was added to your LoRAs" in told.stdout


def test_without_a_name_it_says_what_there_is(promptsheet: Promptsheet) -> None:
    offers = promptsheet.json("models", "pull")["offers"]
    assert {"sdxl", "qwen-image", "ideogram-4"} <= {offer["label"] for offer in offers}
    said = promptsheet("models", "pull").stdout
    assert "stabilityai/sdxl-turbo" in said and "not commercial" in said


def test_a_refusal_says_why(promptsheet: Promptsheet, hub: FakeHub) -> None:
    hub.repositories["acme/tiny"].files["unet/my_unet.py"] = b""
    refused = promptsheet("models", "pull", "acme/tiny", "--yes")
    assert refused.returncode == 2 and "its own code" in refused.stderr
    taken = promptsheet("models", "pull", "acme/tiny", "--label", "builtin")
    assert taken.returncode == 2 and "You already have a model builtin" in taken.stderr
