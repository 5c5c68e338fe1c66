"""Pure: how wide a table's columns are, and its lines, from rows and what the table adds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal, NamedTuple, Protocol

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.text import clean
from tui.widgets.table_source import TableCell, TableRow

GUTTER = 2
"""Cells left of the first column: the cursor's glyph and the mark's."""
GAP = 2
"""Cells after each column."""

_LONG = 256
"""Characters of a text that are measured: no column is wider."""
_UNSETTLED = str.maketrans("", "", "\u200d\ufe0f")
"""Emoji joiner and emoji variant: terminals disagree on how wide what they make is, and every cell
after it would be off. Without them the parts stand side by side, equally wide everywhere."""

Align = Literal["left", "center", "right"]
CURSOR = "▌"
MARKS = {"": " ", "mark": "◆", "range": "◇"}
NOTHING = TableCell("")
SWATCH = "█"
LOADING = (TableCell("…", "dim"),)

COMPONENTS = (
    "header",
    "header-cursor",
    "gutter",
    "cursor",
    "cell-cursor",
    "mark",
    "range",
    "empty",
    "busy",
    "dim",
    "error",
    "own",
    "repaired",
    "success",
    "warning",
)
LineMark = Literal["", "mark", "range"]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column: `name` for messages, `title` for the header, sizes in cells.

    With `most` it is as wide as what is in it, from `width` to that. With a `share` above 0 it
    takes that part of the room left over, and `width` is its least.
    """

    name: str
    title: str
    width: int = 10
    share: int = 0
    align: Align = "left"
    most: int = 0


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Where each column starts and how wide it is, counted from the left edge of the whole line."""

    starts: tuple[int, ...]
    widths: tuple[int, ...]
    total: int

    def column_at(self, x: int) -> int | None:
        """The number of the column that cell `x`, or the gap at `x`, belongs to."""
        for number, (start, width) in enumerate(zip(self.starts, self.widths, strict=True)):
            if start <= x < start + width + GAP:
                return number
        return None


def least_width(columns: Sequence[TableColumn]) -> int:
    """The width under which the columns have to be scrolled."""
    return GUTTER + sum(column.width + GAP for column in columns)


def text_width(cell: TableCell) -> int:
    """Cells that it takes to be seen whole."""
    return len(cell.swatches) + bool(cell.swatches) + len(cell.glyph) + cell_len(cell.text[:_LONG])


def _grown(columns: Sequence[TableColumn], width: int, seen: Sequence[int]) -> list[TableColumn]:
    """The columns, as wide as what is in them: those first that lack least.

    What shares the rest keeps half of it, unless the columns have to be scrolled anyway.
    """
    spare = width - least_width(columns)
    if spare >= 0 and any(column.share for column in columns):
        spare //= 2
    grown = list(columns)
    lacks = {
        number: min(column.most, wanted) - column.width
        for number, (column, wanted) in enumerate(zip(columns, seen, strict=False))
        if column.most
    }
    for number, lack in sorted(lacks.items(), key=lambda item: item[1]):
        if lack > 0:
            more = lack if spare < 0 else min(lack, spare)
            grown[number] = replace(columns[number], width=columns[number].width + more)
            spare -= more if spare >= 0 else 0
    return grown


def arrange(columns: Sequence[TableColumn], width: int, seen: Sequence[int] = ()) -> TableLayout:
    """Columns in `width` cells after the gutter; wider than that when their least widths are.

    Args:
        columns: the columns.
        width: how many cells there are.
        seen: the widest text so far of each.
    """
    columns = _grown(columns, width, seen)
    spare = max(0, width - least_width(columns))
    shares = sum(column.share for column in columns)
    # Shares are cut from the running total, so that the last cell is given out too.
    edges = [spare * sum_ // max(1, shares) for sum_ in accumulate(c.share for c in columns)]
    widths = tuple(
        column.width + edge - before
        for column, edge, before in zip(columns, edges, [0, *edges], strict=False)
    )
    starts = tuple(accumulate((w + GAP for w in widths[:-1]), initial=GUTTER))
    used = GUTTER + sum(widths) + GAP * len(widths)
    return TableLayout(starts[: len(widths)], widths, max(width, used))


def fit(text: str, width: int, align: Align = "left") -> str:
    """`text`, cleaned, in exactly `width` cells: padded, or cut with … between whole characters."""
    if width <= 0:
        return ""
    # No text is read further than it can show: a cell may hold a megabyte of combining marks.
    limit = 4 * width + 16
    shown = clean(text[:limit])
    if not shown.isascii():
        shown = shown.translate(_UNSETTLED)
    if len(text) > limit or cell_len(shown) > width:
        shown = (chop_cells(shown, width - 1)[0] if width > 1 else "") + "…"
    room = width - cell_len(shown)
    left = {"left": 0, "center": room // 2, "right": room}[align]
    return " " * left + shown + " " * (room - left)


class Look(NamedTuple):
    """What the table itself adds to a row: together with the row it decides a line's look.

    `column` is the cell under the cursor, -1 for none.
    """

    cursor: bool = False
    column: int = -1
    mark: LineMark = ""


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
        if cell.rest:
            back = style(*names, "dim", last)
            pieces += [(text, own), (fit(cell.rest, width - cell_len(text)), back)]
        else:
            pieces.append((fit(text, width - len(shown), column.align), own))
        pieces.append((" " * GAP, plain))
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
