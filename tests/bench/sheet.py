"""`check` of a large sheet, as a whole process, beside pandas with openpyxl only reading it."""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import openpyxl

from tests.support.command import COMMAND

ROWS = 50_000
MOST = 0.25
"""Of the time that pandas takes, at most."""
_WORDS = (
    *("red", "blue", "boat", "house", "lighthouse", "calm", "sea", "storm", "sunset", "night"),
    *("green", "hills", "tall", "tree"),
)
_HEADER = (
    *("prompt", "visibility", "aspect_ratio", "magic_prompt", "model", "num_images"),
    *("seed_number", "rendering", "negative_prompt", "style", "color_palette"),
)


def main(pairs: int = 5) -> int:
    """Print the figures; 0 if `check` takes at most a quarter of the time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.xlsx"
        _make(path)
        environment = os.environ | {
            "PROMPTSHEET_CONFIG": folder,
            "PROMPTSHEET_LIBRARY": f"{folder}/library",
            "XDG_STATE_HOME": f"{folder}/state",
        }
        reading = f"import pandas; assert len(pandas.read_excel({str(path)!r})) == {ROWS}"
        ours, theirs = [], []
        for _ in range(pairs):
            ours.append(_seconds([str(COMMAND), "check", str(path)], environment))
            theirs.append(_seconds([sys.executable, "-c", reading], environment))
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    ratio = statistics.median(ratios)
    print(
        f"check of {ROWS:,} rows of xlsx: {statistics.median(ours):.2f} s; pandas with openpyxl "
        f"reads them in {statistics.median(theirs):.2f} s: {ratio:.2f} of the time "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {pairs} pairs)"
    )
    return int(ratio > MOST)


def _make(path: Path) -> None:
    chance = random.Random(7)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Prompts")
    sheet.append(_HEADER)
    for row in range(ROWS):
        prompt = " ".join(chance.choices(_WORDS, k=12))
        ratio = chance.choice(["1:1", "16:9", "2:3"])
        settings = ("private", ratio, "on", "builtin", 4, row, "default", "blurry", "auto", "ember")
        sheet.append((prompt, *settings))
    book.save(path)


def _seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start
