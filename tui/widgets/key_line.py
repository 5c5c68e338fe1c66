"""The line at the bottom: the keys that work here now; a click is as good as the key.

What matters most comes first: a screen's `KEY_LINE` has ids in that order, others follow as they
are bound. What there is no room for is left out whole, and is found under help and in the palette,
whose keys are always there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import ActiveBinding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tui.keys import called, words_of

_ALWAYS = ("app.help", "overlay.help")
"""Ids that stand at the right, with the palette."""
_PALETTE = "Actions"
_LAST = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """A key and what it does."""

    key: str
    shown: str
    words: str

    @property
    def width(self) -> int:
        """Cells, with the space around it."""
        return cell_len(self.shown) + cell_len(self.words) + 3


def placed(
    items: Sequence[Item], always: Sequence[Item], width: int, gap: int = 0
) -> list[tuple[range, Item]]:
    """Where each item stands, whole.

    Args:
        items: from the left, as many as there is room for, in their order.
        always: at the right; where there is not even room for these, the last of them.
        width: cells there are.
        gap: cells between the items.
    """
    kept = list(always)
    while len(kept) > 1 and sum(item.width for item in kept) > width:
        del kept[0]
    places: list[tuple[range, Item]] = []
    x, end = 0, max(0, width - sum(item.width for item in kept))
    for item in items:
        if x + item.width > end:
            break
        places.append((range(x, x + item.width), item))
        x += item.width + gap
    for item in kept:
        places.append((range(end, end + item.width), item))
        end += item.width
    return places


class KeyLine(Widget):
    """One widget draws them all.

    With a widget for each, every change of what can be done would cost a tenth of a second.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "key-line--key",
        "key-line--words",
        "key-line--hover",
    }
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom;
        height: 1;
        background: $footer-background;
        & > .key-line--key { color: $footer-key-foreground; text-style: bold; }
        & > .key-line--words { color: $footer-description-foreground; }
        & > .key-line--hover { color: $footer-key-foreground; background: $block-hover-background; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._items: tuple[Sequence[Item], Sequence[Item]] = (), ()
        """What works now, and what is always there."""
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

    def _found(self) -> tuple[Sequence[Item], Sequence[Item]]:
        """What works now, by importance; and the keys of help and of the palette."""
        ids = ("app.leave", *getattr(self.screen, "KEY_LINE", ()))
        wanted = {name: number for number, name in enumerate(ids)}
        found: dict[str, tuple[int, Item]] = {}
        always: list[Item] = []
        active = self.screen.active_bindings
        for key, binding in self.app._bindings:  # these work over dialogs, too
            if binding.priority and self.app._check_action_state(binding.action, self.app):
                active[key] = ActiveBinding(self.app, binding, True, "")
        for node, binding, enabled, _ in active.values():
            if self._is_typed(node, binding.key):
                continue
            shown, words = self.app.get_key_display(binding), words_of(node, binding)
            item = Item(binding.key, shown, words)
            if binding.id in _ALWAYS:
                always.append(item)
            elif binding.show and enabled and words:
                place = wanted.get(binding.id or "", _LAST)
                found.setdefault(binding.action, (place, item))
        if self.app.ENABLE_COMMAND_PALETTE:  # it is reached from dialogs, too
            key = self.app.COMMAND_PALETTE_BINDING
            always.append(Item(key, called(key), _PALETTE))
        ordered = sorted(found.values(), key=lambda each: each[0])
        return tuple(item for _, item in ordered), tuple(always)

    def _is_typed(self, node: DOMNode, key: str) -> bool:
        """Whether what has the focus takes it as a sign; Textual does not know of the slash."""
        focused, sign = self.screen.focused, called(key)
        if focused is None or focused is node or len(sign) != 1:
            return False
        return focused.check_consume_key(key, sign)

    def on_resize(self) -> None:
        """There may be room for more, or for less."""
        self._arrange()
        self.refresh()

    def _arrange(self) -> None:
        self._places = self.arranged(*self._items, self.size.width)

    def arranged(
        self, items: Sequence[Item], always: Sequence[Item], width: int
    ) -> list[tuple[range, Item]]:
        """Where each item stands; arguments as for `placed`."""
        return placed(items, always, width)

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """The keys, and at the right those that are always there."""
        plain = self.rich_style
        segments: list[Segment] = []
        x = 0
        for place, item in self._places:
            if place.start > x:
                segments.append(Segment(" " * (place.start - x), plain))
            name = "hover" if item is self._under_mouse else ""
            segments += [
                Segment(f" {item.shown}", plain + self._style(name or "key")),
                Segment(f" {item.words} ", plain + self._style(name or "words")),
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
        if (item := self._at(event.x)) is not None:
            self.app.simulate_key(item.key)
