"""Ideogram 4 through the front door: a sheet as the web tool's, drawn by a tiny one."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.caption.reading import written
from engine.caption.schema import faults_of
from engine.picture.metadata import read_record
from tests.engine.caption.captions import JAZZ
from tests.support.command import Promptsheet
from tests.support.families import save_tiny

pytestmark = pytest.mark.slow

HEADER = (
    *("prompt", "visibility", "aspect_ratio", "magic_prompt", "model", "num_images"),
    *("seed_number", "rendering", "negative_prompt", "style", "color_palette", "steps"),
    *("text_1", "layout", "final_prompt"),
)
OTHER = {
    "prompt": "Prompt",
    "aspect_ratio": "Aspect Ratio",
    "magic_prompt": "Magic Prompt Option",
    "model": "Model Version",
    "seed_number": "Seed",
    "rendering": "Rendering Speed",
    "negative_prompt": "Negative Prompt",
    "style": "Style Type",
    "color_palette": "Colour Palette",
}
"""The web tool's columns of the other generation → their names there."""
USUAL = ("private", "1:1", "off", "4.0", "1", "7", "turbo", "", "auto", "", "2")


def test_a_sheet_of_the_web_tools_is_drawn_with_its_columns_in_captions(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    save_tiny("Ideogram4Pipeline", tmp_path / "model")
    (config / "models.toml").write_text(
        f'[[models]]\nlabel = "ideogram"\nsource = "{tmp_path / "model"}"\nbase_resolution = 64\n'
    )
    (config / "settings.toml").write_text(
        '[sheet]\nmodel_names = { "4.0" = "ideogram", V_4 = "ideogram" }\n'
    )
    loose = json.dumps(JAZZ).replace("#0B3C49", "#0b3c49")
    rows = [
        ("a red boat", *USUAL),
        ("a red boat", *USUAL[:2], "on", *USUAL[3:]),
        (loose, *USUAL),
        ("a red boat", *USUAL[:-3], "design", "ember", "2"),
        ("a red boat", "private", "6:1", *USUAL[2:-1], "3", "BOATS", "text_1: top"),
        ("a red boat", *USUAL, "", "", written(JAZZ)),
    ]
    with (tmp_path / "sheet.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    told = promptsheet.json("run", tmp_path / "sheet.csv")
    assert (told["done"], told["failed"]) == (6, 0)
    images = promptsheet.json("show", "last")["list"]
    listed = promptsheet.json("models", "list")["models"][-1]
    assert "not commercial" in listed["licence"], "its files name none"
    plain, magic, own, styled, wide, edited = (image["recipe"] for image in images)

    assert plain["prompt"] == "a red boat" and plain["guidance"] == 7.0
    assert json.loads(magic["prompt"])["high_level_description"] == "a red boat"
    assert own["prompt"] == written(JAZZ)
    assert edited["prompt"] == written(JAZZ), "what someone has written over the final prompt"
    assert images[5]["pixels"] == images[2]["pixels"]
    described = json.loads(styled["prompt"])["style_description"]
    assert described["medium"] == "graphic_design" and len(described["color_palette"]) == 5
    for recipe in (magic, own, styled):
        assert faults_of(json.loads(recipe["prompt"])) == [] and recipe["palette"] == []
    assert (wide["width"], wide["height"], wide["steps"]) == (96, 16, 3)
    *_, text = json.loads(wide["prompt"])["compositional_deconstruction"]["elements"]
    assert (text["text"], text["bbox"]) == ("BOATS", [50, 50, 300, 950])

    files = [promptsheet.library / image["file"] for image in images]
    assert files[2].name.startswith("0004-1-a-minimalist-jazz-poster")
    record = read_record(files[2])
    assert record is not None and record.recipe.prompt == written(JAZZ)
    pixels = [np.asarray(Image.open(file)) for file in files[:4]]
    for at, one in enumerate(pixels):
        assert all(not np.array_equal(one, other) for other in pixels[:at])

    with (tmp_path / "other.csv").open("w", newline="") as file:
        changed = {"4.0": "V_4", "off": "OFF", "turbo": "TURBO", "auto": "AUTO", "design": "DESIGN"}
        cells = [[changed.get(cell, cell) for cell in row] for row in rows]
        csv.writer(file).writerows([[OTHER.get(name, name) for name in HEADER], *cells])
    again = promptsheet.json("run", tmp_path / "other.csv")
    before, after = (promptsheet.json("show", name) for name in (told["session"], again["session"]))
    assert before["pixels"] == after["pixels"]
