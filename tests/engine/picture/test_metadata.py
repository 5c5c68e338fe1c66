from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.picture.metadata import ImageRecord, a1111_parameters, read_record
from engine.picture.png import encode_png
from engine.picture.recipe import Conditions, Lora, Recipe

RECIPE = Recipe("a cat, 日本", "dog", 5, 128, 96, 12, 4.0, "DPM", "builtin", "ab12")
CONDITIONS = Conditions("cpu", "float32", 2, "sdpa", False, {"torch": "2.13.0"})
RECORD = ImageRecord("k3f9x2-4-1", RECIPE, CONDITIONS, 8, 3, ("threads: 2 → 4",))


def test_a_record_comes_back_whole_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(encode_png(np.zeros((4, 4, 3), np.uint8), RECORD.to_text()))
    assert read_record(path) == RECORD


def test_a_file_that_is_not_ours_has_no_record(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    for text in ({}, {"promptsheet": "{"}, {"promptsheet": "[]"}, {"promptsheet": '{"image": 1}'}):
        path.write_bytes(encode_png(np.zeros((4, 4, 3), np.uint8), text))
        assert read_record(path) is None
    assert read_record(tmp_path / "missing.png") is None


def test_the_parameters_text_has_the_form_other_programs_read() -> None:
    assert a1111_parameters(RECIPE) == (
        "a cat, 日本\nNegative prompt: dog\n"
        "Steps: 12, Sampler: DPM, CFG scale: 4, Seed: 5, Size: 128x96,"
        " Model: builtin, Model hash: ab12"
    )


def test_a_value_with_a_comma_is_quoted() -> None:
    odd = Recipe("p", "", 5, 1, 1, 1, 4.5, "S", "my, model", "h")
    assert 'Model: "my, model"' in a1111_parameters(odd)


def test_loras_are_named_as_web_uis_name_them_and_come_back() -> None:
    loras = (Lora("ink", "ab" * 32, 0.8), Lora("fog bank", "cd" * 32, -1.0))
    mine = replace(RECIPE, loras=loras)
    lines = a1111_parameters(mine).split("\n")
    assert lines[0] == "a cat, 日本 <lora:ink:0.8> <lora:fog bank:-1>"
    assert 'Lora hashes: "ink: abababababab, fog bank: cdcdcdcdcdcd"' in lines[-1]
    record = ImageRecord.from_text(replace(RECORD, recipe=mine).to_text())
    assert record is not None and record.recipe == mine
    assert mine.needs == ("builtin", "<lora:ink>", "<lora:fog bank>")
    assert "loras" not in RECIPE.to_json() and Recipe.from_json(RECIPE.to_json()) == RECIPE


def test_changed_conditions_are_named() -> None:
    other = Conditions("NVIDIA H200", "float32", 2, "sdpa", False, {"torch": "2.14.0"})
    assert other.departures_from(CONDITIONS) == [
        "device: cpu → NVIDIA H200",
        "torch version: 2.13.0 → 2.14.0",
    ]
    assert CONDITIONS.departures_from(CONDITIONS) == []
