"""Leaving: one rule for all screens, and the bottom line that says what it would do."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from engine.api import Library, Tally
from engine.settings import Settings
from tests.support.screens import MakeLibrary, opened_sheet, screen_text, until
from tui.app import PromptsheetApp
from tui.app_state import AppState, recall
from tui.engine_status import Doing, EngineStatus
from tui.keys import KEYS
from tui.passing import Passing
from tui.screens.full_screen import FullScreen
from tui.screens.help import HelpScreen
from tui.screens.jobs import JobsScreen
from tui.widgets.cell_editor import CellEditor, fitting
from tui.widgets.contact_sheet import ContactSheet


def test_what_was_opened_last_is_left_first() -> None:
    left: list[str] = []
    changes: list[str] = []
    passing = Passing(lambda: changes.append(passing.words))
    for name in ("filter", "help", "range"):
        passing.begin(name, lambda name=name: left.append(name))  # type: ignore[misc]
    assert changes == ["filter", "help", "range"]
    passing.begin("filter", lambda: left.append("filter again"))
    passing.end("help")
    passing.note("range", lambda: left.append("never"), is_open=True)
    assert passing.words == "filter"
    passing.leave()
    passing.leave()
    assert left == ["filter again", "range"] and passing.words == ""
    passing.leave()
    passing.end("range")
    assert len(left) == 2


def test_choices_narrow_to_what_is_written_and_those_that_begin_so_come_first() -> None:
    ratios = ("16:9", "9:16", "9:21", "1:1")
    assert fitting("9", ratios) == ["9:16", "9:21", "16:9"]
    assert fitting("9:1", ratios) == ["9:16"]
    assert fitting("x", ratios) == []


def counted(**states: int) -> Tally:
    rest = dict.fromkeys(("waiting", "rendering", "stopped", "failed", "done", "rewriting"), 0)
    return Tally(session="s", images=sum(states.values()), **{**rest, **states})


@pytest.mark.parametrize(
    ("tally", "status", "words"),
    [
        (counted(waiting=3), EngineStatus(Doing.RENDERING), "Stop"),
        (counted(stopped=3), EngineStatus(Doing.IDLE), "Resume"),
        (counted(done=2, failed=1), EngineStatus(Doing.OFF), "Retry, Show failed only"),
        (counted(done=2), EngineStatus(Doing.OFF), ""),
        (
            counted(waiting=1),
            EngineStatus(Doing.OFF, "It was stopped; Resume in Jobs lets it go on."),
            "Resume, Stop",
        ),
    ],
)
def test_jobs_names_what_would_do_something_by_its_state(
    settings: Settings,
    tally: Tally,
    status: EngineStatus,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = Library(settings)
    monkeypatch.setattr(JobsScreen, "_counts", tally)
    screen = JobsScreen(AppState(library, recall(library)))
    screen.app_state.status = status
    called = {
        binding.id: screen.now_called(binding.id) or binding.description
        for _, binding in screen._bindings
        if binding.id and screen.now_called(binding.id) != ""
    }
    asked = ("resume", "retry", "stop", "failed")
    assert ", ".join(called[f"jobs.{verb}"] for verb in asked if f"jobs.{verb}" in called) == words


async def line(pilot: Pilot[str], *words: str) -> None:
    """Wait until the bottom line says this, with its keys; it ends with what is always there."""
    app = pilot.app
    assert isinstance(app, PromptsheetApp)

    def last() -> str:
        return screen_text(app).split("\n")[-1]

    await until(pilot, lambda: all(f" {each} " in last() for each in words), 400)
    assert last().endswith(" ctrl+p Actions "), last()


@pytest.mark.slow
async def test_the_bottom_line_of_80_columns_says_what_works_and_one_key_leaves_all(
    settings: Settings, make_session: MakeLibrary, tmp_path: Path
) -> None:
    make_session(["a boat", "a hill", "a tree"], name="boats")
    path = tmp_path / "mine.csv"
    path.write_text("prompt,aspect_ratio,rendering\na,16:9,default\nb,7:77,turbo\nc,1:1,banana\n")
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        await line(pilot, "enter Choose", "e Try the example", "? Help")
        app.action_go("sheet")
        app.screen.read(path)  # type: ignore[attr-defined]
        sheet = await opened_sheet(pilot)
        await line(pilot, "a Apply 1:3", "ctrl+s Start", "enter Edit", "n Next problem", "? Help")
        await pilot.press(KEYS["help"])
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is sheet)
        await pilot.press("enter")
        await line(pilot, "esc Discard changes", "enter Apply")
        box = sheet.query_one(CellEditor).query_one(Input)
        assert box.selected_text == box.value == "7:77"
        await pilot.press("9", "colon", "1")
        assert box.value == "9:1", "what is typed takes the place of what was there"
        await pilot.press("escape")
        await line(pilot, "a Apply 1:3", "? Help")
        await pilot.press("a")
        await line(pilot, "ctrl+s Start", "u Undo")
        await pilot.press("n")
        await line(pilot, "a Apply default")
        await pilot.press("v")
        await line(pilot, "esc Cancel range", "v Mark range")
        await pilot.press("escape", "4")
        await line(pilot, "enter View images", "d Trash", "/ Search")
        await pilot.press("B")
        await line(pilot, "esc Leave the trash")
        await pilot.press("escape")
        await line(pilot, "enter View images", "d Trash")
        await pilot.press("enter")
        await line(pilot, "enter View image", "f Favourite", "d Trash", "space Mark")
        page = app.screen.query_one(ContactSheet)
        await until(pilot, lambda: page.tile)
        await pilot.press("space", "space")
        await line(pilot, "c Compare", "enter View image")
        await pilot.press("slash", "a")
        await line(pilot, "esc Clear filter")
        await pilot.press("enter")
        await line(pilot, "esc Clear filter", "c Compare")
        await pilot.press("E")
        await line(pilot, "esc Show all, not only failed")
        await pilot.press("escape", "escape")
        await line(pilot, "c Compare", "enter View image")
        assert len(page.marks) == 2, "marks outlive filters"
        await pilot.press("escape")
        await until(pilot, lambda: not page.marks)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FullScreen))
        await line(pilot, "esc Back", "f Favourite", "d Trash")
        await pilot.press("z")
        await line(pilot, "esc Whole picture")
        await pilot.press("escape")
        await line(pilot, "esc Back")
        await pilot.press("escape")
        await line(pilot, "enter View image")
