"""Sheets that are rendered, and how far that is."""

import contextlib
import csv
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

from engine.picture.png import decode
from tests.support.command import Promptsheet
from tests.support.waiting import wait_for

Pixels = dict[str, bytes]


def write_sheet(path: Path, rows: int, images: int, **columns: str) -> Path:
    """A sheet of seeded rows: several shapes, step counts, with and without negative prompts."""
    ratios = ("1:1", "3:2", "2:3", "16:9")
    kinds = (("turbo", "", "6"), ("default", "", "8"), ("turbo", "blurry", "6"))
    with path.open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(
            [
                "prompt",
                "aspect_ratio",
                "seed_number",
                "num_images",
                "rendering",
                "negative_prompt",
                "steps",
                *columns,
            ]
        )
        for row in range(rows):
            prompt = f"{row} red circles on a blue background"
            ratio = ratios[row % len(ratios)]
            kind = kinds[row // len(ratios) % len(kinds)]
            sheet.writerow([prompt, ratio, row * 10, images, *kind, *columns.values()])
    return path


def pixels_of(promptsheet: Promptsheet, session: str = "last") -> Pixels:
    """`row-variation` → the pixels of every finished image."""
    shown = promptsheet.json("show", session)
    return {
        f"{image['row']}-{image['variation']}": decode(
            promptsheet.library / image["file"]
        ).tobytes()
        for image in shown["list"]
        if image["state"] == "done"
    }


def state(promptsheet: Promptsheet) -> dict[str, Any]:
    """The only session."""
    return promptsheet.sessions()[0]


def settled(promptsheet: Promptsheet) -> bool:
    """Whether the only session has nothing left to do."""
    return state(promptsheet)["state"] not in ("waiting", "rendering")


def has_done(promptsheet: Promptsheet, count: int) -> bool:
    """Whether at least `count` images of the only session are there."""
    return bool(state(promptsheet)["done"] >= count)


def renderer_pid(promptsheet: Promptsheet) -> int | None:
    renderers = promptsheet.status()["renderers"]
    return renderers[0]["pid"] if renderers else None


def run_with_kills(
    promptsheet: Promptsheet, sheet: Path, kills: int, seed: int = 0, within: float = 7.0
) -> None:
    """Run `sheet` while the engine process and its renderer are killed by turns.

    Moments are random, from just after a start to `within` seconds later, well into rendering.
    Each time the engine process is only started again, nothing more.
    """
    moments = random.Random(seed)
    promptsheet.json("run", sheet, "--detach")
    for kill in range(kills):
        time.sleep(moments.uniform(0.0, within))
        if kill % 2 == 0:
            pid = promptsheet.json("engine", "status")["pid"]
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            promptsheet.json("engine", "start")
        elif (pid := renderer_pid(promptsheet)) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    wait_for(lambda: settled(promptsheet), 600)
