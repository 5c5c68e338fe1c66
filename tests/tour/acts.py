"""What is done in the pictures: the sheets, the keys that are pressed, what is waited for."""

import asyncio
import csv
import datetime
import time
from collections.abc import Callable
from pathlib import Path

from openpyxl import Workbook
from PIL import Image
from textual.pilot import Pilot

import assets
from tests.support.command import Promptsheet
from tests.support.screens import screen_text, settled, until
from tests.tour.film import Film
from tests.tour.painting import painted
from tui.app import PromptsheetApp
from tui.keys import KEYS, called, verb_of
from tui.screens.jobs import JobsScreen

EXAMPLES = Path(assets.__file__).parent / "examples"
FILM_SHEET = "spring-postcards.xlsx"
_LOOKS = 0.2
"""Seconds between two looks at what moves by itself."""
_FRAMES = 5
"""The most of them that are shown in a second."""
_PATIENCE = 300
_FAULTS = {
    2: ("aspect_ratio", datetime.time(4, 3)),
    4: ("model", "bultin"),
    7: ("model", "bultin"),
    11: ("rendering", "qualty"),
}
"""Row of the film's sheet → a column, and what somebody wrote there."""
_ROWS = 14


def write_film_sheet(path: Path) -> None:
    """The example's first rows as a workbook, with the mistakes that people make."""
    with (EXAMPLES / "first-light.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:_ROWS]
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    names = [name for name in rows[0] if name != "negative_prompt"]
    sheet.append(names)
    for number, row in enumerate(rows, start=2):
        column, wrong = _FAULTS.get(number, ("", ""))
        cells = {**row, "num_images": "2", column: wrong}
        values = (cells[name] for name in names)
        sheet.append([int(v) if isinstance(v, str) and v.isdecimal() else v for v in values])
    book.save(path)


def fill(promptsheet: Promptsheet, folder: Path) -> None:
    """Past sessions: the example, pictures that were drawn on, prompts that were typed."""
    example = folder / "first-light.csv"
    example.write_bytes((EXAMPLES / "first-light.csv").read_bytes())
    lighthouse = EXAMPLES / "pictures" / "lighthouse.jpg"
    words = ["--prompt", "a lighthouse on green hills at sunset", "--strength", ".7"]
    words += ["--rendering", "quality", "--seed-number", "1", "-n", "4"]
    promptsheet.json("prompt", "a red boat on a calm sea", "--seed-number", "4", "-n", "9")
    promptsheet.json("run", str(example))
    promptsheet.json("images", str(lighthouse), *words)


class Tour:
    """An app that is driven, and the film of it."""

    def __init__(self, pilot: Pilot[str], film: Film) -> None:
        self.pilot, self.film = pilot, film
        self.kept: dict[str, Image.Image] = {}
        """Screens that are pictures of their own, by name."""

    async def press(self, id: str, seconds: float = 0.5, *, times: int = 1) -> None:  # noqa: A002
        """Press the key of an action, and see what comes of it."""
        key = KEYS[verb_of(id)].split(",")[0]
        for _ in range(times):
            await self.pilot.press(key)
            await settled(self.pilot)
            self.film.add(painted(self.pilot.app), seconds, called(key))

    async def type(self, text: str, seconds: float = 0.08) -> None:
        """Type letters."""
        for letter in text:
            await self.pilot.press({" ": "space"}.get(letter, letter))
            await self.pilot.pause()
            self.film.add(painted(self.pilot.app), seconds)
        await settled(self.pilot)
        self.film.add(painted(self.pilot.app), 0.8)

    async def watch(self, over: Callable[[], object], seconds: float, key: str = "") -> None:
        """See what moves by itself until something holds, in so many seconds of the film."""
        seen: list[Image.Image] = []
        end = time.monotonic() + _PATIENCE
        while not over() and time.monotonic() < end:
            began = time.monotonic()
            seen.append(painted(self.pilot.app))
            await asyncio.sleep(max(0, began + _LOOKS - time.monotonic()))
        seen.append(painted(self.pilot.app))
        every = max(1, round(len(seen) / seconds / _FRAMES))
        shown = seen[::every]
        for picture in shown:
            self.film.add(picture, seconds / len(shown), key)


async def film(tour: Tour) -> None:
    """From a sheet with mistakes to pictures: half a minute."""
    app = tour.pilot.app
    assert isinstance(app, PromptsheetApp)
    await until(tour.pilot, lambda: "spring-postcards" in screen_text(app))
    await settled(tour.pilot)
    tour.film.add(painted(app), 2.0)
    await tour.press("sheet.next", 2.0)
    await tour.press("table.take_alike", 1.4)
    await tour.press("sheet.next", 1.6)
    await tour.press("table.take", 1.4)
    tour.film.add(painted(app), 0.8, called(KEYS["start"]))
    await tour.pilot.press(KEYS["start"])
    await until(tour.pilot, lambda: isinstance(app.screen, JobsScreen))
    started = called(KEYS["start"])

    def made() -> int:
        return sum(info.done for info in app.app_state.library.sessions.newest(1))

    await tour.watch(lambda: made() > 0, 2, started)
    await tour.watch(lambda: made() > _ROWS, 6)
    tour.kept["jobs"] = painted(app)
    await tour.pilot.press(KEYS["review"])
    await tour.watch(lambda: made() >= 2 * _ROWS, 3, "3")
    await tour.press("contact.larger", 0.6, times=2)
    await tour.press("contact.right", 0.35, times=3)
    await tour.press("contact.down", 0.5)
    await tour.press("review.favourite", 0.8)
    await tour.press("review.open", 1.5)
    await tour.press("full.right", 0.9, times=3)
    await tour.press("overlay.leave", 0.7)
    await tour.press("contact.left", 0.4)
    await tour.press("contact.mark", 0.5, times=2)
    await tour.press("review.compare", 2.2)
    await tour.press("overlay.leave", 0.7)
    await tour.press("review.find", 0.4)
    await tour.type("boat")
    tour.film.add(painted(app), 1.5)
