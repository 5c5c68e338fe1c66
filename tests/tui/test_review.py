"""Culling in the app, with a real engine process behind it."""

import os
import re
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import connect

import pytest
from textual.widgets import Input

from engine.api import (
    Gallery,
    Library,
    LibraryError,
)
from engine.library.database import database_path
from engine.library.files import stage
from engine.library.read.reader import find_session, list_images
from engine.library.write.writer import Writer
from engine.settings import Settings
from tests.support.command import COMMAND
from tests.support.libraries import picture, take
from tests.support.on_a_pty import OnPty
from tests.support.screens import WITH_ALL, MakeLibrary, opened_sheet, opens_in, screen_text, until
from tests.support.waiting import wait_for
from tests.support.wire import tally
from tui.app import PromptsheetApp
from tui.engine_watch import News
from tui.graphics import protocol
from tui.screens.compare import CompareScreen, differences
from tui.screens.filter_line import FilterLine
from tui.screens.full_screen import FullScreen, view_of
from tui.screens.gallery_filter import wanted_by
from tui.screens.review import ReviewScreen
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.image_pane import ImagePane
from tui.widgets.virtual_table import VirtualTable

pytestmark = pytest.mark.slow


KEY = "k3f9x2"


@pytest.fixture(autouse=True)
def left_in_review(settings: Settings) -> None:
    opens_in("review", settings)


@pytest.fixture
def culled(settings: Settings, make_session: MakeLibrary) -> Iterator[Settings]:
    """Sixteen images of sixteen rows; the engine process ends with the test."""
    make_session([f"a boat, number {n}" for n in range(16)], done=2)
    Library(settings).engine.start()
    yield settings
    Library(settings).engine.stop()


def favourites(settings: Settings) -> list[int]:
    return [i.row for i in list_images(settings.library, KEY) if i.favourite]


def rows(settings: Settings) -> list[int]:
    return [i.row for i in list_images(settings.library, KEY)]


async def test_images_are_marked_kept_trashed_and_brought_back(culled: Settings) -> None:
    app = PromptsheetApp(Library(culled))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "16 of 16 images" in screen_text(app))
        sheet = app.screen.query_one(ContactSheet)
        await until(pilot, lambda: sheet.tile)
        await pilot.press("f", "space", "v", "l", "l", "v")
        await until(pilot, lambda: len(sheet.marks) == 4)
        assert {key.split("-")[1] for key in sheet.marks} == {"3", "4", "5", "6"}
        await pilot.press("f")
        await until(pilot, lambda: favourites(culled) == [2, 3, 4, 5, 6])
        await until(pilot, lambda: "★ 5" in screen_text(app))
        await pilot.press("u")
        await until(pilot, lambda: favourites(culled) == [2])
        await pilot.press("d")
        await until(pilot, lambda: rows(culled) == [2, *range(7, 18)])
        await until(pilot, lambda: screen_text(app).count("in the trash") >= 4)
        assert Library(culled).verify().whole
        await pilot.press("u")
        await until(pilot, lambda: len(rows(culled)) == 16)
        await pilot.press("U")
        await until(pilot, lambda: len(rows(culled)) == 12)
        await pilot.press("u", "u")
        await until(pilot, lambda: not favourites(culled))
        assert len(rows(culled)) == 16
        await pilot.press("u")
        await until(pilot, lambda: "Nothing to be undone" in screen_text(app))


async def test_favourites_are_left_when_everything_is_trashed(culled: Settings) -> None:
    app = PromptsheetApp(Library(culled))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "16 of 16 images" in screen_text(app))
        sheet = app.screen.query_one(ContactSheet)
        await until(pilot, lambda: sheet.tile)
        await pilot.press("f", "ctrl+a")
        await until(pilot, lambda: len(sheet.marks) == 16 and favourites(culled) == [2])
        await pilot.press("d")
        await until(pilot, lambda: rows(culled) == [2])
        await until(pilot, lambda: "1 favourite not moved" in screen_text(app))


async def test_the_page_is_filtered_sorted_and_jumped_through(culled: Settings) -> None:
    app = PromptsheetApp(Library(culled))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "16 of 16 images" in screen_text(app))
        sheet = app.screen.query_one(ContactSheet)
        await pilot.press("slash", *"number 1")
        await until(pilot, lambda: "7 of 16 images" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "16 of 16 images" in screen_text(app))
        await pilot.press("colon", *"12", "enter")
        await until(pilot, lambda: sheet.tile and sheet.tile.key == f"{KEY}-12-1")
        await pilot.press("O")
        await until(pilot, lambda: "newest first" in screen_text(app))
        await until(pilot, lambda: sheet.tile and sheet.tile.key == f"{KEY}-12-1")
        await pilot.press("F")
        await until(pilot, lambda: "favourites only" in screen_text(app))
        assert "0 of 16 images" in screen_text(app)


async def test_a_filter_is_dropped_after_a_jump_and_odd_rows_and_lost_images_are_no_harm(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session([f"a boat, number {n}" for n in range(8)])
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "8 of 8 images" in screen_text(app))
        sheet = app.screen.query_one(ContactSheet)
        await pilot.press("slash", "n", "u")
        # The line below the title has what is typed, and nothing around it.
        await until(pilot, lambda: re.search(r"/nu *\n nu *\n", screen_text(app)))
        await pilot.press("enter")
        await until(pilot, lambda: not app.screen.query_one("#ask").display)
        assert "/nu" in screen_text(app)
        await pilot.press("colon", *"5", "enter")
        await until(pilot, lambda: sheet.tile and sheet.tile.key == f"{KEY}-5-1")
        await pilot.press("colon")
        app.screen.query_one(FilterLine).value = "9" * 20
        await pilot.press("enter")
        await until(pilot, lambda: "9999 has no image" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "/nu" not in screen_text(app))
        with closing(connect(database_path(settings.library))) as library:
            library.execute("DELETE FROM images")
            library.commit()
        await pilot.press("V")
        await until(pilot, lambda: "no longer in the library" in screen_text(app))


async def test_full_screen_steps_zooms_and_decides(culled: Settings) -> None:
    app = PromptsheetApp(Library(culled))
    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "16 of 16 images" in screen_text(app))
        sheet = app.screen.query_one(ContactSheet)
        await until(pilot, lambda: sheet.tile)
        await pilot.press("enter")
        await until(pilot, lambda: " esc Back " in screen_text(app))
        await until(pilot, lambda: "1/16" in screen_text(app))
        await pilot.press("l", "f")
        await until(pilot, lambda: favourites(culled) == [3])
        await until(pilot, lambda: " 3/16" in screen_text(app))
        await pilot.press("h")
        await until(pilot, lambda: "★ 2/16" in screen_text(app))
        await pilot.press("z")
        await until(pilot, lambda: "1:1" in screen_text(app))
        await pilot.press("escape", "l")
        await until(pilot, lambda: "3/16" in screen_text(app))
        await pilot.press("d")
        await until(pilot, lambda: 4 not in rows(culled))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, FullScreen))
        await until(pilot, lambda: sheet.tile and sheet.tile.key == f"{KEY}-5-1")


async def test_the_cursor_is_not_taken_back_by_news_that_were_read_slowly(
    culled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_in, read = Gallery.take_in, threading.Event()
    reading = threading.Event()

    def slowly(gallery: Gallery) -> None:
        reading.set()
        read.wait(20)
        taken_in(gallery)

    monkeypatch.setattr(Gallery, "take_in", slowly)
    app = PromptsheetApp(Library(culled))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "16 of 16 images" in screen_text(app))
        sheet = app.screen.query_one(ContactSheet)
        await until(pilot, lambda: sheet.tile)
        await pilot.press("f")
        await until(pilot, reading.is_set)
        await pilot.press("l")
        assert sheet.cursor == 2
        read.set()
        await until(pilot, lambda: "16 of 16 images · ★ 1" in screen_text(app))
        assert sheet.cursor == 2


async def test_a_favourite_beyond_the_page_below_is_none_at_the_second_key(
    culled: Settings,
) -> None:
    app = PromptsheetApp(Library(culled))
    async with app.run_test(size=(80, 24), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "16 of 16 images" in screen_text(app))
        sheet = app.screen.query_one(ContactSheet)
        await until(pilot, lambda: sheet.tile)
        assert sheet.places < 15
        await pilot.press("enter", *"n" * 14, "f")
        await until(pilot, lambda: favourites(culled) == [16])
        await pilot.press("h")
        await until(pilot, lambda: "★ 15/16" in screen_text(app))
        await pilot.press("f")
        await until(pilot, lambda: not favourites(culled))


async def test_marked_images_are_compared_by_what_differs(culled: Settings) -> None:
    app = PromptsheetApp(Library(culled))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "16 of 16 images" in screen_text(app))
        await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)
        await pilot.press("c")
        await until(pilot, lambda: "Mark 2 to 4 images" in screen_text(app))
        await pilot.press("space", "space", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: "They differ in: prompt, seed" in screen_text(app))
    images = list_images(culled.library, KEY)
    assert differences(images[:1]) == {}
    assert differences(images[:3])["seed"] == ["2", "3", "4"]


async def test_sessions_are_searched_named_tagged_trashed_and_brought_back(
    culled: Settings, make_session: MakeLibrary
) -> None:
    make_session(["a lighthouse by night"], key="other2", name="evening")
    app = PromptsheetApp(Library(culled))

    def table() -> VirtualTable:
        return app.screen.query_one(VirtualTable)

    async with app.run_test(size=(140, 36), **WITH_ALL) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "2 sessions" in screen_text(app))
        await pilot.press("slash", *"lightho")
        await until(pilot, lambda: "1 session ·" in screen_text(app))
        assert "evening" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: "2 sessions" in screen_text(app))
        await pilot.press("f2", *["backspace"] * 9, *"!", "enter")
        await until(pilot, lambda: find_session(culled.library, "other2").name == "!")
        await pilot.press("number_sign", *"blue, best", "enter")
        await until(pilot, lambda: find_session(culled.library, "other2").tags == ("blue", "best"))
        await pilot.press("u", "u")
        await until(pilot, lambda: find_session(culled.library, "other2").name == "evening")
        await until(pilot, lambda: "evening" in screen_text(app))
        await pilot.press("d")
        await until(pilot, lambda: "1 session ·" in screen_text(app))
        assert Library(culled).verify().whole
        await pilot.press("B")
        await until(pilot, lambda: "1 session in the trash" in screen_text(app))
        await pilot.press("d", "B")
        await until(pilot, lambda: "2 sessions" in screen_text(app))
        assert find_session(culled.library, "other2").done == 1


async def test_a_small_session_is_seen_whole_while_it_renders(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session([f"a boat, number {n}" for n in range(12)], done=1)
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "8 of 12 images" in screen_text(app))
        await until(pilot, lambda: screen_text(app).count("· waiting") == 4)
        sheet = app.screen.query_one(ContactSheet)
        await pilot.press("l", "l")
        before = sheet.tile
        writer = Writer(settings.library)
        batch = take(writer)
        pictures = [(image, *picture(image, batch.size)) for image in batch.images]
        writer.finish([(stage(i.key, i.path, data), record) for i, record, data in pictures])
        writer.close()
        assert isinstance(app.screen, ReviewScreen)
        app.screen.tell(News(tallies={KEY: tally(1)}, finished={KEY: batch.images[-1].path}))
        await until(pilot, lambda: "12 of 12 images" in screen_text(app))
        await until(pilot, lambda: "waiting" not in screen_text(app))
        assert sheet.tile == before, "the cursor moved by itself"


def test_a_filter_is_understood_wherever_its_words_stand() -> None:
    from engine.api import Wanted

    wanted = wanted_by("red row:4-9 is:fav boat", Wanted(order="newest"))
    assert wanted == Wanted("red boat", (4, 9), True, ("done",), "newest")
    assert wanted_by("is:failed row:7", Wanted()).rows == (7, 7)
    assert wanted_by("row:x is:what", Wanted()).text == "row:x is:what"
    assert wanted_by("red session:evening", Wanted()) == Wanted("red", session="evening")
    assert wanted_by('session:"two words" red', Wanted()) == Wanted("red", session="two words")
    assert wanted_by('session:"two wo', Wanted()) == Wanted(session="two wo")


@pytest.mark.parametrize(
    ("zoom", "centre", "part"),
    [
        (1.0, (0.5, 0.5), (412, 412, 612, 612)),
        (2.0, (0.0, 1.0), (0, 924, 100, 1024)),
        (0.1, (0.3, 0.3), (0, 0, 1024, 1024)),
    ],
)
def test_a_zoomed_view_stays_inside_the_picture(
    zoom: float, centre: tuple[float, float], part: tuple[int, int, int, int]
) -> None:
    assert view_of((1024, 1024), (200, 200), zoom, centre) == part


def test_kittys_pictures_reach_the_terminal_and_moving_the_cursor_sends_none_again(
    culled: Settings, config: Path
) -> None:
    (config / "settings.toml").write_text('[app]\nimages = "kitty"\n')
    environment = os.environ | {"PROMPTSHEET_LIBRARY": str(culled.library)}
    app = OnPty([str(COMMAND)], environment, (120, 36))
    try:
        app.wait_for("16 of 16 images")
        # Sixteen thumbnails and the large one, which may come in two sizes.
        wait_for(lambda: len(set(re.findall(rb"\x1b_Ga=T[^;]*;", app.output))) >= 17, 60)
        wait_for(lambda: app.output.count("\U0010eeee".encode()) > 16 * 20, 60)
        app.press("L")  # without the large picture nothing but the cursor is left to send
        app.quiet(1.5, 60)
        at = len(app.output)
        app.press("l")
        wait_for(lambda: b"2/16" in app.output[at:], 60)
        app.quiet(1.5, 60)
        moved = app.output[at:]
        assert "\U0010eeee".encode() not in moved
        assert b"\x1b_G" not in moved
        assert len(moved) < 6000, "two frames, a line of numbers, and the gauges meanwhile"
    finally:
        app.close()


async def test_images_are_copied_to_a_folder_under_names_that_never_collide(
    culled: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "wanted ones"
    app = PromptsheetApp(Library(culled))
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "16 of 16 images" in screen_text(app))
        sheet = app.screen.query_one(ContactSheet)
        await until(pilot, lambda: sheet.tile)
        await pilot.press("space", "space", "C")
        await until(pilot, lambda: "Copy 2 images to which folder?" in screen_text(app))
        path = app.screen.query_one(Input)
        path.value = str(folder)[:-4]
        (tmp_path / "wanted ones.txt").write_text("no folder")
        folder.mkdir()
        (folder / "0003-01-a-boat-number-1.png").write_text("another's")
        await pilot.press("end")
        await until(pilot, lambda: path._suggestion == f"{folder}/")
        await pilot.press("right", "enter")
        await until(pilot, lambda: "2 images, " in screen_text(app))
        assert sorted(path.name for path in folder.iterdir()) == [
            "0002-01-a-boat-number-0.png",
            "0003-01-a-boat-number-1-2.png",
            "0003-01-a-boat-number-1.png",
        ]
        first = next(i for i in list_images(culled.library, KEY) if i.row == 2)
        copy = folder / "0002-01-a-boat-number-0.png"
        assert copy.read_bytes() == (culled.library / (first.file or "")).read_bytes()
        # The one on the whole screen; what is there already is not written twice.
        await pilot.press("g", "enter")
        await until(pilot, lambda: isinstance(app.screen, FullScreen))
        await pilot.press("C")
        await until(pilot, lambda: "Copy 1 image to which folder?" in screen_text(app))
        assert app.screen.query_one(Input).value == str(folder)
        await pilot.press("enter")
        await until(pilot, lambda: "1 image, 0 bytes" in screen_text(app))
        assert len(list(folder.iterdir())) == 3


async def test_a_terminal_that_takes_files_is_sent_them(
    culled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = PromptsheetApp(Library(culled))
    written: list[str] = []
    async with app.run_test(size=(120, 36), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "16 of 16 images" in screen_text(app))
        await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)
        assert not app.screen.check_action("chosen", ("download",))
        known = replace(protocol.current(), name="iTerm2 3.5.10")
        monkeypatch.setattr(protocol, "_current", known)
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", written.append)
        await pilot.press("D")
        await until(pilot, lambda: "1 image sent" in screen_text(app))
    (sent,) = [text for text in written if "1337;File=" in text]
    found = re.fullmatch("\x1b]1337;File=name=(.*);size=(\\d+);inline=0:(.*)\x07", sent)
    assert found is not None
    first = next(i for i in list_images(culled.library, KEY) if i.row == 2)
    assert b64decode(found[1]) == b"0002-01-a-boat-number-0.png"
    assert b64decode(found[3]) == (culled.library / (first.file or "")).read_bytes()
    assert int(found[2]) == first.bytes


async def test_an_image_tells_what_it_is_drawn_on_and_is_drawn_on_itself(
    settings: Settings, make_drawn_on: Callable[..., str]
) -> None:
    digest = make_drawn_on()
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(140, 40), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "2 of 2 images" in screen_text(app))
        drawn_on = f"source boat.png ({digest[:8]}), strength 0.4"
        await until(pilot, lambda: drawn_on in screen_text(app))
        await pilot.press("space", "space", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        panes = app.screen.query(ImagePane)
        await until(pilot, lambda: all(pane.has_class("-showing") for pane in panes))
        assert [pane.shown.name == digest for pane in panes if pane.shown] == [True, False, False]
        await pilot.press("escape", "ctrl+o")
        screen = await opened_sheet(pilot)
        draft = screen.draft
        assert draft is not None
        assert [draft.text(n, "prompt") for n in draft.numbers] == ["a boat by night"] * 2
        files = {
            str(settings.library / (i.file or "")) for i in list_images(settings.library, "d4r5w6")
        }
        assert {draft.text(n, "image") for n in draft.numbers} == files
        assert draft.ready == 2
        assert screen.document.origin == "d4r5w6"


async def test_marked_images_are_upscaled_by_rows_whose_totals_are_shown_before_the_start(
    settings: Settings, make_drawn_on: Callable[..., str]
) -> None:
    make_drawn_on()
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(140, 40), **WITH_ALL) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "2 of 2 images" in screen_text(app))
        await pilot.press("space", "Z")
        draft = (await opened_sheet(pilot)).draft
        assert draft is not None and (draft.ready, draft.images) == (1, 1)
        (number,) = draft.numbers
        assert (draft.text(number, "upscale"), draft.text(number, "model")) == ("2", "builtin")
        values = draft.row(number).values
        assert values is not None and values.image is not None
        assert (values.width, values.strength) == (2 * values.image.width, 0.3)


async def test_a_library_that_goes_away_while_its_images_are_looked_at_does_not_end_the_app(
    settings: Settings, make_session: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_session([f"boat {number}" for number in range(60)])

    def gone(*_: object) -> None:
        raise LibraryError("The disk does not answer.")

    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: app.current_mode == "review")
        await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)
        await pilot.press("enter")
        await until(pilot, lambda: "row 2, image 1" in screen_text(app))
        with monkeypatch.context() as patch:
            patch.setattr(Gallery, "page", gone)
            await pilot.press("l")
            await until(pilot, lambda: "cannot be read" in screen_text(app))
            await pilot.press("escape", "pagedown")
            await until(pilot, lambda: app.screen.query_one(ContactSheet).tile is None)
        await pilot.press("pageup")
        await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)
