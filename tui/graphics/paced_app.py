"""An app that writes what has changed and no more, and keys' echoes before pictures."""

from typing import TypeVar

from rich.console import Console, RenderableType
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.events import CursorPosition, Event, Key, MouseEvent, MouseMove, Paste, Resize
from textual.screen import Screen

from tui.graphics.outlet import outlet_of

Result = TypeVar("Result")


class _FrameChanges(CompositorUpdate):
    """What is written of a frame."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render_segments(self, console: Console) -> str:  # noqa: ARG002
        return self._text


class PacedApp(App[Result]):
    """What a person does is answered before anything else is sent."""

    async def on_event(self, event: Event) -> None:
        """What it leads to goes first."""
        if isinstance(event, Resize):
            outlet_of(self).shown.forget()
        is_act = isinstance(event, Key | Paste | Resize | MouseEvent)
        if is_act and not isinstance(event, MouseMove):
            outlet_of(self).typed()
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
        if not isinstance(renderable, CompositorUpdate) or self._batch_count:
            super()._display(screen, renderable)
            return
        outlet = outlet_of(self)
        text = outlet.changes(renderable)
        cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
        if text or cursor != self._previous_cursor_position:
            super()._display(screen, _FrameChanges(text))
        else:
            self.post_display_hook()
        outlet.painted(wrote=bool(text))
