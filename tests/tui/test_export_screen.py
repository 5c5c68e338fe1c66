import zipfile
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Checkbox, Input, RadioButton, RadioSet, Static

from engine.api import Library
from engine.settings import Settings
from tests.support.screens import WITH_ALL, MakeLibrary, opens_in, screen_text, until
from tui.app import PromptsheetApp
from tui.screens.dialog import Dialog
from tui.screens.export import ExportScreen
from tui.widgets.contact_sheet import ContactSheet

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def left_in_review(settings: Settings) -> None:
    opens_in("review", settings)


async def test_marked_images_are_exported_from_the_page(
    settings: Settings, make_session: MakeLibrary, tmp_path: Path
) -> None:
    make_session([f"a boat, number {n}" for n in range(8)])
    target = tmp_path / "out.zip"
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(100, 30), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "8 of 8 images" in screen_text(app))
        await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)
        await pilot.press("space", "space", "x")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ExportScreen))
        await pilot.press("x")
        await until(pilot, lambda: "2 marked images" in screen_text(app))
        app.screen.query_one("#target", Input).value = str(target)
        await pilot.press("ctrl+s")
        await until(pilot, target.exists)
        await until(pilot, lambda: not isinstance(app.screen, ExportScreen))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen))
        app.screen.query_one("#target", Input).value = str(target)
        await pilot.press("ctrl+s")
        said = app.screen.query_one("#said", Static)
        await until(pilot, lambda: "already exists" in str(said.content))
    names = zipfile.ZipFile(target).namelist()
    assert names == [
        "0002-01-a-boat-number-0.png",
        "0003-01-a-boat-number-1.png",
        "results.csv",
    ]


async def test_what_is_shown_to_others_is_made_in_the_same_dialog(
    settings: Settings, make_session: MakeLibrary, tmp_path: Path
) -> None:
    make_session([f"a boat, number {n}" for n in range(4)])
    app = PromptsheetApp(Library(settings))

    def field(name: str) -> Input:
        return app.screen.query_one(name, Input)

    async def chosen(form: int) -> None:
        list(app.screen.query_one("#form").query(RadioButton))[form].value = True
        await until(pilot, lambda: app.screen.query_one("#form", RadioSet).pressed_index == form)

    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "4 of 4 images" in screen_text(app))
        await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)

        async def opened() -> None:
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, ExportScreen))
            field("#target").value = str(tmp_path / "out.zip")

        await opened()
        assert "columns" not in screen_text(app)
        app.screen.query_one("#strip", Checkbox).value = True
        app.screen.query_one("#captions", Checkbox).value = True
        await until(pilot, lambda: not app.screen.query_one("#strip", Checkbox).value)
        await chosen(3)
        await until(pilot, lambda: field("#target").value.endswith("out.pdf"))
        await until(pilot, lambda: "columns" in screen_text(app))
        assert "caption file" not in screen_text(app) and "ssh" not in screen_text(app)
        field("#columns").value, field("#paper").value = "2", "a9"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "There is no paper a9" in screen_text(app))
        field("#paper").value = "A5"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not isinstance(app.screen, ExportScreen))
        assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")
        await opened()
        await chosen(5)
        await until(pilot, lambda: field("#target").value == str(tmp_path / "out"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not isinstance(app.screen, ExportScreen))
        assert len(list((tmp_path / "out" / "pictures").iterdir())) == 4
        await opened()
        await chosen(5)
        await until(pilot, lambda: field("#target").value == str(tmp_path / "out"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "exists" in screen_text(app))


async def test_what_cannot_be_written_is_said(
    settings: Settings, make_session: MakeLibrary, tmp_path: Path
) -> None:
    make_session(["a boat"])
    (tmp_path / "file").touch()
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(100, 30), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: app.screen.query(ContactSheet))
        await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)
        for key, said in (("x", "#said"), ("C", "#note")):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, Dialog))
            await refused(app, pilot, str(tmp_path / "file" / "x.zip"), said)
            await refused(app, pilot, "x" * 300, said)
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, Dialog))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Dialog))
        await refused(app, pilot, "~nosuchone/x.zip", "#said")


async def refused(app: PromptsheetApp, pilot: Pilot[str], target: str, said: str) -> None:
    """Give a path and wait for what is said of it."""
    words = app.screen.query_one(said, Static)
    before = str(words.content)
    app.screen.query_one(Input).value = target
    await pilot.press("enter")
    await until(pilot, lambda: str(words.content) != before)
