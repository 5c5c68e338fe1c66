"""What threads and tasks bring to a screen that is gone, or just going, harms nobody."""

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from engine.api import Engine, EngineError, Images, Library, Previewed, Sessions
from engine.settings import Settings
from tests.support.screens import MakeLibrary, screen_text, until
from tests.support.wire import tally
from tui.app import PromptsheetApp
from tui.app_state import AppMemory, remember
from tui.engine_watch import News
from tui.graphics import prepare
from tui.keys import all_ids
from tui.screens import image_actions, session_actions, sessions
from tui.screens.area import AreaScreen
from tui.screens.dialog import EndsOnce
from tui.widgets import top_line
from tui.widgets.contact_sheet import ContactSheet

pytestmark = pytest.mark.slow


SIZE: Any = {"size": (140, 40), "notifications": True}
TUI = Path(prepare.__file__).parents[1]


class HeldThreads(ThreadPoolExecutor):
    """Threads that begin their work only when they are let go."""

    def __init__(self) -> None:
        super().__init__(32)
        self._gate = threading.Event()
        self._gate.set()
        self._working: set[Future[Any]] = set()

    def submit(self, work: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        def late() -> Any:
            assert self._gate.wait(60)
            return work(*args, **options)

        future = super().submit(late)
        self._working.add(future)
        return future

    def hold(self) -> None:
        """From now on nothing is begun."""
        self._gate.clear()

    @property
    def held(self) -> int:
        return sum(not future.done() for future in self._working)

    def let_go(self) -> None:
        """Let all begin."""
        self._gate.set()

    async def finish(self) -> None:
        """Let all begin, and wait until each has brought what it has, and been heard."""
        self.let_go()
        while self.held:
            await asyncio.sleep(0.002)
        await asyncio.sleep(2 * sessions._DELAY)  # what rests before it begins comes, too


@pytest.fixture
async def threads(monkeypatch: pytest.MonkeyPatch) -> HeldThreads:
    pool = HeldThreads()
    asyncio.get_running_loop().set_default_executor(pool)
    monkeypatch.setattr(prepare, "_pool", pool)
    monkeypatch.setattr("tui.undo.stack.ThreadPoolExecutor", lambda *_: pool)
    return pool


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would start an engine process is refused."""

    def refuse(*_: object, **__: object) -> None:
        raise EngineError("no engine today")

    for owner, name in (
        (Images, "favour"),
        (Images, "rate"),
        (Images, "decide"),
        (Images, "trash"),
        (image_actions, "start_again"),
        (image_actions, "more_like"),
        (session_actions, "duplicate"),
        (Sessions, "start"),
        (Sessions, "stop"),
        (Engine, "status"),
    ):
        monkeypatch.setattr(owner, name, refuse)


@pytest.fixture
def app_in(
    settings: Settings, make_session: MakeLibrary, tmp_path: Path
) -> Callable[[str], PromptsheetApp]:
    """An app that opens in an area, with two sessions."""
    make_session(["a hill"], key="older2", name="hills")
    make_session([f"a boat {n}" for n in range(12)], name="boats")
    path = tmp_path / "mine.csv"
    path.write_text("prompt,aspect_ratio\na boat,16:9\na hill,1:1\n")

    def app(area: str) -> PromptsheetApp:
        remember(Library(settings), AppMemory(area))
        return PromptsheetApp(Library(settings), path if area == "sheet" else None)

    return app


HOW: dict[str, tuple[str, list[str], list[str]]] = {
    "SheetScreen": ("sheet", [], ["ctrl+e", "at", "quotation_mark", "ctrl+s", "f5", "n"]),
    "OpenSheet": ("sheet", ["o"], []),
    "TypePrompts": ("sheet", [], ["p"]),
    "AddPictures": ("sheet", ["ctrl+o"], ["full_stop", "enter"]),
    "Ask": ("sheet", [], ["slash"]),
    "AskCount": ("sheet", [], ["asterisk"]),
    "AskWhere": ("sheet", ["quotation_mark", "x"], ["enter"]),
    "JobsScreen": ("sheet", [], ["2", "P", "O", "s", "E"]),
    "ReviewScreen": ("review", [], ["f", "d", "m", "O", "ctrl+a", "V", "l"]),
    "FullScreen": ("review", [], ["enter", "l", "f", "l"]),
    "CompareScreen": ("review", ["space", "space", "c"], []),
    "PickScreen": ("review", [], ["ctrl+k", "space", "n"]),
    "DuelScreen": ("review", ["space", "space", "ctrl+t"], ["left", "exclamation_mark"]),
    "CopyImages": ("review", [], ["C", "enter"]),
    "ExportScreen": ("review", [], ["x", "ctrl+s"]),
    "SessionsScreen": ("sessions", [], ["down", "O", "m", "enter"]),
    "SettingsScreen": ("jobs", [], ["comma", "delete"]),
    "WriteSetting": ("jobs", ["comma", *(["down"] * 6)], ["enter"]),
    "RemapKeys": ("jobs", ["comma", *(["down"] * 4)], ["enter"]),
    "ModelsScreen": ("jobs", ["f4"], ["f5"]),
}
"""Screen → the area it is opened from, keys before the threads are held, and keys after, which give
them work."""
WITHOUT_THREADS = {
    "ActionsScreen": "test_never_misled",
    "AskRating": "test_pick",
    "ChooseSetting": "test_settings",
    "EditCaption": "widgets/test_caption_view",
    "HelpScreen": "test_keys",
    "KeepModel": "test_event_loop",
    "PressKey": "test_settings",
    "PullModel": "test_model_pulling",
}
"""They show what was found out before, or ask. And where it is seen that they ask nothing of the
disk: all tests here look for that."""
TRIED_ELSEWHERE = {"GridScreen"}
"""Where there is a row that is one: `test_grid`."""
OPENED_BY_A_THREAD = ("AskWhere", "CompareScreen", "DuelScreen")
AREAS = {f"{words}Screen" for words in top_line.AREAS.values()}
NEWS = News(
    tallies={"k3f9x2": tally(8)},
    rows={"k3f9x2": None},
    curated={"k3f9x2"},
    order=True,
    preview=Previewed("k3f9x2", "cpu", 2, 1, b"not a picture"),
)


def has_come(app: App[Any]) -> bool:
    """Whether an area shows what it was opened for."""
    if app.current_mode == "review":
        sheets = app.screen.query(ContactSheet)
        return bool(sheets) and sheets.first().tile is not None
    return {"sheet": "a hill", "jobs": "a boat 11", "sessions": "hills"}[
        app.current_mode
    ] in screen_text(app)


async def at_work(pilot: Pilot[str], threads: HeldThreads, name: str) -> Screen[Any]:
    """The screen, with threads at work for it that are held."""
    app = pilot.app
    area, before, after = HOW[name]
    await until(pilot, lambda: app.current_mode == area and has_come(app))
    for key in before:
        await pilot.press(key)
        await until(pilot, lambda: not threads.held)
        if app.screen.query(ContactSheet):
            await until(pilot, lambda: app.screen.query_one(ContactSheet).tile)
    if name in OPENED_BY_A_THREAD:
        await until(pilot, lambda: type(app.screen).__name__ == name)
    threads.hold()
    for key in after:
        await pilot.press(key)
        if isinstance(app.screen, AreaScreen) and app.screen.ready:
            app.screen.tell(NEWS)
    await until(pilot, lambda: type(app.screen).__name__ == name)
    return app.screen


def let_go_when_its_widgets_are_gone(
    screen: Screen[Any], threads: HeldThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the threads go between the end of a screen's widgets and its own."""

    async def unmounted(self: Screen[Any]) -> None:
        if self is screen:
            assert not screen.children
            await threads.finish()

    monkeypatch.setattr(Screen, "_on_unmount", unmounted, raising=False)


@pytest.mark.parametrize("name", HOW)
async def test_the_app_ends_while_threads_are_at_work(
    app_in: Callable[[str], PromptsheetApp],
    threads: HeldThreads,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    app = app_in(HOW[name][0])
    try:
        async with app.run_test(**SIZE) as pilot:
            screen = await at_work(pilot, threads, name)
            let_go_when_its_widgets_are_gone(screen, threads, monkeypatch)
        await threads.finish()
        assert app._exception is None
    finally:
        threads.let_go()


@pytest.mark.parametrize("area", ["sheet", "jobs", "review"])
async def test_a_screen_is_left_while_threads_are_at_work_for_it(
    app_in: Callable[[str], PromptsheetApp],
    threads: HeldThreads,
    monkeypatch: pytest.MonkeyPatch,
    area: str,
) -> None:
    app = app_in(area)
    try:
        async with app.run_test(**SIZE) as pilot:
            for name in (name for name in HOW if HOW[name][0] == area and name not in AREAS):
                screen = await at_work(pilot, threads, name)
                let_go_when_its_widgets_are_gone(screen, threads, monkeypatch)
                while isinstance(app.screen, EndsOnce):
                    left = app.screen
                    left.dismiss(None)
                    await until(pilot, lambda left=left: app.screen is not left)  # type: ignore[misc]
                await threads.finish()
                await pilot.press("escape")  # no marks for the next one
                assert app.is_running
    finally:
        threads.let_go()


def test_every_screen_is_tried() -> None:
    def below(kind: type) -> set[type]:
        found: set[type] = set(kind.__subclasses__())
        return found.union(*map(below, found))

    all_ids()  # loads every screen
    last = {kind.__name__ for kind in below(Screen) if kind.__module__.startswith("tui.screens")}
    bases = {"BaseScreen", "AreaScreen", "EndsOnce", "Dialog", "Overlay"}
    assert last - bases - WITHOUT_THREADS.keys() - TRIED_ELSEWHERE == set(HOW)
    for name, module in WITHOUT_THREADS.items():
        assert name in (Path(__file__).parent / f"{module}.py").read_text()


def test_there_is_one_way_to_work_beside_the_event_loop() -> None:
    others = re.compile(r"call_from_thread|run_worker|from textual import .*\bwork\b")
    for path in TUI.rglob("*.py"):
        if path != TUI / "workers.py":
            assert not others.search(path.read_text()), path
