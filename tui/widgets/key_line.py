"""The line at the bottom: the keys that work here now; a click is as good as the key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

_MORE = " … "


@dataclass(frozen=True, slots=True)
class Item:
    """A key and what it does."""

    key: str
    shown: str
    words: str
    enabled: bool = True

    @property
    def width(self) -> int:
        """In cells."""
        return cell_len(self.shown) + cell_len(self.words) + 3


class KeyLine(Widget):
    """One widget draws them all.

    With a widget for each, every change of what can be done would cost a tenth of a second.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "key-line--key",
        "key-line--words",
        "key-line--off",
        "key-line--hover",
    }
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom;
        height: 1;
        background: $footer-background;
        & > .key-line--key { color: $footer-key-foreground; text-style: bold; }
        & > .key-line--words { color: $footer-description-foreground; }
        & > .key-line--off { color: $footer-description-foreground; text-style: dim; }
        & > .key-line--hover { color: $footer-key-foreground; background: $block-hover-background; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._items: Sequence[Item] = ()
        self._places: list[tuple[range, Item]] = []
        """Where each stands, as far as there is room."""
        self._under_mouse: Item | None = None
        self._due = False

    def on_mount(self) -> None:
        """Look at once, and whenever something else can be done."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._look()

    def _changed(self, screen: Screen[Any]) -> None:
        if screen is self.screen and not self._due:
            self._due = True
            self.call_after_refresh(self._look)

    def _look(self) -> None:
        self._due = False
        if not self.is_attached:  # its screen was left meanwhile
            return
        items = self._found()
        if items != self._items:
            self._items = items
            self._arrange()
            self.refresh()

    def _found(self) -> Sequence[Item]:
        """The palette's key is the last, if there is a palette."""
        active = dict(self.screen.active_bindings)
        palette = active.pop(self.app.COMMAND_PALETTE_BINDING, None)
        items: dict[str, Item] = {}
        for _, binding, enabled, _ in active.values():
            if binding.show:
                shown = self.app.get_key_display(binding)
                item = Item(binding.key, shown, binding.description, enabled)
                items.setdefault(binding.action, item)
        if palette is not None and self.app.ENABLE_COMMAND_PALETTE:
            _, binding, enabled, _ = palette
            shown = self.app.get_key_display(binding)
            items["palette"] = Item(binding.key, shown, binding.description, enabled)
        return tuple(items.values())

    def on_resize(self) -> None:
        """What does not fit is found in the palette."""
        self._arrange()
        self.refresh()

    def _arrange(self) -> None:
        self._places = []
        if not self._items:
            return
        *items, last = self._items
        end = self.size.width - last.width
        x = 0
        for number, item in enumerate(items):
            room = end if number == len(items) - 1 else end - cell_len(_MORE)
            if x + item.width > room:
                break
            self._places.append((range(x, x + item.width), item))
            x += item.width
        self._places.append((range(max(x, end), max(x, end) + last.width), last))

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """The keys, and at the right the palette's."""
        plain = self.rich_style
        segments: list[Segment] = []
        x = 0
        for number, (place, item) in enumerate(self._places):
            gap = place.start - x
            if gap:
                missing = len(self._places) < len(self._items)
                more = _MORE if missing and number == len(self._places) - 1 else ""
                style = plain + self._style("words") if more else plain
                segments.append(Segment(more[:gap].ljust(gap), style))
            name = "hover" if item is self._under_mouse else ""
            key, words = (name or "key", name or "words") if item.enabled else ("off", "off")
            segments += [
                Segment(f" {item.shown}", plain + self._style(key)),
                Segment(f" {item.words} ", plain + self._style(words)),
            ]
            x = place.stop
        return Strip(segments).adjust_cell_length(self.size.width, plain)

    def _style(self, name: str) -> Any:
        return self.get_component_rich_style(f"key-line--{name}", partial=True)

    def _at(self, x: int) -> Item | None:
        return next((item for place, item in self._places if x in place), None)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show what a click would do."""
        self._hover(self._at(event.x))

    def on_leave(self) -> None:
        """Nothing."""
        self._hover(None)

    def _hover(self, item: Item | None) -> None:
        if item is not self._under_mouse:
            self._under_mouse = item
            self.refresh()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """As if the key had been pressed."""
        item = self._at(event.x)
        if item is None:
            return
        if item.enabled:
            self.app.simulate_key(item.key)
        else:
            self.app.bell()
