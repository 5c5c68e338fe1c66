"""The line at the top: the four areas, the engine's state, the device, the disk."""

import time
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from tui.app_state import AppState
from tui.keys import key_of
from tui.text import clean
from tui.widgets.gauges import DiskGauge, device_gauge, disk_gauge
from tui.workers import hand_to, work

AREAS = {"sheet": "Sheet", "jobs": "Jobs", "review": "Review", "sessions": "Sessions"}
_GAUGE_SECONDS = 2.0
_CLOCK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Gauges:
    device: tuple[str, ...]
    disk: DiskGauge


def _tab_words(area: str) -> str:
    return f" {key_of(f'app.{area}')} {AREAS[area]} "


class AreaTab(Static):
    """One area's key and name; a click goes there."""

    @dataclass
    class Chosen(Message):
        """Go to this area."""

        area: str

    def __init__(self, area: str) -> None:
        super().__init__(_tab_words(area), markup=False, classes="area")
        self._area = area

    def name_key(self) -> None:
        """Rewrite it with the key it has now."""
        self.update(_tab_words(self._area))

    def on_click(self, _: Click) -> None:
        """Go there."""
        self.post_message(self.Chosen(self._area))


class TopLine(Horizontal):
    """One row, on every screen."""

    DEFAULT_CSS = """
    TopLine { height: 1; background: $panel; }
    TopLine .area { width: auto; color: $text-muted; }
    TopLine .area.-here { color: $block-cursor-foreground; background: $block-cursor-background;
                            text-style: bold; }
    TopLine #gauges { width: 1fr; text-align: right; text-wrap: nowrap; padding: 0 1;
                      color: $text-muted; }
    TopLine #gauges.-warning { color: $text-warning; }
    """

    def __init__(self, here: str, app_state: AppState) -> None:
        super().__init__()
        self._here = here
        self._app_state = app_state
        self._device: tuple[str, ...] = ("",)
        self._disk = DiskGauge()
        self._shown = ("", "")

    def compose(self) -> ComposeResult:
        """Tabs left, gauges right."""
        for area in AREAS:
            tab = AreaTab(area)
            tab.set_class(area == self._here, "-here")
            yield tab
        yield Static("", id="gauges", markup=False)

    def on_mount(self) -> None:
        """Gauges are read in a thread, and only while the screen is looked at."""
        self._measure()
        self.set_interval(_GAUGE_SECONDS, self._measure)
        self.set_interval(_CLOCK_SECONDS, self._tick)

    def on_resize(self) -> None:
        """What does not fit is left out."""
        self.show()

    @on(AreaTab.Chosen)
    async def _go(self, event: AreaTab.Chosen) -> None:
        await self.app.run_action(f"go('{event.area}')")

    def _tick(self) -> None:
        """Seconds are counted though nothing new is told."""
        if self.screen.is_current:
            self.show()

    def _measure(self) -> None:
        if self.screen.is_current:
            self._read_gauges()

    @work(thread=True, exclusive=True, group="gauges")
    def _read_gauges(self) -> None:
        app_state = self._app_state
        disk = disk_gauge(app_state.library, app_state.memory.session)
        hand_to(self, self._take, _Gauges(device_gauge(app_state.devices), disk))

    def _take(self, gauges: _Gauges) -> None:
        self._device, self._disk = gauges.device, gauges.disk
        self.show()

    def name_keys(self) -> None:
        """Rewrite the tabs with the keys they have now."""
        for tab in self.query(AreaTab):
            tab.name_key()
        self.show()

    def show(self) -> None:
        """Say how things stand, if that is not what stands there."""
        tabs = sum(len(key_of(f"app.{area}")) + len(name) + 3 for area, name in AREAS.items())
        room = self.size.width - tabs - 3
        status = self._app_state.status
        now = time.monotonic()
        engine = status.forms(now)[0]
        # The disk's long form goes first, then the device's, then the device, then what is left
        # of the disk; then what matters less of the engine.
        choices = [
            *([engine, self._device[0], disk] for disk in self._disk.forms),
            [engine, self._device[-1], self._disk.forms[-1]],
            [engine, self._disk.forms[-1]],
        ]
        lines = ["   ".join(part for part in parts if part) for parts in choices]
        text = next((line for line in lines if len(line) <= room), status.fitting(room, now))
        why = "\n".join(clean(part) for part in (status.reason, self._disk.warning) if part)
        if (text, why) == self._shown or not self.screen.is_active:
            return
        self._shown = text, why
        gauges = self.query_one("#gauges", Static)
        gauges.update(Content(text), layout=False)
        gauges.tooltip = Content(why) if why else None
        gauges.set_class(bool(self._disk.warning), "-warning")
