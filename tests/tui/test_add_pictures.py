"""Pictures become rows of the sheet, and are seen before anything is drawn on them."""

import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input

from engine.api import Checked, Draft, Library, Place, Sessions, Started, UsablePicture
from engine.api.sheets import Sheets
from engine.settings import Settings
from tests.support.screens import opened_sheet, screen_text, until
from tests.support.waiting import wait_for
from tui.app import PromptsheetApp
from tui.draft_autosave import DraftAutosave, open_autosaved
from tui.screens.add_pictures import AddPictures
from tui.screens.sheet import SheetScreen
from tui.screens.sheet_output import SheetStarting
from tui.sheet_document import Opened
from tui.widgets.cell_editor import CellEditor
from tui.widgets.draft_table import DraftTable
from tui.widgets.image_pane import ImagePane
from tui.widgets.virtual_table import VirtualTable

pytestmark = pytest.mark.slow

SIZE: Any = {"size": (120, 36), "notifications": True, "tooltips": True}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three pictures, one of them in a folder below, and what is none."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name, size in (("boat.png", (64, 32)), ("hill.jpg", (32, 64)), ("more/town.png", (48, 48))):
        Image.new("RGB", size, "orange").save(folder / name)
    (folder / "broken.png").write_text("no picture")
    (folder / "notes.txt").write_text("nothing")
    return folder


@pytest.fixture
def sheet(photos: Path) -> Path:
    path = photos / "mine.csv"
    path.write_text("prompt,note\na red boat,first\na hill,\n")
    return path


def asked(pilot: Pilot[str]) -> AddPictures:
    screen = pilot.app.screen
    assert isinstance(screen, AddPictures)
    return screen


async def asking(pilot: Pilot[str]) -> AddPictures:
    await until(pilot, lambda: isinstance(pilot.app.screen, SheetScreen) and pilot.app.screen.ready)
    await pilot.press("ctrl+o")
    await until(pilot, lambda: isinstance(pilot.app.screen, AddPictures))
    return asked(pilot)


def text(pilot: Pilot[str]) -> str:
    assert isinstance(pilot.app, PromptsheetApp)
    return screen_text(pilot.app)


def draft_on(screen: SheetScreen) -> Draft:
    assert screen.draft is not None
    return screen.draft


async def test_a_folder_of_pictures_becomes_a_sheet_with_a_row_for_each(
    settings: Settings, photos: Path
) -> None:
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        dialog = await asking(pilot)
        box = dialog.query_one("#where", Input)
        await pilot.press(*str(photos)[:-2])
        await until(pilot, lambda: box._suggestion == f"{photos}/")
        await pilot.press("right", "enter")
        await until(pilot, lambda: "3 pictures · 1 refused · enter adds 3 rows" in text(pilot))
        assert "no picture that is known" in text(pilot)
        await until(pilot, lambda: "Save it as JPG, PNG or WEBP" in text(pilot))  # all of it
        assert "64×32" in text(pilot)
        dialog.query_one("#prompt", Input).value = "at night"
        dialog.query_one("#strength", Input).value = "7"
        await pilot.press("enter")
        await until(pilot, lambda: "Strength is a number" in text(pilot))
        dialog.query_one("#strength", Input).value = ".4"
        await pilot.press("enter")
        screen = await opened_sheet(pilot)
        draft = draft_on(screen)
        assert [draft.text(n, "prompt") for n in draft.numbers] == ["at night"] * 3
        assert [Path(draft.text(n, "image")).name for n in draft.numbers] == [
            "boat.png",
            "hill.jpg",
            "town.png",
        ]
        assert draft.ready == 3
        await until(pilot, lambda: bool(screen.query("#source ImagePane")))
        pane = screen.query_one("#source ImagePane", ImagePane)
        await until(pilot, lambda: pane.has_class("-showing") and "64×32" in text(pilot))
        await until(pilot, lambda: "4 of 12 steps are used" in text(pilot))
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, AddPictures))
        await until(pilot, lambda: "Recent" in text(pilot))
        assert str(photos) in text(pilot)


async def test_pictures_are_added_below_the_rows_in_one_step_of_undo(
    settings: Settings, sheet: Path, photos: Path
) -> None:
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await asking(pilot)
        paths = [photos / "hill.jpg", photos / "hill.jpg", photos / "gone.png", photos / "m*/*"]
        app.screen.query_one("#where").post_message(Paste("\n".join(map(str, paths))))
        await until(pilot, lambda: "2 pictures · 2 refused" in text(pilot))
        assert "File not found" in text(pilot)
        assert "Same file as" in text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: len(draft_on(screen).numbers) == 4)
        draft = draft_on(screen)
        assert [draft.text(n, "image") for n in draft.numbers] == [
            "",
            "",
            "hill.jpg",
            "more/town.png",
        ]
        assert draft.text(2, "note") == "first"
        table = screen.query_one(DraftTable)
        await until(pilot, lambda: table.place == Place(4, "prompt"))
        # Its prompt is to be written still, by the picture.
        await until(pilot, lambda: "32×64" in text(pilot))
        table.go_to(2, "prompt")
        await until(pilot, lambda: "32×64" not in text(pilot))
        await pilot.press("u")
        await until(pilot, lambda: draft_on(screen).columns == ("prompt", "note"))
        assert not draft_on(screen).changed
        await pilot.press("U")
        await until(pilot, lambda: len(draft_on(screen).numbers) == 4)


async def test_a_column_of_the_users_own_called_image_is_asked_about_and_never_filled(
    settings: Settings, sheet: Path, photos: Path
) -> None:
    sheet.write_text("prompt,image\na red boat,cover\na hill,page 2\n")
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        before = draft_on(screen)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "Where to add the pictures?" in text(pilot))
        assert "Rename that column in your file" in text(pilot)
        await pilot.press("escape", "ctrl+o")
        await until(pilot, lambda: "in a new sheet" in text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AddPictures))
        app.screen.query_one("#where", Input).value = str(photos / "boat.png")
        await pilot.press("enter")
        await until(pilot, lambda: "enter adds 1 row" in text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: draft_on(screen).file == "pictures")
        assert draft_on(screen).text(2, "image") == str(photos / "boat.png")
    assert [before.text(n, "image") for n in before.numbers] == ["cover", "page 2"]
    assert not before.changed


async def test_looking_is_stopped_and_what_was_found_stays(
    settings: Settings, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slow(_: Sheets, __: object, wanted: Any) -> Any:
        yield UsablePicture(photos / "boat.png", 64, 32)
        while wanted():
            yield UsablePicture(photos / "hill.jpg", 32, 64)
        go_on.set()

    monkeypatch.setattr(Sheets, "look_for_pictures", slow)
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        dialog = await asking(pilot)
        dialog.query_one("#where", Input).value = str(photos)
        await pilot.press("enter")
        await until(pilot, lambda: "Looking … · 2 pictures · esc stops" in text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Still searching" in text(pilot))
        await pilot.press("escape")
        await until(pilot, go_on.is_set)
        await until(pilot, lambda: "2 pictures · stopped · enter adds 2 rows" in text(pilot))
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "enter searches for pictures" in text(pilot))
        assert dialog.query_one(VirtualTable).source.count() == 0
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SheetScreen))


async def test_cells_that_name_pictures_are_edited_filled_and_undone_off_the_event_loop(
    settings: Settings, sheet: Path
) -> None:
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        table = screen.query_one(DraftTable)
        table.add_column("image")
        await until(pilot, lambda: table.place == Place(2, "image"))
        await pilot.press("enter")
        editor = screen.query_one(CellEditor)
        await until(pilot, lambda: editor.is_open and "hill.jpg" in text(pilot))
        box = editor.query_one(Input)
        await pilot.press(*"more/t")
        await until(pilot, lambda: box._suggestion == "more/town.png")
        await pilot.press("right", "enter")
        await until(pilot, lambda: draft_on(screen).text(2, "image") == "more/town.png")
        await until(pilot, lambda: "48×48" in text(pilot))
        table.go_to(2, "image")
        await pilot.press("equals_sign", "i")
        await until(pilot, lambda: editor.is_open)
        draft = draft_on(screen)
        assert [draft.text(n, "image") for n in draft.numbers] == ["more/town.png"] * 2 + [""]
        await pilot.press(*"a mill", "tab")
        await pilot.press("u", "u", "u", "u")
        await until(pilot, lambda: draft_on(screen).columns == ("prompt", "note"))
        await pilot.press("U")
        await until(pilot, lambda: draft_on(screen).text(2, "image") == "more/town.png")


async def test_what_is_started_at_once_has_the_picture_that_was_just_written(
    settings: Settings, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def start(_: object, opened: Opened, __: object) -> None:
        started.append(opened.draft.text(2, "image"))

    monkeypatch.setattr(SheetStarting, "start", start)
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        screen.query_one(DraftTable).add_column("image")
        await pilot.press("enter")
        await until(pilot, lambda: screen.is_writing)
        await pilot.press(*"boat.png", "ctrl+s")
        await until(pilot, lambda: started == ["boat.png"])


async def test_pictures_being_copied_are_counted_and_the_start_can_be_given_up(
    settings: Settings, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet.write_text("prompt,image\na red boat,boat.png\n")
    ended: list[BaseException] = []

    def start(_: Sessions, __: Checked, *, progress: Any, **___: Any) -> Started:
        try:
            while not threading.Event().wait(0.1):
                progress(120, 2000)
            raise AssertionError
        except BaseException as error:
            ended.append(error)
            raise

    monkeypatch.setattr(Sessions, "start", start)
    app = PromptsheetApp(Library(settings), sheet)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        assert not screen.check_action("give_up", ())
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "copying pictures 120/2,000 · s cancels" in text(pilot))
        await pilot.press("q")
        await until(pilot, lambda: "The pictures of mine.csv are still being copied" in text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("s")
        await until(pilot, lambda: "Start cancelled" in text(pilot))
        assert len(ended) == 1 and not screen.unstarted
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "copying pictures" in text(pilot))
        await pilot.press("q", "down", "enter")
    assert wait_for(lambda: len(ended) == 2), "nobody waits for it any more"


def test_a_kept_sheet_finds_its_pictures_where_the_sheet_was(
    settings: Settings, sheet: Path, tmp_path: Path
) -> None:
    library = Library(settings)
    sheet.write_text("prompt,image\na red boat,boat.png\n")
    store = DraftAutosave(library)
    store.keep(library.sheets.open(sheet))
    (kept,) = (tmp_path / "state").rglob("*.csv")
    assert open_autosaved(kept, library).ready == 1
    store.forget()
