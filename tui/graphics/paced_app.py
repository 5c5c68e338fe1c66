"""An app whose pictures are paced: it tells its outlet of keys, frames and answers."""

from typing import TypeVar

from rich.console import RenderableType
from textual.app import App
from textual.events import CursorPosition, Event, Key, MouseEvent, MouseMove, Paste, Resize
from textual.screen import Screen

from tui.graphics.outlet import outlet_of

Result = TypeVar("Result")


class PacedApp(App[Result]):
    """What a person does is answered before anything else is sent."""

    async def on_event(self, event: Event) -> None:
        """What it leads to goes first."""
        is_act = isinstance(event, Key | Paste | Resize | MouseEvent)
        if is_act and not isinstance(event, MouseMove):
            outlet_of(self).typed(event.time)
        await super().on_event(event)

    def on_ready(self) -> None:
        """From now on the terminal is asked what it has read."""
        outlet_of(self).begin()

    def on_cursor_position(self, event: CursorPosition) -> None:
        """It has read so far."""
        outlet_of(self).answered(event)

    async def stop_asking(self) -> None:
        """Answers that come when the app has ended would be typed into the shell."""
        await outlet_of(self).end()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        if renderable is not None and not self._batch_count:
            outlet_of(self).painted(screen, renderable)
