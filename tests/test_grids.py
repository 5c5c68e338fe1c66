"""A grid from the sheet to its labelled picture and back, with real pixels."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Promptsheet
from tests.support.sheets import write_rows

pytestmark = pytest.mark.slow

GRID = {
    "prompt": "a {all: red | blue} boat",
    "steps": "2 | 3",
    "guidance": "4",
    "seed_number": "5",
    "magic_prompt": "off",
    "num_images": "",
}
PLAIN = {**GRID, "prompt": "a blue boat", "steps": "3", "num_images": "1"}


def test_a_grid_gives_the_same_pixels_again_as_itself_and_as_the_rows_of_its_results(
    warm: Promptsheet, tmp_path: Path
) -> None:
    sheet = write_rows(tmp_path / "grid.csv", [GRID, PLAIN])
    told = warm.json("check", sheet)
    (grid,) = told["grids"]
    assert (grid["row"], grid["images"], told["images"]) == (2, 4, 5)
    assert [(axis["name"], axis["values"]) for axis in grid["axes"]] == [
        ("prompt", ["red", "blue"]),
        ("steps", ["2", "3"]),
    ]

    def shown() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = warm.json("show", "last")["list"]
        return found

    warm.json("run", sheet)
    first = shown()
    of_grid = [image for image in first if image["row"] == 2]
    assert [image["seed"] for image in of_grid] == [5] * 4
    assert len({image["pixels"] for image in of_grid}) == 4, "each setting has changed the image"
    assert of_grid[3]["recipe"] == first[-1]["recipe"], "as the plain row with its values and seed"

    out, picture = tmp_path / "out.zip", tmp_path / "grid.png"
    warm.json("export", "last", "-o", out)
    assert warm.json("export", "last", "--grid", picture, "--across", "steps")["images"] == 4
    assert picture.read_bytes().startswith(b"\x89PNG")

    warm.json("run", sheet)
    again = shown()
    assert [image["pixels"] for image in again] == [image["pixels"] for image in first]

    with zipfile.ZipFile(out) as archive:
        archive.extract("results.csv", tmp_path)
    warm.json("run", tmp_path / "results.csv")
    rows = shown()
    assert [image["recipe"] for image in rows] == [image["recipe"] for image in first]
    assert [image["row"] for image in rows] == list(range(2, 7))
