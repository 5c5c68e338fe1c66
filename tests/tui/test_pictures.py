"""Pictures of the screens as they should look; `pytest --snapshot-update` takes them again.

They are to be looked at before they are committed: `tests/tui/__snapshots__` holds them.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.api import DeviceUse, EngineEvent, Library, Pace, Standing, Stepped, Tally
from engine.library.database import database_path
from engine.protocol.answers import Status
from engine.settings import Settings
from tests.support.screens import MakeLibrary, screen_text, settled, until
from tui.app import PromptsheetApp
from tui.app_state import AppMemory, remember
from tui.engine_status import Doing
from tui.graphics.view import PictureView
from tui.widgets.gauges import DiskGauge
from tui.widgets.image_pane import ImagePane
from tui.widgets.strip import ThumbnailStrip

pytestmark = pytest.mark.slow


Compare = Callable[..., bool]
_NOON = 1_764_072_000.0
_FAULTY = (
    "prompt,aspect_ratio,model,num_images,seed_number,style,note\n"
    "a red boat on a calm sea at sunset,16:9,builtin,4,1234,auto,first\n"
    "two green hills under a storm,02:03:00,builtin,4,,realistic,\n"
    "a lighthouse by night,7:77,builtin,4,,auto,\n"
    ",1:1,sdlx,4,-3,anime,\n"
    "日本の海と赤い船 🚢 très joli,1:1,builtin,,,,قارب\n"
    "a [red]very[/red] long prompt that goes on and on about a town by the sea and its people,"
    "3:2,builtin,1,,,\n"
)

_COLOURS = (
    "prompt,color_palette,style,seed_number,final_prompt\n"
    "a red boat,ember,design,1234,\n"
    "two green hills under a storm with a long winding road that goes on past a mill and a barn to"
    " the far blue mountains,#CBA324:2 #F86C14 #102030 #FFFFFF,realistic,,\n"
    'a lighthouse by night,mosaic,general,99,"a lone lighthouse, to the letter"\n'
    "a balloon,#F00,3d,8,\n"
)


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this machine nor the hour is in the pictures, nor how long one takes."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr("tui.engine_status._STILL_SECONDS", 3600.0)
    monkeypatch.setattr("tui.widgets.top_line.device_gauge", lambda _: ("cpu 42% 3/24 GB",))
    monkeypatch.setattr("engine.models.placement.usual_dtype", lambda _: "float32")
    short = "disk ▕███░░░░░▏ 212 GB free"
    disk = DiskGauge((f"{short}, 1.2 MB here, 96 MB to come", short))
    monkeypatch.setattr("tui.widgets.top_line.disk_gauge", lambda *_: disk)
    device = DeviceUse("cpu", 42.0, 3 << 30, 24 << 30)
    machine = "cpu 25 GB · models: builtin · disk 212 GB free"
    monkeypatch.setattr("tui.widgets.welcome.machine_words", lambda _: machine)
    monkeypatch.setattr("engine.api.estimating.devices_in_use", lambda: [device])
    paces = dict.fromkeys(("k3f9x2",), Pace(1.7, 250.0))
    monkeypatch.setattr("engine.api.sessions.paces", lambda *_: paces)


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "spring-campaign.csv"
    path.write_text(_FAULTY, encoding="utf-8")
    return path


@pytest.fixture
def two_sessions(make_session: MakeLibrary, library: Path) -> None:
    make_session(["日本の海", "a lighthouse by night"], key="m4n5p6", name="evening", done=1)
    make_session([f"a red boat, {n}" for n in range(1, 25)], name="spring campaign", done=2)
    with sqlite3.connect(database_path(library)) as database:
        database.execute("UPDATE sessions SET created = ? + 3600 * id", (_NOON,))
    database.close()


def shows(text: str) -> Callable[[Pilot[str]], Awaitable[None]]:
    """Wait for `text` before the picture is taken."""

    async def wait(pilot: Pilot[str]) -> None:
        app = pilot.app
        assert isinstance(app, PromptsheetApp)
        await until(pilot, lambda: text in screen_text(app))
        await until(pilot, lambda: app.app_state.status.doing is not Doing.UNKNOWN)
        await until(pilot, lambda: "engine: looking" not in screen_text(app))
        await until(pilot, lambda: "cpu 42%" in screen_text(app) or app.size.width < 100)
        await settled(pilot)

    return wait


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
@pytest.mark.parametrize("theme", ["promptsheet-dark", "promptsheet-light"])
def test_a_faulty_sheet(
    settings: Settings, faulty: Path, snap_compare: Compare, size: tuple[int, int], theme: str
) -> None:
    app = PromptsheetApp(Library(replace(settings, app=replace(settings.app, theme=theme))), faulty)

    async def wait(pilot: Pilot[Any]) -> None:
        await shows("needs about")(pilot)
        await shows("applies")(pilot)  # the problem is laid out whole

    assert snap_compare(app, terminal_size=size, run_before=wait)


@pytest.mark.parametrize(("size", "theme"), [((80, 24), "dark"), ((120, 36), "light")])
def test_palettes_and_a_long_final_prompt(
    settings: Settings, tmp_path: Path, snap_compare: Compare, size: tuple[int, int], theme: str
) -> None:
    sheet = tmp_path / "colours.csv"
    sheet.write_text(_COLOURS, encoding="utf-8")
    theme = f"promptsheet-{theme}"
    app = PromptsheetApp(Library(replace(settings, app=replace(settings.app, theme=theme))), sheet)

    async def wait(pilot: Pilot[Any]) -> None:
        await shows("needs about")(pilot)
        await pilot.press("g", "j")
        await shows("· random")(pilot)
        await pilot.press("right_curly_bracket")
        await shows("mountains")(pilot)

    assert snap_compare(app, terminal_size=size, run_before=wait)


def test_no_sheet_yet(app: PromptsheetApp, snap_compare: Compare) -> None:
    assert snap_compare(app, terminal_size=(80, 24), run_before=shows("212 GB"))


class Rendering:
    """Stands for an engine process at work."""

    def __init__(self, settings: Settings) -> None: ...

    def follow_as(self, *, previews: bool, seen: bool | None) -> None: ...

    def __iter__(self) -> Iterator[EngineEvent]:
        work = [Tally("k3f9x2", 24, 8, 0, 0, 0, 16, 0)]
        yield Standing(Status(1, "", "", "", None, None, False, True, [], [], work))
        yield Stepped("k3f9x2", "cpu", 4, 1, 8, 3, 6)
        Event().wait()


@pytest.mark.parametrize(("size", "theme"), [((80, 24), "dark"), ((120, 36), "light")])
def test_no_sheet_and_sessions_made_while_nobody_looked(
    settings: Settings,
    two_sessions: None,
    snap_compare: Compare,
    size: tuple[int, int],
    theme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.api.engine.EngineFeed", Rendering)
    settings = replace(settings, app=replace(settings.app, theme=f"promptsheet-{theme}"))
    remember(Library(settings), AppMemory(made=[4, 0]))
    app = PromptsheetApp(Library(settings))

    async def go(pilot: Pilot[Any]) -> None:
        await shows("you were away")(pilot)
        await until(pilot, lambda: app.screen.query(ThumbnailStrip))
        await until(pilot, lambda: is_full(app.screen.query_one(ThumbnailStrip)))
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=go)


@pytest.mark.parametrize(
    ("key", "text"), [("2", "a red boat, 9"), ("3", "16 of 24"), ("4", "evening")]
)
@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_an_area_with_work_in_it(
    app: PromptsheetApp,
    two_sessions: None,
    snap_compare: Compare,
    key: str,
    text: str,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.api.engine.EngineFeed", Rendering)
    app.app_state.memory.session = "k3f9x2"

    async def go(pilot: Pilot[Any]) -> None:
        await pilot.press(key)
        await shows(text)(pilot)
        await until(pilot, lambda: app.app_state.status.doing is Doing.RENDERING)
        panes = [pane for pane in app.screen.query(ImagePane) if pane.size and pane.visible]
        await until(pilot, lambda: all(pane.has_class("-showing") for pane in panes))
        for strip in app.screen.query(ThumbnailStrip):
            await until(pilot, partial(is_full, strip))
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=go)


def is_full(strip: ThumbnailStrip) -> bool:
    views = strip.query(PictureView)
    return len(views) == strip.places and all(view.picture for view in views)
