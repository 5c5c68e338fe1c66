import asyncio
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from textual.app import ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.graphics import prepare as preparing
from tui.graphics import protocol
from tui.graphics.encode import EncodedPicture
from tui.graphics.kitty_pictures import KittyPictures
from tui.graphics.paced_app import PacedApp
from tui.graphics.pacer import Sending
from tui.graphics.prepare import prepare
from tui.graphics.protocol import Terminal
from tui.graphics.view import PictureView
from tui.widgets.image_pane import ImagePane

RED, BLUE = (255, 0, 0), (0, 0, 255)


class PaneApp(PacedApp[None]):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Path] = []

    def compose(self) -> ComposeResult:
        yield ImagePane()

    def on_image_pane_shown(self, message: ImagePane.Shown) -> None:
        self.shown.append(message.path)

    @property
    def pane(self) -> ImagePane:
        return self.query_one(ImagePane)

    @property
    def view(self) -> PictureView:
        return self.query_one(PictureView)

    def colours(self) -> set[tuple[int, ...]]:
        """The colours of the half-cells on the screen."""
        strips = self.view.render_lines(Region(0, 0, *self.view.size))
        styles = [segment.style for strip in strips for segment in strip if segment.text[0] == "▀"]
        return {tuple(s.color.triplet) for s in styles if s and s.color and s.color.triplet}

    def words(self) -> str:
        return str(self.query_one("#words", Static).content)

    def caption(self) -> str:
        return str(self.query_one("#caption", Static).content)


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    def picture(name: str, colour: tuple[int, int, int]) -> Path:
        path = tmp_path / name
        Image.new("RGB", (64, 64), colour).save(path)
        return path

    return picture


def text_of(app: PaneApp, line: int) -> str:
    return app.screen._compositor.render_strips()[line].text


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await pilot.pause(0.01)


async def test_the_picture_and_its_caption_change_together(picture: Callable[..., Path]) -> None:
    app = PaneApp()
    red, blue = picture("red.png", RED), picture("blue.png", BLUE)
    async with app.run_test(notifications=True, tooltips=True) as pilot:
        app.pane.show(red, "the red one")
        await until(pilot, lambda: app.shown == [red])
        assert app.colours() == {RED}
        app.pane.show(blue, "the blue one")
        assert app.colours() == {RED}
        assert app.caption() == "the red one"
        await until(pilot, lambda: app.shown == [red, blue])
        assert app.colours() == {BLUE}
        assert app.caption() == "the blue one"
        app.pane.show(None)
        await pilot.pause()
        assert app.view.picture is None
        assert "No picture" in app.words()


async def test_what_is_shown_before_the_pane_is_on_the_screen_appears(
    picture: Callable[..., Path],
) -> None:
    red = picture("red.png", RED)

    class Early(PaneApp):
        def compose(self) -> ComposeResult:
            pane = ImagePane()
            pane.show(None)
            pane.show(red)
            yield pane

    app = Early()
    async with app.run_test(notifications=True, tooltips=True) as pilot:
        await until(pilot, lambda: bool(app.shown))


async def test_fast_moves_prepare_only_the_last(
    picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def note(path: Path, *work: object, **more: object) -> object:
        asked.append(path)
        return prepare(path, *work, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(preparing, "prepare", note)
    monkeypatch.setattr(ImagePane, "DELAY", 2.0)  # longer than any one move takes on a busy machine
    app = PaneApp()
    paths = [picture(f"{n}.png", (n, 0, 0)) for n in range(20)]
    async with app.run_test(notifications=True, tooltips=True) as pilot:
        for path in paths:
            app.pane.show(path)
            await pilot.pause()
        await until(pilot, lambda: bool(app.shown))
    assert asked == app.shown == paths[-1:]


async def test_while_one_is_being_made_the_ones_in_between_are_dropped(
    picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    go = threading.Event()

    def slow(path: Path, *work: object, **more: object) -> object:
        asked.append(path)
        go.wait(10)
        return prepare(path, *work, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(preparing, "prepare", slow)
    monkeypatch.setattr(ImagePane, "DELAY", 0)
    app = PaneApp()
    paths = [picture(f"{n}.png", (n, 0, 0)) for n in range(8)]
    async with app.run_test(notifications=True, tooltips=True) as pilot:
        for count, path in enumerate(paths[:2], 1):
            app.pane.show(path)
            await until(pilot, lambda count=count: len(asked) == count)  # type: ignore[misc]
        for path in paths[2:]:
            app.pane.show(path)
            await pilot.pause()
        go.set()
        await until(pilot, lambda: bool(app.shown))
    assert asked == [*paths[:2], paths[-1]]
    assert app.shown == paths[-1:]


async def test_a_new_size_makes_the_picture_anew(picture: Callable[..., Path]) -> None:
    app = PaneApp()
    async with app.run_test(notifications=True, tooltips=True, size=(60, 31)) as pilot:
        app.pane.show(picture("red.png", RED))
        await until(pilot, lambda: len(app.shown) == 1)
        assert app.view.picture and (app.view.picture.columns, app.view.picture.rows) == (60, 30)
        await pilot.resize_terminal(30, 31)
        await until(pilot, lambda: len(app.shown) == 2)
        assert (app.view.picture.columns, app.view.picture.rows) == (30, 15)


async def test_failure_says_why_and_hostile_names_are_harmless(tmp_path: Path) -> None:
    hostile = "[red]x[$y] [@click=app.quit]\x1b]0;t\x07\u202e[b \x9b31m.png"
    (broken := tmp_path / hostile).write_text("no picture")
    app = PaneApp()
    async with app.run_test(notifications=True, tooltips=True) as pilot:
        app.pane.show(broken, hostile + "[/]")
        await until(pilot, lambda: "not a picture" in app.words())
        assert "[red]x[$y] [@click=app.quit]␛]0;t␇\ufffd[b" in app.words()
        assert app.caption().endswith("[/]")
        screen = "".join(strip.text for strip in app.screen._compositor.render_strips())
        assert screen.isprintable()
        assert "[@click=app.quit]" in screen


async def test_a_failure_takes_the_last_picture_away(picture: Callable[..., Path]) -> None:
    app = PaneApp()
    red = picture("red.png", RED)
    async with app.run_test(notifications=True, tooltips=True) as pilot:
        app.pane.show(red)
        await until(pilot, lambda: bool(app.shown))
        app.pane.show(red.with_name("gone.png"))
        await until(pilot, lambda: "not found" in app.words())
        assert app.view.picture is None


@pytest.mark.parametrize("kind", ["kitty", "half-cells"])
async def test_beneath_a_dialog_a_picture_is_its_colours_alone_and_comes_back(
    picture: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    kind: protocol.Protocol,
) -> None:
    monkeypatch.setattr(protocol, "_current", Terminal(kind, "", (9, 18)))
    app = PaneApp()
    async with app.run_test(notifications=True, tooltips=True) as pilot:
        app.pane.show(picture("red.png", RED))
        await until(pilot, lambda: bool(app.shown))
        whole = Region(0, 0, *app.view.size)

        def is_seen() -> bool:
            return any(strip.text.strip() for strip in app.view.render_lines(whole))

        assert is_seen()
        await app.push_screen(ModalScreen())
        beneath = app.view.render_lines(whole)
        assert not is_seen()
        assert not any(strip.text.strip() for strip in beneath)
        grounds = [s.style.bgcolor for strip in beneath for s in strip if s.style is not None]
        reds = [
            ground for ground in grounds if ground and ground.triplet and ground.triplet[0] > 250
        ]
        assert app.view.picture is not None
        assert len(reds) == app.view.picture.rows
        await app.pop_screen()
        assert is_seen()


async def test_a_picture_that_was_just_taken_away_is_painted_as_nothing(
    picture: Callable[..., Path],
) -> None:
    app = PaneApp()
    async with app.run_test() as pilot:
        app.pane.show(picture("red.png", RED))
        await until(pilot, lambda: bool(app.shown))
        view, whole = app.view, Region(0, 0, *app.view.size)
        await view.remove()
        assert not any(strip.text.strip() for strip in view.render_lines(whole))


async def test_sixels_give_way_to_half_cells_under_a_notification(
    picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_current", Terminal("sixel", "", (9, 18)))
    app = PaneApp()

    def text() -> str:
        strips = app.view.render_lines(Region(0, 0, *app.view.size))
        return "".join(strip.text for strip in strips)

    written: list[str] = []

    def sixels() -> list[str]:
        """Where pieces of the picture were drawn since this was asked last."""
        found = re.findall(r"\x1b7\x1b\[(\d+);\d+H\x1bP", "".join(written))
        written.clear()
        return found

    async with app.run_test(notifications=True, tooltips=True) as pilot:
        assert app._driver
        monkeypatch.setattr(app._driver, "write", written.append)
        app.pane.show(picture("red.png", RED))
        await until(pilot, lambda: bool(app.shown))
        pieces = app.view.picture.sixels if app.view.picture else ()
        whole = sixels()
        assert len(whole) == len(pieces) > 3 and "▀" not in text()
        app.notify("over it", timeout=60)
        await until(pilot, lambda: "▀" in text())
        assert not sixels()
        over = {y for y in range(app.size.height) if "▀" in text_of(app, y)}
        app.clear_notifications()
        await until(pilot, lambda: "▀" not in text())
        again = sixels()
        assert 0 < len(again) < len(whole)
        assert {int(line) - 1 for line in again} <= over, "Textual has painted the whole screen"
        app.query_one("#caption", Static).update("another")
        app.refresh(layout=True)
        await pilot.pause()
        assert not sixels(), "what is not painted over is not sent"


class Question(ModalScreen[None]):
    DEFAULT_CSS = """
    Question { align: center middle; background: $background 60%; }
    Question Static { width: 20; height: 3; background: $surface; }
    """

    def compose(self) -> ComposeResult:
        yield Static("Are you sure?")


async def test_of_sixels_beside_a_dialog_none_is_sent_and_beneath_it_those_it_has_covered(
    picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_current", Terminal("sixel", "", (9, 18)))
    app = PaneApp()
    written: list[str] = []

    def sixels() -> list[int]:
        """The lines where pieces of the picture were drawn since this was asked last."""
        found = re.findall(r"\x1b7\x1b\[(\d+);\d+H\x1bP", "".join(written))
        written.clear()
        return [int(line) - 1 for line in found]

    async with app.run_test(notifications=True, tooltips=True) as pilot:
        assert app._driver
        monkeypatch.setattr(app._driver, "write", written.append)
        app.pane.show(picture("red.png", RED))
        await until(pilot, lambda: bool(app.shown))
        whole = sixels()
        question = Question()
        await app.push_screen(question)
        await pilot.pause()
        box = question.query_one(Static).region
        assert not sixels() and len(app.view.sixels_on_screen()) < len(whole)
        question.query_one(Static).styles.height = 1
        await until(pilot, lambda: bool(app.view.sixels_on_screen()[1:]) and bool(sixels()))
        await app.pop_screen()
        await pilot.pause()
        again = sixels()
        assert 0 < len(again) < len(whole)
        assert all(box.y - 3 < line < box.bottom for line in again)
        app.pane.show(None)
        await until(pilot, lambda: app.view.picture is None)
        await pilot.pause()
        assert not sixels()


async def test_kitty_is_sent_each_picture_once(
    picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_current", Terminal("kitty", "", (9, 18)))
    app = PaneApp()
    red, blue = picture("red.png", RED), picture("blue.png", BLUE)
    written: list[str] = []
    async with app.run_test(notifications=True, tooltips=True) as pilot:
        assert app._driver
        monkeypatch.setattr(app._driver, "write", written.append)
        for path in (red, blue, red, blue):
            count = len(app.shown)
            app.pane.show(path)
            await until(pilot, lambda count=count: len(app.shown) > count)  # type: ignore[misc]
        kept = app.view._kitty
        assert kept and kept.held == 1
        await app.pane.remove()
        assert kept.held == 0
    assert sum("a=T,U=1" in text for text in written) == 2


def test_kitty_keeps_what_is_on_the_screen_and_forgets_the_oldest() -> None:
    written: list[str] = []
    pictures = [
        EncodedPicture(1, 1, 100, number=number, transmission=(f"send {number}",))
        for number in (1, 2, 3)
    ]

    def send(sending: Sending) -> None:
        while not sending.is_over:
            written.append(sending.piece())

    kept = KittyPictures(send, written.append, most_pixels=150)
    kept.hold(pictures[0])
    kept.hold(pictures[1])
    kept.release(pictures[1])
    assert "i=2," in written[-1]
    kept.hold(pictures[2])
    kept.release(pictures[0])
    assert "i=1," in written[-1]
    kept.hold(pictures[2])
    kept.hold(pictures[1])
    assert [text for text in written if text.startswith("send")] == [
        "send 1",
        "send 2",
        "send 3",
        "send 2",
    ]
