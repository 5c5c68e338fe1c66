"""Of a repository exactly one set of weights is taken, and nothing that could run."""

import pytest

from engine.models.hub.choosing import Choice, HubFile, choose, no_model
from engine.models.hub.repository import (
    PullError,
    Repository,
    named,
    require_distinct_names,
    require_plain_names,
    without_file,
)

INDEX = {
    "_class_name": "StableDiffusionXLPipeline",
    "_diffusers_version": "0.30.0",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "image_encoder": [None, None],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "force_zeros_for_empty_prompt": True,
}
USUAL = (
    "model_index.json",
    "README.md",
    "unet/config.json",
    "tokenizer/merges.txt",
    "tokenizer/tokenizer.json",
    "safety_checker/model.safetensors",
    "sd_xl_base_1.0.safetensors",
)
PIECES = [
    "-00001-of-00002.safetensors",
    "-00002-of-00002.safetensors",
    ".safetensors.index.json",
]
SMALL_PIECES = [".fp16-00001-of-00001.safetensors", ".safetensors.index.fp16.json"]
WEIGHTS = "unet/diffusion_pytorch_model"


def files(*names: str) -> list[HubFile]:
    return [HubFile(name, len(name), "0" * 40, "git") for name in names]


def taken(*weights: str, index: dict[str, object] | None = None) -> Choice:
    return choose("acme/tiny", files(*USUAL, *weights), index or INDEX)


def of_unet(choice: Choice) -> set[str]:
    return {
        file.name.removeprefix("unet/")
        for file in choice.files
        if file.name.startswith("unet/") and file.name != "unet/config.json"
    }


def test_settings_and_weights_of_the_parts_are_taken_and_nothing_beside_them() -> None:
    names = {file.name for file in taken(f"{WEIGHTS}.safetensors").files}
    assert names == {
        "model_index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "tokenizer/merges.txt",
        "tokenizer/tokenizer.json",
    }


@pytest.mark.parametrize(
    ("there", "expected", "variant"),
    [
        ([".safetensors", ".bin"], [".safetensors"], ""),
        ([".safetensors", ".fp16.safetensors"], [".fp16.safetensors"], "fp16"),
        ([".bf16.safetensors", ".fp16.safetensors"], [".fp16.safetensors"], "fp16"),
        ([".safetensors", ".non_ema.safetensors"], [".safetensors"], ""),
        ([*PIECES, ".bin.index.json", "-00001-of-00001.bin"], PIECES, ""),
        ([*PIECES, *SMALL_PIECES], SMALL_PIECES, "fp16"),
        ([".safetensors", *PIECES], [".safetensors"], ""),
    ],
)
def test_one_set_of_weights_is_taken_never_two(
    there: list[str], expected: list[str], variant: str
) -> None:
    choice = taken(*(WEIGHTS + end for end in there))
    assert of_unet(choice) == {f"diffusion_pytorch_model{end}" for end in expected}
    assert choice.variant == variant


def test_a_part_without_the_variant_of_the_others_comes_whole() -> None:
    index = INDEX | {"vae": ["diffusers", "AutoencoderKL"]}
    vae = ("vae/config.json", "vae/diffusion_pytorch_model.safetensors")
    choice = taken(f"{WEIGHTS}.fp16.safetensors", *vae, index=index)
    assert {file.name for file in choice.files} >= {*vae, f"{WEIGHTS}.fp16.safetensors"}


@pytest.mark.parametrize(
    ("weights", "index", "said"),
    [
        ([f"{WEIGHTS}.bin"], {}, "part unet: its weights are pickle files, which can run code"),
        ([f"{WEIGHTS}.gguf"], {}, "its weights are GGUF"),
        ([f"{WEIGHTS}-00001-of-00002.safetensors"], {}, "or the list of pieces"),
        ([f"{WEIGHTS}.safetensors", "unet/my_unet.py"], {}, "its own code (unet/my_unet.py)"),
        ([f"{WEIGHTS}.safetensors"], {"_class_name": ["pipeline", "My"]}, "its own code"),
        ([f"{WEIGHTS}.safetensors"], {"vae": ["diffusers", "X"]}, "its part vae is missing"),
        ([f"{WEIGHTS}.safetensors"], {"../x": ["diffusers", "X"]}, "a part with the odd name"),
    ],
)
def test_what_cannot_be_loaded_safely_is_refused_with_the_reason(
    weights: list[str], index: dict[str, object], said: str
) -> None:
    with pytest.raises(PullError) as refused:
        taken(*weights, index=INDEX | index)
    assert said in str(refused.value)


def test_what_is_no_model_is_told_what_it_is() -> None:
    single = no_model("acme/loras", ["README.md", "lora.safetensors"])
    assert "single files (lora.safetensors)" in str(single)
    assert "models pull acme/loras --file NAME" in str(single)
    assert "pickle files" in str(no_model("acme/old", ["model.ckpt"]))
    assert "single files (flux-q4.gguf)" in str(no_model("acme/q4", ["flux-q4.gguf"]))
    assert "no weights" in str(no_model("acme/empty", ["README.md"]))


LONG = ("x" * 300, "/".join(["d" * 200] * 6))
ODD = ("a\\b", "C:x", "a//b", "./a", "a\x1b[2Jb", "a\nb", "\ud800")


@pytest.mark.parametrize(
    "name",
    ["../a.json", "unet/../../a.json", "/etc/passwd", *ODD, *LONG],
    ids=lambda name: ascii(name[:12]),
)
def test_a_repository_with_a_tricky_file_name_is_refused(name: str) -> None:
    with pytest.raises(PullError, match="is refused") as refused:
        require_plain_names("acme/evil", ["model_index.json", name])
    assert "\x1b" not in str(refused.value)


def test_names_that_a_disk_may_hold_for_the_same_are_refused() -> None:
    with pytest.raises(PullError, match="upper and lower case"):
        require_distinct_names("acme/evil", ["unet/config.json", "unet/Config.json"])
    require_plain_names("acme/fine", ["samples/ein Bild – 1.png", "猫.png"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme/tiny", Repository("acme/tiny", "main")),
        (" acme/tiny@v1.0 ", Repository("acme/tiny", "v1.0")),
        ("acme/tiny@refs/pr/3", Repository("acme/tiny", "refs/pr/3")),
        ("https://huggingface.co/acme/tiny", Repository("acme/tiny", "main")),
        ("https://huggingface.co/acme/tiny/tree/fp16", Repository("acme/tiny", "fp16")),
    ],
)
def test_a_repository_is_understood_as_people_write_it(text: str, expected: Repository) -> None:
    assert named(text) == expected


@pytest.mark.parametrize(
    "text", ["", "tiny", "acme/", "acme/../x", "a/b/c", "acme/tiny@", "acme/t@../x", "a/b\x1b"]
)
def test_what_names_no_repository_is_refused(text: str) -> None:
    with pytest.raises(PullError):
        named(text)


def test_the_address_of_a_page_on_another_site_is_no_repository_of_the_hub() -> None:
    with pytest.raises(
        PullError, match=r"civitai\.com is not the Hugging Face Hub.*models add FILE"
    ):
        named("https://civitai.com/models/4384/dreamshaper")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "https://huggingface.co/acme/tiny/blob/main/loras/ink%20wash.safetensors",
            ("acme/tiny@main", "loras/ink wash.safetensors"),
        ),
        (
            "https://huggingface.co/acme/tiny/resolve/v2/q8.gguf?download=true",
            ("acme/tiny@v2", "q8.gguf"),
        ),
        *((text, (text, "")) for text in ("acme/tiny", "https://huggingface.co/acme/tiny")),
    ],
)
def test_the_address_of_one_weights_file_means_that_file(
    text: str, expected: tuple[str, str]
) -> None:
    assert without_file(text) == expected
