"""What is seen while no sheet is open: the machine, the ways on, what was made lately."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from engine.api import Library
from engine.settings import Settings
from tests.support.screens import MakeLibrary, opened_sheet, screen_text, until
from tui.app import PromptsheetApp
from tui.app_state import AppMemory, recall, remember
from tui.screens.help import keys_of
from tui.screens.jobs import JobsScreen
from tui.screens.open_sheet import OpenSheet
from tui.screens.review import ReviewScreen
from tui.screens.sheet import SheetScreen
from tui.screens.type_prompts import TypePrompts
from tui.widgets import welcome as welcome_module
from tui.widgets.welcome import Welcome, away_words, machine_words, when_words

SIZE: Any = {"size": (80, 24), "notifications": True}


def test_what_was_made_meanwhile_is_told_in_few_words() -> None:
    assert away_words(312, 2) == "While you were away: 312 images, 2 failed"
    assert away_words(1, 0) == "While you were away: 1 image"
    assert away_words(0, 3) == "While you were away: 3 failed"
    assert away_words(0, 0) == ""


def test_when_something_was_made_is_told_by_days() -> None:
    now = time.mktime((2026, 5, 20, 15, 0, 0, 0, 0, -1))
    assert when_words(now - 3600, now) == "today 14:00"
    assert when_words(now - 16 * 3600, now) == "yesterday 23:00"
    assert when_words(now - 3 * 86_400, now) == "Sunday"
    assert when_words(now - 30 * 86_400, now) == "2026-04-20"


@pytest.mark.slow
def test_why_pictures_are_blocks_has_a_line_of_its_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = SimpleNamespace(why="tmux has no sixel")
    monkeypatch.setattr(welcome_module, "current", lambda: told)
    state = PromptsheetApp(Library(settings)).app_state
    assert machine_words(state).splitlines()[1:] == ["pictures in blocks: tmux has no sixel"]


async def test_the_welcome_tells_of_the_machine_and_of_what_was_made_and_leads_on(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session(["a red boat", "two hills"], name="夜の灯台 harbour")
    library = Library(settings)
    remember(library, AppMemory(made=[1, 0]))
    app = PromptsheetApp(library)
    async with app.run_test(**SIZE) as pilot:
        for words in (
            *("Promptsheet", "cpu ", "models: builtin", "disk ", "o open a sheet"),
            *("While you were away: 1 image", "夜の灯台 harb", "today", "? show all keys"),
        ):
            await until(pilot, lambda words=words: words in screen_text(app))  # type: ignore[misc]
        welcome = app.screen.query_one(Welcome)
        await until(pilot, lambda: welcome.query("ThumbnailStrip"))
        here = [words for _, words in keys_of(app.screen)["Here"]]
        assert here.index("Try the example") < here.index("Open sheet") < here.index("Start")
        await pilot.press("down", "down", "enter")  # past the example
        await until(pilot, lambda: isinstance(app.screen, OpenSheet))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and welcome.has_focus)
        await pilot.click(".line", offset=(3, 0))  # what was made meanwhile
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await until(pilot, lambda: "a red boat" in screen_text(app))
        await pilot.press("1")
        await until(pilot, lambda: welcome.has_focus)
        await until(pilot, lambda: "away" not in screen_text(app))
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, TypePrompts))
        await pilot.press("escape")
        await until(pilot, lambda: welcome.has_focus)
        await pilot.press("e")
        screen = await opened_sheet(pilot)
        assert not welcome.display and screen.document.path is not None
        assert screen.document.path.name == "first-light.csv"
        await until(pilot, lambda: recall(library).made == [2, 0])
    again = PromptsheetApp(Library(settings))
    async with again.run_test(**SIZE) as pilot:
        await until(pilot, lambda: "harb" in screen_text(again))
        assert "away" not in screen_text(again), "nothing is news twice"


@pytest.mark.slow
async def test_a_session_with_work_left_is_led_to_its_jobs_and_a_new_library_has_none(
    settings: Settings, make_session: MakeLibrary
) -> None:
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        await until(pilot, lambda: "models: builtin" in screen_text(app))
        assert "recent images" not in screen_text(app)
        make_session([f"boat {n}" for n in range(12)], name="harbour")
        await pilot.press("4", "1")  # looked at again
        await until(pilot, lambda: "· 8/12" in screen_text(app))
        await pilot.press(*["down"] * 7, "enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
