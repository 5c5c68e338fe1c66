"""Previews of what is being drawn."""

import io
from dataclasses import replace

import pytest
from PIL import Image
from textual.app import ComposeResult

from engine.api import Previewed
from tests.support import screens
from tui.graphics import protocol
from tui.graphics.paced_app import PacedApp
from tui.graphics.protocol import Bandwidth, Terminal
from tui.graphics.view import PictureView
from tui.widgets.live_pane import LivePane


class LiveApp(PacedApp[None]):
    def compose(self) -> ComposeResult:
        yield LivePane()


def preview(colour: str) -> Previewed:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(file, "JPEG")
    return Previewed("s", "cpu", 2, 1, file.getvalue())


@pytest.mark.parametrize(("bandwidth", "is_spared"), [("low", True), ("full", False)])
async def test_on_a_line_that_is_to_be_spared_previews_are_small_and_seldom(
    bandwidth: Bandwidth, is_spared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = replace(Terminal("kitty", "", (9, 18)), bandwidth=bandwidth)
    monkeypatch.setattr(protocol, "_current", terminal)
    monkeypatch.setattr("tui.widgets.live_pane._SECONDS", {"kitty": 0.0})
    app = LiveApp()
    async with app.run_test(size=(100, 40)) as pilot:
        pane = app.query_one(LivePane)
        pane.show_preview(preview("red"), "the first")
        view = app.query_one(PictureView)
        await screens.until(pilot, lambda: view.picture)
        assert view.picture is not None and (view.picture.rows > 16) != is_spared
        await screens.until(pilot, lambda: not pane.is_coming)
        kept: list[object] = []
        monkeypatch.setattr(pane, "_write", lambda *what: kept.append(what))
        pane.show_preview(preview("blue"), "the second")
        assert bool(kept) != is_spared
