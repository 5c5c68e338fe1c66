"""One gallery over all sessions: what a search finds, and the ways on from an image."""

from pathlib import Path

import pytest

from engine.api import ImageInfo, Library
from engine.library.read.reader import list_images
from engine.settings import Settings
from tests.support.screens import WITH_ALL, MakeLibrary, opened_sheet, prompts, screen_text, until
from tui.app import PromptsheetApp
from tui.rerender import by_session, rows_of, rows_to_render
from tui.screens.review import ReviewScreen
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.job_table import JobTable


@pytest.mark.slow
async def test_a_search_of_sessions_shows_its_images_and_each_leads_to_its_session_row_and_sheet(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session([f"a boat, number {n}" for n in range(8)], name="boats")
    make_session(["a hill", "a lighthouse by night", "a tower"], key="other2", name="evening")
    app = PromptsheetApp(Library(settings))
    app.app_state.memory.session = "k3f9x2"
    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "2 sessions" in screen_text(app))
        await pilot.press("slash", *"lightho")
        await until(pilot, lambda: "1 session ·" in screen_text(app))
        await until(pilot, lambda: "Images found" in screen_text(app))
        await pilot.press("ctrl+f")
        await until(pilot, lambda: "all sessions · 1 image · /lightho" in screen_text(app))
        assert isinstance(app.screen, ReviewScreen)
        sheet = app.screen.query_one(ContactSheet)
        await until(pilot, lambda: sheet.tile and sheet.tile.key == "other2-3-1")
        await until(pilot, lambda: "row 3, image 1 · evening" in screen_text(app))
        await until(pilot, lambda: "ctrl+f Its session  e Refine" in screen_text(app))

        await pilot.press("w")
        await until(pilot, lambda: app.current_mode == "jobs")
        table = app.screen.query_one(JobTable)
        await until(pilot, lambda: table.cursor_key == 3 and table.source.count() == 3)
        await pilot.press("3")
        await until(pilot, lambda: "evening · 3 of 3 images" in screen_text(app))
        await until(pilot, lambda: sheet.tile and sheet.tile.key == "other2-3-1")

        await pilot.press("ctrl+f")
        await until(pilot, lambda: "1 image · /lightho" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "all sessions · 11 images · newest first" in screen_text(app))
        await until(pilot, lambda: sheet.tile and sheet.tile.key == "other2-3-1")
        await pilot.press("G", "ctrl+f")
        await until(pilot, lambda: "boats · 8 of 8 images" in screen_text(app))
        await until(pilot, lambda: sheet.tile and sheet.tile.key.startswith("k3f9x2"))
        here = sheet.tile and sheet.tile.key
        await pilot.press("ctrl+f")
        await until(pilot, lambda: "all sessions · 11 images" in screen_text(app))
        await until(pilot, lambda: sheet.tile and sheet.tile.key == here)
        await pilot.press("g", "space", "G", "space", "e")
        screen = await opened_sheet(pilot)
        await until(pilot, lambda: len(prompts(screen)) == 2)
        assert screen.draft and "style" in screen.draft.columns


def _images(library: Path) -> list[ImageInfo]:
    return [*list_images(library, "k3f9x2"), *list_images(library, "other2")]


def test_rows_of_several_sessions_are_rendered_again_session_by_session(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session(["a boat", "a ship"], name="boats")
    make_session(["a hill"], key="other2", name="evening")
    images = _images(settings.library)
    assert [rows_to_render(of) for of in by_session(images)] == [[2, 3], [2]]
    rows = rows_of(images, Library(settings))
    assert [row["prompt"] for row in rows] == ["a boat", "a ship", "a hill"]
    assert all(row["style"] == "" for row in rows), "there is a cell for another style"
