"""Pictures that are made again, once the terminal turned out to show better ones."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from rich.color import ColorSystem
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from tui.graphics.protocol import current


@runtime_checkable
class ShowsPictures(Protocol):
    """A widget that has pictures made."""

    def remake_pictures(self) -> None:
        """Have them made again: the terminal takes others now."""


def remake_pictures(app: App[Any], screens: Iterable[Screen[Any]]) -> None:
    """Have the pictures of all `screens` made for what the terminal turned out to be."""
    if current().protocol == "kitty":
        # The picture's number travels as a 24-bit colour.
        app.console._color_system = ColorSystem.TRUECOLOR
    for screen in screens:
        for widget in screen.walk_children(Widget):
            if isinstance(widget, ShowsPictures):
                widget.remake_pictures()
