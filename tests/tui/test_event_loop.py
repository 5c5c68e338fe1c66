"""Promise 5: no query, no file and no check of a sheet on the event loop, over every screen."""

import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from engine.api import (
    Library,
)
from engine.library.database import database_path
from engine.library.read.reader import find_session, list_sessions
from engine.settings import Settings
from tests.support.loop_guard import PIECE, guarded
from tests.support.models import BUILTIN
from tests.support.screens import MakeLibrary, opened_sheet, screen_text, until
from tui.app import PromptsheetApp
from tui.keys import KEYS
from tui.screens.add_pictures import AddedPictures, AddPictures
from tui.screens.ask import Ask, AskWhere
from tui.screens.ask_count import AskCount
from tui.screens.compare import CompareScreen
from tui.screens.export import CopyImages, ExportScreen
from tui.screens.full_screen import FullScreen
from tui.screens.jobs import JobsScreen
from tui.screens.model_adding import KeepModel
from tui.screens.models import ModelsScreen
from tui.screens.open_sheet import OpenSheet
from tui.screens.review import ReviewScreen
from tui.screens.setting_forms import WriteSetting
from tui.screens.settings import SettingsScreen
from tui.screens.sheet import SheetScreen
from tui.screens.type_prompts import TypePrompts
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.image_pane import ImagePane
from tui.widgets.job_table import JobTable
from tui.widgets.virtual_table import VirtualTable

pytestmark = pytest.mark.slow


SIZE: Any = {"size": (140, 40), "notifications": True, "tooltips": True}


async def test_the_guard_sees_queries_files_and_checks_on_the_loop_alone(
    settings: Settings, make_session: MakeLibrary, tmp_path: Path
) -> None:
    make_session(["a boat"])
    sheet = tmp_path / "mine.csv"
    sheet.write_text("prompt\n" + "a boat\n" * (PIECE + 1))
    opened = sqlite3.connect(database_path(settings.library), check_same_thread=False)

    def all_of_it() -> None:
        sheet.exists()
        sheet.read_text()
        Path.cwd()
        os.access(tmp_path / "access", os.R_OK)
        link = tmp_path / f"link{threading.get_ident()}"  # two may be at it at once
        link.symlink_to(sheet)
        link.unlink()
        subprocess.run(["true"], check=True)
        list(tmp_path.iterdir())
        opened.execute("SELECT 1")
        list_sessions(settings.library)
        sheets = Library(settings).sheets
        sheets.check(sheet)
        sheets.from_text("a boat\n" * (PIECE + 1))
        sheets.rows_on([sheet] * (PIECE + 1))

    class Careless(App[None]):
        async def on_mount(self) -> None:
            all_of_it()

    class Careful(App[None]):
        done = False

        def on_mount(self) -> None:
            self.run_worker(all_of_it, thread=True)

    with guarded() as guard:
        async with Careful().run_test() as pilot:
            all_of_it()  # a test may
            await pilot.app.workers.wait_for_complete()
        all_of_it()
        assert not guard.found
        async with Careless().run_test():
            pass
    opened.close()
    found = "\n".join(guard.found)
    for what in ("mine.csv", "the query 'SELECT 1'", "a connection to", "FROM model_changes"):
        assert what in found
    for what in ("the current folder", "/access", "/link", "the start of a program"):
        assert what in found
    for what in ("the reading of pasted text", "rows of pictures"):
        assert what in found
    for what in ("the check of a sheet", "the reading of a sheet", f"the file {tmp_path}\n"):
        assert what in found


@pytest.fixture
def library_in_use(settings: Settings, make_session: MakeLibrary) -> Iterator[Settings]:
    """Two sessions, more jobs than are read at a time, and an engine that renders nothing."""
    make_session(["a lighthouse by night"], key="other2", name="evening")
    make_session([f"a boat, number {n}" for n in range(300)], done=2)
    engine = Library(settings).engine
    engine.start(no_render=True)
    engine.pause()
    yield settings
    engine.stop()


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    rows = "".join(f"boat {n},ember,{n % 7}:1,{n}\n" for n in range(400))
    path = tmp_path / "mine.csv"
    path.write_text(f"prompt,color_palette,aspect_ratio,seed_number\n{rows}")
    return path


async def on(pilot: Pilot[str], kind: type[object]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))


def text(pilot: Pilot[str]) -> str:
    assert isinstance(pilot.app, PromptsheetApp)
    return screen_text(pilot.app)


async def shows(pilot: Pilot[str], words: str) -> None:
    await until(pilot, lambda: words in text(pilot))


async def test_no_key_of_sheet_waits_for_a_query_a_file_or_a_check(
    library_in_use: Settings, sheet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = PromptsheetApp(Library(library_in_use), sheet)
    async with app.run_test(**SIZE) as pilot:
        screen = await opened_sheet(pilot)
        await pilot.press(
            "n", "a", "j", KEYS["duplicate"], "u", "U", "i", "escape", "at", "u", "A", "u"
        )
        await pilot.press("pagedown", "G", "d", "g")
        await pilot.press(
            "v", "G", "v", "d", "d", KEYS["duplicate"], "equals_sign", "u", "u", "u", "escape"
        )
        app.post_message(Paste("a hill\n" * 300))
        await until(pilot, lambda: screen.draft and len(screen.draft.numbers) > 700)
        await pilot.press("u")
        await until(pilot, lambda: screen.draft and len(screen.draft.numbers) < 410)
        await pilot.press("slash", *"boat 3", "enter", "full_stop")
        await until(pilot, lambda: screen.query_one(VirtualTable).cursor_index)
        sheet.write_text(sheet.read_text() + "new,ember,1:1,5\n")
        await shows(pilot, "mine.csv reloaded")
        await pilot.press("asterisk", *"2", "enter")
        await shows(pilot, "default images per row: 2")
        await pilot.press("x")
        await shows(pilot, "left out")
        await pilot.press("enter")
        await on(pilot, AskWhere)
        await pilot.press("enter")
        await until(
            pilot, lambda: app.screen is screen and (tmp_path / "mine-corrected.csv").exists()
        )
        await pilot.press("T")
        await on(pilot, AskWhere)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen and (tmp_path / "prompts.xlsx").exists())
        await pilot.press("o")
        await on(pilot, OpenSheet)
        await shows(pilot, "Recent")
        await shows(pilot, "prompts.xlsx")
        await pilot.press(*"min")
        box = app.screen.query_one(Input)
        await until(pilot, lambda: box._suggestion == "mine-corrected.csv")
        await pilot.press("right", "enter")
        await until(pilot, lambda: (screen.document.path or sheet).name == "mine-corrected.csv")
        await pilot.press("p")
        await on(pilot, TypePrompts)
        app.screen.query_one(TextArea).text = "a boat\n" * 500
        await pilot.press("ctrl+s")
        await until(pilot, lambda: screen.draft and len(screen.draft.numbers) == 500)
        await pilot.press("ctrl+e")
        await on(pilot, Ask)
        await pilot.press("escape", KEYS["duplicate"], "q")
        await on(pilot, Ask)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app._exit)


async def test_no_key_waits_for_large_pastes_or_the_rows_of_many_pictures(
    settings: Settings, tmp_path: Path
) -> None:
    cells = "prompt\tmine\n" + "a boat\tx\n" * (PIECE + 1)
    pictures = [tmp_path / f"{n}.png" for n in range(PIECE + 1)]
    added = AddedPictures(pictures, prompt="by night", strength="0.4", folders=())
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        await on(pilot, SheetScreen)
        screen = app.screen
        assert isinstance(screen, SheetScreen)

        async def makes(more: int) -> None:
            rows = len(screen.draft.numbers) + more if screen.draft else more
            await until(pilot, lambda: screen.draft and len(screen.draft.numbers) == rows)

        async def add_pictures() -> None:
            await pilot.press("ctrl+o")
            await on(pilot, AddPictures)
            app.screen.dismiss(added)

        await until(pilot, lambda: screen.ready)
        await add_pictures()
        await makes(len(pictures))
        await pilot.press("p")
        await on(pilot, TypePrompts)
        app.screen.query_one(TextArea).text = cells
        await pilot.press("ctrl+s")
        await until(pilot, lambda: screen.draft and screen.draft.columns[-1] == "mine")
        for text in ("a hill\n" * (PIECE + 1), cells):
            app.post_message(Paste(text))
            await makes(PIECE + 1)
        await add_pictures()
        await makes(len(pictures))


async def test_no_key_of_jobs_waits_for_a_query(library_in_use: Settings) -> None:
    app = PromptsheetApp(Library(library_in_use))
    app.app_state.memory.session = "k3f9x2"
    async with app.run_test(**SIZE) as pilot:
        await pilot.press("2")
        await on(pilot, JobsScreen)
        await shows(pilot, "number 9")
        table = app.screen.query_one(JobTable)
        await pilot.press("pagedown", "G")
        await shows(pilot, "number 299")
        assert table.cursor_key == 301
        await pilot.press("space", "v", "pageup", "v")
        await until(pilot, lambda: len(table.marks) > 20)
        await pilot.press("escape", "O")
        await shows(pilot, "by state")
        await until(pilot, lambda: table.cursor_key == 301 - table._page_size)
        await pilot.press("slash", *"number 29")
        await until(pilot, lambda: table.source.count() == 11)
        await pilot.press("escape", "E")
        await shows(pilot, "No rows match")
        await pilot.press("E", "s")
        await until(pilot, lambda: find_session(library_in_use.library, "k3f9x2").stopped)
        await shows(pilot, "■ stopped")
        await pilot.press("r", "right_square_bracket", "K", "enter")
        await on(pilot, ReviewScreen)


async def test_no_key_of_review_waits_for_a_query(
    library_in_use: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    app = PromptsheetApp(Library(library_in_use))
    app.app_state.memory.session = "k3f9x2"
    app.app_state.memory.folder = str(tmp_path / "copies")
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(**SIZE) as pilot:
        await pilot.press("3")
        await on(pilot, ReviewScreen)
        screen = app.screen
        await shows(pilot, "16 of 300 images")
        sheet = screen.query_one(ContactSheet)
        await until(pilot, lambda: sheet.tile)
        await pilot.press("f", "colon", *"12", "enter")
        await until(pilot, lambda: sheet.tile and sheet.tile.key == "k3f9x2-12-1")
        await pilot.press("O")
        await shows(pilot, "newest first")
        await pilot.press("slash", *"number 1", "enter")
        await shows(pilot, "7 of 300 images")
        await pilot.press("escape", "F")
        await shows(pilot, "favourites only")
        await pilot.press("F", "E")
        await shows(pilot, "failed only")
        await pilot.press("E", "w", "L", "L", "plus", "minus", "pagedown", "g")
        await shows(pilot, "16 of 300 images")
        await until(pilot, lambda: sheet.tile)
        await pilot.press("y", "Y")
        await until(pilot, lambda: len(copied) == 2)
        await pilot.press("space", "space", "c")
        await on(pilot, CompareScreen)
        await shows(pilot, "They differ in")
        await pilot.press("escape", "C")
        await on(pilot, CopyImages)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen and (tmp_path / "copies").is_dir())
        await pilot.press("d")
        await shows(pilot, "moved to trash")
        await pilot.press("u")
        await shows(pilot, "undone")
        await pilot.press("escape", "enter")
        await on(pilot, FullScreen)
        pane = app.screen.query_one(ImagePane)
        await until(pilot, lambda: pane.has_class("-showing"))
        await pilot.press("n", "f", "z", "l", "escape", "N", "u", "escape")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("V")
        await shows(pilot, "started as")
        await pilot.press("m")
        await on(pilot, AskCount)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("ctrl+f")
        await shows(pilot, "all sessions · 17 images")
        await pilot.press("O", "O")
        await shows(pilot, "session by session")
        await pilot.press("O", "slash", *"session:even", "enter")
        await shows(pilot, "all sessions · 1 image · ")
        await until(pilot, lambda: sheet.tile and sheet.tile.label == "evening")
        await pilot.press("f", "space", "u")
        await until(pilot, lambda: "no longer" in text(pilot) or "favourite, undone" in text(pilot))
        await pilot.press("ctrl+f")
        await shows(pilot, "evening · 1 of 1 image")
        await pilot.press("w")
        await on(pilot, JobsScreen)
        await pilot.press("3", "ctrl+f")
        await shows(pilot, "/session:even")
        await pilot.press("escape", "escape")
        await shows(pilot, "evening · 1 of 1 image")
        await until(pilot, lambda: sheet.tile)
        await pilot.press("x")
        await on(pilot, ExportScreen)
        app.screen.query_one("#target", Input).value = str(tmp_path)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen and list(tmp_path.glob("*.zip")))
        await pilot.press("e")
        await opened_sheet(pilot)


async def test_no_key_of_sessions_settings_or_models_waits_for_a_query_or_a_file(
    library_in_use: Settings, config: Path
) -> None:
    library = library_in_use.library
    app = PromptsheetApp(Library(library_in_use))
    async with app.run_test(**SIZE) as pilot:
        await pilot.press("4")
        await shows(pilot, "2 sessions")
        table = app.screen.query_one(VirtualTable)
        await pilot.press("slash", *"lightho", "enter")
        await shows(pilot, "1 session ·")
        await until(pilot, lambda: table.cursor_key == "other2")
        await pilot.press("escape", "O")
        await shows(pilot, "by name")
        await until(pilot, lambda: table.cursor_key == "other2")
        await pilot.press("f2", *"!", "enter")
        await until(pilot, lambda: find_session(library, "other2").name == "evening!")
        await shows(pilot, "evening! ")
        await pilot.press("number_sign", *"blue", "enter", "u")
        await shows(pilot, "tags: blue, undone")
        await pilot.press("U", "d")
        await shows(pilot, "1 session ·")
        await pilot.press("B")
        await shows(pilot, "1 session in the trash")
        await pilot.press("X")
        await shows(pilot, "for good")
        await pilot.press("enter", "d", "B")
        await shows(pilot, "2 sessions")
        await pilot.resize_terminal(150, 40)
        await pilot.press("comma")
        await on(pilot, SettingsScreen)
        await until(pilot, lambda: app.screen.query_one(VirtualTable).cursor_key)
        app.screen.query_one(VirtualTable).go_to("engine.idle_minutes")
        await pilot.press("enter")
        await on(pilot, WriteSetting)
        app.screen.query_one(Input).value = "soon"
        await shows(pilot, "✗")
        app.screen.query_one(Input).value = "7"
        await pilot.press("enter")
        try:
            await until(pilot, lambda: (config / "settings.toml").exists())
        except AssertionError:
            print(text(pilot))
            raise
        await on(pilot, SettingsScreen)
        await pilot.press("escape", "f4")
        await on(pilot, ModelsScreen)
        await shows(pilot, "✓ whole")
        await pilot.press("i")
        await on(pilot, Ask)
        app.screen.query_one(Input).value = str(BUILTIN)
        await pilot.press("enter")
        await on(pilot, KeepModel)
        await pilot.press("enter")
        await shows(pilot, "builtin-2")
        await pilot.press("d")
        await shows(pilot, "builtin-2 removed from the list")
        await pilot.press("escape", "g", "e")
        await on(pilot, SheetScreen)
        await opened_sheet(pilot)
