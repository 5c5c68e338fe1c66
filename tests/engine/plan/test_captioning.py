"""What a model of captions is told of a row, and which columns are in it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.caption.question import (
    answered,
    idea_and_shape,
    idea_with_words,
    question,
    without_answer,
)
from engine.caption.reading import written
from engine.caption.schema import Caption, faults_of
from engine.models.catalog import Model
from engine.plan.captioning import is_frame, put_around
from engine.plan.preview import preview
from engine.plan.recipes import PlannedModel, recipes_for
from engine.plan.sizes import SizeError, exact_size, size_for
from engine.plan.styles import read_styles
from engine.plan.words import load_words
from engine.settings import SettingsError
from tests.engine.caption.captions import JAZZ
from tests.support.rows import never, values

MODEL = Model(
    label="ideogram",
    source=Path("none"),
    base_resolution=1024,
    pipeline="Ideogram4Pipeline",
    max_ratio=6.0,
)
PLANNED = PlannedModel(MODEL, "FlowMatchEulerDiscreteScheduler", "abcd", load_words())
PLAIN: dict[str, Any] = {
    "prompt": "a red boat",
    "magic_prompt": False,
    "negative_prompt": "",
    "num_images": 1,
}


def prompt_of(**changes: object) -> str:
    (recipe,) = recipes_for(values(**PLAIN | changes), PLANNED, never)
    assert recipe.palette == (), "a palette is the caption's, not the finished picture's"
    return recipe.prompt


def caption_of(**changes: object) -> Caption:
    caption: Caption = json.loads(prompt_of(**changes))
    assert faults_of(caption) == []
    return caption


def told(**changes: object) -> dict[str, str]:
    return {n.column: n.words for n in preview(values(**PLAIN | changes), PLANNED).notes}


def test_without_magic_words_stay_words_unless_a_column_needs_a_caption() -> None:
    assert prompt_of() == "a red boat" and told() == {}
    caption = caption_of(color_palette=("#112233:1", "#445566:3"))
    assert caption["high_level_description"] == "a red boat"
    assert caption["style_description"]["color_palette"] == ["#445566", "#112233"]
    assert "color_palette need a caption" in told(color_palette=("#112233",))["magic_prompt"]
    general = "a red boat. A clear subject, well composed, in balanced light."
    assert prompt_of(style="general") == general


@pytest.mark.parametrize(
    ("style", "medium"),
    [
        ("realistic", "photograph"),
        ("design", "graphic_design"),
        ("3d", "3d_render"),
        ("anime", "illustration"),
    ],
)
def test_a_style_is_the_captions_own(style: str, medium: str) -> None:
    described = caption_of(style=style, color_palette=("ember",))["style_description"]
    assert described["medium"] == medium
    assert ("photo" in described) is (style == "realistic")
    assert described["color_palette"] == list(PLANNED.words.palettes["ember"])


def test_with_magic_and_no_language_model_a_plain_caption_is_made_and_said() -> None:
    assert caption_of(magic_prompt=True)["high_level_description"] == "a red boat"
    assert "no language model" in told(magic_prompt=True)["magic_prompt"]


def test_a_language_models_caption_gets_what_the_columns_say() -> None:
    row = values(**PLAIN | {"magic_prompt": True, "style": "realistic", "aspect_ratio": "4:6"})
    asked = PLANNED.wordsmith.question(row, 0)
    assert asked is not None and asked.captions
    assert asked.text == question("a red boat", 2, 3) == "Aspect ratio: 2:3\nIdea: a red boat"
    plain = {key: part for key, part in JAZZ.items() if key != "style_description"}
    answer = written(plain)
    knowing = replace(PLANNED, rewrites={asked.text: answer})
    (recipe,) = recipes_for(row, knowing, never)
    made = json.loads(recipe.prompt)
    assert made["style_description"]["medium"] == "photograph"
    assert made["compositional_deconstruction"] == JAZZ["compositional_deconstruction"]
    assert put_around(asked.around, asked.text, answer) == recipe.prompt, "as the engine makes it"
    assert is_frame(asked.around) and not is_frame("a {prompt}, oil")
    told = {note.column: note.words for note in preview(row, knowing).notes}
    assert told["magic_prompt"] == "is a caption by a language model, with style"


def test_an_answer_that_is_none_becomes_the_plain_caption() -> None:
    row = values(**PLAIN | {"magic_prompt": True, "color_palette": ("#112233",)})
    asked = PLANNED.wordsmith.question(row, 0)
    assert asked is not None
    assert put_around(asked.around, asked.text, "") == prompt_of(
        magic_prompt=True, color_palette=("#112233",)
    )
    assert put_around("an oil of {prompt}", "a boat", "a red boat.") == "an oil of a red boat."


def test_nobody_is_asked_where_the_row_says_it_all() -> None:
    for changes in (
        {"magic_prompt": False},
        {"magic_prompt": True, "prompt": written(JAZZ)},
        {"magic_prompt": True, "final_prompt": "x"},
    ):
        assert PLANNED.wordsmith.question(values(**PLAIN | changes), 0) is None


def test_a_caption_of_the_rows_own_is_kept_and_filled_in_where_it_says_nothing() -> None:
    for magic in (True, False):
        assert prompt_of(prompt=written(JAZZ), magic_prompt=magic) == written(JAZZ)
    assert told(prompt=written(JAZZ))["prompt"] == "is a caption, used as it is"
    bare = {"compositional_deconstruction": JAZZ["compositional_deconstruction"]}
    made = caption_of(prompt=written(bare), style="realistic", color_palette=("#112233",))
    assert made["style_description"]["color_palette"] == ["#112233"]
    notes = told(prompt=written(bare), style="realistic")
    assert notes["prompt"] == "is a caption; style filled in what was missing"
    notes = told(prompt=written(JAZZ), style="general", color_palette=("#112233",))
    assert "no effect" in notes["style"] and "no effect" in notes["color_palette"]
    loose = json.dumps(JAZZ)
    assert prompt_of(prompt=loose, color_palette=("ember",)) == loose, "whose repair was refused"


def test_an_edited_final_prompt_is_used_to_the_letter() -> None:
    assert prompt_of(final_prompt="so", color_palette=("ember",), style="design") == "so"
    assert "all other columns add nothing" in told(final_prompt="so")["final_prompt"]


def test_only_what_is_a_caption_counts_as_an_answer() -> None:
    assert answered(f"<think>{{}}</think>Sure!\n```json\n{json.dumps(JAZZ)}\n```") == written(JAZZ)
    for said in ("", "no", "{}", "} {", '{"high_level_description":"a"}'):
        assert answered(said) is None
    asked = question("a boat: Idea: x", 1312, 736)
    assert idea_and_shape(asked) == ("a boat: Idea: x", (41, 23))
    assert json.loads(without_answer(asked))["high_level_description"] == "a boat: Idea: x"


def test_styles_for_captions_are_whole_or_refused() -> None:
    described = {"aesthetics": "a", "lighting": "b", "medium": "c", "art_style": "d"}
    styles = read_styles({"Mine": {"ideogram": described}}, Path("styles.toml"))
    assert styles["mine"]["ideogram"].caption == described
    with pytest.raises(SettingsError, match=r"mine\.ideogram: a style for captions has"):
        read_styles({"mine": {"ideogram": {**described, "photo": "x"}}}, Path("styles.toml"))


def test_sizes_are_the_models_own_in_steps_of_16_up_to_6_to_1_and_2048() -> None:
    assert size_for("16:9", MODEL) == (1312, 736) and size_for("2:3", MODEL) == (832, 1248)
    assert size_for("6:1", MODEL) == (2016, 336) and size_for("1:6", MODEL) == (336, 2016)
    assert exact_size(2048, 2048, "1:1", MODEL) == (2048, 2048)
    for width, height in ((2064, 1024), (240, 1024)):
        with pytest.raises(SizeError, match="256 to 2048 pixels"):
            exact_size(width, height, "1:1", MODEL)
    large = MODEL.__class__(
        label="2k",
        source=Path("none"),
        base_resolution=2048,
        pipeline="Ideogram4Pipeline",
        max_ratio=6.0,
    )
    assert size_for("1:1", large) == (2048, 2048)
    wide, high = size_for("3:2", large)
    assert wide == 2048 and abs(wide / high - 1.5) < 0.02
    for ratio in ("6:1", "1:3", "4:5"):
        wide, high = size_for(ratio, large)
        assert 256 <= min(wide, high) <= max(wide, high) <= 2048


POSTER = {
    "text_1": "SUMMER FAIR",
    "text_2": "3 June",
    "layout": "text_1: top; subject: 400 0 900 1000",
}


def test_words_and_places_of_the_columns_are_elements_with_boxes() -> None:
    elements = caption_of(**POSTER)["compositional_deconstruction"]["elements"]
    assert [(e["type"], e.get("text"), e.get("bbox")) for e in elements] == [
        ("obj", None, [400, 0, 900, 1000]),
        ("text", "SUMMER FAIR", [50, 50, 300, 950]),
        ("text", "3 June", None),
    ]
    assert "text_1, text_2 and layout need a caption" in told(**POSTER)["magic_prompt"]


def test_a_language_model_is_told_the_words_and_they_stand_in_the_picture_whatever_it_says() -> (
    None
):
    row = values(**PLAIN | POSTER | {"magic_prompt": True})
    asked = PLANNED.wordsmith.question(row, 0)
    assert asked is not None
    assert idea_with_words(asked.text) == (
        "a red boat. The words “SUMMER FAIR”, “3 June” stand in it."
    )
    assert idea_and_shape(asked.text) == ("a red boat", (3, 2))
    made = json.loads(put_around(asked.around, asked.text, ""))
    texts = [e["text"] for e in made["compositional_deconstruction"]["elements"] if "text" in e]
    assert texts == ["SUMMER FAIR", "3 June"]
    beside = json.loads(put_around(asked.around, asked.text, written(JAZZ)))
    texts = [e["text"] for e in beside["compositional_deconstruction"]["elements"] if "text" in e]
    assert texts == ["JAZZ\nJAM", "SUMMER FAIR", "3 June"]


def test_a_frame_holds_no_place_for_words_although_a_column_does() -> None:
    row = values(**PLAIN | {"magic_prompt": True, "text_1": "a {prompt} b"})
    asked = PLANNED.wordsmith.question(row, 0)
    assert asked is not None and is_frame(asked.around)
    made = json.loads(put_around(asked.around, asked.text, ""))
    assert made["compositional_deconstruction"]["elements"][-1]["text"] == "a {prompt} b"
