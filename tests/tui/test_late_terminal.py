"""A terminal that answers after the app has begun: its pictures are shown as it can."""

import threading
from functools import partial

import pytest
from textual.widgets import Static
from textual.widgets._toast import Toast

from engine.api import Library
from engine.settings import Settings
from tests.support import screens
from tests.support.screens import MakeLibrary, screen_text
from tests.tui.graphics.fake_terminal import XTERM_SIXEL
from tui.app import PromptsheetApp
from tui.graphics import protocol
from tui.graphics.outlet import outlet_of
from tui.graphics.protocol import Terminal
from tui.graphics.view import PictureView

pytestmark = pytest.mark.slow
until = partial(screens.until, tries=2000)


async def test_pictures_become_real_on_every_screen_when_the_terminal_says_so(
    settings: Settings, make_session: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Terminal("half-cells", "", (10, 20), answered=False, why="no answer yet")
    monkeypatch.setattr(protocol, "_current", waits)
    make_session([f"boat {n}" for n in range(4)])
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:

        def pictures() -> list[bool]:
            views = app.screen.query(PictureView)
            return [bool(view.picture.sixels) for view in views if view.picture is not None]

        await until(pilot, lambda: "pictures in blocks: no answer yet" in screen_text(app))
        await pilot.press("3")
        await until(pilot, lambda: len(pictures()) >= 5)
        assert not any(pictures())
        # As the thread does that reads what the terminal sends.
        late = partial(protocol._take_late, "auto", b"", XTERM_SIXEL.decode())
        threading.Thread(target=late).start()
        await until(pilot, lambda: len(pictures()) >= 5 and all(pictures()))
        assert any("answered late (sixel)" in note.message for note in app._notifications)
        assert app.tells_focus and protocol.pictures_words() == "real pictures (sixel)"

        app.clear_notifications()
        await until(pilot, lambda: not app.screen.query(Toast))
        await until(pilot, lambda: not outlet_of(app).pacer.is_busy)
        written: list[str] = []
        assert app._driver
        monkeypatch.setattr(app._driver, "write", written.append)
        gauges = app.screen.query_one("#gauges", Static)

        def others() -> bool:
            """The app may write its own there at any time."""
            is_shown = "other gauges" in screen_text(app)
            if not is_shown:
                gauges.update("other gauges")
            return is_shown

        app.refresh(layout=True)
        await until(pilot, others)
        await pilot.pause()
        assert not any("\x1bP" in text for text in written), "no picture for the top line"
