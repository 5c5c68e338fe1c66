"""What the screens say a key does is what it does, and marks stay where they were set."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from engine.api import Library, SheetError, Started
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from engine.settings import Settings
from tests.support.gate import Gate
from tests.support.screens import MakeLibrary, drop, opened_sheet, prompts, screen_text, until
from tui import draft_autosave
from tui.app import PromptsheetApp
from tui.app_state import RowsToSheet
from tui.draft_autosave import open_autosaved
from tui.screens import image_actions
from tui.screens.actions import Action, ActionsScreen, actions_of
from tui.screens.ask_count import AskCount
from tui.screens.jobs import JobsScreen
from tui.screens.review import ReviewScreen
from tui.screens.settings import SettingsScreen
from tui.screens.sheet import SheetScreen
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.draft_table import DraftTable
from tui.widgets.job_table import JobTable

pytestmark = pytest.mark.slow


SIZE: Any = {"size": (140, 36), "notifications": True}
TEXT = "prompt,aspect_ratio\na boat,16:9\na hill,1:1\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(TEXT)
    return path


@pytest.fixture
async def left_behind(settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sheet of three rows whose connection dropped before it was saved."""
    monkeypatch.setattr(draft_autosave, "_REST", 0.0)
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await pilot.press("quotation_mark")
        store = screen._autosaving.store
        await until(pilot, lambda: store._lock is not None)
        await until(pilot, lambda: store._own and [*store._own.glob("*.csv")])
        drop(screen)


async def in_sessions(pilot: Pilot[str], name: str) -> None:
    await pilot.press("4")
    await until(pilot, lambda: name in screen_text(pilot.app))


@pytest.mark.parametrize("first", ["the session's", "the recovered one"])
async def test_a_sessions_sheet_is_shown_whatever_a_dropped_connection_left(
    settings: Settings,
    make_session: MakeLibrary,
    left_behind: None,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
) -> None:
    make_session(["a past boat"], name="evening")
    app = PromptsheetApp(Library(settings))
    sheets = app.app_state.library.sheets
    reads, finds = Gate(sheets.from_session), Gate(open_autosaved)
    monkeypatch.setattr(sheets, "from_session", reads)
    monkeypatch.setattr(draft_autosave, "open_autosaved", finds)
    app._first = "sessions"
    async with app.run_test(**SIZE) as pilot:
        await in_sessions(pilot, "evening")
        await pilot.press("e")
        await until(pilot, lambda: reads.reached.is_set() and finds.reached.is_set())
        screen = app.screen
        assert isinstance(screen, SheetScreen)
        gates = [reads, finds] if first == "the session's" else [finds, reads]
        for gate in gates:
            gate.open()
            await until(pilot, gate.left.is_set)
            await until(pilot, lambda: screen.draft or screen.document.before)
        await until(pilot, lambda: prompts(screen) == ["a past boat"])
        assert screen.document.before is not None, "and u shows what was recovered"
        await pilot.press("u")
        await until(pilot, lambda: len(prompts(screen)) == 3)


async def test_what_was_recovered_is_shown_if_the_sheet_asked_for_cannot_be_read(
    settings: Settings, left_behind: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("")
    gate = Gate(lambda *_, **__: None)

    def refuse(*_: object, **__: object) -> None:
        gate()
        raise SheetError("It is empty.")

    app = PromptsheetApp(Library(settings), bad)
    sheets = app.app_state.library.sheets
    read = sheets.open
    monkeypatch.setattr(
        sheets, "open", lambda path, **how: (refuse if path == bad else read)(path, **how)
    )
    async with app.run_test(**SIZE) as pilot:
        await until(pilot, gate.reached.is_set)
        area = app.screen
        assert isinstance(area, SheetScreen)
        await until(pilot, lambda: area.document.before)
        gate.open()
        screen = await opened_sheet(pilot)
        assert len(prompts(screen)) == 3


def images_marked(app: PromptsheetApp) -> set[str]:
    assert isinstance(app.screen, ReviewScreen)
    return set(app.screen.query_one(ContactSheet).marks)


async def test_marks_outlive_a_filter_and_another_session_in_review(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session(["a hill"], key="older2", name="hills")
    make_session(["a red boat", "a blue boat", "a green boat"], name="boats")
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "3 of 3 images" in screen_text(app))
        await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)
        await pilot.press("space", "space")
        marks = images_marked(app)
        assert len(marks) == 2
        await pilot.press("slash", *"green", "enter")
        await until(pilot, lambda: "1 of 3 images" in screen_text(app))
        assert images_marked(app) == marks
        await pilot.press("escape")
        await until(pilot, lambda: "/green" not in screen_text(app))
        await until(pilot, lambda: "3 of 3 images" in screen_text(app))
        assert images_marked(app) == marks
        await in_sessions(pilot, "hills")
        await pilot.press("down", "enter")
        await until(pilot, lambda: "1 of 1 image" in screen_text(app))
        assert images_marked(app) == set()
        await pilot.press("space")
        await in_sessions(pilot, "hills")
        await pilot.press("up", "enter")
        await until(pilot, lambda: "3 of 3 images" in screen_text(app))
        assert images_marked(app) == marks


async def test_marks_outlive_a_filter_and_another_session_in_jobs(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session(["a hill"], key="older2", name="hills", done=0)
    make_session(["a red boat", "a blue boat", "a green boat"], name="boats", done=0)
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "a green boat" in screen_text(app))
        await pilot.press("space", "space")
        await until(pilot, lambda: "stops 2 marked rows" in screen_text(app))
        screen = app.screen
        assert isinstance(screen, JobsScreen)
        await pilot.press("slash", *"green", "enter")
        await until(pilot, lambda: screen.query_one(JobTable).source.count() == 1)
        await pilot.press("escape")
        await until(pilot, lambda: screen.query_one(JobTable).source.count() == 3)
        assert screen.query_one(JobTable).marks == {2, 3}
        table = screen.query_one(JobTable)
        for session, rows in (("older2", 1), ("k3f9x2", 3)):
            screen.show_session(session)
            await until(pilot, lambda: screen._paged == session)  # noqa: B023
            assert table.source.count() == rows
        assert table.marks == {2, 3}
        await until(pilot, lambda: "stops 2 marked rows" in screen_text(app))


async def test_marks_outlive_another_reading_of_the_sheet_where_the_rows_are_the_same(
    settings: Settings, path: Path
) -> None:
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        table = screen.query_one(DraftTable)
        table.set_marks([2, 3])
        before = screen.draft
        path.write_text("prompt,aspect_ratio\na boat,16:9\na tree,1:1\n")
        await until(pilot, lambda: screen.draft is not before)
        assert table.marks == {2}
        screen.take_rows(RowsToSheet([{"prompt": "another"}], "k3f9x2", "others"))
        await until(pilot, lambda: prompts(screen) == ["another"])
        assert not table.marks
        assert screen.document.before is None, "what is in a file is not missed"


async def test_marks_come_back_with_the_sheet_that_undo_brings(
    settings: Settings, path: Path
) -> None:
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        table = screen.query_one(DraftTable)
        await pilot.press("quotation_mark")
        table.set_marks([2, 3])
        screen.take_rows(RowsToSheet([{"prompt": "another"}], "k3f9x2", "others"))
        await until(pilot, lambda: prompts(screen) == ["another"])
        assert not table.marks
        await pilot.press("u")
        await until(pilot, lambda: len(prompts(screen)) == 3)
        assert table.marks == {2, 3}


async def shows_a_question(pilot: Pilot[str], words: str) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, AskCount))
    await until(pilot, lambda: words in screen_text(pilot.app))


async def test_2_shows_what_was_started_from_review(
    settings: Settings, make_session: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_session(["a red boat"], name="boats")
    make_session(["a new hill"], key="started", name="again", done=0)
    asked: list[int | None] = []

    def start(_images: object, _library: Library, count: int | None) -> Started:
        asked.append(count)
        return Started("started", 1, None)

    monkeypatch.setattr(image_actions, "start_again", start)
    app = PromptsheetApp(Library(settings))
    app.app_state.memory.session = "k3f9x2"
    async with app.run_test(**SIZE) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "1 of 1 image" in screen_text(app))
        await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)
        await pilot.press("m")
        await shows_a_question(pilot, "how many new images of row 2?")
        await pilot.press("0", "enter")
        await shows_a_question(pilot, "✗ Enter a number from 1 to 2,048.")
        await pilot.press("backspace", "7", "enter")
        assert asked == [7]
        await until(pilot, lambda: any("2 shows them" in n.message for n in app._notifications))
        assert app.app_state.memory.session != "started", "one goes on choosing"
        await pilot.press("2")
        await until(pilot, lambda: "a new hill" in screen_text(app))
        assert app.app_state.memory.session == "started"


async def test_a_stopped_session_on_sheet_offers_to_be_resumed(
    settings: Settings, make_session: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_session(["a done boat"], key="older2", name="over")
    make_session([f"a boat {n}" for n in range(12)], name="boats")
    writer = Writer(settings.library)
    writer.stop(Scope("k3f9x2", None))
    writer.close()
    resumed: list[str] = []
    app = PromptsheetApp(Library(settings))
    monkeypatch.setattr(app.app_state.library.sessions, "resume", resumed.append)
    async with app.run_test(**SIZE) as pilot:
        await in_sessions(pilot, "boats")
        await pilot.press("e")
        await until(pilot, lambda: "stopped with 4 images left" in screen_text(app))
        await pilot.press("r")
        await until(pilot, lambda: app.current_mode == "jobs")
        assert resumed == ["k3f9x2"]
        await in_sessions(pilot, "over")
        await pilot.press("down", "e")
        screen = await opened_sheet(pilot)
        await until(pilot, lambda: prompts(screen) == ["a done boat"])
        assert screen.check_action("resume", ()) is False


def named(screen: Screen[Any]) -> dict[str, Action]:
    return {action.words: action for action in actions_of(screen)}


async def test_the_palette_finds_settings_on_every_screen_and_opens_them(
    settings: Settings, make_session: MakeLibrary, path: Path
) -> None:
    make_session(["a red boat"])
    app = PromptsheetApp(Library(settings), path)

    async def find_and_open() -> None:
        await pilot.press("ctrl+p", *"setti")
        await until(pilot, lambda: "app.settings" in screen_text(app))
        search = app.screen.query_one(Input)
        search.value = "re"  # typed faster than it is shown
        search.value = "zzzzz"
        await until(pilot, lambda: "app.settings" not in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ActionsScreen))
        await pilot.press("ctrl+p", *"setti", "enter")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))

    async with app.run_test(**SIZE) as pilot:
        await opened_sheet(pilot)
        for key, area in enumerate(("sheet", "jobs", "review", "sessions"), start=1):
            await pilot.press(str(key))
            await until(pilot, lambda area=area: app.current_mode == area)  # type: ignore[misc]
            await find_and_open()
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, SettingsScreen))


async def test_what_the_palette_offers_of_a_table_is_done(settings: Settings, path: Path) -> None:
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        named(screen)["Duplicate rows"].run()
        await until(pilot, lambda: len(prompts(screen)) == 3)
