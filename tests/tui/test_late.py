"""What a thread brings when newer work has been done meanwhile."""

import os
from pathlib import Path
from typing import Any

import pytest

from engine.api import (
    Draft,
    EngineError,
    Gallery,
    Library,
    SessionPages,
    Started,
    Wanted,
)
from engine.settings import Settings
from tests.support.gate import Gate
from tests.support.screens import MakeLibrary, opened_sheet, screen_text, until
from tui.app import PromptsheetApp
from tui.screens.sheet import SheetScreen
from tui.screens.type_prompts import TypedPrompts
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.draft_table import DraftTable

pytestmark = pytest.mark.slow


SIZE: Any = {"size": (120, 36), "notifications": True}
TEXT = "prompt,aspect_ratio\na boat,16:9\na hill,1:1\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(TEXT)
    return path


def draft_of(table: DraftTable) -> Draft:
    assert table.draft is not None
    return table.draft


def type_prompts(app: PromptsheetApp, *prompts: str) -> None:
    assert isinstance(app.screen, SheetScreen)
    app.screen.take_typed(TypedPrompts("\n".join(prompts), 1))


async def test_what_is_mended_while_the_file_is_read_again_stays(
    settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = PromptsheetApp(Library(settings), path)
    sheets = app.app_state.library.sheets
    gate = Gate(sheets.reopen)
    monkeypatch.setattr(sheets, "reopen", gate)
    async with app.run_test(**SIZE) as pilot:
        table = (await opened_sheet(pilot)).query_one(DraftTable)
        path.write_text(TEXT + "new,1:1\n")
        await until(pilot, gate.reached.is_set)
        await pilot.press("quotation_mark")
        assert len(draft_of(table).numbers) == 3
        gate.open()
        await until(pilot, lambda: len(draft_of(table).numbers) == 4)
        assert [draft_of(table).text(n, "prompt") for n in (4, 5)] == ["new", "a boat"]
        assert gate.calls == 2


async def test_what_is_mended_while_the_number_of_images_changes_stays_and_can_be_undone(
    settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(Draft.with_num_images)
    monkeypatch.setattr(Draft, "with_num_images", lambda *given: gate(*given))
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        table = (await opened_sheet(pilot)).query_one(DraftTable)
        await pilot.press("quotation_mark", "asterisk", "9", "enter")
        await until(pilot, gate.reached.is_set)
        await pilot.press("quotation_mark")
        gate.open()
        await until(pilot, lambda: draft_of(table).vocabulary.num_images == 9)
        assert len(draft_of(table).numbers) == 4
        await pilot.press("u")
        assert len(draft_of(table).numbers) == 3, "one change at a time"


@pytest.mark.parametrize("reread", [False, True])
async def test_prompts_typed_while_a_sheet_is_read_are_not_replaced(
    settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch, *, reread: bool
) -> None:
    app = PromptsheetApp(Library(settings), path)
    sheets = app.app_state.library.sheets
    gate = Gate(sheets.reopen if reread else sheets.open)
    monkeypatch.setattr(sheets, "reopen" if reread else "open", gate)
    async with app.run_test(**SIZE) as pilot:
        if reread:
            (await opened_sheet(pilot)).query_one(DraftTable)
            os.utime(path, (1, 1))
        await until(pilot, gate.reached.is_set)
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and app.screen.ready)
        type_prompts(app, "typed meanwhile")
        table = (await opened_sheet(pilot)).query_one(DraftTable)
        gate.open()
        await until(pilot, gate.left.is_set)
        await pilot.pause(0.1)
        assert draft_of(table).text(2, "prompt") == "typed meanwhile"
        assert "prompts · 1 row" in screen_text(app)


async def test_review_shows_what_the_last_filter_found(
    settings: Settings, make_session: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_session([f"prompt {number}" for number in range(8)])
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "8 of 8 images" in screen_text(app))
        images, found = app.app_state.library.images, []
        quick = images.gallery
        slow = Gate(quick)

        def gallery(session: str | None, wanted: Wanted, **options: Any) -> Gallery:
            make = slow if wanted.text == "p" else quick
            found.append(make(session, wanted, **options))
            return found[-1]

        monkeypatch.setattr(images, "gallery", gallery)
        await pilot.press("slash", "p")
        await until(pilot, slow.reached.is_set)
        await pilot.press(*"rompt 3")
        await until(pilot, lambda: "1 of 8 images · /prompt 3" in screen_text(app))
        slow.open()
        await until(pilot, slow.left.is_set)
        await until(pilot, lambda: _is_closed(found[-1]))
        assert "1 of 8 images · /prompt 3" in screen_text(app)
        assert len(app.screen.query_one(ContactSheet).tiles_by_key()) == 1


async def test_sessions_shows_what_the_last_search_found(
    settings: Settings, make_session: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        make_session(["a boat"], key=f"k{number}", name=f"evening {number}", done=0)
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "3 sessions" in screen_text(app))
        sessions, found = app.app_state.library.sessions, []
        quick = sessions.pages
        slow = Gate(quick)

        def pages(*, text: str, **options: Any) -> SessionPages:
            make = slow if text == "e" else quick
            found.append(make(text=text, **options))
            return found[-1]

        monkeypatch.setattr(sessions, "pages", pages)
        await pilot.press("slash", "e")
        await until(pilot, slow.reached.is_set)
        await pilot.press(*"vening 2")
        await until(pilot, lambda: "1 session · /evening 2" in screen_text(app))
        slow.open()
        await until(pilot, slow.left.is_set)
        await until(pilot, lambda: _is_closed(found[-1]))
        assert "1 session · /evening 2" in screen_text(app)


def _is_closed(pages: Any) -> bool:
    try:
        pages._db.execute("SELECT 1")
    except Exception:
        return True
    return False


async def test_a_second_start_before_the_first_is_answered_starts_nothing(
    settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(lambda: None)

    def refuse(*_: object, **__: object) -> None:
        gate()
        raise EngineError("no engine today")

    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        table = (await opened_sheet(pilot)).query_one(DraftTable)
        sessions = app.app_state.library.sessions
        monkeypatch.setattr(sessions, "start", refuse)
        await pilot.press("quotation_mark", "ctrl+s")
        await until(pilot, gate.reached.is_set)
        assert app.screen.check_action("start", ()) is None, "dimmed"
        await pilot.press("ctrl+s", "ctrl+g")
        gate.open()
        await until(pilot, lambda: "✗ no engine today" in screen_text(app))
        assert gate.calls == 1
        assert isinstance(app.screen, SheetScreen) and app.screen.unsaved == "mine.csv"
        monkeypatch.setattr(sessions, "start", lambda *_, **__: Started("k1", 2, None))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.current_mode == "jobs")
        assert draft_of(table).ready == 3
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, SheetScreen))
        assert isinstance(app.screen, SheetScreen)
        assert not app.screen.unsaved, "the session has it"
        await until(pilot, lambda: app.screen.check_action("start", ()))
