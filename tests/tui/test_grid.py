"""A row that is a grid: as a table on Review, in words, and rendered again by its combinations."""

import asyncio
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from PIL import Image
from textual.widgets import Input

from engine.api import Library, StoredRow
from engine.library.files import stage
from engine.library.read.reader import list_images
from engine.library.records import NewRow, NewSession
from engine.library.write.writer import Writer
from engine.picture.recipe import Recipe
from engine.plan.batches import plan_batches
from engine.protocol.commands import RowsSource
from engine.settings import Settings
from engine.sheet.grid_cells import stored_grid
from engine.sheet.grid_table import GridTable
from tests.support.libraries import CONDITIONS, picture
from tests.support.screens import WITH_ALL, opens_in, screen_text, until
from tests.tui.test_keys import _has_all
from tests.tui.test_workers import HeldThreads, let_go_when_its_widgets_are_gone
from tui.app import PromptsheetApp
from tui.graphics import prepare
from tui.grid_words import place_in_grid, product_words
from tui.keys import KEYS
from tui.rerender import _combinations, rows_of
from tui.screens.export import ExportScreen
from tui.screens.full_screen import FullScreen
from tui.screens.grid import GridScreen
from tui.screens.image_actions import ImageActions
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.grid_sheet import TableTiles, table_grid

CELLS = {"prompt": "a {all: red | 青い} boat", "steps": "2 | 3 | 4", "guidance": "1 | 5"}
KEY = "g4r6d2"


@pytest.fixture(autouse=True)
def left_in_review(settings: Settings) -> None:
    opens_in("review", settings)


@pytest.fixture
def with_grid(settings: Settings) -> Settings:
    """A session of a grid of twelve images, all finished, and a plain row."""
    library = settings.library
    library.mkdir()
    drawn = [
        Recipe(f"a {colour} boat", "", 7, 32, 32, int(steps), float(guidance), "S", "builtin", "h")
        for colour, steps, guidance in product(("red", "青い"), "234", "15")
    ]
    files = [f"0002-{n}.png" for n in range(1, 13)]
    rows = [
        NewRow(2, CELLS, {}, drawn, files),
        NewRow(3, {"prompt": "plain"}, {}, [replace(drawn[0], seed=9)], ["0003-1.png"]),
    ]
    writer = Writer(library)
    batches = plan_batches([r for row in rows for r in row.recipes], lambda _: 8)
    writer.add_session(NewSession(KEY, "grids", "grids", RowsSource("s.csv"), rows, batches))
    for _ in batches:
        batch = writer.next_batch(())
        assert batch is not None
        writer.begin(batch, CONDITIONS)
        pictures = [(image, *picture(image, batch.size)) for image in batch.images]
        writer.finish([(stage(i.key, i.path, data), record) for i, record, data in pictures])
        writer.end(batch, 1.0)
    writer.close()
    return settings


@pytest.mark.slow
async def test_a_grid_is_looked_over_turned_opened_and_exported_as_a_labelled_table(
    with_grid: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = PromptsheetApp(Library(with_grid))
    trashed: list[str] = []
    monkeypatch.setattr(ImageActions, "trash", lambda _, keys: trashed.extend(keys))

    def shows(*words: str) -> bool:
        return all(each in screen_text(app) for each in words)

    def grid() -> GridScreen:
        assert isinstance(app.screen, GridScreen)
        return app.screen

    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: shows("13 of 13 images"))
        review = app.screen.query_one(ContactSheet)
        await until(pilot, lambda: review.tile)
        await until(pilot, lambda: shows("| Show as grid"))
        await pilot.press("right", KEYS["grid"])
        await until(pilot, lambda: isinstance(app.screen, GridScreen))
        await until(pilot, lambda: shows("prompt red", "steps 2", "guidance 5", "seed 7", "2·2"))
        assert shows("guidance ↓  steps →", "table 1 of 2")
        assert grid().view.sheet.at == (1, 0)
        await pilot.press("right", "right", "right", "up")
        await until(pilot, lambda: shows("steps 4 · guidance 1"))
        await pilot.press("d")
        with_cursor = {i.image: i.variation for i in list_images(with_grid.library, KEY)}
        await until(pilot, lambda: [with_cursor[key] for key in trashed] == [5])
        await pilot.press("space")  # and on to the next
        await until(pilot, lambda: shows("1 marked", "steps 2 · guidance 5"))
        await pilot.press("n")
        await until(
            pilot, lambda: shows("prompt 青い", "table 2 of 2", "2·11", "steps 2 · guidance 5")
        )
        await _has_all(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FullScreen))
        await until(pilot, lambda: shows("8/12", "row 2, image 8"))
        await pilot.press("right", "escape")
        await until(pilot, lambda: isinstance(app.screen, GridScreen))
        await until(pilot, lambda: shows("steps 3 · guidance 1"))
        await pilot.press(KEYS["turn"])
        await until(pilot, lambda: shows("prompt 青い · steps 3 · guidance 1", "2·9"))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen))
        app.screen.query_one("#target", Input).value = str(tmp_path / "grid.png")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, GridScreen))
        assert len(review.marks) == 1, "what is marked in the table is marked on the page"
        await pilot.press("escape")
        await until(pilot, lambda: not review.marks)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query(ContactSheet) and not app.screen.is_modal)
        await until(pilot, lambda: review.cursor == 8)
        await pilot.press("end", KEYS["grid"])
        await until(pilot, lambda: shows("Row 3 is not a grid"))
    with Image.open(tmp_path / "grid.png") as exported:
        assert exported.width > 32 * 3


@pytest.mark.slow
@pytest.mark.parametrize("ends", [True, False])
async def test_what_threads_bring_to_a_table_that_is_gone_harms_nobody(
    with_grid: Settings, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    app, threads = PromptsheetApp(Library(with_grid)), HeldThreads()
    asyncio.get_running_loop().set_default_executor(threads)
    monkeypatch.setattr(prepare, "_pool", threads)
    try:
        async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
            await pilot.press("3")
            await until(pilot, lambda: "| Show as grid" in screen_text(app))
            await pilot.press(KEYS["grid"])
            await until(pilot, lambda: isinstance(app.screen, GridScreen))
            grid = app.screen
            assert isinstance(grid, GridScreen)
            await until(pilot, lambda: grid.view.sheet.tiles_shown)
            threads.hold()
            grid.look()
            await pilot.press("x")
            let_go_when_its_widgets_are_gone(grid, threads, monkeypatch)
            if not ends:
                grid.dismiss(None)
                await until(pilot, lambda: app.screen is not grid)
                await threads.finish()
                assert app.is_running
        await threads.finish()
        assert app._exception is None
    finally:
        threads.let_go()


def test_a_table_has_its_whole_width_where_there_is_room_and_never_less_than_a_place() -> None:
    wide = table_grid((196, 46), 3, 2)
    assert (wide.columns, wide.rows) == (3, 2) and wide.picture[1] > 15
    assert table_grid((196, 46), 3, 2, aspect=2.0).width > wide.width
    one = table_grid((118, 32), 3, 1)
    assert one.picture[1] <= one.picture[0] // 2 + 1, "right below the value above it"
    assert table_grid((118, 32), 3, 1, narrowest=0.5).height > one.height
    small = table_grid((72, 19), 40, 40)
    assert (small.columns, small.rows) == (7, 4)
    assert small.columns * small.width <= 72 and small.rows * small.height < 19
    least = table_grid((5, 3), 3, 3)
    assert (least.columns, least.rows) == (1, 1) and min(least.picture) >= 1


def test_what_lies_in_the_trash_keeps_its_place_in_a_table(with_grid: Settings) -> None:
    images = {i.variation: i for i in list_images(with_grid.library, KEY) if i.row == 2}
    found = stored_grid(CELLS, 12)
    assert found is not None
    assert product_words(found) == "prompt (2) × steps (3) × guidance (2) = 12 images"
    assert place_in_grid(found, images[8]) == "prompt 青い · steps 2 · guidance 5"
    del images[3]
    tiles = TableTiles(GridTable.of(found), 0, images, with_grid.library)
    shown = tiles.tiles(0, 6)
    assert [tile.label for tile in shown] == ["2·1", "", "2·5", "2·2", "2·4", "2·6"]
    assert shown[1].words == "in the trash" and len(tiles.keys(0, 6)) == 5


def test_of_a_grid_the_combinations_of_chosen_images_are_refined_and_rendered_again(
    with_grid: Settings,
) -> None:
    library = Library(with_grid)
    images = {i.variation: i for i in list_images(with_grid.library, KEY) if i.row == 2}
    rows = rows_of([images[5], images[12]], library)
    assert [(r["prompt"], r["steps"], r["guidance"], r["seed_number"]) for r in rows] == [
        ("a red boat", "4", "1", "7"),
        ("a 青い boat", "4", "5", "7"),
    ]
    stored = library.sessions.rows(KEY)
    again = _combinations(stored, [(2, 12), (2, 5), (3, 1), (2, 5)])
    assert [(row.number, row.cells["prompt"]) for row in again] == [
        (2, "a red boat"),
        (4, "a 青い boat"),
        (3, "plain"),
    ]
    checked = library.sheets.check_stored(again, file="s")
    assert not checked.errors and not any(row.grid for row in checked.sheet.rows)


def test_a_stored_grid_is_the_same_sheet_again_and_nothing_of_it_has_changed(
    with_grid: Settings,
) -> None:
    library = Library(with_grid)
    draft = library.sheets.from_session(KEY)
    assert draft.row(2).images == 12
    assert isinstance(library.sessions.rows(KEY)[0], StoredRow)
