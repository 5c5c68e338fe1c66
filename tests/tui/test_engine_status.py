"""What is made of what the engine process told: pure, for every state there is."""

from dataclasses import replace

import pytest
from msgspec import structs

from engine.api import (
    Absent,
    Counted,
    EngineEvent,
    Gone,
    Library,
    Load,
    Loading,
    Mismatched,
    Pace,
    Paused,
    Revived,
    Settings,
    Silent,
    Standing,
    Stepped,
    Tally,
)
from engine.protocol.answers import Status
from tui.engine_status import Doing, EngineStatus
from tui.engine_watch import EngineWatch

IDLE = Standing(Status(1, "", "", "", None, None, False, True, [], [], []))
AWAY = Standing(structs.replace(IDLE.status, host="node-a"), elsewhere=True)
WORK = Tally("s", 12, waiting=10, rendering=0, stopped=0, failed=0, done=2, rewriting=0)
BEGUN = Counted(WORK, False, [2])
ENDED = Counted(replace(WORK, waiting=0, done=12), False, [2])
STEP = Stepped("s", "cuda:0", 2, 1, 4, 12, 30)
SDXL = Loading([Load("cuda:0", "sdxl", 5.0)])
READY = Loading([])
YOU = Paused("paused by you; `promptsheet engine resume` lets it go on", by_user=True)
FULL = Paused("the disk has 400 MiB left; rendering continues above the reserve of 512 MiB")


def standing(**told: object) -> Standing:
    return Standing(structs.replace(IDLE.status, **told))


def after(*events: EngineEvent) -> EngineStatus:
    watch = EngineWatch(Library(Settings()))
    for event in events:
        watch._take_in(event)
        watch._changed = True
    news = watch.take()
    return EngineStatus() if news is None else news.status


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "… engine: looking"),
        ([Absent()], "○ engine: off"),
        ([Revived("It was started.")], "◌ engine: starting"),
        ([IDLE], "● engine: idle"),
        ([IDLE, BEGUN], "◐ rendering 2/12"),
        ([IDLE, BEGUN, Loading([Load("cuda:0", None, 5.0)])], "◌ starting on cuda:0 · 5 s"),
        ([IDLE, BEGUN, SDXL], "◌ loading sdxl on cuda:0 · 5 s"),
        ([IDLE, BEGUN, SDXL, READY, STEP], "◐ rendering 2/12 · step 12/30"),
        ([IDLE, BEGUN, STEP, SDXL], "◌ loading sdxl on cuda:0 · 5 s"),
        ([IDLE, BEGUN, STEP, ENDED], "● engine: idle"),
        ([IDLE, BEGUN, STEP, YOU], "‖ paused by you · P in Jobs continues"),
        # What was being computed comes to its end, and is no sign that it goes on.
        ([IDLE, BEGUN, YOU, STEP, BEGUN], "‖ paused by you · P in Jobs continues"),
        ([IDLE, BEGUN, FULL, STEP], f"‖ paused: {FULL.reason}"),
        ([IDLE, BEGUN, FULL, Paused(None)], "◐ rendering 2/12"),
        ([IDLE, YOU], "‖ paused by you · P in Jobs continues"),
        ([standing(paused="x", renders=False)], "‖ not rendering here: x"),
        ([AWAY], "● engine on node-a: idle"),
        ([AWAY, BEGUN], "◐ engine on node-a: rendering 2/12"),
        ([AWAY, BEGUN, SDXL], "◌ engine on node-a: loading sdxl on cuda:0 · 5 s"),
        (
            [Standing(structs.replace(AWAY.status, paused="x"), elsewhere=True)],
            "‖ engine on node-a: paused: x",
        ),
        ([AWAY, BEGUN, Gone()], "○ engine: off"),
        ([standing(paused="x", paused_by_user=True)], "‖ paused by you · P in Jobs continues"),
        ([standing(work=[WORK], loading=SDXL.loads)], "◌ loading sdxl on cuda:0 · 5 s"),
        ([standing(work=[WORK], held=["s"])], "● engine: idle"),
        ([IDLE, Counted(replace(WORK, rewriting=10), False, None)], "✎ rewriting 10 prompts"),
        ([IDLE, BEGUN, STEP, Gone()], "○ engine: off"),
        ([IDLE, BEGUN, STEP, Silent("It hangs.")], "! engine: silent"),
        ([Mismatched("It is older.")], "! engine: other version"),
    ],
)
def test_the_status_says_what_was_told(events: list[EngineEvent], said: str) -> None:
    from time import monotonic

    assert after(*events).forms(monotonic())[0] == said


def test_why_none_runs_is_told_with_it() -> None:
    assert after(Absent("Nobody asked.")) == EngineStatus(Doing.OFF, "Nobody asked.")
    assert after(Silent("It hangs.")) == EngineStatus(Doing.SILENT, "It hangs.")


def test_of_another_host_no_steps_are_heard_so_nothing_is_said_to_stand_still() -> None:
    away = after(AWAY, BEGUN)
    later = away.since + 1e6
    assert away.forms(later)[0] == "◐ engine on node-a: rendering 2/12"
    assert away.fitting(26, later) == "◐ node-a: rendering 2/12"
    assert away.pace_words(Pace(2.0, 60.0), later) == ["ETA 00:01:00", "2.0 img/s"]


def test_two_devices_render_and_load_and_rendering_is_what_counts() -> None:
    both: list[EngineEvent] = [IDLE, BEGUN, STEP, Loading([Load("cuda:1", "sdxl", 5.0)])]
    assert after(*both).doing is Doing.RENDERING


def test_pace_and_time_left_get_worse_while_nothing_moves_and_are_not_said_of_what_waits() -> None:
    pace, moves = Pace(2.0, 60.0), after(IDLE, BEGUN, STEP)
    now = moves.since
    assert moves.pace_words(pace, now + 3) == ["ETA 00:01:00", "2.0 img/s"]
    assert moves.pace_words(pace, now + 30) == ["ETA 00:01:15", "1.0 img/s"]
    assert "no progress for 30 s" in moves.forms(now + 30)[0]
    for waits in (YOU, FULL, SDXL):
        assert after(IDLE, BEGUN, waits).pace_words(pace, now) == []


def test_the_engine_process_that_is_gone_leaves_nothing_of_what_it_told() -> None:
    assert after(IDLE, BEGUN, YOU, Gone(), IDLE) == EngineStatus(Doing.IDLE)


def test_where_nothing_is_to_be_rendered_there_is_a_word_for_it_with_the_reason_at_hand() -> None:
    why = "login does not render: `promptsheet engine start` on gpu1 does"
    status = after(IDLE, BEGUN, Paused(why, not_here=True))
    assert status.fitting(200, 0.0) == f"‖ not rendering here: {why}"
    assert status.fitting(30, 0.0) == "‖ not rendering here"
    assert status.why_still == why
    assert after(IDLE, BEGUN, YOU).why_still == "", "who paused it knows"
