"""Every key of a screen and what it does, over it."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

from tui.screens.dialog import Overlay
from tui.widgets.dialog_box import DialogBox
from tui.widgets.welcome import Welcome

_GAP = 2
_BETWEEN = 4

KeyWords = tuple[str, str]
"""The keys of an action, and what it does."""


def keys_of(screen: Screen[object]) -> dict[str, list[KeyWords]]:
    """Every key that does something on a screen, or would in another state of it, by groups.

    What works now comes first.
    """
    found: dict[str, dict[str, tuple[str, list[str]]]] = {
        title: {} for title in ("Here", "Moving and marking", "Everywhere")
    }
    active = sorted(screen.active_bindings.values(), key=lambda each: not each.enabled)
    for node, binding, _, _ in sorted(active, key=lambda each: not _is_first(each.node)):
        if binding.id and binding.description:
            group = found[_title(node)]
            _, keys = group.setdefault(binding.action, (binding.description, []))
            keys.append(screen.app.get_key_display(binding))
    if screen.app.ENABLE_COMMAND_PALETTE:
        key = screen.app.COMMAND_PALETTE_BINDING
        found["Everywhere"]["command_palette"] = "Find an action by its name", [key]
    return {
        title: [(" ".join(dict.fromkeys(keys)), words) for words, keys in group.values()]
        for title, group in found.items()
        if group
    }


def _is_first(node: DOMNode) -> bool:
    """Whether it stands in place of what its screen shows else, and so do its keys."""
    return isinstance(node, Welcome)


def _title(node: DOMNode) -> str:
    if isinstance(node, App):
        return "Everywhere"
    if _is_first(node):
        return "Here"
    return "Here" if isinstance(node, Screen) else "Moving and marking"


def table(groups: dict[str, list[KeyWords]], room: int) -> Content:
    """Them in as many columns as have place in `room` cells, read downwards."""
    width = max(len(keys) for group in groups.values() for keys, _ in group)
    blocks = [
        [
            Content.assemble(" " * (width + _GAP), (title, "bold")),
            *(
                Content.assemble((keys.rjust(width), "bold $accent"), " " * _GAP, words)
                for keys, words in group
            ),
        ]
        for title, group in groups.items()
    ]
    wide = max(line.cell_length for block in blocks for line in block) + _BETWEEN
    columns = in_columns(blocks, max(1, (room + _BETWEEN) // wide))
    rows = [
        Content("").join(line.pad_right(wide - line.cell_length) for line in row)
        for row in zip_longest(*columns, fillvalue=Content(""))
    ]
    return Content("\n").join(rows)


def in_columns(blocks: Sequence[Sequence[Content]], most: int) -> list[list[Content]]:
    """Lines in at most so many columns, as low as can be; a title stays with its first line."""
    height = sum(len(block) + 1 for block in blocks) // most
    while True:
        columns: list[list[Content]] = [[]]
        for title, first, *others in blocks:
            gap = [Content("")] if columns[-1] else []
            if len(columns[-1]) + len(gap) + 2 > height:
                columns.append([])
                gap = []
            columns[-1] += [*gap, title, first]
            for line in others:
                if len(columns[-1]) >= height:
                    columns.append([])
                columns[-1].append(line)
        if len(columns) <= most:
            return columns
        height += 1


class HelpScreen(Overlay[None]):
    """The keys; they scroll where there is no room for all."""

    KEY_LINE: ClassVar[Sequence[str]] = ("overlay.leave",)
    DEFAULT_CSS = """
    HelpScreen DialogBox { width: 90%; max-width: 150; }
    HelpScreen VerticalScroll { height: auto; max-height: 70vh; scrollbar-size-vertical: 1; }
    HelpScreen Static { width: 1fr; height: auto; text-wrap: nowrap; }
    """

    def __init__(self, groups: dict[str, list[KeyWords]]) -> None:
        """Args: groups: the keys of what it lies over."""
        super().__init__()
        self._groups = groups

    def compose(self) -> ComposeResult:
        """All keys."""
        with DialogBox("Keys"), VerticalScroll():
            yield Static(markup=False)

    def on_resize(self) -> None:
        """As many columns as have place."""
        room = self.query_one(VerticalScroll).scrollable_content_region.width
        self.query_one(Static).update(table(self._groups, room))
