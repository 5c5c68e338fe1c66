"""Pictures side by side, and those that will be shown next."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.app import App, ComposeResult

from tests.support.screens import WITH_ALL, until
from tui.graphics import protocol
from tui.graphics.kitty_pictures import kitty_pictures_of
from tui.graphics.protocol import Terminal
from tui.graphics.view import PictureView
from tui.widgets.picture_board import OnBoard, PictureBoard

SIDE = 48


SHAPES = [(SIDE, SIDE)] * 3


class BoardApp(App[None]):
    def compose(self) -> ComposeResult:
        yield PictureBoard()


@pytest.fixture(autouse=True)
def in_kitty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_current", Terminal("kitty", "", (9, 18)))


def show(board: PictureBoard, paths: list[Path]) -> None:
    board.show([OnBoard(path.name, path, "", path.stem) for path in paths], SHAPES)


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[[str], list[Path]]:
    def made(colour: str) -> list[Path]:
        paths = [tmp_path / f"{colour}-{number}.png" for number in range(3)]
        for number, path in enumerate(paths):
            Image.new("RGB", (SIDE, SIDE + number), colour).save(path)
        return paths

    return made


async def test_kitty_has_the_next_pictures_before_they_are_shown(
    pictures: Callable[[str], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = BoardApp()
    async with app.run_test(**WITH_ALL) as pilot:
        board, kept = app.query_one(PictureBoard), kitty_pictures_of(app)
        sent: list[Any] = []
        send = kept._send

        def noted(sending: Any) -> None:
            sent.append(sending)
            send(sending)

        monkeypatch.setattr(kept, "_send", noted)

        red, blue = pictures("red"), pictures("blue")
        show(board, red)
        await until(pilot, lambda: board.is_seen(2))
        await board.prepare(list(blue), SHAPES)
        assert [sending.large for sending in sent] == [False] * 3 + [True] * 3
        ahead = [sending.picture for sending in sent[3:]]
        await until(pilot, lambda: all(map(kept.has, ahead)))
        show(board, blue)
        await until(pilot, lambda: board.is_seen(2))
        assert [view.picture for view in board.query(PictureView)] == ahead
        assert len(sent) == 6
        await board.prepare([], SHAPES)
        assert all(map(kept.is_held, ahead))
        await board.remove()
        assert not kept.held


async def test_a_picture_that_is_sent_ahead_waits_no_longer_once_it_is_shown(
    pictures: Callable[[str], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = BoardApp()
    async with app.run_test(**WITH_ALL) as pilot:
        board, kept = app.query_one(PictureBoard), kitty_pictures_of(app)
        waiting: list[Any] = []
        monkeypatch.setattr(kept, "_send", waiting.append)
        blue = pictures("blue")
        await board.prepare(list(blue), SHAPES)
        assert [sending.large for sending in waiting] == [True] * 3
        show(board, blue)
        await until(pilot, lambda: board.is_seen(2))
        assert [sending.large for sending in waiting[:3]] == [False] * 3
        assert len({sending.picture.number for sending in waiting}) == 3
