"""The keys of Jobs on a real engine process, which is paused: it renders nothing."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot

from engine.api import Library, Previewed
from engine.library.read.reader import list_images, list_jobs, list_sessions, list_unfinished
from engine.library.write.model_changes import model_changed
from engine.library.write.writer import Writer
from engine.models.catalog import find_model
from engine.models.fingerprint import fingerprint
from engine.settings import Settings
from tests.support.command import Promptsheet
from tests.support.screens import MakeLibrary, opens_in, screen_text, until
from tui.app import PromptsheetApp
from tui.engine_watch import News
from tui.graphics.view import PictureView
from tui.screens.ask import Ask
from tui.screens.jobs import JobsScreen
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.job_table import JobTable
from tui.widgets.live_pane import LivePane

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def left_in_jobs(settings: Settings) -> None:
    opens_in("jobs", settings)


@pytest.fixture
def engine(settings: Settings, promptsheet: Promptsheet) -> Iterator[Promptsheet]:
    """Starts the engine process once the library is filled."""
    yield promptsheet


def start(engine: Promptsheet, *, failed: bool = False) -> None:
    """Pause the library, let its first waiting batch fail if so wanted, and start."""
    writer = Writer(engine.library)
    writer.pause(True)
    if failed:
        batch = writer.next_batch(())
        assert batch is not None
        writer.fail(batch, "out of ghosts: ask later")
    writer.close()
    engine.json("engine", "start")


@asynccontextmanager
async def jobs(settings: Settings, session: str) -> AsyncIterator[tuple[Pilot[str], JobsScreen]]:
    """The app on Jobs with a session in hand."""
    app = PromptsheetApp(Library(settings))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.info)
        screen = app.screen
        assert isinstance(screen, JobsScreen)
        screen.show_session(session)
        await until(pilot, lambda: screen.info and screen.info.session == session)
        await until(pilot, lambda: screen.query_one(JobTable).cursor_key is not None)
        yield pilot, screen


def text_of(pilot: Pilot[str]) -> str:
    app = pilot.app
    assert isinstance(app, PromptsheetApp)
    return screen_text(app)


def rows(library: Path, state: str, session: str = "k3f9x2") -> list[int]:
    return [job.row for job in list_jobs(library, session) if job.state == state]


def states(library: Path) -> dict[str, str]:
    return {info.session: info.state for info in list_sessions(library)}


async def test_marked_rows_are_stopped_and_resumed_and_without_marks_the_whole_session(
    settings: Settings, engine: Promptsheet, make_session: MakeLibrary, library: Path
) -> None:
    make_session([f"boat {n}" for n in range(6)], done=0)
    start(engine)
    async with jobs(settings, "k3f9x2") as (pilot, screen):
        await pilot.press("g", "space", "j", "space")
        await until(pilot, lambda: "2 marked rows" in text_of(pilot))
        await pilot.press("s")
        await until(pilot, lambda: rows(library, "stopped") == [2, 4])
        await until(pilot, lambda: text_of(pilot).count("stopped") >= 3)
        await pilot.press("r")
        await until(pilot, lambda: not rows(library, "stopped"))
        await pilot.press("escape")
        await until(pilot, lambda: not screen.query_one(JobTable).marks)
        await pilot.press("s")
        await until(pilot, lambda: len(rows(library, "stopped")) == 6)
        await until(pilot, lambda: "6 stopped" in text_of(pilot))
        await pilot.press("r")
        await until(pilot, lambda: len(rows(library, "waiting")) == 6)


async def test_failed_rows_are_found_and_tried_again(
    settings: Settings, engine: Promptsheet, make_session: MakeLibrary, library: Path
) -> None:
    make_session([f"boat {n}" for n in range(12)], done=0)
    start(engine, failed=True)
    async with jobs(settings, "k3f9x2") as (pilot, screen):
        table = screen.query_one(JobTable)
        await pilot.press("E")
        await until(pilot, lambda: table.source.count() == 8)
        await until(pilot, lambda: text_of(pilot).count("out of ghosts") == 8)
        await pilot.press("g", "enter")
        await until(pilot, lambda: "Row 2 failed: out of ghosts: ask later" in text_of(pilot))
        await pilot.press("enter")  # back to the rows
        await until(pilot, lambda: isinstance(pilot.app.screen, JobsScreen))
        await pilot.press("space", "t")
        await until(pilot, lambda: len(rows(library, "failed")) == 7)
        await until(pilot, lambda: table.source.count() == 7)
        await pilot.press("escape")
        await until(pilot, lambda: table.source.count() == 12)
        assert table.marks == {2}
        await pilot.press("E", "escape", "escape")
        assert not table.marks
        await pilot.press("E", "t")
        await until(pilot, lambda: not rows(library, "failed"))
        await until(pilot, lambda: "No rows match" in text_of(pilot))
        await pilot.press("E")
        await until(pilot, lambda: table.source.count() == 12)


async def test_enter_leads_from_a_row_to_its_images_whatever_is_filtered_there(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session([f"boat {number}" for number in range(12)], done=9)
    async with jobs(settings, "k3f9x2") as (pilot, _):
        app = pilot.app

        def at(label: str) -> bool:
            tiles = [page.tile for page in app.screen.query(ContactSheet)]
            return [tile.label for tile in tiles if tile is not None] == [label]

        for keys, label in (("jjj", "5·1"), ("jj", "7·1")):
            await pilot.press(*keys, "enter")
            await until(pilot, partial(at, label))
            await pilot.press("slash", *"row:2", "enter")
            await until(pilot, partial(at, "2·1"))
            await pilot.press("2")
            await until(pilot, lambda: isinstance(app.screen, JobsScreen))


async def test_every_session_stops_and_goes_on_with_one_key(
    settings: Settings, engine: Promptsheet, make_session: MakeLibrary, library: Path
) -> None:
    for key in ("k3f9x2", "m4n5p6"):
        make_session(["a boat", "a town"], key=key, name=key, done=0)
    start(engine)
    async with jobs(settings, "k3f9x2") as (pilot, _):
        await pilot.press("S")
        await until(pilot, lambda: "2 sessions with 4 images left" in text_of(pilot))
        await pilot.press("enter")  # leaves them
        await until(pilot, lambda: isinstance(pilot.app.screen, JobsScreen))
        assert set(states(library).values()) == {"waiting"}
        await pilot.press("S")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask))
        await pilot.press("down", "enter")
        await until(pilot, lambda: set(states(library).values()) == {"stopped"})
        await pilot.press("R")
        await until(pilot, lambda: set(states(library).values()) == {"waiting"})


async def test_a_session_is_taken_in_hand_and_rendered_sooner(
    settings: Settings, engine: Promptsheet, make_session: MakeLibrary, library: Path
) -> None:
    for key in ("k3f9x2", "m4n5p6", "q7r8s9"):
        make_session(["a boat", "a town"], key=key, name=f"name of {key}", done=0)
    start(engine)

    def order() -> str:
        return " ".join(info.session for info in list_unfinished(library))

    def listed(pilot: Pilot[str]) -> str:
        text = text_of(pilot)
        return " ".join(sorted(order().split(), key=lambda key: text.index(f"name of {key}")))

    async with jobs(settings, "k3f9x2") as (pilot, screen):
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: screen.info and screen.info.session == "q7r8s9")
        await pilot.press("K")
        await until(pilot, lambda: order() == "k3f9x2 q7r8s9 m4n5p6")
        await pilot.press("K")
        await until(pilot, lambda: order() == "q7r8s9 k3f9x2 m4n5p6")
        await until(pilot, lambda: listed(pilot) == order())
        await pilot.press("J")
        await until(pilot, lambda: order() == "k3f9x2 q7r8s9 m4n5p6" == listed(pilot))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: screen.info and screen.info.session == "m4n5p6")


async def test_p_lets_the_work_go_on_and_pauses_it(
    settings: Settings, engine: Promptsheet, make_session: MakeLibrary
) -> None:
    make_session(["a boat"], done=1)  # nothing is left to be rendered
    start(engine)

    def paused() -> bool | None:
        state = Library(settings).engine.status()
        return None if state is None else state.status.paused_by_user

    async with jobs(settings, "k3f9x2") as (pilot, _):
        await until(pilot, lambda: "paused by you" in text_of(pilot))
        await pilot.press("P")
        await until(pilot, lambda: paused() is False)
        await until(pilot, lambda: "paused by you" not in text_of(pilot))
        await pilot.press("P")
        await until(pilot, lambda: paused() is True)
        await until(pilot, lambda: "paused by you" in text_of(pilot))


async def test_a_session_that_waits_to_be_asked_says_so_and_r_lets_it_go_on(
    settings: Settings, engine: Promptsheet, make_session: MakeLibrary, config: Path
) -> None:
    (config / "settings.toml").write_text('[engine]\nautoresume = "ask"\n')
    make_session(["a boat", "a town"], done=0)
    start(engine)
    async with jobs(settings, "k3f9x2") as (pilot, screen):
        await until(pilot, lambda: "held: r resumes it" in text_of(pilot))
        await pilot.press("4")
        await until(pilot, lambda: "‖ held" in text_of(pilot))
        await pilot.press("2", "r")
        await until(pilot, lambda: screen.is_current and "held" not in text_of(pilot))
        await pilot.press("4")
        await until(pilot, lambda: "· waiting" in text_of(pilot))


async def test_a_session_whose_models_files_have_changed_asks_how_to_go_on(
    settings: Settings, engine: Promptsheet, make_session: MakeLibrary, library: Path
) -> None:
    make_session([f"boat {n}" for n in range(6)], done=0)
    writer = Writer(library)
    batch = writer.next_batch(())
    assert batch is not None
    model_changed(writer, batch, "other", shipped=False, reason="the model's files have changed")
    writer.close()
    start(engine)
    async with jobs(settings, "k3f9x2") as (pilot, _):
        await until(pilot, lambda: "The files of builtin have changed" in text_of(pilot))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask))
        await pilot.press("enter")  # leaves it
        await until(pilot, lambda: isinstance(pilot.app.screen, JobsScreen))
        assert rows(library, "stopped") == [*range(2, 8)]
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask))
        await pilot.press("down", "enter")
        await until(pilot, lambda: rows(library, "waiting") == [*range(2, 8)])
        await until(pilot, lambda: "have changed" not in text_of(pilot))
    hashes = {image.recipe.model_hash for image in list_images(library, "k3f9x2")}
    model = find_model("builtin")
    assert model is not None
    assert hashes == {fingerprint(model.source)}


async def test_what_is_drawn_is_shown_beside_its_source(
    settings: Settings, make_drawn_on: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_drawn_on(done=False)
    monkeypatch.setattr("tui.widgets.live_pane._SECONDS_OF_CELLS", 0.0)
    drawn = BytesIO()
    Image.new("RGB", (32, 32), "green").save(drawn, "JPEG")
    preview = Previewed("d4r5w6", "cpu", 2, 1, drawn.getvalue())
    async with jobs(settings, "d4r5w6") as (pilot, screen):
        pane = screen.query_one(LivePane)
        screen.tell(News(preview=preview))
        await until(pilot, lambda: screen._pictures._sources.get(("d4r5w6", 2)))
        screen.tell(News(preview=preview))
        view = pane.query_one(PictureView)
        # One above the other: the pane is taller than wide.
        await until(pilot, lambda: view.picture and view.picture.rows > view.picture.columns * 0.8)
        assert "cpu: row 2, image 1" in text_of(pilot)
