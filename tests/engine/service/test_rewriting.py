"""Magic prompts by a language model: a tiny one with random weights, made here; what it says is
nonsense, but it takes the whole way."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from engine.api import (
    Library,
)
from engine.caption.question import INSTRUCTION, question
from engine.caption.reading import written
from engine.library.read.reader import SessionInfo, find_session, list_images
from engine.protocol.rewriting import ToRewrite
from engine.render import rewrite
from engine.render.rewrite import tidied
from engine.service import rewriting
from engine.service.rewriting import RewriteError, known_rewrite
from engine.settings import MagicSettings, load_settings
from tests.engine.caption.captions import JAZZ
from tests.support.command import Promptsheet
from tests.support.forking import called
from tests.support.runs import state
from tests.support.sheets import write_rows
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


def rewritten(prompts: Sequence[str], settings: MagicSettings) -> dict[str, str]:
    return called(rewriting.rewritten, prompts, settings)


TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    called(make_chat_model, folder)
    return folder


def make_chat_model(folder: Path) -> None:
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
    network.save_pretrained(folder)
    fast.save_pretrained(folder)


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
    assert rewriting.rewritten(["a cat", "a red boat"], settings) == first


def test_a_chat_model_is_held_to_captions_and_what_is_none_is_asked_for_again(
    chat_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.nice", lambda _: 0)
    monkeypatch.setattr(rewrite, "_MOST_TOKENS_OF_CAPTIONS", 4)
    asked = question("a boat", 1, 1)
    told = ToRewrite(str(chat_model), "cpu", INSTRUCTION, [asked], "caption")
    assert list(rewrite.rewrite(told)) == [(asked, "")], "it knows thirteen words"
    said = [f"Sure! {written(JAZZ)}", '{"high_level_description": "a boat"}']
    monkeypatch.setattr(rewrite, "_chat", lambda *_: lambda *_: said.pop())
    assert list(rewrite.rewrite(told)) == [(asked, written(JAZZ))]
    assert said == []


def test_a_model_that_is_none_is_refused_with_what_to_do(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    settings = MagicSettings(model=str(tmp_path / "empty"), device="cpu")
    with pytest.raises(RewriteError, match=r"Fix magic\.model in the settings"):
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


@pytest.fixture
def magic(
    promptsheet: Promptsheet, chat_model: Path, cache: Path, config: Path, library: Path
) -> Promptsheet:
    """The command, with a language model in the settings."""
    (config / "settings.toml").write_text(
        f'library = "{library}"\n[magic]\nmodel = "{chat_model}"\ndevice = "cpu"\n'
    )
    promptsheet.environment["XDG_CACHE_HOME"] = str(cache)
    return promptsheet


ROW = {"rendering": "turbo", "steps": "1", "num_images": "2", "magic_prompt": "on"}


def test_a_session_is_rendered_from_what_the_model_wrote(magic: Promptsheet, library: Path) -> None:
    sheets = Library().sheets
    (row,) = sheets.check_prompts(["a red boat"]).sheet.rows
    before = sheets.preview(row)
    assert before is not None and "at the start" in before.notes[0].words
    called(sheets.rewrite, row)
    after = sheets.preview(row)
    assert after is not None and after.recipe is not None
    done = magic.json("prompt", "a red boat")
    (image,) = list_images(library, done["session"])
    assert image.recipe.prompt == after.recipe.prompt != "a red boat"


def test_prompts_are_rewritten_after_the_start_and_through_stops_and_kills(
    magic: Promptsheet, library: Path, tmp_path: Path
) -> None:
    rows = [{**ROW, "prompt": f"a boat number {n}", "style": "design"} for n in range(8)]
    rows[-1] |= {"magic_prompt": "off"}
    rows[-2] |= {"prompt": "a {red|golden} boat", "seed_number": "3"}
    magic.json("run", write_rows(tmp_path / "sheet.csv", rows), "--detach")

    def now() -> SessionInfo:
        return find_session(library, "last")

    accepted = now()
    assert (accepted.state, accepted.images) == ("waiting", 16)
    assert accepted.rewriting == 14, "there at once, before any prompt was rewritten"
    wait_for(lambda: now().rewriting < 14)
    magic.json("stop", "last")
    assert now().state == "stopped" and now().rewriting
    magic.json("resume", "last")
    left = now().rewriting
    wait_for(lambda: now().rewriting < left)

    status = magic.json("engine", "status")
    engine, renderers = psutil.Process(status["pid"]), [r["pid"] for r in status["renderers"]]
    (writer,) = (child for child in engine.children() if child.pid not in renderers)
    engine.kill()
    assert now().done == 0 and now().rewriting
    wait_for(lambda: not writer.is_running() or writer.status() == psutil.STATUS_ZOMBIE)
    magic.json("engine", "start")
    wait_for(lambda: now().state == "done")

    assert (now().done, now().rewriting) == (16, 0)
    settings = load_settings().magic
    for image in list_images(library, now().session):
        final = image.recipe.prompt
        assert final.startswith("a poster of ") and final.endswith("flat colors")
        prompt = rows[image.row - 2]["prompt"]
        if image.row == 8:
            drawn = [known_rewrite(f"a {colour} boat", settings) for colour in ("red", "golden")]
            assert any(known and known in final for known in drawn)
        elif image.row == 9:
            assert prompt in final, "it asks for no magic"
        else:
            known = known_rewrite(prompt, settings)
            assert known and known != prompt and known in final
    verdict = magic.json("verify")
    assert (verdict["images"], verdict["missing"], verdict["corrupt"]) == (16, [], [])


def test_a_language_model_that_fails_fails_its_images_with_what_to_do(
    magic: Promptsheet, config: Path, library: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    text = (config / "settings.toml").read_text()
    (config / "settings.toml").write_text(f'[magic]\nmodel = "{tmp_path / "empty"}"\n')
    sheet = write_rows(tmp_path / "sheet.csv", [{**ROW, "prompt": "a boat"}])
    magic.json("run", sheet, status=1)
    (row,) = magic.json("show", "last")["rows"]
    assert row["state"] == "failed" and "Fix magic.model in the settings" in row["error"]

    (config / "settings.toml").write_text(text.replace("model = ", "# model = "))
    magic.json("retry", "last")
    wait_for(lambda: state(magic)["done"] == 2)
    assert state(magic)["rewriting"] == 0
    for image in list_images(library, state(magic)["session"]):
        assert image.recipe.prompt.startswith("a boat"), "enriched without one"
