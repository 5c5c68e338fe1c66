"""Another sheet in the place of one that was mended: nothing typed is lost with one key."""

import os
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from engine.api import Library
from engine.settings import Settings, state_folder
from tests.support.command import COMMAND
from tests.support.on_a_pty import OnPty
from tests.support.screens import drop, opened_sheet, prompts, screen_text, until
from tests.support.waiting import wait_for
from tui import draft_autosave
from tui.app import PromptsheetApp
from tui.app_state import RowsToSheet
from tui.draft_autosave import DraftAutosave, open_autosaved
from tui.screens.ask import Ask, AskWhere
from tui.screens.sheet import SheetScreen
from tui.screens.type_prompts import TypedPrompts
from tui.widgets.draft_table import DraftTable

pytestmark = pytest.mark.slow


SIZE: Any = {"size": (140, 36), "notifications": True}
TEXT = "prompt,aspect_ratio\na boat,16:9\na hill,1:1\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(TEXT)
    return path


async def test_a_sheet_read_again_without_its_mends_can_have_them_back(
    settings: Settings, path: Path
) -> None:
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await pilot.press("quotation_mark", "quotation_mark", "u")
        assert len(prompts(screen)) == 3
        await pilot.press("ctrl+r")
        assert len(prompts(screen)) == 4, "redo, as elsewhere"
        await pilot.press("f5")
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
        assert screen.document.path == path, "and its file is still its file"


async def test_typed_prompts_outlive_rows_that_come_to_be_refined_and_are_saved(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and app.screen.ready)
        assert isinstance(app.screen, SheetScreen)
        app.screen.take_typed(TypedPrompts("a boat, red\n=1+1", 1))
        screen = await opened_sheet(pilot)
        for name in ("first", "second"):  # the second takes the place of nothing of ours
            screen.post_message(RowsToSheet([{"prompt": name}], "k3f9x2", name))
            await until(pilot, lambda: prompts(screen) == [name])  # noqa: B023
        await pilot.press("u")
        await until(pilot, lambda: prompts(screen) == ["a boat, red", "=1+1"])
        assert screen.document.origin is None
        screen.query_one(DraftTable).go_to(3, "prompt")
        await pilot.press("quotation_mark")
        await until(pilot, lambda: "edited, x saves a copy" in screen_text(app))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        assert app.screen.query_one(Input).value == str(tmp_path / "prompts.csv")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        assert not screen.unsaved
        assert (tmp_path / "prompts.csv").read_text().splitlines() == [
            *("prompt,num_images", '"a boat, red",1', "=1+1,1", "=1+1,1")
        ]
        screen.read(tmp_path / "prompts.csv")
        await until(pilot, lambda: screen.document.path == tmp_path / "prompts.csv")
        assert prompts(screen) == ["a boat, red", "=1+1", "=1+1"]
        await pilot.press("u")
        await pilot.pause(0.05)
        assert screen.document.path == tmp_path / "prompts.csv", "what was saved need not be kept"


async def test_quitting_asks_before_mends_are_lost_and_not_otherwise(
    settings: Settings, path: Path
) -> None:
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await pilot.press("quotation_mark", "2", "q")
        await until(pilot, lambda: "mine.csv has edits that are not saved" in screen_text(app))
        await pilot.press("ctrl+q", "enter")
        await until(pilot, lambda: app.current_mode == "jobs" and not isinstance(app.screen, Ask))
        await pilot.press("1", "u", "q")
        await until(pilot, lambda: app._exit)
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await pilot.press("quotation_mark", "q")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app._exit)
        assert len(prompts(screen)) == 3


async def test_what_was_written_when_the_connection_dropped_is_there_again(
    settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft_autosave, "_REST", 0.0)
    drafts = state_folder(settings.library) / "drafts"

    def kept() -> int:
        return sum(len(path.read_text().splitlines()) - 1 for path in drafts.rglob("*.csv"))

    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await pilot.press("quotation_mark")
        await until(pilot, lambda: kept() == 3)
        await pilot.press("u")
        await until(pilot, lambda: not list(drafts.iterdir()))
        await pilot.press("quotation_mark", "quotation_mark")
        await until(pilot, lambda: kept() == 4)
        assert DraftAutosave(Library(settings)).left_behind() is None, (
            "it is still being written in"
        )
        drop(screen)
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await until(pilot, lambda: "recovered after the connection was lost" in screen_text(app))
        assert len(prompts(screen)) == 4 and screen.unsaved == "mine.csv"
        await until(pilot, lambda: screen._autosaving.store._lock and kept() == 4)
        drop(screen)
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await until(pilot, lambda: "recovered" in screen_text(app))
        assert len(prompts(screen)) == 2
        await pilot.press("u")
        await until(pilot, lambda: len(prompts(screen)) == 4)
        await until(pilot, lambda: screen._autosaving.store._lock and kept() == 4)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app._exit)
        assert not list(drafts.iterdir()), "not wanted"


async def test_rows_left_out_and_the_number_of_images_outlive_the_connection(
    settings: Settings, path: Path
) -> None:
    draft = Library(settings).sheets.open(path).with_num_images(16)
    draft.edit([2], "prompt", "a boat, two\nlines")
    draft.leave_out([2])
    keeper = DraftAutosave(Library(settings))
    keeper.keep(draft)
    assert keeper._lock is not None
    os.close(keeper._lock)  # as when the process is gone
    heir = DraftAutosave(Library(settings))
    kept = heir.left_behind()
    assert kept is not None
    again = open_autosaved(kept, Library(settings))
    assert [again.is_left_out(number) for number in again.numbers] == [True, False]
    assert again.vocabulary.num_images == 16
    heir.take_over(kept)
    assert not kept.parent.exists()
    heir.forget()
    assert not list((state_folder(settings.library) / "drafts").iterdir())


def test_a_state_folder_that_may_not_be_looked_at_holds_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", refuses)
    assert DraftAutosave(Library(settings)).left_behind() is None


async def test_quitting_asks_for_the_sheet_that_undo_would_bring_too(
    settings: Settings, path: Path
) -> None:
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await pilot.press("quotation_mark")
        draft = screen.draft
        screen.read(path)
        await until(pilot, lambda: screen.draft is not draft)
        assert len(prompts(screen)) == 2 and screen.unsaved == "mine.csv"
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        app.switch_mode("review")  # a session was accepted meanwhile, say
        await until(pilot, lambda: not isinstance(app.screen, Ask))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, Ask))
        app.switch_mode("sheet")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("u", "q")
        await until(pilot, lambda: isinstance(app.screen, Ask))


async def test_a_file_that_was_saved_over_has_its_new_rows_once(
    settings: Settings, path: Path
) -> None:
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await pilot.press("quotation_mark", "x")
        await until(pilot, lambda: isinstance(app.screen, AskWhere))
        app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: "again" in screen_text(app))
        mended = screen.draft
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen and screen.draft is not mended)
        assert sorted(prompts(screen)) == ["a boat", "a boat", "a hill"]
        assert not screen.unsaved


def test_a_terminal_that_goes_away_takes_nothing_with_it(
    library: Path, config: Path, path: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    environment = {
        **os.environ,
        "PROMPTSHEET_LIBRARY": str(library),
        "PROMPTSHEET_CONFIG": str(config),
        "XDG_STATE_HOME": str(state),
    }
    app = OnPty([str(COMMAND), str(path)], environment, (120, 36))
    try:
        app.wait_for("2 of 2 rows ready")
        app.press('"')
        wait_for(lambda: list(state.rglob("drafts/*/mine.csv")))
        app.hang_up()
    finally:
        app.close()
    again = OnPty([str(COMMAND)], environment, (120, 36))
    try:
        again.wait_for("recovered after the connection was lost")
    finally:
        again.close()
