"""Driving the app and reading its screens."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from engine.api import Library
from engine.settings import Settings
from tui.app_state import AppMemory, remember
from tui.screens.sheet import SheetScreen

HOSTILE = (
    "\x1b]0;owned\x07 [/] [red]x[/red] [@click=app.quit]y[/] \x1b[31m \u202e evil \x9b2J $x",
    "[bold",
    "日本語のとても長いプロンプト " * 20,
    "👩\u200d🚀 قارب أحمر على البحر",
    "a\nb\tc\rd",
)


MakeLibrary = Callable[..., None]
_FOR_LONG = ("keep",)
"""Groups of workers that are there as long as their screen."""


async def until(pilot: Pilot[Any], condition: Callable[[], object], tries: int = 4000) -> None:
    """Wait until `condition` holds, painted; processes that start need more tries.

    As pauses of the pilot, which ask each widget and paint each time: that costs the most.
    """
    await pilot._wait_for_screen()
    for _ in range(tries):
        await asyncio.sleep(0.02)
        if condition():
            await pilot.pause(0)
            if condition():
                return
    raise AssertionError("waited in vain")


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until nothing changes on the screen any more: for pictures of it.

    What a thread has found takes a layout or two until it stands, a scroll bar one more.
    """
    app, same, before = pilot.app, 0, ""
    for _ in range(4000):
        await pilot.pause(0.02)
        bars = [w.scrollbars_enabled for w in app.screen.query("*") if w.is_scrollable]
        now = f"{screen_text(app)}{bars}"
        at_work = any(w.group not in _FOR_LONG and not w.is_finished for w in app.workers)
        same = same + 1 if now == before and not at_work else 0
        before = now
        if same == 10:
            return
    raise AssertionError("never at rest")


def screen_text(app: App[Any]) -> str:
    """Every character on the screen, lines joined."""
    strips = app.screen._compositor.render_strips()  # none before the first layout
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def opens_in(area: str, settings: Settings) -> None:
    """Have apps open there, where one was left before: Sheet and a change of area cost a third."""
    remember(Library(settings), AppMemory(area))


async def opened_sheet(pilot: Pilot[str]) -> SheetScreen:
    """The Sheet screen, once a sheet is in it."""
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, SheetScreen) and app.screen.draft)
    assert isinstance(app.screen, SheetScreen)
    return app.screen


def prompts(screen: SheetScreen) -> list[str]:
    draft = screen.draft
    return [draft.text(number, "prompt") for number in draft.numbers] if draft else []


def drop(screen: SheetScreen) -> None:
    """As the system does of a process that has ended."""
    assert screen._autosaving.store._lock is not None
    os.close(screen._autosaving.store._lock)


WITH_ALL: Any = {"notifications": True, "tooltips": True}
