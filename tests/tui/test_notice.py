"""The end of a session, told to the terminal in its own way and in no other."""

import re
from typing import Any

import pytest
from textual.events import AppBlur, AppFocus

from engine.api import EngineFeed
from tests.support.screens import screen_text, until
from tui.app import PromptsheetApp
from tui.graphics import protocol
from tui.screens.settings import SettingsScreen
from tui.terminal.notice import notification
from tui.widgets.virtual_table import VirtualTable

pytestmark = pytest.mark.slow


EVIL = "a\x1b]0;owned\x07;b\x9c\x1b\\ name"


@pytest.mark.parametrize(
    ("term", "begins"),
    [
        ("foot", "\x1b]777;notify;Promptsheet;"),
        ("rxvt-unicode-256color", "\x1b]777;notify;Promptsheet;"),
        ("xterm-kitty", "\x1b]9;"),
        ("xterm-256color", "\x1b]9;"),
        ("tmux-256color", "\x1bPtmux;\x1b\x1b]9;"),
        ("", "\x1b]9;"),
    ],
)
def test_each_terminal_gets_one_sequence_and_the_bell(term: str, begins: str) -> None:
    told = notification("done", {"TERM": term})
    assert told.startswith(begins)
    assert told.endswith("\x1b\\\a")
    assert told.count("done") == 1


@pytest.mark.parametrize("term", ["foot", "xterm", "tmux"])
def test_a_hostile_name_ends_no_sequence_early(term: str) -> None:
    harmless = notification("x", {"TERM": term})
    told = notification(EVIL, {"TERM": term})
    controls = re.compile(r"[\x00-\x1f\x7f-\x9f]")
    assert controls.findall(told) == controls.findall(harmless)


@pytest.mark.parametrize("tells", [True, False])
async def test_the_engine_is_told_whether_anyone_looks_as_far_as_the_terminal_tells(
    app: PromptsheetApp, monkeypatch: pytest.MonkeyPatch, tells: bool
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(EngineFeed, "follow_as", lambda _, **how: told.append(how["seen"]))
    app.tells_focus = tells
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: told)
        assert told[-1] is (True if tells else None)
        app.post_message(AppBlur())
        await until(pilot, lambda: told[-1] is False)
        app.post_message(AppFocus())
        await until(pilot, lambda: told[-1] is True)


async def test_the_settings_say_which_decides(app: PromptsheetApp) -> None:
    assert not app.tells_focus and not protocol.current().tells_focus
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "open a sheet" in screen_text(app))
        for words in ("notice.unsure decides", "while it is not in focus"):
            app.action_settings()
            await until(pilot, lambda: "─ The app" in screen_text(app))
            app.screen.query_one(VirtualTable).go_to("notice.command")
            await until(pilot, lambda: words in screen_text(app))  # noqa: B023
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, SettingsScreen))
            app.post_message(AppFocus())
            await until(pilot, lambda: app.tells_focus)
