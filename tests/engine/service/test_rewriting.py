"""Magic prompts by a language model: a tiny one with random weights, made here; what it says is
nonsense, but it takes the whole way."""

import subprocess
from pathlib import Path

import pytest

from engine.api import check_prompts, list_images, load_settings, preview_row, rewrite_row
from engine.render.rewrite import tidied
from engine.service.rewriting import RewriteError, known_rewrite, rewritten
from engine.settings import MagicSettings
from tests.conftest import Promptsheet

TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = [
        "<unk>",
        "<s>",
        "</s>",
        *["a", "red", "boat", "cat", "sea", "night", "golden", "light", "calm", "wide"],
    ]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    fast.chat_template = TEMPLATE
    torch.manual_seed(0)
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=1,
            eos_token_id=None,  # it would end at once
        )
    )
    network.generation_config.eos_token_id = None
    folder = tmp_path_factory.mktemp("chat")
    network.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_prompt_is_rewritten_alike_each_time_and_asked_once(
    chat_model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = MagicSettings(model=str(chat_model), device="cpu")
    first = rewritten(["a red boat", "a cat", "a cat"], settings)
    assert first.keys() == {"a red boat", "a cat"}
    assert all(text and text != prompt for prompt, text in first.items())
    assert known_rewrite("a cat", settings) == first["a cat"]
    assert known_rewrite("a dog", settings) is None
    for path in cache.rglob("*.txt"):
        if path.read_text() == first["a cat"]:
            path.unlink()
    assert rewritten(["a cat"], settings)["a cat"] == first["a cat"], "by the prompt's own seed"

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(subprocess, "Popen", forbidden)
    assert rewritten(["a cat", "a red boat"], settings) == first


def test_a_model_that_is_none_is_refused_with_what_to_do(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    settings = MagicSettings(model=str(tmp_path / "empty"), device="cpu")
    with pytest.raises(RewriteError, match=r"Mend magic\.model in the settings"):
        rewritten(["a cat"], settings)


def test_a_model_that_hangs_is_given_up(chat_model: Path, cache: Path) -> None:
    settings = MagicSettings(model=str(chat_model), device="cpu", timeout=0.01)
    with pytest.raises(RewriteError, match="no answer within"):
        rewritten(["a cat"], settings)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('"A red boat."', "A red boat."),
        ("<think>hm</think>\n\nA red\nboat.\n\nHere is why", "A red boat."),
        ("\x1b[31mred\x07", "[31mred"),
        ("  ", ""),
    ],
)
def test_only_the_prompt_is_kept_of_what_is_said(said: str, kept: str) -> None:
    assert tidied(said) == kept


def test_a_session_is_rendered_from_what_the_model_wrote(
    promptsheet: Promptsheet, chat_model: Path, cache: Path, config: Path, library: Path
) -> None:
    (config / "settings.toml").write_text(
        f'library = "{library}"\n[magic]\nmodel = "{chat_model}"\ndevice = "cpu"\n'
    )
    settings = load_settings()
    (row,) = check_prompts(["a red boat"], settings).sheet.rows
    before = preview_row(row, settings)
    assert before is not None and "at the start" in before.notes[0].words
    rewrite_row(row, settings)
    after = preview_row(row, settings)
    assert after is not None and after.recipe is not None
    promptsheet.environment["XDG_CACHE_HOME"] = str(cache)
    done = promptsheet.json("prompt", "a red boat")
    (image,) = list_images(library, done["session"])
    assert image.recipe["prompt"] == after.recipe.prompt != "a red boat"
