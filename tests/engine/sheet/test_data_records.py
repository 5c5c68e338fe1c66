"""JSON, JSON lines, YAML and TOML: flat records are rows, anything else is refused by name."""

from pathlib import Path

import pytest

from engine.sheet.check import check_table
from engine.sheet.copying import free_name, save_copy
from engine.sheet.delimited import split
from engine.sheet.editing import Draft
from engine.sheet.read import read_table
from engine.sheet.rows import SheetError
from tests.support.sheets import VOCABULARY

BOAT = ["a red boat", "16:9", "7"]


@pytest.mark.parametrize(
    "text",
    [
        '[{"prompt": "a red boat", "aspect_ratio": "16:9", "seed": 7}]',
        '{"prompts": [\n{"prompt": "a red boat", "aspect_ratio": "16:9", "seed": "7"}\n], "n": 1}',
        '{"prompt": "a red boat", "aspect_ratio": "16:9", "seed": 7}\n',
        '{"prompt": ["a red boat"], "aspect_ratio": ["16:9"], "seed": [7]}',
        'Here:\n```json\n[{"prompt": "a red boat", "aspect_ratio": "16:9", "seed": 7}]\n```\nBye',
        "- prompt: a red boat\n  aspect_ratio: 16:9\n  seed: 7\n",
        'prompts:\n  - prompt: "a red boat"\n    aspect_ratio: 16:9\n    seed: 7\n',
        '# mine\n[[prompts]]\nprompt = "a red boat"\naspect_ratio = "16:9"\nseed = 7\n',
        'prompt = "a red boat"\naspect_ratio = "16:9"\nseed = 7\n',
    ],
)
def test_flat_records_are_rows(text: str) -> None:
    read = split(text)
    assert list(read.records) == [["prompt", "aspect_ratio", "seed"], BOAT]
    assert "row 2" in read.notes[-1]


def test_json_lines_and_lists_of_prompts_are_rows() -> None:
    lines = '{"prompt": "a", "seed": 1}\n\n{"prompt": "b\\nc", "magic_prompt": false}\n'
    assert list(split(lines).records)[1:] == [["a", "1", ""], ["b\nc", "", "false"]]
    assert list(split('["a boat", "a hill, {red|blue}"]').records)[1:] == [
        ["a boat"],
        ["a hill, {red|blue}"],
    ]
    colours = '[{"prompt": "a", "color_palette": ["#CBA324", "#F86C14"]}]'
    assert list(split(colours).records)[1] == ["a", "#CBA324 #F86C14"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"prompt": {"subject": "x"}}]', "JSON, and the `prompt` of its record 1"),
        ('[{"idea": "x"}, {"idea": "y"}]', "no `prompt`; they have `idea`"),
        ('{"3": {"class_type": "KSampler", "inputs": {}}}', "JSON, not a table"),
        ('[{"prompt": "a"}, {"prompt": ', "looks like JSON, but is incomplete"),
        ('{"prompt": "a"}\n{"prompt": b}\n', "JSON lines, but is incomplete (line 2)"),
        ('{"a": ' * 100_000, "is incomplete"),
        ("- prompt: a\n  more:\n    x: 1\n", "YAML, and the `more`"),
        ("- prompt: 'a\n", "looks like YAML"),
        ("[[prompts]]\nprompt = a\n", "looks like TOML"),
        ("[[things]]\nx = 1\n", "TOML whose records have no `prompt`"),
    ],
)
def test_other_data_is_refused_as_what_it_is(text: str, says: str) -> None:
    with pytest.raises(SheetError) as refused:
        split(text)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "prompts",
    [
        ["{red|blue} boat", "two hills"],
        ["[masterpiece], a boat", "two hills"],
        ["{prompt}, ink", "{{masterpiece}}"],
        ["- a boat: red", "a hill"],
        ["sea = blue", "a hill"],
    ],
)
def test_prompts_that_begin_like_data_stay_prompts(prompts: list[str]) -> None:
    assert list(split("\n".join(prompts)).records) == [[prompt] for prompt in prompts]


def test_a_prompt_that_is_json_and_braces_without_alternatives_stay_as_written(
    tmp_path: Path,
) -> None:
    prompts = ['{"subject": "a __boat__", "text": "SALE | 50%"}', "{{masterpiece}}, {prompt}, ink"]
    path = tmp_path / "a.csv"
    lines = ('"' + prompt.replace('"', '""') + '"' for prompt in prompts)
    path.write_text("\n".join(("prompt,style", *(f"{line},anime" for line in lines))))
    sheet = check_table(read_table(path), VOCABULARY)
    assert [row.cells["prompt"] for row in sheet.ready] == prompts
    assert sheet.problems == ()


def test_a_copy_of_records_is_a_csv_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"prompt": "a", "style": "anme"}, {"prompt": "b"}]')
    draft = Draft(read_table(path), VOCABULARY)
    draft.edit([2], "style", "anime")
    copy = free_name(path)
    save_copy(draft, path, copy)
    assert (copy.name, copy.read_text()) == ("a-corrected.csv", "prompt,style\na,anime\nb,\n")
