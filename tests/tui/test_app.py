"""The app by Pilot, with everything on that a person has on."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.geometry import Region
from textual.widgets import Input, TextArea

from engine.api import Library
from engine.library.write.writer import Writer
from engine.settings import Settings
from tests.support.libraries import take
from tests.support.screens import WITH_ALL, MakeLibrary, screen_text, until
from tui.app import PromptsheetApp
from tui.app_state import recall
from tui.engine_status import Doing
from tui.engine_watch import News
from tui.screens.actions import actions_of
from tui.screens.full_screen import FullScreen
from tui.screens.jobs import JobsScreen
from tui.screens.open_sheet import OpenSheet
from tui.screens.review import ReviewScreen
from tui.screens.sheet import SheetScreen
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.job_table import JobTable
from tui.widgets.virtual_table import VirtualTable

pytestmark = pytest.mark.slow


SIZES = [(80, 24), (120, 36), (200, 50)]
AREAS = {"1": "sheet", "2": "jobs", "3": "review", "4": "sessions"}


def is_in(app: PromptsheetApp, area: str) -> bool:
    return app.current_mode == area


def table(app: PromptsheetApp) -> VirtualTable:
    return app.screen.query(VirtualTable).last()  # Jobs has the queue above its own


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    return write(
        tmp_path / "sheet.csv",
        "prompt,aspect_ratio,seed_number,note\n"
        "a red boat,16:9,5,first\n"
        "a blue boat,7:77,5,\n"
        ",1:1,-3,\n"
        "a green boat,3:2,,\n",
    )


@pytest.mark.parametrize("size", SIZES)
async def test_every_area_opens_at_every_size_with_nothing_made_yet(
    app: PromptsheetApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size, **WITH_ALL) as pilot:
        for key, area in AREAS.items():
            await pilot.press(key)
            await until(pilot, partial(is_in, app, area))
            assert "1 Sheet" in screen_text(app)
        assert not app.app_state.library.path.exists(), "looking made something"


async def test_a_sheet_shows_every_row_and_stands_on_its_first_error(
    settings: Settings, sheet: Path
) -> None:
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and app.screen.draft)
        await pilot.pause()
        text = screen_text(app)
        assert "a red boat" in text
        assert "✗" in text
        assert "first" in text, "an unknown column was dropped"
        assert "2 of 4 rows ready" in text
        assert "ctrl+s starts without the 2 faulty rows" in text
        assert (table(app).cursor_key, table(app).cursor_column) == (3, "aspect_ratio")
        assert "row 3 · aspect_ratio" in text


async def test_n_walks_through_every_problem_and_wraps(settings: Settings, sheet: Path) -> None:
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and app.screen.draft)
        places = []
        for key in ("n", "n", "n", "N"):
            await pilot.press(key)
            places.append((table(app).cursor_key, table(app).cursor_column))
        assert places == [
            (4, "prompt"),
            (4, "seed_number"),
            (3, "aspect_ratio"),
            (4, "seed_number"),
        ]


async def test_a_file_that_is_no_sheet_is_said_and_the_last_one_stays(
    settings: Settings, sheet: Path, tmp_path: Path
) -> None:
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and app.screen.draft)
        bad = write(tmp_path / "bad\x1b[2J[red].csv", "")
        app.screen.read(bad)  # type: ignore[attr-defined]
        await until(pilot, lambda: "empty" in screen_text(app))
        assert "a red boat" in screen_text(app)


async def test_typed_prompts_become_rows(app: PromptsheetApp) -> None:
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: app.screen.query(TextArea))
        app.screen.query_one(TextArea).text = "a red boat\n\na blue boat\n"
        app.screen.query_one("#count", Input).value = "4"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "2 of 2 rows ready · 8 images" in screen_text(app))


async def test_a_path_typed_into_the_open_screen_opens(app: PromptsheetApp, sheet: Path) -> None:
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, OpenSheet))
        app.screen.query_one(Input).value = str(sheet)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and app.screen.draft)
        assert app.app_state.memory.recent == [str(sheet)]


async def test_jobs_can_be_filtered_and_found_again(
    app: PromptsheetApp, make_session: MakeLibrary
) -> None:
    make_session([f"boat {n}" for n in range(200)] + ["a lighthouse"])
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "8/201" in screen_text(app))
        await pilot.press("slash", *"lighthouse")
        await until(pilot, lambda: table(app).source.count() == 1)
        assert "a lighthouse" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: table(app).source.count() == 201)
        await pilot.press("E")
        await until(pilot, lambda: table(app).source.count() == 0)
        assert "No rows match" in screen_text(app)


async def test_review_shows_the_picture_under_the_cursor_and_its_recipe(
    app: PromptsheetApp, make_session: MakeLibrary
) -> None:
    make_session(["a red boat", "a blue boat", "a green boat"])
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "3 of 3 images" in screen_text(app))
        await pilot.press("l")
        await until(pilot, lambda: "a blue boat" in screen_text(app))
        await until(pilot, lambda: "▀" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FullScreen))
        await pilot.press("l")
        await until(pilot, lambda: "3/3" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        assert app.screen.query_one(ContactSheet).cursor == 2


async def test_a_past_session_opens_from_the_list(
    app: PromptsheetApp, make_session: MakeLibrary
) -> None:
    make_session(["an old boat"], key="older2", name="old one")
    make_session(["a new boat"], key="newer2", name="new one")
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "old one" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "an old boat" in screen_text(app))
        assert app.app_state.memory.session == "older2"


async def test_it_opens_again_where_it_was_left(
    app: PromptsheetApp, settings: Settings, make_session: MakeLibrary
) -> None:
    make_session(["a red boat"])
    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: app.current_mode == "review")
        await pilot.press("q")
    assert recall(Library(settings)).mode == "review"
    again = PromptsheetApp(Library(settings))
    async with again.run_test(size=(80, 24), **WITH_ALL) as pilot:
        await until(pilot, lambda: again.current_mode == "review")


async def test_every_binding_has_an_id_and_is_in_the_palette(app: PromptsheetApp) -> None:
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        for key in AREAS:
            await pilot.press(key)
            own = type(app.screen).BINDINGS
            assert all(binding.id for binding in own if not isinstance(binding, tuple))
            titles = {action.words for action in actions_of(app.screen)}
            enabled = {
                b.binding.description
                for b in app.screen.active_bindings.values()
                if b.enabled and b.binding.id
            }
            assert enabled <= titles


async def test_keys_can_be_given_other_keys(settings: Settings, make_session: MakeLibrary) -> None:
    make_session(["a red boat"])
    other = replace(settings, app=replace(settings.app, keys={"app.review": "f9"}))
    app = PromptsheetApp(Library(other))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("f9")
        await until(pilot, lambda: app.current_mode == "review")


async def test_a_live_job_repaints_its_own_line_only(
    app: PromptsheetApp, make_session: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_session([f"boat {n}" for n in range(30)], done=0)
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "0/30" in screen_text(app))
        screen = app.screen
        assert isinstance(screen, JobsScreen)
        await until(pilot, lambda: app.app_state.status.doing is Doing.OFF)
        jobs = table(app)
        assert isinstance(jobs, JobTable)
        jobs.show_served(True)  # as if the engine process were there
        await pilot.pause()
        painted: list[Region] = []
        refresh = jobs.refresh

        def noted(*regions: Region, **options: Any) -> VirtualTable:
            painted.extend(regions)
            return refresh(*regions, **options)

        monkeypatch.setattr(jobs, "refresh", noted)
        writer = Writer(app.app_state.library.path)
        take(writer)
        writer.close()
        screen.tell(News(rows={"k3f9x2": set(range(2, 10))}))
        await until(pilot, lambda: screen_text(app).count("◐") >= 8)
        assert {region.height for region in painted} == {1}
        assert {region.y for region in painted} == set(range(1, 9)), "the batch's jobs alone"


async def test_jobs_says_that_prompts_are_still_being_rewritten(
    app: PromptsheetApp, make_session: MakeLibrary, library: Path
) -> None:
    make_session(["a red boat", "a blue boat"], done=0)
    writer = Writer(library)
    with writer.transaction() as database:
        database.execute(
            "INSERT INTO rewrites (session, image, prompt, around)"
            " SELECT session, id, 'a boat', '{prompt}' FROM images"
        )
    assert writer.next_batch(()) is None, "it waits for its prompts"
    writer.close()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "✎ rewriting prompts of 2 images" in screen_text(app))
