"""Questions over a screen: answered twice, late or oddly, they end once and the app goes on."""

import threading
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input, Static
from textual.widgets._toast import Toast

from engine.api import Library, Sheets
from engine.settings import Settings
from tests.support.screens import opened_sheet, screen_text, until
from tui.app import PromptsheetApp
from tui.screens.ask import Ask
from tui.screens.dialog import Dialog
from tui.screens.settings import SettingsScreen
from tui.typed_path import typed_path
from tui.widgets.dialog_box import Buttons, DialogBox
from tui.widgets.virtual_table import VirtualTable

pytestmark = pytest.mark.slow


SIZE: Any = {"size": (120, 36), "notifications": True}


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("prompt\na red boat\na hill\n")
    return path


@pytest.fixture
def app(settings: Settings, sheet: Path) -> PromptsheetApp:
    return PromptsheetApp(Library(settings), sheet)


async def asked(pilot: Pilot[str], *keys: str) -> None:
    """Press keys after which there is a question."""
    await pilot.press(*keys)
    await until(pilot, lambda: isinstance(pilot.app.screen, Dialog))


def press_together(pilot: Pilot[str], *keys: str) -> None:
    """Keys that come in one go, as a held key's on a slow line do."""
    for key in keys:
        pilot.app.post_message(Key(key, key if len(key) == 1 else None))


async def test_a_dialog_has_title_and_buttons_over_the_dimmed_app_and_toasts_cover_no_totals(
    app: PromptsheetApp,
) -> None:
    async with app.run_test(**SIZE) as pilot:
        area = await opened_sheet(pilot)
        await until(pilot, lambda: "rows ready" in screen_text(app))
        app.notify("a word to the user", timeout=1)
        await until(pilot, lambda: "a word to the user" in screen_text(app))
        toast = app.screen.query_one(Toast).region
        for name in ("#sheet-title", "#sheet-counts", "#totals"):
            assert not toast.overlaps(area.query_one(name).region), name
        await until(pilot, lambda: "a word to the user" not in screen_text(app))
        await asked(pilot, "p")
        await until(pilot, lambda: "ctrl+s continues" in screen_text(app))
        await until(pilot, lambda: "mine.csv" in screen_text(app))  # the app beneath is seen
        words = screen_text(app)
        assert "─ Type prompts ─" in words
        assert app.screen.styles.background.a < 1
        buttons = app.screen.query_one(Buttons)
        line = app.screen._compositor.render_strips()[buttons.region.y].text
        await pilot.click(offset=(line.index("Back"), buttons.region.y))
        await until(pilot, lambda: app.screen is area)


@pytest.mark.parametrize("note", ["", "what it is for, and what comes of it, at length " * 3])
async def test_a_question_with_many_choices_shows_its_buttons_at_24_lines(note: str) -> None:
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Ask("Which of these is it?", choices=[*map(str, range(30))], note=note))
        await until(pilot, lambda: bool(app.screen.query(Buttons)))
        box, buttons = app.screen.query_one(DialogBox), app.screen.query_one(Buttons)
        await until(pilot, lambda: buttons.region.height == 1)
        assert box.content_region.contains_region(buttons.region)
        assert app.screen.region.contains_region(box.region)
        assert box.content_region.bottom == buttons.region.bottom, "no room is wasted"


async def test_a_doubled_enter_answers_once(app: PromptsheetApp, sheet: Path) -> None:
    async with app.run_test(**SIZE) as pilot:
        area = await opened_sheet(pilot)
        for key, answer in (("slash", "hill"), ("o", str(sheet)), ("I", "model")):
            await asked(pilot, key)
            app.screen.query_one(Input).value = answer
            press_together(pilot, "enter", "enter")
            await until(pilot, lambda: app.screen is area)
        app.action_settings()
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen) and app.screen._here)
        app.screen.query_one(VirtualTable).go_to("engine.idle_minutes")
        await asked(pilot, "enter")
        press_together(pilot, "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is area)


async def test_a_copy_whose_question_was_left_meanwhile_says_where_it_is(
    app: PromptsheetApp, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def held(*given: Any, **more: Any) -> Any:
        writing.set()
        go_on.wait(5)
        return save_copy(*given, **more)

    save_copy = Sheets.save_copy
    monkeypatch.setattr(Sheets, "save_copy", staticmethod(held))
    async with app.run_test(**SIZE) as pilot:
        area = await opened_sheet(pilot)
        await asked(pilot, "x")
        await pilot.press("enter", "enter")
        await until(pilot, writing.is_set)
        await pilot.press("escape")
        assert app.screen is area
        go_on.set()
        await until(pilot, lambda: "0 cells mended" in screen_text(app))
        assert app.screen is area
        assert len(list(sheet.parent.glob("mine*.csv"))) == 2


async def test_what_ends_below_another_screen_is_gone_when_that_is(app: PromptsheetApp) -> None:
    async with app.run_test(**SIZE) as pilot:
        area = await opened_sheet(pilot)
        answers: list[str | None] = []
        below, above = Dialog[str](), Dialog[str]()
        app.push_screen(below, answers.append)
        app.push_screen(above)
        await until(pilot, lambda: app.screen is above)
        below.dismiss("first")
        below.dismiss("second")
        await pilot.pause()
        assert app.screen is above
        above.dismiss()
        await until(pilot, lambda: app.screen is area and answers)
        assert answers == ["first"]


async def test_paths_that_lead_nowhere_are_refused_with_a_word(
    app: PromptsheetApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app.app_state.memory.recent = [f"/{'x' * 300}"]
    async with app.run_test(**SIZE) as pilot:
        await opened_sheet(pilot)
        await asked(pilot, "o")
        dialog = app.screen
        for text in ("~nosuchone/a.csv", "a red boat " * 40):
            app.clear_notifications()
            dialog.query_one(Input).value = text
            await pilot.press("enter")
            await until(pilot, lambda: "Cannot open this file" in screen_text(app))
        monkeypatch.chdir(tmp_path)
        await pilot.press("escape")
        await asked(pilot, "T")
        note = app.screen.query_one("#note", Static)
        for text in ("~nosuchone/a.csv", f"{'x' * 300}.csv", "mine.csv/a.csv"):
            note.update("")
            app.screen.query_one(Input).value = text
            await pilot.press("enter")
            await until(pilot, lambda: str(note.content) not in ("", "Writing …"))


async def test_files_are_looked_for_at_home_where_the_folder_it_was_started_in_is_gone(
    settings: Settings, sheet: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone, home = tmp_path / "gone", tmp_path / "home"
    gone.mkdir()
    (home / "sheets").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(gone)
    gone.rmdir()
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(**SIZE) as pilot:
        await opened_sheet(pilot)
        await asked(pilot, "o")
        await until(pilot, lambda: "sheets" in screen_text(app))
        await pilot.press("escape")
        await asked(pilot, "T")
        assert app.screen.query_one(Input).value == str(home / "prompts.xlsx")
        await pilot.press("escape")


def test_home_is_meant_by_a_tilde_and_space_around_a_path_is_none_of_it() -> None:
    assert typed_path(" ~/sheets/a.csv\t") == Path.home() / "sheets" / "a.csv"
    assert typed_path("~nosuchone/a.csv") == Path("~nosuchone/a.csv")
