"""The Sheet screen by Pilot: every fault seen, every fault mended in place."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from msgspec.structs import replace
from textual.events import AppBlur, AppFocus, Paste
from textual.pilot import Pilot
from textual.widgets import Input

from engine.api import Draft, Library, Place, Severity
from engine.settings import Settings
from tests.support.screens import opened_sheet, screen_text, until
from tui.app import PromptsheetApp
from tui.app_state import RowsToSheet
from tui.screens.ask import Ask, AskWhere
from tui.screens.sheet import SheetScreen
from tui.widgets.cell_editor import CellEditor
from tui.widgets.draft_table import DraftTable

pytestmark = pytest.mark.slow


SIZE: Any = {"size": (120, 36), "notifications": True, "tooltips": True}
TEXT = (
    "prompt,aspect_ratio,model,seed_number,note\n"
    "a red boat,16:9,,5,first\n"
    "a blue boat,7:77,sdlx,-3,\n"
    "a cat,02:03:00,sdlx,,\n"
    ",1:1,,,\n"
)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(TEXT)
    return path


@pytest.fixture
def app(settings: Settings, sheet: Path) -> PromptsheetApp:
    return PromptsheetApp(Library(settings), sheet)


async def opened(pilot: Pilot[str]) -> DraftTable:
    """The table, once the sheet is in it and the cursor on the first fault."""
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, SheetScreen) and app.screen.draft)
    table = app.screen.query_one(DraftTable)
    await until(pilot, lambda: table.place == Place(3, "aspect_ratio"))
    return table


def draft_of(table: DraftTable) -> Draft:
    assert table.draft is not None
    return table.draft


async def test_a_cell_is_edited_in_place_with_the_choices_of_its_column(
    app: PromptsheetApp,
) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        await pilot.press("enter")
        editor = app.screen.query_one(CellEditor)
        await until(pilot, lambda: editor.is_open)
        box = editor.query_one(Input)
        assert box.value == "7:77"
        assert "16:9" in screen_text(app)
        box.value = "3:2"
        await pilot.press("tab")
        await until(pilot, lambda: not editor.is_open)
        assert draft_of(table).text(3, "aspect_ratio") == "3:2"
        assert table.place == Place(3, "model")
        await pilot.press("enter")
        await until(pilot, lambda: editor.is_open)
        box.value = ""
        await pilot.press("down", "enter")
        await until(pilot, lambda: draft_of(table).text(3, "model") == "builtin")
        await pilot.press("enter")
        await until(pilot, lambda: editor.is_open)
        box.value = "nonsense"
        await pilot.press("escape")
        await until(pilot, lambda: table.has_focus)
        assert draft_of(table).text(3, "model") == "builtin"


async def test_faults_are_walked_mended_undone_and_left_out(app: PromptsheetApp) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        draft = draft_of(table)
        await pilot.press("n")
        assert table.place == Place(3, "model")
        await until(pilot, lambda: "2 of 5" in screen_text(app))
        await pilot.press("A")
        assert [draft.text(n, "model") for n in (3, 4)] == ["builtin"] * 2
        await pilot.press("u")
        assert draft.text(4, "model") == "sdlx"
        await pilot.press("U", "N", "a")
        assert draft.text(3, "aspect_ratio") == "1:3"
        await pilot.press("n", "d", "n", "d")
        await until(pilot, lambda: draft.count(Severity.ERROR) == 0)
        await until(pilot, lambda: "2 rows left out" in screen_text(app))
        assert "2 of 4 rows ready" in screen_text(app)


async def test_marked_rows_change_together(app: PromptsheetApp) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        draft = draft_of(table)
        await pilot.press("g", "space", "space", "space", "g", "enter")
        await until(pilot, lambda: app.screen.query_one(CellEditor).is_open)
        app.screen.query_one("#cell-text", Input).value = "4:3"
        await pilot.press("enter")
        await until(pilot, lambda: draft.text(4, "aspect_ratio") == "4:3")
        assert [draft.text(n, "aspect_ratio") for n in (2, 3, 5)] == ["4:3", "4:3", "1:1"]
        await pilot.press("quotation_mark")
        await until(pilot, lambda: len(draft.numbers) == 7)
        assert table.place == Place(6, "aspect_ratio")


async def test_seeds_are_drawn_anew_and_one_is_kept_for_another_prompt(
    app: PromptsheetApp,
) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        draft = draft_of(table)

        def seeds() -> list[str]:
            return [draft.text(number, "seed_number") for number in draft.numbers]

        before = seeds()
        await pilot.press("at")
        await until(pilot, lambda: "new seeds in 4 rows" in screen_text(app))
        assert len(set(seeds())) == 4 and "" not in seeds() and "-3" not in seeds()
        await pilot.press("u", "g", "space", "at")
        await until(pilot, lambda: "new seeds in 1 row," in screen_text(app))
        assert seeds()[1:] == before[1:] and seeds()[0] != before[0], "the marked row alone"
        await pilot.press("u", "escape", "g", "H")
        await until(pilot, lambda: app.screen.query_one(CellEditor).is_open)
        assert table.place == Place(6, "prompt") and seeds() == [*before, "5"]
        app.screen.query_one("#cell-text", Input).value = "a green boat"
        await pilot.press("enter")
        assert draft.text(6, "prompt") == "a green boat"
        await pilot.press("u", "u")
        assert seeds() == before


async def test_the_final_prompt_is_edited_before_the_start_shown_and_undone(
    app: PromptsheetApp,
) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        draft = draft_of(table)
        await pilot.press("ctrl+e")
        await until(pilot, lambda: "Row 3 is not ready" in screen_text(app))
        await pilot.press("g", "ctrl+e")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        box = app.screen.query_one(Input)
        assert box.value.startswith("a red boat"), "as the columns make it"
        made = box.value
        await pilot.press("enter")
        assert "final_prompt" not in draft.columns, "nothing was edited"
        await pilot.press("ctrl+e")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        app.screen.query_one(Input).value = "a red boat, [bold]at dawn"
        await pilot.press("enter")
        await until(pilot, lambda: "at dawn” ✎ edited by you" in screen_text(app))
        values = draft.row(2).values
        assert values is not None and values.final_prompt == "a red boat, [bold]at dawn"
        await pilot.press("ctrl+e")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await until(pilot, lambda: f"“{made}”" in screen_text(app))
        await pilot.press("u", "u")
        await until(pilot, lambda: "final_prompt" not in draft.columns)


async def test_a_repair_is_shown_and_can_be_refused(app: PromptsheetApp) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        await pilot.press("j")
        await until(pilot, lambda: "02:03:00 → 2:3" in screen_text(app))
        await pilot.press("b")
        await until(pilot, lambda: "kept as in the file" in screen_text(app))
        await pilot.press("a")
        assert draft_of(table).row(4).cells["aspect_ratio"] == "2:3"


async def test_a_corrected_copy_is_saved_beside_the_file(app: PromptsheetApp, sheet: Path) -> None:
    async with app.run_test(**SIZE) as pilot:
        await opened(pilot)
        await pilot.press("a", "x")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.press("enter")
        copy = sheet.with_name("mine-corrected.csv")
        await until(pilot, lambda: copy.exists() and not isinstance(app.screen, Ask))
        assert copy.read_text() == TEXT.replace("7:77", "1:3").replace("02:03:00", "2:3")
        assert sheet.read_text() == TEXT
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        app.screen.query_one(Input).value = str(copy)
        copy.write_text("precious")
        await pilot.press("enter")
        await until(pilot, lambda: "already" in screen_text(app))
        assert copy.read_text() == "precious"
        await pilot.press("enter")
        await until(pilot, lambda: copy.read_text() != "precious")
        await until(pilot, lambda: not isinstance(app.screen, Ask))
        await pilot.press("d", "x")
        await until(pilot, lambda: "without the 1 row" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, AskWhere))
        await pilot.press("enter")
        other = sheet.with_name("mine-corrected-2.csv")
        await until(pilot, lambda: other.exists() and not isinstance(app.screen, Ask))
        gone = "a blue boat,1:3,sdlx,-3,\n"
        assert other.read_text() == copy.read_text().replace(gone, "")
        assert gone in copy.read_text()


async def test_a_file_saved_again_is_read_again_and_mends_that_fit_stay(
    app: PromptsheetApp, sheet: Path
) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        await pilot.press("a")
        sheet.write_text(TEXT.replace("a red boat", "new first\na red boat"))
        os.utime(sheet, (1, 1))
        await until(pilot, lambda: len(draft_of(table).numbers) == 5)
        assert draft_of(table).text(4, "aspect_ratio") == "1:3"


async def test_text_is_found_and_columns_and_counts_are_chosen(app: PromptsheetApp) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        await pilot.press("slash", *"boat", "enter")
        await until(pilot, lambda: table.place == Place(2, "prompt"))
        await pilot.press("full_stop")
        await until(pilot, lambda: table.place == Place(3, "prompt"))
        await pilot.press("I", *"style", "enter")
        await until(pilot, lambda: table.cursor_column == "style")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query_one(CellEditor).is_open)
        app.screen.query_one("#cell-text", Input).value = "anime"
        await pilot.press("enter")
        await until(pilot, lambda: "style" in draft_of(table).columns)
        await pilot.press("asterisk", *"25", "enter")
        await until(pilot, lambda: "default images per row: 25" in screen_text(app))
        assert draft_of(table).images == 25
        assert draft_of(table).text(3, "style") == "anime", "mends outlive the change"


async def test_pasted_lines_become_rows(app: PromptsheetApp) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        app.screen.post_message(Paste("one\n\ntwo \n"))
        await until(pilot, lambda: len(draft_of(table).numbers) == 6)
        assert [draft_of(table).text(n, "prompt") for n in (6, 7)] == ["one", "two"]
        await pilot.press("u")
        assert len(draft_of(table).numbers) == 4
        app.screen.post_message(Paste('prompt\tar\tmine\n"a cat,\nasleep"\t2:3\tx\n'))
        await until(pilot, lambda: len(draft_of(table).numbers) == 5)
        assert [draft_of(table).text(6, c) for c in ("prompt", "aspect_ratio")] == [
            "a cat,\nasleep",
            "2:3",
        ]


async def test_a_sheet_in_an_older_encoding_asks_for_it(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("prompt,note\n夜の赤い灯台、海辺で,x\n桜の木の下の猫,y\n".encode("shift_jis"))
    app = PromptsheetApp(Library(settings), path)
    async with app.run_test(**SIZE) as pilot:
        await until(pilot, lambda: "looks like shift_jis" in screen_text(app))
        assert isinstance(app.screen, Ask)
        assert not app._notifications, "the question says it, and nothing lies over its choices"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SheetScreen) and app.screen.draft)
        table = app.screen.query_one(DraftTable)
        assert draft_of(table).text(2, "prompt") == "夜の赤い灯台、海辺で"
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, Ask))


async def test_another_worksheet_is_a_key_away(settings: Settings, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for name in ("spring", "autumn"):
        page = book.create_sheet(name)
        page.append(["prompt"])
        page.append([f"a boat in {name}"])
    book.remove(book.worksheets[0])
    book.save(tmp_path / "seasons.xlsx")
    app = PromptsheetApp(Library(settings), tmp_path / "seasons.xlsx")
    async with app.run_test(**SIZE) as pilot:
        await until(pilot, lambda: "a boat in spring" in screen_text(app))
        await pilot.press("W", "down", "enter")
        await until(pilot, lambda: "a boat in autumn" in screen_text(app))


async def test_rows_of_a_session_come_to_be_refined(
    app: PromptsheetApp, settings: Settings
) -> None:
    async with app.run_test(**SIZE) as pilot:
        await opened(pilot)
        await pilot.press("4")
        rows = [{"prompt": "a boat", "seed_number": "7"}, {"prompt": "a cat", "style": "anime"}]
        app.screen.post_message(RowsToSheet(rows, "k3f9x2", "evening, refined"))
        await until(pilot, lambda: "evening, refined · 2 rows" in screen_text(app))
        draft = draft_of(app.screen.query_one(DraftTable))
        assert draft.text(2, "seed_number") == "7"
        assert draft.text(3, "style") == "anime"


async def edit(pilot: Pilot[str], table: DraftTable, place: Place, text: str) -> CellEditor:
    """Begin to write into a cell."""
    table.go_to(place.row, place.column)
    await pilot.press("enter")
    editor = pilot.app.screen.query_one(CellEditor)
    await until(pilot, lambda: editor.is_open)
    await pilot.press("end", *text)  # what stands there is selected
    return editor


async def test_text_being_written_outlives_a_look_at_another_window(app: PromptsheetApp) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        editor = await edit(pilot, table, Place(2, "prompt"), "XY")
        app.post_message(AppBlur())
        await until(pilot, lambda: app.focused is None)
        app.post_message(AppFocus())
        await until(pilot, lambda: editor.query_one(Input).has_focus)
        await pilot.press("Z", "enter")
        await until(pilot, lambda: draft_of(table).text(2, "prompt") == "a red boatXYZ")


async def test_a_click_elsewhere_takes_what_was_written_and_nothing_else(
    app: PromptsheetApp,
) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        editor = await edit(pilot, table, Place(2, "prompt"), "XY")
        await pilot.click(table, offset=(10, 4))
        await until(pilot, lambda: draft_of(table).text(2, "prompt") == "a red boatXY")
        assert not editor.is_open
        table.set_marks([2, 3])
        await edit(pilot, table, Place(2, "prompt"), "")
        await pilot.click(table, offset=(10, 4))
        await until(pilot, lambda: table.has_focus and not editor.is_open)
        assert draft_of(table).text(3, "prompt") == "a blue boat"


async def test_a_file_saved_again_waits_for_the_cell_that_is_being_written(
    app: PromptsheetApp, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def held(*given: Any) -> Any:
        reading.set()
        go_on.wait(5)
        return reopen(*given)

    sheets = app.app_state.library.sheets
    reopen = sheets.reopen
    monkeypatch.setattr(sheets, "reopen", held)
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        sheet.write_text(TEXT + "a hill,1:1,,,\n")
        await until(pilot, reading.is_set)
        editor = await edit(pilot, table, Place(2, "prompt"), "XY")
        go_on.set()
        await pilot.app.workers.wait_for_complete()
        await pilot.press("Z")
        assert editor.is_open
        assert len(draft_of(table).numbers) == 4
        await pilot.press("enter")
        await until(pilot, lambda: len(draft_of(table).numbers) == 5)
        assert draft_of(table).text(2, "prompt") == "a red boatXYZ"


async def test_all_lines_that_are_pasted_into_a_text_are_in_it(app: PromptsheetApp) -> None:
    async with app.run_test(**SIZE) as pilot:
        table = await opened(pilot)
        await edit(pilot, table, Place(2, "prompt"), " ")
        app.post_message(Paste("at sea,\r\nby night,\rcalm\n"))
        await pilot.press("enter")
        wanted = "a red boat at sea,\nby night,\ncalm"
        await until(pilot, lambda: draft_of(table).text(2, "prompt") == wanted)
        await pilot.press("ctrl+e")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        app.post_message(Paste("\nand\nstill\n"))
        await pilot.press("enter")
        await until(pilot, lambda: draft_of(table).text(2, "final_prompt") == wanted + "and\nstill")


async def test_images_beyond_the_free_disk_are_warned_of(settings: Settings, sheet: Path) -> None:
    huge = replace(settings.engine, reserve_mib=1_048_576)
    app = PromptsheetApp(Library(replace(settings, engine=huge)), sheet)
    async with app.run_test(**SIZE) as pilot:
        await opened(pilot)
        await until(
            pilot, lambda: "the disk has no room for that" in " ".join(screen_text(app).split())
        )


async def test_many_rows_are_changed_in_a_thread_one_change_after_the_other(
    app: PromptsheetApp, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet.write_text("prompt,seed_number\n" + "a boat,\n" * 300)
    changing, go_on = threading.Event(), threading.Event()
    edit = Draft.edit

    def held(draft: Draft, numbers: Iterable[int], column: str, text: str) -> int:
        changing.set()
        assert go_on.wait(20)
        return edit(draft, numbers, column, text)

    monkeypatch.setattr(Draft, "edit", held)
    async with app.run_test(**SIZE) as pilot:
        table = (await opened_sheet(pilot)).query_one(DraftTable)
        before = draft_of(table)
        await pilot.press("g", "v", "G", "v")
        assert len(table.marks) == 300
        table.write(Place(2, "prompt"), "a hill", "")
        await until(pilot, changing.is_set)
        await pilot.press("u", "U", "g", "quotation_mark")  # wait for it, and keep their order
        table.write_final_prompt(9, "to the letter")
        assert draft_of(table) is before and before.text(301, "prompt") == "a boat"
        assert "a boat" in screen_text(app), "the screen goes on"
        go_on.set()
        await until(pilot, lambda: draft_of(table).text(9, "final_prompt") == "to the letter")
        draft = draft_of(table)
        assert {draft.text(n, "prompt") for n in draft.numbers} == {"a hill"}
        assert len(draft.numbers) == 600 and len(table.marks) == 300
        assert not draft.count(Severity.ERROR) and draft.ready == 600
        assert not before.changed, "its copy was changed"
    steps = []  # once no screen shows it any more
    while draft.numbers and (step := draft.undo()):
        steps.append(step)
    assert steps == ["final_prompt: to the letter", "rows duplicated", "prompt: a hill"]
