"""Ideogram 4, tiny, with random weights: both branches, its presets, its enhancer."""

import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.caption.question import question
from engine.caption.reading import written
from engine.picture.recipe import Recipe
from engine.protocol.rewriting import ToRewrite
from engine.render import rewrite as rewriting
from engine.render.pipelines import load_pipeline
from engine.render.reasons import plain
from tests.engine.caption.captions import JAZZ
from tests.support.families import draw, is_same, save_tiny
from tests.support.tiny_ideogram import save_enhancer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

_ENHANCER = "diffusers.pipelines.ideogram4.prompt_enhancer"
SCHEDULER = "FlowMatchEulerDiscreteScheduler"
RECIPE = Recipe("a red boat", "", 7, 32, 64, 3, 7.0, SCHEDULER, "m", "h")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ideogram") / "model"
    save_tiny("Ideogram4Pipeline", made)
    return made


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> Iterator[Any]:
    yield load_pipeline(folder, "float32", "cpu")


def test_both_branches_draw_and_the_presets_reach_the_call(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    called = type(pipeline).__call__

    def noted(self: Any, **arguments: Any) -> Any:
        told.append(arguments)
        return called(self, **arguments)

    noted.__signature__ = inspect.signature(called)  # type: ignore[attr-defined]
    monkeypatch.setattr(type(pipeline), "__call__", noted)
    (first,) = draw(pipeline, [replace(RECIPE, prompt=written(JAZZ))])
    (arguments,) = told
    assert arguments["guidance_schedule"] == [7.0, 7.0, 3.0]
    assert (arguments["mu"], arguments["std"]) == (0.5, 1.75)
    assert "guidance_scale" not in arguments and "negative_prompt" not in arguments

    (alone,) = draw(pipeline, [replace(RECIPE, prompt=written(JAZZ), guidance=1.0)])
    for part in pipeline.unconditional_transformer.parameters():
        part.data.mul_(1.5)
    (other,) = draw(pipeline, [replace(RECIPE, prompt=written(JAZZ))])
    assert not is_same(first, other), "the branch without words guides"
    (same,) = draw(pipeline, [replace(RECIPE, prompt=written(JAZZ), guidance=1.0)])
    assert is_same(alone, same), "and without guidance does nothing"


def test_its_own_enhancer_writes_a_caption_or_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_enhancer(folder)
    assert load_pipeline(folder, "float32", "cpu").prompt_enhancer_head is None, "only for writing"
    monkeypatch.setattr("os.nice", lambda _: 0)  # the tests after this one are in no less a hurry
    asked = question("a red boat", 3, 2)
    monkeypatch.setattr(rewriting, "_MOST_TOKENS_OF_CAPTIONS", 4)
    # The tiny one's tokenizer would make thousands of tokens of it.
    monkeypatch.setattr(f"{_ENHANCER}.CAPTION_SYSTEM_MESSAGE", "Answer with JSON.")
    answers = list(rewriting.rewrite(ToRewrite(str(folder), "cpu", "", [asked], "enhanced")))
    assert answers == [(asked, "")], "random weights say no caption"
    seen: list[tuple[str, int, int, int]] = []

    def says(
        _: Any, __: Any, ___: Any, idea: str, height: int, width: int, **how: Any
    ) -> list[str]:
        seen.append((idea, width, height, how["generator"].initial_seed()))
        return [f"```json\n{written(JAZZ)}\n```" if len(seen) > 1 else "no"]

    monkeypatch.setattr(f"{_ENHANCER}.generate_captions", says)
    answers = list(rewriting.rewrite(ToRewrite(str(folder), "cpu", "", [asked], "enhanced")))
    assert answers == [(asked, written(JAZZ))]
    (first, *rest), (again, *more) = seen[0][::-1], seen[1][::-1]
    assert again == first + 1 and rest == more == [2, 3, "a red boat"], "another seed, no more"


def test_any_number_of_steps_is_taken(pipeline: Any) -> None:
    for steps in (1, 5):
        told: list[int] = []
        (drawn,) = draw(pipeline, [replace(RECIPE, steps=steps)], told)
        assert told == list(range(1, steps + 1)) and drawn.std() > 5


def test_a_prompt_of_more_tokens_than_it_takes_says_so_in_words(pipeline: Any) -> None:
    with pytest.raises(ValueError, match="tokens") as raised:
        draw(pipeline, [replace(RECIPE, prompt="a red boat " * 400)])
    assert "more than the model's limit of 512: shorten it" in plain(raised.value)
