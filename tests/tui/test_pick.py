"""Choosing in the app, with a real engine process behind it that renders nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.api import Library, PickRow
from engine.library.files import stage
from engine.library.read.picking import row_to_pick
from engine.library.read.reader import list_images
from engine.library.write.writer import Writer
from engine.settings import Settings
from tests.support.libraries import CONDITIONS, new_session, picture
from tests.support.loop_guard import guarded
from tests.support.screens import opens_in, screen_text, until
from tests.support.wire import tally
from tui.app import PromptsheetApp
from tui.engine_watch import News
from tui.graphics.prepare import _cache
from tui.keys import KEYS
from tui.screens.ask_rating import AskRating
from tui.screens.duel import DuelScreen
from tui.screens.full_screen import FullScreen
from tui.screens.pick import PickScreen
from tui.screens.review import ReviewScreen
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.picture_board import BoardGrid, PictureBoard, board_grid

KEY = "k3f9x2"
SIZE: Any = {"size": (120, 36), "notifications": True, "tooltips": True}


def draw(writer: Writer, batches: int) -> None:
    for _ in range(batches):
        batch = writer.next_batch(())
        assert batch is not None
        writer.begin(batch, CONDITIONS)
        pictures = [(image, *picture(image, batch.size)) for image in batch.images]
        writer.finish([(stage(i.key, i.path, data), record) for i, record, data in pictures])
        writer.end(batch, 1.0)


@pytest.fixture(autouse=True)
def left_in_review(settings: Settings) -> None:
    opens_in("review", settings)


@pytest.fixture
def at_work(settings: Settings) -> Iterator[Writer]:
    """Twenty images of four rows; the last two of row 5 wait."""
    settings.library.mkdir(exist_ok=True)
    writer = Writer(settings.library)
    writer.add_session(new_session(rows=4, images=5, largest=2))
    draw(writer, 9)
    yield writer
    writer.close()


@pytest.fixture
def with_engine(settings: Settings, at_work: Writer) -> Iterator[Settings]:
    """Those, with an engine process that holds them."""
    at_work.close()
    engine = Library(settings).engine
    engine.start(no_render=True)
    yield settings
    engine.stop()


def kept(settings: Settings) -> list[str]:
    images = list_images(settings.library, KEY)
    return [f"{image.row}:{image.variation}" for image in images if image.favourite]


def row(settings: Settings, number: int) -> PickRow:
    found = row_to_pick(settings.library, KEY, number)
    assert found is not None
    return found


async def shows(pilot: Pilot[str], words: str) -> None:
    app = pilot.app
    assert isinstance(app, PromptsheetApp)
    try:
        await until(pilot, lambda: words in screen_text(app), 400)
    except AssertionError:
        raise AssertionError(f"{words!r} is not in\n{screen_text(app)}") from None


async def at_row(pilot: Pilot[str], number: int) -> None:
    """The row is there, and its pictures can be seen."""
    await shows(pilot, f"row {number}, ")
    board = pilot.app.screen.query_one(PictureBoard)
    await until(pilot, lambda: board.is_seen(0) and board.is_seen(1))


@pytest.mark.slow
async def test_rows_are_decided_one_key_each_undone_taken_up_and_put_in_order(
    with_engine: Settings,
) -> None:
    """One test for all that needs an engine process: its start takes longer than the rest."""
    library = with_engine
    app = PromptsheetApp(Library(library))
    with guarded() as guard:
        async with app.run_test(**SIZE) as pilot:
            await pilot.press(KEYS["review"])
            await shows(pilot, "20 images")
            sheet = app.screen.query_one(ContactSheet)
            await until(pilot, lambda: sheet.tile)
            await _pick(pilot, library)
            await _take_up(pilot, library)
            await _duel(pilot, library)
            await _rate(pilot, library)
    assert not guard.found


async def _pick(pilot: Pilot[str], library: Settings) -> None:
    app = pilot.app
    await pilot.press(KEYS["pick"])
    await until(pilot, lambda: isinstance(app.screen, PickScreen))
    await at_row(pilot, 2)
    await shows(pilot, "0 kept · 0 decided · one per row")
    await pilot.press("3")
    await at_row(pilot, 3)
    await until(pilot, lambda: kept(library) == ["2:3"])
    await shows(pilot, "1 kept · 1 decided")
    await pilot.press("space")  # none of row 3
    await at_row(pilot, 4)
    await until(pilot, lambda: row(library, 3).decided)
    await pilot.press("2")
    await shows(pilot, "row 5, ")  # nothing else is whole
    await shows(pilot, "3 of 5 images done so far")
    assert kept(library) == ["2:3", "4:2"]
    await pilot.press("u")
    await shows(pilot, "row 4: 1 image kept, undone")
    await at_row(pilot, 4)
    await until(pilot, lambda: kept(library) == ["2:3"] and not row(library, 4).decided)
    await pilot.press("U")
    await shows(pilot, "this row is decided")
    await until(pilot, lambda: kept(library) == ["2:3", "4:2"])
    await pilot.press(KEYS["back"])
    await at_row(pilot, 3)
    await pilot.press(KEYS["several"], "1")
    await until(pilot, lambda: kept(library) == ["2:3", "3:1", "4:2"])
    await shows(pilot, "1 ★ kept")
    board = app.screen.query_one(PictureBoard)
    x, y = board._grid.corner(2)
    await pilot.click(PictureBoard, offset=(x + 1, y + 1))
    await until(pilot, lambda: kept(library) == ["2:3", "3:1", "3:3", "4:2"])
    await shows(pilot, "3 ★ kept")
    await pilot.press("1")
    await until(pilot, lambda: kept(library) == ["2:3", "3:3", "4:2"])
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen))


async def _take_up(pilot: Pilot[str], library: Settings) -> None:
    """Anywhere: the next time it begins with what is not decided, and waits for what renders."""
    app = pilot.app
    await pilot.press(KEYS["pick"])
    await shows(pilot, "row 5, 4 of 4")
    board = app.screen.query_one(PictureBoard)
    await until(pilot, lambda: board.is_seen(0))
    await pilot.press("5")
    await shows(pilot, "Picture 5 is not finished yet")
    await pilot.press("space")  # later
    await shows(pilot, "The remaining rows are still rendering")
    await shows(pilot, "3 of 4 rows decided, 3 kept")
    await pilot.press(KEYS["back"])
    await shows(pilot, "row 5, ")
    await until(pilot, lambda: board.is_seen(0))
    await pilot.press("1")
    await shows(pilot, "All rows are decided: 4 images kept")
    await pilot.press("u")
    await shows(pilot, "row 5, ")
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
    assert kept(library) == ["2:3", "3:3", "4:2"]


async def _duel(pilot: Pilot[str], library: Settings) -> None:
    """The five images of row 2, of which the later are the better."""
    app = pilot.app
    await pilot.press(KEYS["row"], "2", "enter")
    sheet = app.screen.query_one(ContactSheet)
    await until(pilot, lambda: sheet.tile and sheet.tile.key == f"{KEY}-2-1")
    await pilot.press(KEYS["duel"])
    await until(pilot, lambda: isinstance(app.screen, DuelScreen))
    await shows(pilot, "0 of at most 7 answers")
    await _answer(pilot)
    await shows(pilot, "1 of at most 7 answers")
    await _answer(pilot)
    await pilot.press("u")
    await shows(pilot, "1 of at most 7 answers")
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
    await pilot.press(KEYS["duel"])
    await shows(pilot, "1 of at most 7 answers")
    screen = app.screen
    assert isinstance(screen, DuelScreen)
    while screen._ranking.pair is not None:
        await _answer(pilot)
    await shows(pilot, "5 images in order, the best first")
    await shows(pilot, "1. 2·5")
    await pilot.press(KEYS["rate"])
    await shows(pilot, "rated by their order")
    ratings = [image.rating for image in row(library, 2).images]
    assert ratings == [1, 2, 3, 4, 5]
    await pilot.press("u")
    await shows(pilot, "by their order, undone")
    await until(pilot, lambda: kept(library) == ["2:3", "3:3", "4:2"])
    await pilot.press("2")
    await until(pilot, lambda: kept(library) == ["2:3", "2:4", "2:5", "3:3", "4:2"])
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen))


async def _answer(pilot: Pilot[str]) -> None:
    """The variation with the higher number is the better one."""
    screen = pilot.app.screen
    assert isinstance(screen, DuelScreen) and screen._ranking.pair is not None
    before, board = len(screen._ranking.answers), screen.query_one(PictureBoard)
    await until(pilot, lambda: board.is_seen(0) and board.is_seen(1))
    first, second = (int(key.rpartition("-")[2]) for key in screen._ranking.pair)
    await pilot.press("left" if first > second else "right")
    await until(pilot, lambda: len(screen._ranking.answers) == before + 1)


async def _rate(pilot: Pilot[str], library: Settings) -> None:
    app = pilot.app
    sheet = app.screen.query_one(ContactSheet)
    await pilot.press(KEYS["rate"])
    await until(pilot, lambda: isinstance(app.screen, AskRating))
    await pilot.press("4")
    await until(pilot, lambda: row(library, 2).images[0].rating == 4)
    await until(pilot, lambda: sheet.tile and sheet.tile.key == f"{KEY}-2-2")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, FullScreen))
    await pilot.press(KEYS["rate"])
    await until(pilot, lambda: isinstance(app.screen, AskRating))
    await pilot.press("9")
    await shows(pilot, "Press a number from 0 to 5")
    await pilot.press("3")
    await until(pilot, lambda: row(library, 2).images[1].rating == 3)
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
    await pilot.press(KEYS["find"], *"rating:3", "enter")
    await shows(pilot, "☆3 2·2")
    await shows(pilot, "1 of 20 images")
    await pilot.press("escape", KEYS["order"], KEYS["order"])
    await shows(pilot, "best rated first")
    await until(pilot, lambda: [tile.key for tile in sheet.tiles_by_key().values()][:1])


async def test_a_row_that_still_renders_is_said_and_comes_when_it_is_done(
    settings: Settings, at_work: Writer
) -> None:
    with at_work.transaction() as db:
        db.execute("UPDATE rows SET decided = 1.0 WHERE number < 4")
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        await pilot.press(KEYS["review"])
        await shows(pilot, "20 images")
        review = app.screen
        assert isinstance(review, ReviewScreen)
        await until(pilot, lambda: review.query_one(ContactSheet).tile)
        await pilot.press(KEYS["pick"])
        await at_row(pilot, 4)
        await until(pilot, lambda: any("0005-1" in key.path.name for key in _cache._pictures))
        await pilot.press("n")
        await shows(pilot, "row 5, 4 of 4")
        await shows(pilot, "3 of 5 images done so far")
        await shows(pilot, "waiting")
        draw(at_work, 1)
        review.tell(News(tallies={KEY: tally(20, 20, KEY)}))
        await until(pilot, lambda: "are here yet" not in screen_text(app))
        board = app.screen.query_one(PictureBoard)
        await until(pilot, lambda: board.is_seen(4))
        await pilot.press(KEYS["help"])
        await shows(pilot, "Keep several")


async def test_what_is_left_for_later_comes_back_and_what_goes_elsewhere_is_told_once(
    settings: Settings, at_work: Writer
) -> None:
    with at_work.transaction() as db:
        db.execute("UPDATE rows SET decided = 1.0 WHERE number <> 5")
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        await pilot.press(KEYS["review"])
        await shows(pilot, "20 images")
        review = app.screen
        assert isinstance(review, ReviewScreen)
        await until(pilot, lambda: review.query_one(ContactSheet).tile)
        news = News(tallies={KEY: tally(20, 20, KEY)})
        await pilot.press(KEYS["pick"])
        await shows(pilot, "row 5, 4 of 4")
        await pilot.press("space")  # later
        await shows(pilot, "The remaining rows are still rendering")
        draw(at_work, 1)
        review.tell(news)
        await shows(pilot, "row 5, 4 of 4")
        with at_work.transaction() as db:  # another app trashes what is looked at
            db.execute(
                "UPDATE images SET trashed = 1.0 WHERE row = (SELECT id FROM rows WHERE number = 5)"
            )
        review.tell(news)
        await shows(pilot, "row 4, 3 of 4 · this row is decided")
        await at_row(pilot, 4)
        await pilot.press(KEYS["previous"])
        review.tell(news)  # that key is not lost
        await at_row(pilot, 3)
        with at_work.transaction() as db:
            db.execute("UPDATE sessions SET key = 'gone00'")
        pick = app.screen
        assert isinstance(pick, PickScreen)
        pick.look_again()
        await shows(pilot, "Session not found")
        await until(pilot, lambda: pick._aim is None)
        told = [note for note in app._notifications if "Session not found" in note.message]
        assert len(told) == 1
        await shows(pilot, "row 3, ")


# ------------------------------------------------------------------------------ the board


@pytest.mark.parametrize(
    ("count", "shape", "columns"),
    [(1, (16, 9), 1), (2, (3, 1), 1), (2, (9, 16), 2), (4, (1, 1), 2), (9, (3, 2), 3)],
)
def test_pictures_stand_so_that_they_are_the_largest(
    count: int, shape: tuple[int, int], columns: int
) -> None:
    grid = board_grid((78, 20), (8, 17), [shape] * count)
    assert grid.columns == columns
    _inside(grid, count, (78, 20))
    beside = board_grid((78, 20), (8, 17), [shape] * count, in_a_row=True)
    assert beside.columns == count


@pytest.mark.parametrize("area", [(200, 46), (78, 20), (40, 8), (10, 3), (1, 1)])
@pytest.mark.parametrize("count", range(10))
def test_every_place_is_inside_and_found_again_by_its_cells(
    area: tuple[int, int], count: int
) -> None:
    shapes = [(512, 512), (1024, 576), (9, 160), (160, 9)] * 3
    grid = board_grid(area, (8, 17), shapes[:count])
    if min(area) > 7:
        _inside(grid, count, area)
    for number in range(count):
        x, y = grid.corner(number)
        assert grid.at(x, y) == grid.at(x + grid.width - 1, y + grid.height - 1) == number
    assert grid.at(grid.left - 1, grid.top) is None


def _inside(grid: BoardGrid, count: int, area: tuple[int, int]) -> None:
    for number in range(count):
        x, y = grid.corner(number)
        assert min(x, y) >= 0 and x + grid.width - 1 <= area[0] and y + grid.height <= area[1]
