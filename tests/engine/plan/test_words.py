"""Styles, palettes and magic prompts: what we ship is sound, and what people add is used."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models.catalog import load_models
from engine.models.families import family_of
from engine.models.family import Family
from engine.plan.magic import enrich, read_magic
from engine.plan.palettes import read_palettes, resolve_palette, weighted
from engine.plan.styles import apply_style, read_style_list, template_of
from engine.plan.words import Words, load_words
from engine.settings import SettingsError
from engine.sheet.check import check_table
from engine.sheet.columns import COLUMN, PALETTES
from tests.support.sheets import VOCABULARY, table

BUILTIN = load_models()["builtin"].kind
SDXL = family_of("StableDiffusionXLPipeline")
FLUX = family_of("FluxPipeline")
STYLES = [style for style in COLUMN["style"].choices if style != "auto"]
HERE = Path("here.toml")


@pytest.fixture(scope="module")
def words() -> Words:
    return load_words()


@pytest.mark.parametrize("family", [BUILTIN, SDXL, FLUX, Family("other")])
def test_every_style_says_something_else_to_every_family(words: Words, family: Family) -> None:
    worded = {apply_style(template_of(s, family.name, words.styles), "a cat", "") for s in STYLES}
    assert len(worded) == len(STYLES)
    assert all("a cat" in prompt for prompt, _ in worded)


def test_auto_changes_nothing(words: Words) -> None:
    assert apply_style(template_of("auto", "sdxl", words.styles), "a cat.", "dog") == (
        "a cat.",
        "dog",
    )


def test_a_styles_negative_prompt_joins_the_rows_own(words: Words) -> None:
    _, negative = apply_style(template_of("anime", "sdxl", words.styles), "a cat", "dog")
    assert negative.startswith("dog, photo")


def test_style_lists_for_sdxl_are_styles(config: Path) -> None:
    (config / "styles").mkdir()
    listed = [
        {"name": "base", "prompt": "{prompt}", "negative_prompt": ""},
        {"name": "SAI-Neon", "prompt": "neon {prompt} . glowing", "negative_prompt": "dull"},
    ]
    (config / "styles" / "sdxl_styles.json").write_text(json.dumps(listed))
    styles = load_words().styles
    assert apply_style(template_of("sai-neon", "sdxl", styles), "a cat", "") == (
        "neon a cat . glowing",
        "dull",
    )
    (config / "styles.toml").write_text('[anime.sdxl]\nprompt = "my {prompt}"\n')
    styles = load_words().styles
    assert template_of("anime", "sdxl", styles).prompt == "my {prompt}"
    assert template_of("anime", "flux", styles).prompt != "my {prompt}"


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "not JSON"), ("{}", "is a list"), ('[{"prompt": "x"}]', "no name"),
     ('[{"name": "a", "prompt": "none"}]', "once"),
     ('[{"name": "a", "prompt": "{prompt} {prompt}"}]', "once")],
)  # fmt: skip
def test_a_faulty_style_list_names_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_style_list(text, HERE)


def test_every_named_palette_has_colours_of_its_own(words: Words) -> None:
    assert set(PALETTES) <= words.palettes.keys()
    assert len({words.palettes[name] for name in PALETTES}) == len(PALETTES)
    assert resolve_palette(("ember",), words.palettes)[0].startswith("#")
    assert resolve_palette(("#112233:2",), words.palettes) == ("#112233:2",)
    assert resolve_palette((), words.palettes) == ()


def test_weights_are_shares() -> None:
    assert weighted(["#FF0000:3", "#0000FF"]) == [((255, 0, 0), 0.75), ((0, 0, 255), 0.25)]
    with pytest.raises(SettingsError, match="not a palette"):
        read_palettes({"mine": ["red"]}, HERE)


def test_own_palettes_and_wildcards_are_found_at_once(config: Path) -> None:
    (config / "palettes.toml").write_text('Brand = ["#112233", "#445566:2"]\n')
    (config / "wildcards" / "deep").mkdir(parents=True)
    (config / "wildcards" / "deep" / "thing.txt").write_text("# a note\n\nlamp\n chair \n")
    words = load_words()
    assert words.palettes["brand"] == ("#112233", "#445566:2")
    assert words.wildcards.choices["deep/thing"] == ("lamp", "chair")
    (config / "wildcards" / "deep" / "thing.txt").write_text("\n")
    assert "has no choices" in load_words().wildcards.faults["deep/thing"]


def test_one_bad_file_concerns_those_who_name_it_alone(config: Path) -> None:
    wild = config / "wildcards"
    (wild / "folder.txt").mkdir(parents=True)
    (wild / "good.txt").write_text("// a note\n/* more\nof it */\nred\nblue // green\n")
    (wild / "empty.txt").write_text("")
    (wild / "latin.txt").write_bytes(b"caf\xe9\n")
    (wild / "gone.txt").symlink_to(config / "nowhere")
    (wild / "._good.txt").write_bytes(b"\0\1")
    (config / "styles").mkdir()
    (config / "styles" / "torn.json").write_text("{")
    (config / "styles.toml").write_text("[anime")
    (config / "palettes.toml").write_text('mine = ["red"]')
    words = load_words()
    assert words.wildcards.choices["good"] == ("red", "blue // green")
    assert words.wildcards.faults.keys() == {"empty", "latin", "gone"}
    assert words.faults.keys() == {"style", "color_palette"}
    assert {"anime", "realistic"} <= words.styles.keys()
    assert set(PALETTES) <= words.palettes.keys()
    vocabulary = replace(
        VOCABULARY,
        wildcards=words.wildcards.choices.keys(),
        wildcard_faults=words.wildcards.faults,
        file_faults=words.faults,
    )
    sheet = check_table(
        table(("prompt", "style"), ("__good__", "anime"), ("__latin__", ""), ("a", "neon")),
        vocabulary,
    )
    assert [row.number for row in sheet.ready] == [2]
    assert "is not UTF-8" in sheet.problems[0].message
    assert "torn.json" in sheet.problems[1].message


@pytest.mark.parametrize(
    ("prompt", "added"),
    [
        ("a red circle on a blue background", False),
        ("three yellow stars, purple background", False),
        ("a house on red", False),
        ("a red boat on a calm sea at sunset", False),
        ("a red boat", True),
        ("a lighthouse by night", True),
        ("green hills", True),
    ],
)
def test_the_built_in_models_prompts_are_completed_never_contradicted(
    words: Words, prompt: str, added: bool
) -> None:
    enriched = enrich(prompt, BUILTIN, words.magic)
    assert enriched.startswith(prompt)
    assert (enriched != prompt) == added


def test_what_a_prompt_says_of_light_is_not_said_again(words: Words) -> None:
    plain = enrich("a cat on a sofa", SDXL, words.magic)
    assert "light" in plain
    assert "light" not in enrich("a cat at dawn", SDXL, words.magic).replace("highlight", "")
    assert enrich("a cat. " * 40, FLUX, words.magic) == "a cat. " * 40


@given(st.text(max_size=80))
def test_any_prompt_is_kept_and_enriched_alike_each_time(prompt: str) -> None:
    magic = load_words().magic
    for family in (BUILTIN, SDXL, FLUX):
        enriched = enrich(prompt, family, magic)
        assert enriched.startswith(prompt.rstrip().rstrip("."))
        assert enriched == enrich(prompt, family, magic)


def test_a_faulty_addition_is_named() -> None:
    with pytest.raises(SettingsError, match="there is no list 'sky'"):
        read_magic({"sdxl": [{"add": ["x"], "when": ["@sky"]}]}, HERE)
    with pytest.raises(SettingsError, match="sdxl 1: an addition has"):
        read_magic({"sdxl": [{"ad": ["x"]}]}, HERE)
