"""Another sheet in the place of one that was mended: nothing typed is lost with one key."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from engine.settings import Settings
from tests.tui.conftest import screen_text, until
from tui.app import PromptsheetApp
from tui.desk import RowsToSheet
from tui.screens.ask import Ask
from tui.screens.sheet import SheetScreen
from tui.screens.type_prompts import TypedPrompts
from tui.widgets.draft_table import DraftTable

SIZE: Any = {"size": (140, 36), "notifications": True}
TEXT = "prompt,aspect_ratio\na boat,16:9\na hill,1:1\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(TEXT)
    return path


async def opened(pilot: Pilot[str]) -> SheetScreen:
    await until(pilot, lambda: isinstance(pilot.app.screen, SheetScreen) and pilot.app.screen.draft)
    assert isinstance(pilot.app.screen, SheetScreen)
    return pilot.app.screen


def prompts(screen: SheetScreen) -> list[str]:
    draft = screen.draft
    return [draft.text(number, "prompt") for number in draft.numbers] if draft else []


async def test_a_sheet_read_again_without_its_mends_can_have_them_back(
    settings: Settings, path: Path
) -> None:
    app = PromptsheetApp(settings, path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened(pilot)
        await pilot.press("y", "y", "u")
        assert len(prompts(screen)) == 3
        await pilot.press("ctrl+r")
        assert len(prompts(screen)) == 4, "redo, as elsewhere"
        await pilot.press("R")
        await until(pilot, lambda: len(prompts(screen)) == 2)
        await until(pilot, lambda: "u brings mine.csv back" in screen_text(app))
        await pilot.press("u")
        await until(pilot, lambda: len(prompts(screen)) == 4)
        await pilot.press("U")
        await until(pilot, lambda: len(prompts(screen)) == 2)
        await pilot.press("u")
        await until(pilot, lambda: len(prompts(screen)) == 4)
        await pilot.press("u", "u")
        await until(pilot, lambda: len(prompts(screen)) == 2)
        assert screen._path == path, "and its file is still its file"


async def test_typed_prompts_outlive_rows_that_come_to_be_refined_and_are_saved(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = PromptsheetApp(settings)
    async with app.run_test(**SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SheetScreen))
        assert isinstance(app.screen, SheetScreen)
        app.screen._typed(TypedPrompts(["a boat, red", "=1+1"], 1))
        screen = await opened(pilot)
        for name in ("first", "second"):  # the second takes the place of nothing of ours
            screen.post_message(RowsToSheet([{"prompt": name}], "k3f9x2", name))
            await until(pilot, lambda: prompts(screen) == [name])  # noqa: B023
        await pilot.press("u")
        await until(pilot, lambda: prompts(screen) == ["a boat, red", "=1+1"])
        assert screen._origin is None
        screen.query_one(DraftTable).go_to(3, "prompt")
        await pilot.press("y")
        await until(pilot, lambda: "mended, w saves a copy" in screen_text(app))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        assert app.screen.query_one(Input).value == str(tmp_path / "prompts.csv")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        assert not screen.is_unsaved
        assert (tmp_path / "prompts.csv").read_text().splitlines() == [
            *("prompt,num_images", '"a boat, red",1', "=1+1,1", "=1+1,1")
        ]
        screen.read(tmp_path / "prompts.csv")
        await until(pilot, lambda: screen._path == tmp_path / "prompts.csv")
        assert prompts(screen) == ["a boat, red", "=1+1", "=1+1"]
        await pilot.press("u")
        await pilot.pause(0.05)
        assert screen._path == tmp_path / "prompts.csv", "what was saved need not be kept"


async def test_quitting_asks_before_mends_are_lost_and_not_otherwise(
    settings: Settings, path: Path
) -> None:
    app = PromptsheetApp(settings, path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened(pilot)
        await pilot.press("y", "2", "q")
        await until(pilot, lambda: "What you wrote in mine.csv is in no file" in screen_text(app))
        await pilot.press("ctrl+q", "enter")
        await until(pilot, lambda: app.current_mode == "jobs" and not isinstance(app.screen, Ask))
        await pilot.press("1", "u", "q")
        await until(pilot, lambda: app._exit)
    app = PromptsheetApp(settings, path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened(pilot)
        await pilot.press("y", "q")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app._exit)
        assert len(prompts(screen)) == 3
