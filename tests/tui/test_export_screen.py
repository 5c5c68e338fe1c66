import zipfile
from pathlib import Path

from textual.widgets import Input, Static

from engine.settings import Settings
from tests.tui.conftest import MakeLibrary, screen_text, until
from tests.tui.test_app import WITH_ALL
from tui.app import PromptsheetApp
from tui.screens.export import ExportScreen
from tui.widgets.contact_sheet import ContactSheet


async def test_marked_images_are_exported_from_the_page(
    settings: Settings, make_session: MakeLibrary, tmp_path: Path
) -> None:
    make_session([f"a boat, number {n}" for n in range(8)])
    target = tmp_path / "out.zip"
    app = PromptsheetApp(settings)
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
        await until(pilot, lambda: "is there already" in str(said.content))
    names = zipfile.ZipFile(target).namelist()
    assert names == [
        "0002-01-a-boat-number-0.png",
        "0003-01-a-boat-number-1.png",
        "results.csv",
    ]
