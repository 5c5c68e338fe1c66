"""What Sheet shows while no sheet is open: the machine, the ways on, what was made lately."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

import assets
from engine.api import LibraryError, PromptsheetError, SessionInfo
from tui.app_state import AppState, TakeInHand, count_made
from tui.glyphs import GLYPHS
from tui.graphics.protocol import current
from tui.keys import bind, key_of
from tui.text import clean, count_text, size_text
from tui.widgets.table_lines import fit
from tui.workers import hand_over, work

EXAMPLE = Path(assets.__file__).parent / "examples" / "first-light.csv"
_WAYS = (
    ("welcome.to_sheet", "try the example", "example"),
    ("sheet.open_file", "open a sheet of prompts", "screen.open"),
    ("sheet.prompts", "type prompts", "screen.prompts"),
    ("sheet.pictures", "add source pictures", "screen.pictures"),
    ("app.sessions", "see past sessions", "app.go('sessions')"),
    ("app.models", "see models", "app.models"),
    ("app.help", "show all keys", "app.help"),
)
_MOST_SESSIONS = 6
_WIDE = 100
_ROOM, _SHORT_ROOM = 37, 22
_MOST_MODELS = 3
_DAY = 86_400


class WelcomeLine(Static):
    """One thing that can be chosen."""

    @dataclass
    class Clicked(Message):
        """It was."""

        line: "WelcomeLine"

    def __init__(self, content: Content, choose: Callable[[], object], session: str = "") -> None:
        super().__init__(content, classes="line")
        self.choose = choose
        """What is done then."""
        self.session = session
        """Whose pictures are shown while the cursor is here."""

    def on_click(self, _: Click) -> None:
        """A click is as good as the key."""
        self.post_message(self.Clicked(self))


@dataclass(frozen=True, slots=True)
class WelcomeFacts:
    """What is found out in a thread."""

    machine: str
    away: str
    """What was made while nobody looked; empty: nothing."""
    sessions: Sequence[SessionInfo]


def find_facts(app_state: AppState) -> WelcomeFacts:
    """What the library and this machine tell. Call in a thread."""
    sessions: Sequence[SessionInfo] = ()
    away = ""
    try:
        sessions = app_state.library.sessions.newest(_MOST_SESSIONS)
        count_made(app_state)
    except LibraryError:
        pass  # nothing made yet, or a library that other screens complain of
    else:
        away = away_words(*(app_state.away or (0, 0)))
    return WelcomeFacts(machine_words(app_state), away, sessions)


def away_words(done: int, failed: int) -> str:
    """`While you were away: 312 images, 2 failed`; empty if there is nothing to tell."""
    parts = [count_text(done, "image")] if done or not failed else []
    parts += [f"{failed:,} failed"] if failed else []
    return f"While you were away: {', '.join(parts)}" if done or failed else ""


def machine_words(app_state: AppState) -> str:
    """`cuda:0 139 GB · models: builtin, sdxl · disk 212 GB free`, and why pictures are blocks.

    Call in a thread.
    """
    from engine.api import devices_in_use

    devices = devices_in_use()
    each = [f"{device.device} {size_text(device.total)}" for device in devices]
    parts = [each[0], *([f"and {len(each) - 1} more"] if len(each) > 1 else [])]
    try:
        labels = list(app_state.library.models.all())
        more = len(labels) - _MOST_MODELS
        named = ", ".join(labels[:_MOST_MODELS]) + (f" and {more} more" if more > 0 else "")
        parts.append(f"models: {named}")
        parts.append(f"disk {size_text(app_state.library.disk_use().free)} free")
    except (PromptsheetError, OSError):
        pass  # what is wrong with them is said where they are used
    words = clean(" · ".join(parts))
    # A line of its own, so that it is not cut off where it matters: far away, in 80 columns.
    return f"{words}\n{clean(f'pictures in blocks: {why}')}" if (why := current().why) else words


def when_words(then: float, now: float) -> str:
    """`today 18:20`, `yesterday 18:20`, `Tuesday`, `2026-05-03`."""
    midnight = time.mktime((*time.localtime(now)[:3], 0, 0, 0, 0, 0, -1))
    local = time.localtime(then)
    if then >= midnight:
        return time.strftime("today %H:%M", local)
    if then >= midnight - _DAY:
        return time.strftime("yesterday %H:%M", local)
    return time.strftime("%A" if then >= midnight - 6 * _DAY else "%Y-%m-%d", local)


def _done(info: SessionInfo) -> str:
    return f"{info.done:,}" if info.done == info.images else f"{info.done:,}/{info.images:,}"


def _session_words(info: SessionInfo, now: float, room: int, counts: int) -> Content:
    """A session, with `room` cells for its name and counts, `counts` of them for these."""
    star = f"  ★ {info.favourites}" if info.favourites else ""
    return Content.assemble(
        fit(clean(info.name), room - counts),
        f" {GLYPHS[info.state]} {_done(info):<{counts}}  ",
        (when_words(info.created, now), "$text-muted"),
        (star, "$text-warning"),
    )


class Welcome(Widget, can_focus=True):
    """Lines with a cursor: the ways on, then what was made lately; pictures come after."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("welcome.up", "move(-1)", "Up", show=False),
        bind("welcome.down", "move(1)", "Down", show=False),
        bind("welcome.open", "choose", "Choose"),
        bind("welcome.to_sheet", "example", "Try the example"),
    ]
    DEFAULT_CSS = """
    Welcome { height: 1fr; padding: 1 2 0 2; }
    Welcome #name { text-style: bold; height: 1; }
    Welcome #what { height: 1; }
    Welcome #machine { height: auto; max-height: 2; color: $text-muted;
                       text-wrap: nowrap; text-overflow: ellipsis; }
    Welcome #away { height: auto; display: none; margin-top: 1; }
    Welcome #columns { height: auto; margin-top: 1; }
    Welcome #ways { width: 42; height: auto; }
    Welcome #lately { width: 1fr; height: auto; }
    Welcome .title { height: 1; color: $text-muted; padding: 0 1; }
    Welcome .line { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Welcome .line.-here { background: $accent 25%; }
    Welcome .line:hover { background: $block-hover-background; }
    Welcome #strip-place { height: 1fr; margin-top: 1; }
    Welcome.-narrow { padding: 0 1; }
    Welcome.-narrow #ways { width: 34; }
    """

    def __init__(self, app_state: AppState, read: Callable[[Path], object]) -> None:
        """`read`: opens a sheet."""
        super().__init__()
        self._app_state = app_state
        self._read = read
        self._here: WelcomeLine | None = None
        self._newest = ""

    def compose(self) -> ComposeResult:
        """What is known at once; the rest is found out afterwards."""
        yield Static("Promptsheet", id="name")
        yield Static("A sheet of prompts in, a folder of images out.", id="what")
        yield Static("", id="machine", markup=False)
        yield Vertical(id="away")
        with Horizontal(id="columns"):
            with Vertical(id="ways"):
                for name, words, action in _WAYS:
                    yield WelcomeLine(_way(name, words), partial(self._do, action))
            yield Vertical(id="lately")
        yield Container(id="strip-place")

    def on_mount(self) -> None:
        """The cursor is on the first way on."""
        self._go_to(self._lines[0])
        self.look()

    def name_keys(self) -> None:
        """Rewrite the ways on with the keys they have now."""
        ways = self.query_one("#ways").query(WelcomeLine)
        for line, (name, words, _) in zip(ways, _WAYS, strict=True):
            line.update(_way(name, words))
        self.look()

    def on_resize(self) -> None:
        """Little room is not spent on margins."""
        narrow = self.size.width < _WIDE
        if narrow != self.has_class("-narrow"):
            self.set_class(narrow, "-narrow")
            self.look()

    @property
    def _lines(self) -> list[WelcomeLine]:
        """Those of the news come first, as they stand."""
        return list(self.query(WelcomeLine))

    def _do(self, action: str) -> None:
        self.call_later(self.run_action, action)

    # ---------------------------------------------------------------- what is found out

    @work(thread=True, exclusive=True, group="facts")
    def look(self) -> None:
        """Find out again what there is to tell."""
        if self.display:
            hand_over(self._tell, find_facts(self._app_state))

    @work(exclusive=True, group="tell")
    async def _tell(self, facts: WelcomeFacts) -> None:
        self.query_one("#machine", Static).update(facts.machine)
        self._newest = facts.sessions[0].session if facts.sessions else ""
        away, lately = self.query_one("#away"), self.query_one("#lately")
        async with self.batch():
            await away.remove_children()
            await lately.remove_children()
            away.display = bool(facts.away and facts.sessions)
            if away.display:
                news = max(facts.sessions, key=lambda info: info.finished or 0.0).session
                words = Content.assemble(
                    (f"{facts.away}   ", "bold"),
                    (f"{key_of('welcome.open')} shows them", "$text-muted"),
                )
                await away.mount(WelcomeLine(words, lambda: self._take_in_hand(news, "review")))
            now, room = time.time(), _SHORT_ROOM if self.has_class("-narrow") else _ROOM
            counts = max((len(_done(info)) for info in facts.sessions), default=0)
            if facts.sessions:
                await lately.mount(Static("recent images", classes="title"))
            await lately.mount_all(
                WelcomeLine(
                    _session_words(info, now, room, counts), self._opener(info), info.session
                )
                for info in facts.sessions
            )
        lines = self._lines
        if away.display:
            self._go_to(lines[0])
        elif self._here not in lines:
            self._go_to(lines[min(len(_WAYS), len(lines) - 1)])
        if facts.sessions:
            self._show_pictures()

    def _opener(self, info: SessionInfo) -> Callable[[], object]:
        unfinished = info.waiting or info.rendering
        return lambda: self._take_in_hand(info.session, "jobs" if unfinished else "review")

    def _take_in_hand(self, session: str, area: str) -> None:
        self.post_message(TakeInHand(session, area))

    @work(exclusive=True, group="pictures")
    async def _show_pictures(self) -> None:
        """Of the session under the cursor, else of the newest."""
        session = (self._here.session if self._here else "") or self._newest
        # What decodes pictures takes a third of a second to load.
        strips = await asyncio.to_thread(import_module, "tui.widgets.strip")
        place = self.query_one("#strip-place", Container)
        if not place.children:
            await place.mount(strips.ThumbnailStrip())
        strip, library = place.query_one(strips.ThumbnailStrip), self._app_state.library
        try:
            images = await asyncio.to_thread(library.images.glance, session, strips.MOST)
        except LibraryError:
            return
        strip.show([library.path / image.file for image in images if image.file])

    # ---------------------------------------------------------------- the cursor

    def _go_to(self, line: WelcomeLine) -> None:
        if self._here is not None:
            self._here.remove_class("-here")
        self._here = line
        line.add_class("-here")

    def action_move(self, step: int) -> None:
        """To the line above or below."""
        lines = self._lines
        at = lines.index(self._here) if self._here in lines else 0
        before = self._here
        self._go_to(lines[max(0, min(len(lines) - 1, at + step))])
        if self._here is not before and self._here is not None and self._newest:
            self._show_pictures()

    def action_choose(self) -> None:
        """Do what the line under the cursor says."""
        if self._here is not None:
            self._here.choose()

    @on(WelcomeLine.Clicked)
    def _clicked(self, event: WelcomeLine.Clicked) -> None:
        self._go_to(event.line)
        event.line.choose()

    def action_example(self) -> None:
        """Open the sheet that comes with the app."""
        self._read(EXAMPLE)


def _way(name: str, words: str) -> Content:
    return Content.assemble((f"{key_of(name):>6}", "bold $text-accent"), f" {words}")
