"""One image on the whole screen: what a key means while its image is still being read."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot

from engine.api import EngineError, Gallery, Library
from engine.settings import Settings
from tests.support.screens import MakeLibrary, opens_in, screen_text, until
from tui.app import PromptsheetApp
from tui.app_state import TakeInHand
from tui.graphics.view import PictureView
from tui.screens.full_screen import FullScreen
from tui.screens.review import ReviewScreen
from tui.screens.sheet import SheetScreen
from tui.screens.sheet_output import SheetStarted
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.image_pane import ImagePane
from tui.widgets.live_pane import LivePane

pytestmark = pytest.mark.slow


SIZE: Any = {"size": (80, 24), "notifications": True}


@pytest.fixture(autouse=True)
def left_in_review(settings: Settings) -> None:
    opens_in("review", settings)


@pytest.fixture
def app(settings: Settings, make_session: MakeLibrary) -> PromptsheetApp:
    make_session([f"a boat, number {n}" for n in range(8)])
    return PromptsheetApp(Library(settings))


class Slow:
    """A disk that answers when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on = threading.Event()
        self.go_on.set()
        page = Gallery.page

        def held(gallery: Gallery, start: int, stop: int) -> Any:
            assert self.go_on.wait(10)
            return page(gallery, start, stop)

        monkeypatch.setattr(Gallery, "page", held)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    slow = Slow(monkeypatch)
    yield slow
    slow.go_on.set()


async def review_of(pilot: Pilot[str]) -> ReviewScreen:
    app = pilot.app
    await pilot.press("3")
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.ready)
    await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)
    assert isinstance(app.screen, ReviewScreen)
    return app.screen


async def on_screen(app: PromptsheetApp, pilot: Pilot[str], words: str) -> None:
    """Wait for a picture with these words below."""
    pane = app.screen.query_one(ImagePane)
    await until(pilot, lambda: pane.has_class("-showing") and words in screen_text(app))


async def decided(
    app: PromptsheetApp, pilot: Pilot[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[ReviewScreen, list[str]]:
    """Full screen on the first image; what is decided from now on is listed, with its row."""
    review = await review_of(pilot)
    done: list[str] = []

    def listed(what: str) -> Any:
        return lambda keys: done.extend(f"{what} {key.split('-')[1]}" for key in keys)

    for what in ("favour", "trash"):
        monkeypatch.setattr(review.images, what, listed(what))
    await pilot.press("enter")
    await on_screen(app, pilot, "1/8")
    return review, done


def press_together(pilot: Pilot[str], *keys: str) -> None:
    for key in keys:
        pilot.app.post_message(Key(key, key if len(key) == 1 else None))


async def test_keys_pressed_before_an_image_is_read_mean_it_in_their_order(
    app: PromptsheetApp, disk: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(**SIZE) as pilot:
        review, done = await decided(app, pilot, monkeypatch)
        disk.go_on.clear()
        press_together(pilot, "l", "f", "l", "f", "space", "f", "escape")
        await pilot.pause()
        assert done == []
        disk.go_on.set()
        sheet = review.query_one(ContactSheet)
        await until(pilot, lambda: app.screen is review and sheet.cursor == 6)
        assert done == ["favour 3", "favour 5", "favour 7"]
        assert {key.split("-")[1] for key in sheet.marks} == {"6"}


async def test_only_what_is_on_the_screen_goes_to_the_trash(
    app: PromptsheetApp, disk: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(**SIZE) as pilot:
        _, done = await decided(app, pilot, monkeypatch)
        press_together(pilot, "d", "d", "d")
        await on_screen(app, pilot, "2/8")
        assert done == ["trash 2"]
        await pilot.press("d")
        await on_screen(app, pilot, "3/8")
        assert done == ["trash 2", "trash 3"]
        disk.go_on.clear()
        await pilot.press("l", "d")
        disk.go_on.set()
        await on_screen(app, pilot, "4/8")
        assert done == ["trash 2", "trash 3"]
        await pilot.press("d")
        assert done[2:] == ["trash 5"]


async def test_it_goes_on_when_the_engine_refuses_or_the_page_is_read_anew(
    app: PromptsheetApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise EngineError("the engine refuses")

    monkeypatch.setattr(app.app_state.undo_stack, "do", refuse)
    async with app.run_test(**SIZE) as pilot:
        review = await review_of(pilot)
        await pilot.press("enter")
        await on_screen(app, pilot, "1/8")
        await pilot.press("f")
        await until(pilot, lambda: "the engine refuses" in screen_text(app))
        sheet = review.query_one(ContactSheet)
        await until(pilot, lambda: sheet.tile and not sheet.tile.favourite)
        before = review.reviewed.tiles
        review.reopen()
        await until(pilot, lambda: review.reviewed.tiles is not before)
        await pilot.press("l")
        await on_screen(app, pilot, "3/8")


async def test_it_is_left_when_another_session_is_taken_in_hand(
    app: PromptsheetApp, make_session: MakeLibrary
) -> None:
    make_session(["a hill"], key="h2h2h2", name="hills")
    async with app.run_test(**SIZE) as pilot:
        review = await review_of(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FullScreen))
        app.post_message(TakeInHand("k3f9x2", "jobs"))
        await until(pilot, lambda: app.current_mode == "jobs")
        await pilot.press("3")
        await until(pilot, lambda: app.screen is review)
        await until(pilot, lambda: "a test · 8 of 8 images" in screen_text(app))


async def test_who_went_elsewhere_while_a_sheet_was_starting_stays_there_with_its_session(
    app: PromptsheetApp, make_session: MakeLibrary
) -> None:
    make_session(["a hill"], key="h2h2h2", name="hills")
    async with app.run_test(**SIZE) as pilot:
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, SheetScreen))
        sheet = app.screen
        assert isinstance(sheet, SheetScreen)
        await pilot.press("3")
        await until(pilot, lambda: app.current_mode == "review")
        sheet.started(SheetStarted("h2h2h2", None, None))
        await until(pilot, lambda: "hills" in screen_text(app))
        assert app.current_mode == "review"


@pytest.fixture
def on_a_picture(settings: Settings, make_drawn_on: Callable[..., str]) -> PromptsheetApp:
    make_drawn_on()
    return PromptsheetApp(Library(settings))


def is_one_above_the_other(pane: ImagePane) -> bool:
    """Whether a square image and its source are shown; a cell is twice as high as wide."""
    found = pane.query_one(PictureView).picture
    return found is not None and found.columns < 1.5 * found.rows


async def test_source_and_result_are_side_by_side_flipped_and_wiped(
    on_a_picture: PromptsheetApp,
) -> None:
    app = on_a_picture
    async with app.run_test(size=(120, 36)) as pilot:
        review = await review_of(pilot)
        await until(pilot, lambda: is_one_above_the_other(review.query_one("#large", ImagePane)))
        await pilot.press("2")
        await until(pilot, lambda: "row 3, image 1" in screen_text(app))
        await until(pilot, lambda: is_one_above_the_other(app.screen.query_one(LivePane)))
        await pilot.press("3", "enter")
        await on_screen(app, pilot, "source and result")
        assert "source boat.png (" in screen_text(app)
        assert "strength 0.4, crop" in screen_text(app)
        picture = app.screen.query_one(PictureView).picture
        assert picture is not None and picture.columns > 1.5 * 2 * picture.rows
        await pilot.press("semicolon")
        await on_screen(app, pilot, " · source ")
        await pilot.press("d")  # what is seen is not what would go
        await on_screen(app, pilot, " · result ")
        await pilot.press("percent_sign")
        await on_screen(app, pilot, "source up to 50 %")
        await pilot.press(
            "right_parenthesis", "right", "left_parenthesis", "left_parenthesis", "left"
        )
        await on_screen(app, pilot, "source up to 45 %")
        await pilot.press("n")
        await on_screen(app, pilot, "2/2")
        assert "source up to 45 %" in screen_text(app)
        await pilot.press("escape")
        await on_screen(app, pilot, "source and result")
        await pilot.press("z", "right")
        await on_screen(app, pilot, "1:1")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))


async def test_where_the_source_is_lost_the_result_is_there_and_that_is_said(
    on_a_picture: PromptsheetApp, library: Path
) -> None:
    app = on_a_picture
    for path in (library / "sources").glob("*/*"):
        path.unlink()
    async with app.run_test(size=(120, 36)) as pilot:
        await review_of(pilot)
        await pilot.press("enter")
        await on_screen(app, pilot, "its source picture is missing")
        await pilot.press("semicolon")
        pane = app.screen.query_one(ImagePane)
        await until(pilot, lambda: not pane.has_class("-showing"))
        await until(pilot, lambda: "its source picture is missing" in screen_text(app))


async def test_an_image_drawn_from_noise_has_no_keys_for_a_source(app: PromptsheetApp) -> None:
    async with app.run_test(**SIZE) as pilot:
        await review_of(pilot)
        await pilot.press("enter")
        await on_screen(app, pilot, "1/8")
        assert app.screen.check_action("flip", ()) is False
        await pilot.press("semicolon", "percent_sign", "l")
        await on_screen(app, pilot, "2/8")
        assert "source" not in screen_text(app)
