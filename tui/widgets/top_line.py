"""The line at the top: the four areas, the engine's state, the device, the disk."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from tui.text import clean, size_text

if TYPE_CHECKING:
    from tui.watch import News

AREAS = {"sheet": "Sheet", "jobs": "Jobs", "review": "Review", "sessions": "Sessions"}
_GLYPHS = {"off": "○", "idle": "●", "rendering": "◐", "paused": "‖", "other version": "!"}
_BARS = 8
_GAUGE_SECONDS = 2.0


class AreaTab(Static):
    """One area's key and name; a click goes there."""

    class Chosen(Message):
        """Go to this area."""

        def __init__(self, area: str) -> None:
            super().__init__()
            self.area = area

    def __init__(self, number: int, area: str) -> None:
        super().__init__(f" {number} {AREAS[area]} ", markup=False, classes="area")
        self._area = area

    def on_click(self, _: Click) -> None:
        """Go there."""
        self.post_message(self.Chosen(self._area))


class TopLine(Horizontal):
    """One row, on every screen."""

    DEFAULT_CSS = """
    TopLine { height: 1; background: $panel; }
    TopLine .area { width: auto; color: $text-muted; }
    TopLine .area.-here { color: $text; background: $accent 40%; text-style: bold; }
    TopLine #gauges { width: 1fr; text-align: right; text-wrap: nowrap; padding: 0 1;
                      color: $text-muted; }
    """

    def __init__(self, here: str, library: Path) -> None:
        super().__init__()
        self._here = here
        self._library = library
        self._engine = "○ engine: off"
        self._gauges = ("", "")

    def compose(self) -> ComposeResult:
        """Tabs left, gauges right."""
        for number, area in enumerate(AREAS, start=1):
            tab = AreaTab(number, area)
            tab.set_class(area == self._here, "-here")
            yield tab
        yield Static("", id="gauges", markup=False)

    def on_mount(self) -> None:
        """Gauges are read in a thread, and only while the screen is looked at."""
        self._measure()
        self.set_interval(_GAUGE_SECONDS, self._measure)

    def on_resize(self) -> None:
        """What does not fit is left out."""
        self._show()

    @on(AreaTab.Chosen)
    def _go(self, event: AreaTab.Chosen) -> None:
        self.app.switch_mode(event.area)

    def tell(self, news: "News") -> None:
        """Show the engine's state."""
        steps = "".join(f" {step.step}/{step.steps}" for step in news.steps.values())
        self._engine = f"{_GLYPHS[news.engine]} engine: {news.engine}{steps}"
        self.query_one("#gauges").tooltip = Content(clean(news.reason)) if news.reason else None
        self._show()

    @work(thread=True, exclusive=True, group="gauges")
    def _measure(self) -> None:
        if not self.screen.is_current:
            return
        gauges = (device_gauge(), disk_gauge(self._library))
        self.app.call_from_thread(self._take, gauges)

    def _take(self, gauges: tuple[str, str]) -> None:
        self._gauges = gauges
        self._show()

    def _show(self) -> None:
        room = self.size.width - sum(len(name) + 4 for name in AREAS.values()) - 3
        parts = [self._engine, *self._gauges]
        while len(parts) > 1 and len("   ".join(parts)) > room:
            parts.pop(1)
        text = "   ".join(part for part in parts if part)
        self.query_one("#gauges", Static).update(Content(text))


def device_gauge() -> str:
    """How busy the processor and the memory are."""
    import psutil  # in the gauges' thread, after the first paint

    memory = psutil.virtual_memory()
    used, total = (amount / 2**30 for amount in (memory.total - memory.available, memory.total))
    return f"cpu {psutil.cpu_percent():.0f}% {used:.0f}/{total:.0f} GiB"


def disk_gauge(library: Path) -> str:
    """A bar and the free space of the library's disk, and the library's own size."""
    from engine.api import list_sessions  # in the gauges' thread, after the first paint

    folder = next(parent for parent in (library, *library.parents) if parent.exists())
    usage = shutil.disk_usage(folder)
    filled = round(_BARS * (1 - usage.free / usage.total))
    bar = "█" * filled + "░" * (_BARS - filled)
    used = sum(session.bytes for session in list_sessions(library))
    return f"disk ▕{bar}▏ {size_text(usage.free)} free, {size_text(used)} here"
