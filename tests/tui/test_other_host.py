"""The app on a host whose library another host's engine process has."""

from functools import partial

import pytest

from engine.api import Library
from engine.library.read.reader import list_images
from engine.settings import Settings
from tests.support import screens
from tests.support.node_a import NodeA, be_on_hosts, on_node_a
from tests.support.screens import MakeLibrary, screen_text
from tui.app import PromptsheetApp

pytestmark = pytest.mark.slow

until = partial(screens.until, tries=4000)


async def test_it_says_where_the_engine_process_is_and_what_is_marked_holds(
    settings: Settings, make_session: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_on_hosts(monkeypatch)
    monkeypatch.setattr("engine.service.client.looking_on.LOOK_SECONDS", 0.05)
    with on_node_a():
        make_session([f"boat {n}" for n in range(12)])
    library = Library(settings)
    with NodeA(settings).running() as node:
        app = PromptsheetApp(library)
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            await until(pilot, lambda: "engine on node-a: rendering 8/12" in screen_text(app))
            await pilot.press("2")
            await until(
                pilot, lambda: "boat 11" in screen_text(app) and "s stop" in screen_text(app)
            )
            await pilot.press("s")
            await until(pilot, lambda: "4 stopped" in screen_text(app))
            await until(pilot, lambda: "engine on node-a: idle" in screen_text(app))
            await pilot.press("r")
            await until(pilot, lambda: "engine on node-a: rendering 8/12" in screen_text(app))
            await pilot.press("P")
            await until(pilot, lambda: "engine on node-a: paused by you" in screen_text(app))
            await pilot.press("3")
            await until(pilot, lambda: "boat 0" in screen_text(app))
            await pilot.press("f")
            await until(
                pilot, lambda: any(i.favourite for i in list_images(settings.library, "k3f9x2"))
            )
            assert "off" not in screen_text(app)
            node.stop()
            await until(pilot, lambda: "engine: off" in screen_text(app))
