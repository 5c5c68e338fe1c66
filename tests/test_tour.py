"""What makes the README's pictures draws what a terminal would show."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.tour import film, painting
from tests.tour.film import Film
from tests.tour.painting import CELL, painted
from tui.graphics.sixels import sixels


def test_sixels_are_drawn_as_the_picture_that_they_were_made_of() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (50, 33, 3), np.uint8)
    few = Image.fromarray(noise).quantize(16)
    (found,) = painting._SIXELS.finditer(f"\x1b7\x1b[3;5H{sixels(few)}\x1b8")
    drawn = painting._picture(found[3])
    assert (found[1], found[2], drawn.size) == ("3", "5", few.size)
    far = np.abs(np.asarray(drawn, int) - np.asarray(few.convert("RGB"), int)).max()
    assert far <= 3, "sixels know a hundred levels of a colour"


class Blocks(App[None]):
    CSS = "Screen { background: #000000; color: #ffffff; } Static { width: 4; height: 2; }"

    def compose(self) -> ComposeResult:
        yield Static("█ ▀▗\n  ─ ")


async def test_each_cell_is_drawn_in_its_place() -> None:
    async with Blocks().run_test(size=(4, 2)) as pilot:
        await pilot.pause()
        shown = np.asarray(painted(pilot.app).convert("L")) > 128
    cells = shown.reshape(2, CELL[1], 4, CELL[0])
    lit = cells.sum(axis=(1, 3))
    whole, half = CELL[0] * CELL[1], CELL[0] * CELL[1] // 2
    assert lit[0].tolist() == [whole, 0, half, (CELL[0] - CELL[0] // 2) * (CELL[1] // 2)]
    assert lit[1].tolist() == [0, 0, CELL[0], 0]


def test_a_film_holds_each_picture_once_for_as_long_as_it_is_seen(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(film, "font", lambda bold=False: None)
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda *_, **__: None)
    seen = Film("a film")
    for colour, seconds in (("red", 0.5), ("red", 0.25), ("blue", 1.0)):
        seen.add(Image.new("RGB", (200, 40), colour), seconds)
    seen.write(tmp_path / "film.webp")
    with Image.open(tmp_path / "film.webp") as read:
        assert getattr(read, "n_frames", 1) == 2
    assert seen.seconds == 1.75
