"""The queue of Jobs: what its lines say in every state, and what moving in it does."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest

from engine.api import Library, Pace, SessionInfo, Stepped, Tally
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from engine.settings import Settings
from tests.support.screens import MakeLibrary, screen_text, until
from tui.app import PromptsheetApp
from tui.engine_status import Doing, EngineStatus
from tui.engine_watch import News
from tui.queue_state import QueueState
from tui.screens.job_commands import pause_word
from tui.screens.jobs import JobsScreen
from tui.state_words import session_state, short_reason
from tui.widgets.job_table import JobTable
from tui.widgets.live_pane import LivePane
from tui.widgets.progress_line import end_words
from tui.widgets.session_queue import SessionQueue, queue_columns, queue_row

RENDERING = EngineStatus(Doing.RENDERING)
PAUSED = EngineStatus(Doing.PAUSED, "paused by you", paused_by_user=True)
FULL = EngineStatus(Doing.PAUSED, "the disk has 400 MiB left")
LOADING = EngineStatus(Doing.LOADING, loading="sdxl")
OFF = EngineStatus(Doing.OFF)


def tally(session: str = "a", **counts: int) -> Tally:
    none = {"waiting": 0, "rendering": 0, "stopped": 0, "failed": 0, "done": 0, "rewriting": 0}
    return Tally(session, sum(counts.values()) - counts.get("rewriting", 0), **none | counts)


def info(session: str, **counts: int) -> SessionInfo:
    of = tally(session, **counts)
    return SessionInfo(
        session=session,
        name=f"name of {session}",
        state="",
        images=of.images,
        done=of.done,
        failed=of.failed,
        waiting=of.waiting,
        rendering=of.rendering,
        stopped=of.stopped,
        bytes=0,
        created=0.0,
        finished=None,
        folder=Path(),
        favourites=0,
        tags=(),
        parent=None,
        trashed=None,
        rewriting=of.rewriting,
        changed_models=(),
    )


@pytest.mark.parametrize(
    ("counts", "status", "held", "said"),
    [
        ({"rendering": 8, "waiting": 4}, RENDERING, False, "rendering"),
        ({"waiting": 4}, RENDERING, False, "waiting"),
        ({"waiting": 4, "rewriting": 4}, RENDERING, False, "rewriting"),
        ({"rendering": 8}, LOADING, False, "loading"),
        ({"waiting": 8}, LOADING, False, "waiting"),
        ({"rendering": 8}, PAUSED, False, "paused"),
        ({"waiting": 4}, FULL, False, "paused"),
        ({"rendering": 8}, OFF, False, "waiting"),  # whatever the library says of its last moment
        ({"waiting": 4}, PAUSED, True, "held"),
        ({"waiting": 4, "stopped": 2}, RENDERING, False, "waiting"),
        ({"stopped": 2, "failed": 1, "done": 1}, PAUSED, False, "stopped"),
        ({"failed": 1, "done": 1}, PAUSED, False, "failed"),
        ({"done": 1}, PAUSED, False, "done"),
    ],
)
def test_a_session_says_what_it_does_as_far_as_the_engine_lets_it(
    counts: dict[str, int], status: EngineStatus, held: bool, said: str
) -> None:
    assert session_state(tally("a", **counts), status, held=held) == said


@pytest.mark.parametrize(
    ("reason", "short"),
    [
        (
            "out of memory on cuda:0 for 8×8: choose a smaller size",
            "out of memory on cuda:0 for 8×8",
        ),
        ("RuntimeError: no such layer", "no such layer"),
        ("torch.OutOfMemoryError: none left. Try less", "none left"),
        ("OSError: x", "x"),
        ("the renderer gave no picture", "the renderer gave no picture"),
    ],
)
def test_why_a_row_failed_is_said_in_its_first_words(reason: str, short: str) -> None:
    assert short_reason(reason) == short


def test_the_end_of_a_session_says_what_came_of_it() -> None:
    counts = tally(done=833, failed=3)
    assert end_words(counts, 2460.0) == ["833/836 made", "✗ 3 failed", "took about 41 min"]
    assert end_words(tally(failed=2), 0.0) == ["0/2 made", "✗ 2 failed"]


def lines(state: QueueState, in_hand: SessionInfo | None, status: EngineStatus) -> list[str]:
    found = state.lines(in_hand, status, {"held"}, 0.0)
    return [f"{line.place or '-'} {line.info.session} {line.state} {line.left}" for line in found]


def test_the_queue_has_all_unfinished_sessions_and_the_finished_one_only_while_it_is_in_hand() -> (
    None
):
    state, over = QueueState(), info("over", done=4)
    working, held, behind = info("a", rendering=2), info("held", waiting=2), info("b", waiting=9)
    stopped = info("c", stopped=1, done=1)
    state.sessions = [working, held, behind, stopped]
    state.paces = {"a": Pace(1.0, 60.0), "b": Pace(1.0, 120.0), "c": Pace(1.0, 5.0)}
    assert lines(state, over, RENDERING) == [
        "1 a rendering 00:01:00",
        "- held held ",
        "2 b waiting 00:02:00",
        "- c stopped ",
        "- over done ",
    ]
    assert lines(state, working, PAUSED) == [
        "1 a paused ",
        "- held held ",
        "2 b paused ",
        "- c stopped ",
    ]
    state.tell({"b": tally("b", done=9), "a": tally("a", done=2)}, 5.0)
    assert lines(state, working, RENDERING) == ["- a done ", "- held held ", "- c stopped "]


def test_what_was_told_of_a_session_is_newer_than_what_was_being_read_meanwhile() -> None:
    state, read = QueueState(), info("a", waiting=9)
    state.tell({"a": tally("a", done=9)}, 5.0)
    state.read([read], 4.0)
    assert state.counts(read).done == 9
    state.read([read], 6.0)
    assert state.counts(read).waiting == 9


def test_a_line_shows_its_bar_and_columns_that_say_nothing_are_not_there() -> None:
    state = QueueState()
    state.sessions = [info("a", waiting=500, done=1500), info("b", waiting=1)]
    found = state.lines(None, RENDERING, (), 0.0)
    columns = queue_columns(78, found)
    assert [column.name for column in columns] == ["place", "state", "name", "bar", "images"]
    assert [cell.text + cell.rest for cell in queue_row(found[0], columns).cells] == [
        "1",
        "waiting",
        "name of a",
        "━━━━━━━───",
        "1,500/2,000",
    ]
    state.tell({"b": tally("b", waiting=1, failed=1)}, 1.0)
    with_failures = queue_columns(78, state.lines(None, RENDERING, (), 0.0))
    assert "failed" in [column.name for column in with_failures]


def test_the_key_that_pauses_is_called_by_what_it_does_now() -> None:
    not_here = EngineStatus(Doing.PAUSED, "nothing was rendered on vm before", not_here=True)
    words = [pause_word(status) for status in (RENDERING, LOADING, FULL, PAUSED, OFF, not_here)]
    assert words == ["Pause", "Pause", "Pause", "Go on", "Start", "Start"]


# ------------------------------------------------------------------------------ on the screen

SIZE: Any = {"size": (120, 36), "notifications": True}


def at(table: JobTable) -> Hashable:
    return table.cursor_key


def drawing(session: str, row: int, images: int = 8) -> News:
    """News of a batch that is being drawn."""
    step = Stepped(session, "cpu", row, 1, images, 3, 6)
    return News(status=RENDERING, steps={"cpu": step})


@pytest.mark.slow
async def test_the_cursor_stays_with_what_is_drawn_until_it_is_moved_and_w_brings_it_back(
    settings: Settings, make_session: MakeLibrary
) -> None:
    make_session([f"boat {n}" for n in range(80)])
    app = PromptsheetApp(Library(settings))
    async with app.run_test(**SIZE) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.app_state.status.doing is Doing.OFF)
        await until(pilot, lambda: "boat 3" in screen_text(app))
        screen = app.screen
        assert isinstance(screen, JobsScreen)
        table, pane = screen.query_one(JobTable), screen.query_one(LivePane)
        await until(pilot, lambda: table.cursor_key is not None)
        screen.tell(drawing("k3f9x2", 50))
        assert at(table) == 50
        await until(pilot, lambda: "boat 55" in screen_text(app), 500)  # the whole batch is seen
        await pilot.press("g", "j")
        screen.tell(drawing("k3f9x2", 58))
        assert at(table) == 3
        await until(pilot, lambda: pane.shown and pane.shown.name == "0003-1.png")
        await pilot.press("w")
        assert at(table) == 58
        screen.tell(drawing("k3f9x2", 66))
        assert at(table) == 66


@pytest.mark.slow
async def test_moving_in_the_queue_by_key_or_mouse_takes_a_session_in_hand(
    settings: Settings, make_session: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_session(["a hill"], key="over22", name="over")
    make_session(["a town"], key="stop22", name="stopped", done=0)
    writer = Writer(settings.library)
    writer.stop(Scope("stop22", None))
    writer.close()
    for number in range(12):
        make_session([f"boat {number}"], key=f"many{number:02}", name=f"row {number}", done=0)
    app = PromptsheetApp(Library(settings))
    app.app_state.memory.session = "over22"
    asked: list[str] = []
    monkeypatch.setattr(app.app_state.library.engine, "resume", lambda: asked.append("started"))

    def in_hand() -> str:
        return app.app_state.memory.session or ""

    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "1/1 made   took" in screen_text(app))
        screen = app.screen
        assert isinstance(screen, JobsScreen)
        queue = screen.query_one(SessionQueue)
        await until(pilot, lambda: queue.cursor_key == "over22")
        assert queue.source.count() == 14 and queue.size.height < 8
        await pilot.press("right_square_bracket")  # after the last comes the first
        await until(pilot, lambda: in_hand() == "many00" and "boat 0" in screen_text(app))
        await until(pilot, lambda: queue.source.count() == 13)
        await pilot.click(SessionQueue, offset=(20, 2))
        await until(pilot, lambda: in_hand() == "many01" and "boat 1" in screen_text(app))
        assert queue.has_focus
        await pilot.press("G")
        await until(pilot, lambda: in_hand() == "stop22" and "a town" in screen_text(app))
        assert not screen.check_action("move", ("up",))
        await pilot.press("escape")
        assert screen.query_one(JobTable).has_focus
        await until(pilot, lambda: "P Start" in screen_text(app))
        await pilot.press("P")
        await until(pilot, lambda: asked == ["started"])
