"""The lines of a table, from rows and what the table adds to them; and how they look."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.widgets.table_layout import GAP, GUTTER, TableColumn, TableLayout, fit
from tui.widgets.table_source import Cell, TableRow

CURSOR = "▌"
MARKS = {"": " ", "mark": "◆", "range": "◇"}
NOTHING = Cell("")
SWATCH = "█"
LOADING = (Cell("…", "dim"),)

COMPONENTS = (
    "header",
    "header-cursor",
    "gutter",
    "cursor",
    "cell-cursor",
    "mark",
    "range",
    "empty",
    "accent",
    "dim",
    "error",
    "repaired",
    "success",
    "warning",
)
CSS = """
VirtualTable {
    height: 1fr;
    background: $background;
    color: $foreground;
    scrollbar-size-vertical: 1;
    scrollbar-size-horizontal: 1;
    & > .virtual-table--header { color: $text-muted; background: $surface; text-style: bold; }
    & > .virtual-table--header-cursor { color: $foreground; text-style: bold underline; }
    & > .virtual-table--gutter { color: $text-accent; }
    & > .virtual-table--mark { background: $accent 18%; }
    & > .virtual-table--range { background: $accent 10%; }
    & > .virtual-table--cursor { background: $foreground 8%; }
    & > .virtual-table--cell-cursor { text-style: underline; }
    & > .virtual-table--empty { color: $text-muted; }
    & > .virtual-table--accent { color: $text-accent; }
    & > .virtual-table--dim { color: $text-muted; }
    & > .virtual-table--error { color: $text-error; }
    & > .virtual-table--repaired { color: $text-secondary; }
    & > .virtual-table--success { color: $text-success; }
    & > .virtual-table--warning { color: $text-warning; }
    &:focus {
        & > .virtual-table--cursor { background: $foreground 18%; text-style: bold; }
        & > .virtual-table--cell-cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: bold underline;
        }
    }
}
"""

Mark = Literal["", "mark", "range"]


class Look(NamedTuple):
    """What the table itself adds to a row: together with the row it decides a line's look.

    `column` is the cell under the cursor, -1 for none.
    """

    cursor: bool = False
    column: int = -1
    mark: Mark = ""


class StyleOf(Protocol):
    """The style of the table with these components on it, later ones over earlier ones."""

    def __call__(self, *names: str) -> Style:
        """Names as in COMPONENTS; empty ones say nothing."""


def draw_header(
    columns: Sequence[TableColumn],
    layout: TableLayout,
    sort: tuple[str, bool] | None,
    here: int,
    style: StyleOf,
) -> Strip:
    """The titles; `sort` is the sorted column and whether downwards, `here` the cursor's column."""
    plain = style("header")
    pieces = [(" " * GUTTER, plain)]
    for number, (column, width) in enumerate(zip(columns, layout.widths, strict=True)):
        title = fit(column.title, width, column.align)
        if sort is not None and sort[0] == column.name:
            arrow = "▼" if sort[1] else "▲"
            short = fit(column.title, width - 2).strip()
            title = fit(f"{short} {arrow}", width, column.align)
        pieces += [
            (title, style("header", "header-cursor") if number == here else plain),
            (" " * GAP, plain),
        ]
    return _joined(pieces, layout.total, plain)


def draw_row(
    row: TableRow | None,
    look: Look,
    columns: Sequence[TableColumn],
    layout: TableLayout,
    style: StyleOf,
) -> Strip:
    """One row; None is one that is still loading."""
    names = (look.mark, "cursor" if look.cursor else "")
    plain = style(*names)
    glyphs = (CURSOR if look.cursor else " ") + MARKS[look.mark]
    pieces = [(glyphs, plain if glyphs.isspace() else style(*names, "gutter"))]
    cells = LOADING if row is None else row.cells
    for number, (column, width) in enumerate(zip(columns, layout.widths, strict=True)):
        cell = cells[number] if number < len(cells) else NOTHING
        meaning = cell.style or (row.style if row is not None else "")
        last = "cell-cursor" if number == look.column else ""
        own = style(*names, meaning, last)
        shown = cell.swatches[: max(0, width - 1)]
        pieces += [(SWATCH, own + Style(color=colour)) for colour in shown]
        text = f" {cell.glyph}{cell.text}" if shown else cell.glyph + cell.text
        pieces += [(fit(text, width - len(shown), column.align), own), (" " * GAP, plain)]
    return _joined(pieces, layout.total, plain)


def _joined(pieces: Sequence[tuple[str, Style]], width: int, plain: Style) -> Strip:
    """One strip of `width` cells in as few segments as can be: each costs bytes on the wire."""
    merged: list[tuple[str, Style]] = []
    used = sum(cell_len(text) for text, _ in pieces)
    for text, style in (*pieces, (" " * (width - used), plain)):
        if merged and merged[-1][1] == style:
            merged[-1] = merged[-1][0] + text, style
        elif text:
            merged.append((text, style))
    return Strip([Segment(text, style) for text, style in merged], width)
