"""The app and an engine process that ends, is stopped, or must not be started."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from engine.api import Library
from engine.library.write.open_work import add_render_host
from engine.library.write.writer import Writer
from engine.service.hosts import this_host
from engine.settings import Settings
from tests.support import screens
from tests.support.command import Promptsheet
from tests.support.frozen import freeze, thaw
from tests.support.screens import MakeLibrary, screen_text
from tui.app import PromptsheetApp
from tui.engine_status import Doing
from tui.screens.jobs import JobsScreen
from tui.screens.review import ReviewScreen

pytestmark = pytest.mark.slow


SIZE = (140, 36)


until = partial(screens.until, tries=4000)


@pytest.fixture
def held(
    settings: Settings, config: Path, make_session: MakeLibrary, promptsheet: Promptsheet
) -> Promptsheet:
    """A session that waits for a word, on a host where someone asked for it."""
    (config / "settings.toml").write_text('[engine]\nautoresume = "ask"\n')
    make_session([f"boat {n}" for n in range(12)])
    writer = Writer(settings.library)
    add_render_host(writer, this_host())
    writer.close()
    return promptsheet


def pid_of(settings: Settings) -> int | None:
    state = Library(settings).engine.status()
    return state.status.pid if state else None


async def test_opening_the_app_starts_what_waits_and_a_kill_is_mended_before_ones_eyes(
    settings: Settings, held: Promptsheet
) -> None:
    assert pid_of(settings) is None
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("2")
        await until(
            pilot, lambda: "images are waiting: the engine process was started" in _said(app)
        )
        await until(pilot, lambda: "held: r resumes it" in screen_text(app))
        first = pid_of(settings)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(pilot, lambda: "had stopped and was restarted" in _said(app))
        await until(pilot, lambda: app.app_state.status.doing in (Doing.IDLE, Doing.RENDERING))
        assert pid_of(settings) not in (None, first)


def _said(app: PromptsheetApp) -> str:
    return "\n".join(notification.message for notification in app._notifications)


async def test_where_nobody_asked_nothing_is_started_and_no_time_left_is_shown(
    settings: Settings,
    make_session: MakeLibrary,
    promptsheet: Promptsheet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from engine.api import Pace

    monkeypatch.setattr("engine.api.sessions.paces", lambda *_: {"k3f9x2": Pace(1.7, 250.0)})
    make_session([f"boat {n}" for n in range(12)])
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "this library has not been rendered on" in _said(app))
        assert isinstance(app.screen, JobsScreen)
        screen = app.screen
        await until(pilot, lambda: screen._queue.paces)
        await until(pilot, lambda: screen_text(app).count("○ engine: off") == 2)
        assert "ETA" not in screen_text(app)
        assert "r resumes it" in screen_text(app)
        assert pid_of(settings) is None


async def test_a_stopped_one_is_said_not_to_answer(settings: Settings, held: Promptsheet) -> None:
    held.json("engine", "start")
    pid = pid_of(settings)
    assert pid is not None
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: app.app_state.status.doing is Doing.IDLE)
        os.kill(pid, signal.SIGSTOP)
        try:
            await until(pilot, lambda: app.app_state.status.doing is Doing.SILENT)
            await until(pilot, lambda: "engine: silent" in screen_text(app))
            assert f"kill -CONT {pid}" in _said(app)
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(pilot, lambda: app.app_state.status.doing is Doing.IDLE)


async def test_a_library_that_cannot_be_written_is_looked_at_and_keys_say_so(
    settings: Settings, make_session: MakeLibrary, promptsheet: Promptsheet, tmp_path: Path
) -> None:
    make_session(["a red boat", "two hills"])
    library = freeze(settings.library, tmp_path / "frozen")
    try:
        app = PromptsheetApp(Library(Settings(library=library)))
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await pilot.press("3")
            await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
            await until(pilot, lambda: "a red boat" in screen_text(app))
            for key in ("d", "f"):
                app.clear_notifications()
                await pilot.press(key)
                await until(pilot, lambda: "you can view" in _said(app))
            assert app.is_running
    finally:
        thaw(settings.library, tmp_path / "frozen")
