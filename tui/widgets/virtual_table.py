"""A table over any number of rows: draws what is seen, and again only what changed."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.keys import bind
from tui.passing import passing
from tui.widgets.background_source import BackgroundSource, LoadedPage
from tui.widgets.table_lines import (
    COMPONENTS,
    GUTTER,
    LineMark,
    Look,
    TableColumn,
    TableLayout,
    arrange,
    draw_header,
    draw_row,
    fit,
    least_width,
    text_width,
)
from tui.widgets.table_source import ListSource, Pages, Source, TableRow

_LEAVE_RANGE = "Cancel range"
STEP = 8
"""Cells that left and right scroll when the cursor is a whole row."""


class VirtualTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows of a `Source` under a header, with a cursor, marks and ranges.

    Sorting and filtering are the source's work: after either, call `reload`, and the cursor is on
    the same key as before. After a change inside rows, call `refresh_rows`.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("table.up", "move(-1)", "Row up", show=False),
        bind("table.down", "move(1)", "Row down", show=False),
        bind("table.left", "sideways(-1)", "Column left", show=False),
        bind("table.right", "sideways(1)", "Column right", show=False),
        bind("table.page_up", "page(-1)", "Page up", show=False),
        bind("table.page_down", "page(1)", "Page down", show=False),
        bind("table.half_page_up", "page(-0.5)", "Half a page up", show=False),
        bind("table.half_page_down", "page(0.5)", "Half a page down", show=False),
        bind("table.first", "first", "First row", show=False),
        bind("table.last", "last", "Last row", show=False),
        bind("table.open", "select", "Open"),
        bind("table.mark", "mark", "Mark"),
        bind("table.range", "range", "Mark range"),
        bind("table.leave", "unmark", "Unmark all"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"virtual-table--{name}" for name in COMPONENTS}
    DEFAULT_CSS = """
    VirtualTable {
        height: 1fr;
        background: $background;
        color: $foreground;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
        & > .virtual-table--header { color: $text-muted; background: $surface; }
        & > .virtual-table--header-cursor { color: $foreground; text-style: bold underline; }
        & > .virtual-table--gutter { color: $text-accent; }
        & > .virtual-table--mark { background: $accent 18%; }
        & > .virtual-table--range { background: $accent 10%; }
        & > .virtual-table--cursor { background: $foreground 8%; }
        & > .virtual-table--cell-cursor { text-style: underline; }
        & > .virtual-table--empty { color: $text-muted; }
        & > .virtual-table--busy { color: $text-primary; }
        & > .virtual-table--dim { color: $text-muted; }
        & > .virtual-table--error { color: $text-error; }
        & > .virtual-table--own { text-style: bold; }
        & > .virtual-table--repaired { color: $text-secondary; }
        & > .virtual-table--success { color: $text-success; }
        & > .virtual-table--warning { color: $text-warning; }
        &:focus {
            & > .virtual-table--cursor { background: $foreground 16%; text-style: bold; }
            & > .virtual-table--cell-cursor {
                background: $block-cursor-background;
                color: $block-cursor-foreground;
                text-style: bold underline;
            }
        }
    }
    """

    @dataclass
    class TableMessage(Message):
        """What every message of a table says: which table."""

        table: "VirtualTable"

        @property
        def control(self) -> "VirtualTable":
            """The table, for `@on`."""
            return self.table

    @dataclass
    class Highlighted(TableMessage):
        """The cursor is on another row or column; `key` is None for no row, or one loading."""

        key: Hashable | None
        column: str | None

    @dataclass
    class Selected(TableMessage):
        """Enter or a double click on a row; `column` is None where the cursor is a whole row."""

        key: Hashable
        column: str | None

    @dataclass
    class MarksChanged(TableMessage):
        """The user changed the marks; `keys` are all marked now, also those filtered out."""

        keys: frozenset[Hashable]

    @dataclass
    class RowsCame(TableMessage):
        """A background source has read a page; its rows are shown before the screen hears of it."""

        source: BackgroundSource[Any]
        page: LoadedPage[Any]

    @dataclass
    class SortRequested(TableMessage):
        """The header of a column was clicked."""

        column: str

    def __init__(
        self,
        columns: Sequence[TableColumn],
        source: Source | None = None,
        *,
        cursor: Literal["row", "cell"] = "row",
        frozen: int = 1,
        markable: bool = True,
        selectable: bool = True,
        empty: str = "Nothing here.",
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """A table of `columns`, of which the first `frozen` stay when the others are scrolled."""
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._source: Source = source or ListSource()
        self._pages = Pages(self._source)
        self._count = 0
        self._cells = cursor == "cell"
        self._frozen = frozen
        self._empty = empty
        self._sort: tuple[str, bool] | None = None
        self._cursor = 0
        self._column = 0
        self._key: Hashable | None = None
        self._marks: set[Hashable] = set()
        self._anchor: tuple[int, Hashable] | None = None
        self._layout = TableLayout((), (), 0)
        self._layout_width = -1
        self._seen_widths: list[int] = []
        """The widest text of each column, among the rows that have been on the screen."""
        self._strips: LRUCache[tuple[TableRow | None, Look], Strip] = LRUCache(512)
        self._looks: dict[tuple[str, ...], Style] = {}
        self._markable = markable
        self._selectable = selectable
        self._told: tuple[Hashable | None, str | None] = (None, None)
        self._followed: Hashable | None = None
        self._hear_of_rows()

    # What the owner asks and says

    @property
    def columns(self) -> tuple[TableColumn, ...]:
        """The columns; set them to have others, the cursor stays on its row."""
        return self._columns

    @columns.setter
    def columns(self, columns: Sequence[TableColumn]) -> None:
        self._columns = tuple(columns)
        self._column = max(0, min(self._column, len(columns) - 1))
        self._seen_widths = []
        self._measure()
        self._layout_width = -1
        self._resize_content()
        self.refresh()
        self._tell()

    @property
    def source(self) -> Source:
        """The rows; set it to show others from the top, without marks."""
        return self._source

    @source.setter
    def source(self, source: Source) -> None:
        self._source = source
        self._hear_of_rows()
        self._pages = Pages(source)
        self._cursor, self._key, self._followed = 0, None, None
        self._seen_widths = []
        self._marks.clear()
        if self.is_attached:
            self._end_range()
            self.scroll_to(y=0, animate=False, force=True)
            self.reload()
            self.refresh()

    def exchange(self, source: Source) -> None:
        """Show the same rows, changed, from another source: the cursor and the marks stay."""
        self._source = source
        self._hear_of_rows()
        self.reload()

    @property
    def empty(self) -> str:
        """What stands in a table without rows."""
        return self._empty

    @empty.setter
    def empty(self, text: str) -> None:
        self._empty = text
        self.refresh()

    @property
    def following(self) -> Hashable | None:
        """The key the cursor follows, None since the user moved it."""
        return self._followed

    @property
    def cursor_index(self) -> int | None:
        """Where the cursor is, None without rows."""
        return self._cursor if self._count else None

    @property
    def cursor_key(self) -> Hashable | None:
        """The key under the cursor; None without rows, or while that row is loading."""
        return self._key if self._count else None

    @property
    def marks(self) -> frozenset[Hashable]:
        """The marked keys; rows that are filtered out, or gone, keep their marks."""
        return frozenset(self._marks)

    @property
    def in_range(self) -> bool:
        """Whether a range is being drawn."""
        return self._anchor is not None

    @property
    def cursor_column(self) -> str | None:
        """The column under the cursor, None where the cursor is a whole row."""
        return self._columns[self._column].name if self._cells and self._columns else None

    @property
    def cell_region(self) -> Region:
        """Where the cell under the cursor is on the screen, as far as it is seen."""
        layout = self._arranged()
        x = layout.starts[self._column] - (
            self.scroll_offset.x if self._column >= self._frozen else 0
        )
        width = min(layout.widths[self._column], self._view.width - x)
        left, top = self.content_region.offset
        return Region(left + x, top + 1 + self._cursor - self.scroll_offset.y, width, 1)

    @property
    def visible_rows(self) -> range:
        """The indexes of the rows on the screen."""
        top = self.scroll_offset.y
        return range(top, min(self._count, top + self._page_size))

    def set_sort(self, column: str | None, *, descending: bool = False) -> None:
        """Show in the header by what the source has sorted; call `reload` for the rows."""
        self._sort = None if column is None else (column, descending)
        self.refresh(self._line(0))

    def set_marks(self, keys: Iterable[Hashable]) -> None:
        """Mark exactly these; the owner's doing, so no message."""
        with self._repainting():
            self._marks = set(keys)

    def go_to(self, key: Hashable, column: str | None = None) -> bool:
        """Take the cursor to a row (and column); False when the source has no such row."""
        index = self._source.index_of(key)
        if index is None:
            return False
        names = [c.name for c in self._columns]
        self._go(index, names.index(column) if column in names else self._column)
        return True

    def follow(self, key: Hashable | None, *, below: int = 0) -> None:
        """Keep the cursor on `key` until the user moves; None ends it.

        While `following` is not None, name the next key the same way. If the user has scrolled the
        cursor out of view meanwhile, the view stays where it is.

        Args:
            key: of the row.
            below: so many rows after it are to be seen, too, if they can be.
        """
        started, self._followed = self._followed is None, key
        index = None if key is None else self._source.index_of(key)
        if index is not None:
            show = started or self._cursor in self.visible_rows
            self._place(index, self._column, show=show, below=below)

    def refresh_rows(self, rows: Iterable[Hashable] | range) -> None:
        """Show rows that changed, were loaded, or are loading: their keys, or a range of indexes.

        Only lines that look different are repainted, and rows not on the screen cost nothing.
        """
        if self._source.count() != self._count:
            self.reload()
            return
        visible = self.visible_rows
        with self._repainting():
            if isinstance(rows, range):
                held = self._pages.within(rows)
            else:
                held = [i for key in rows if (i := self._pages.where(key)) is not None]
            for index in held:
                if index in visible:
                    self._pages.fetch(index)
                else:
                    self._pages.forget(index)
        self._measure()
        self._tell()

    def reload(self) -> None:
        """The source was sorted, filtered or has other rows: the cursor stays on its key.

        If that key is gone, the cursor stays on its line. What was on the screen and looks the same
        is not repainted.
        """
        with self._repainting():
            line = self._cursor - self.scroll_offset.y
            was_visible = self._cursor in self.visible_rows
            self._pages = Pages(self._source)
            self._count = self._source.count()
            self._resize_content()
            wanted = self._key if self._followed is None else self._followed
            index = None if wanted is None else self._source.index_of(wanted)
            if index is not None:
                self._cursor, self._key = index, wanted
            elif self._count:
                self._cursor, self._key = min(self._cursor, self._count - 1), None
            if self._anchor is not None:
                anchor = self._source.index_of(self._anchor[1])
                if anchor is None:
                    self._end_range()
                else:
                    self._anchor = anchor, self._anchor[1]
            if was_visible:
                self.scroll_to(y=self._cursor - line, animate=False, force=True)
                self._show_cursor()
        self._measure()
        self._tell()

    def _hear_of_rows(self) -> None:
        source = self._source
        if isinstance(source, BackgroundSource):
            source.attach(lambda page: self.post_message(self.RowsCame(self, source, page)))

    @on(RowsCame)
    def _show_rows(self, event: RowsCame) -> None:
        if event.source is self._source:
            self.refresh_rows(event.source.take(event.page))
        else:  # others are shown by now
            event.stop()

    # Keys and mouse

    def check_action(
        self,
        action: str,
        parameters: tuple[object, ...],  # noqa: ARG002
    ) -> bool | None:
        """Hide what does nothing now, so that its key reaches the screen."""
        if action == "unmark":
            return self.in_range or bool(self._marks)
        if action == "select":
            return self._selectable
        return self._markable or action not in {"mark", "range"}

    def action_move(self, rows: int) -> None:
        """Up or down."""
        self._go(self._cursor + rows)

    def action_sideways(self, direction: int) -> None:
        """To the next cell; where the cursor is a whole row, scroll."""
        if self._cells:
            self._go(self._cursor, self._column + direction)
        else:
            self.scroll_to(x=self.scroll_offset.x + direction * STEP, animate=False)

    def action_page(self, pages: float) -> None:
        """By pages, or parts of one; the cursor keeps its line on the screen."""
        rows = int(self._page_size * pages) or 1
        with self._repainting():
            self.scroll_to(y=self.scroll_offset.y + rows, animate=False, force=True)
            self._go(self._cursor + rows)

    def action_first(self) -> None:
        """To the first row."""
        self._go(0)

    def action_last(self) -> None:
        """To the last row."""
        self._go(self._count - 1)

    def action_select(self) -> None:
        """Say that the row under the cursor was chosen."""
        if (key := self.cursor_key) is not None:
            self.post_message(self.Selected(self, key, self.cursor_column))

    def action_mark(self) -> None:
        """Mark the range; without one, mark or unmark the row and move on."""
        if not self._count:
            return
        if self._anchor is not None:
            self.action_range()
            return
        with self._repainting():
            before = bool(self._marks)
            self._marks ^= {self._key_in_row(self._cursor)}
            self._go(self._cursor + 1)
        if bool(self._marks) != before:
            self.refresh_bindings()
        self.post_message(self.MarksChanged(self, self.marks))

    def action_range(self) -> None:
        """Begin a range here; if there is one, mark its rows and end it."""
        if not self._count:
            return
        with self._repainting():
            if self._anchor is None:
                self._anchor = self._cursor, self._key_in_row(self._cursor)
                passing(self).begin(_LEAVE_RANGE, self._leave_range)
                return
            rows = self._range()
            self._marks.update(self._source.keys(rows.start, rows.stop))
            self._end_range()
        self.post_message(self.MarksChanged(self, self.marks))

    def action_unmark(self) -> None:
        """End the range without marking; without one, take all marks away."""
        if self.in_range:
            self._leave_range()
            return
        self.set_marks(())
        self.refresh_bindings()
        self.post_message(self.MarksChanged(self, self.marks))

    def _leave_range(self) -> None:
        with self._repainting():
            self._end_range()

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are."""
        if name in ("table.mark", "table.open") and not self._count:
            return ""
        if name == "table.range":
            return "Mark range" if self.in_range else ""
        return None

    def on_click(self, event: events.Click) -> None:
        """Take the cursor to the row clicked, open it on two clicks; sort by the header clicked."""
        at = event.get_content_offset(self)
        if at is None:
            return
        x = at.x if at.x < self._frozen_width else at.x + self.scroll_offset.x
        column = self._arranged().column_at(x)
        row = self.scroll_offset.y + at.y - 1
        if at.y == 0 and column is not None:
            self.post_message(self.SortRequested(self, self._columns[column].name))
        elif at.y > 0 and row < self._count:
            self._go(row, self._column if column is None else column)
            if event.chain == 2:
                self.action_select()

    def on_mount(self) -> None:
        """Ask for the first rows."""
        self.reload()

    def on_resize(self) -> None:
        """A smaller screen must not lose the cursor; scrollbars come and go after this event."""
        self._measure()
        self._resize_content()
        self.call_after_refresh(self._show_cursor)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows may have longer texts."""
        super().watch_scroll_y(old_value, new_value)
        self._measure()

    # What is drawn: what is seen, and again only what changed

    @property
    def _view(self) -> Size:
        """What can be seen: `size` counts the cells under the scrollbars too."""
        return self.scrollable_content_region.size

    @property
    def _page_size(self) -> int:
        return max(0, self._view.height - 1)

    def _range(self) -> range:
        if self._anchor is None:
            return range(0)
        first, last = sorted((self._anchor[0], self._cursor))
        return range(first, last + 1)

    @contextmanager
    def _repainting(self) -> Iterator[None]:
        """Do something, then repaint the lines that came out different, and no others."""
        view = self.scroll_offset, self.virtual_size
        before = {index: self._seen(index) for index in self.visible_rows}
        column = self.cursor_column
        yield
        if (self.scroll_offset, self.virtual_size) != view:
            return  # all is repainted anyway
        for index in self.visible_rows:
            row = self._pages.row(index)
            if before.get(index) != (row, self._look(index, row)):
                self.refresh(self._line(index + 1 - self.scroll_offset.y))
        if column != self.cursor_column:
            self.refresh(self._line(0))

    def _seen(self, index: int) -> tuple[TableRow | None, Look]:
        row = self._pages.peek(index)
        return row, self._look(index, row)

    def _line(self, y: int) -> Region:
        return Region(0, y, self._view.width, 1)

    def _look(self, index: int, row: TableRow | None) -> Look:
        cursor = index == self._cursor
        mark: LineMark = ""
        if self._anchor is not None and index in self._range():
            mark = "range"
        elif row is not None and row.key in self._marks:
            mark = "mark"
        return Look(cursor, self._column if cursor and self._cells else -1, mark)

    def notify_style_update(self) -> None:
        """Forget what was drawn with other colours."""
        super().notify_style_update()
        self._looks.clear()
        self._strips.clear()

    def _style(self, *names: str) -> Style:
        style = self._looks.get(names)
        if style is None:
            classes = (f"virtual-table--{name}" for name in names if name)
            style = self._looks[names] = self.get_visual_style(*classes).rich_style
        return style

    def _arranged(self) -> TableLayout:
        width = self._view.width
        if width != self._layout_width:
            self._layout_width = width
            self._layout = arrange(self._columns, width, self._seen_widths)
            self._strips.clear()
        return self._layout

    def _measure(self) -> None:
        """Look how wide the texts on the screen are; columns grow, and never shrink again."""
        if not any(column.most for column in self._columns):
            return
        widest = [cell_len(column.title) for column in self._columns]
        for number, width in enumerate(self._seen_widths):
            widest[number] = max(widest[number], width)
        for index in self.visible_rows:
            row = self._pages.row(index)
            for number, cell in enumerate(row.cells if row else ()):
                if number < len(widest) and self._columns[number].most:
                    widest[number] = max(widest[number], text_width(cell))
        if widest != self._seen_widths:
            self._seen_widths, self._layout_width = widest, -1
            self._resize_content()
            self.refresh()

    def _resize_content(self) -> None:
        """How far the columns and rows reach: beyond the screen, they are scrolled."""
        width = self._arranged().total if self._view.width else least_width(self._columns)
        reach = width if width > self._view.width else least_width(self._columns)
        if (size := Size(reach, self._count + 1)) != self.virtual_size:
            self.virtual_size = size

    @property
    def _frozen_width(self) -> int:
        """The gutter and the frozen columns, unless these would leave too little of the others."""
        starts = (*self._arranged().starts, self._layout.total)
        width = starts[min(self._frozen, len(self._columns))]
        return width if width <= self._view.width // 2 else GUTTER

    def render_line(self, y: int) -> Strip:
        """The header, or a row, as far as it is seen."""
        index = self.scroll_offset.y + y - 1
        if y == 0:
            here = self._column if self._cells else -1
            layout = self._arranged()
            return self._cut(draw_header(self._columns, layout, self._sort, here, self._style))
        if index < self._count:
            row = self._pages.row(index)
            key = row, self._look(index, row)
            layout = self._arranged()
            strip = self._strips.get(key)
            if strip is None:
                strip = draw_row(*key, self._columns, layout, self._style)
                self._strips[key] = strip
            return self._cut(strip)
        if not self._count and y == 2:
            text = " " * GUTTER + fit(self._empty, self._view.width - GUTTER)
            return Strip([Segment(text, self._style("empty"))], self._view.width)
        return Strip.blank(self._view.width, self._style())

    def _cut(self, strip: Strip) -> Strip:
        width, x = self._view.width, self.scroll_offset.x
        if x == 0:
            return strip.crop(0, width)
        frozen = self._frozen_width
        return Strip.join([strip.crop(0, frozen), strip.crop(frozen + x, width + x)])

    # The cursor

    def _key_in_row(self, index: int) -> Hashable:
        row = self._pages.row(index)
        return self._source.keys(index, index + 1)[0] if row is None else row.key

    def _end_range(self) -> None:
        self._anchor = None
        passing(self).end(_LEAVE_RANGE)

    def _go(self, index: int, column: int | None = None) -> None:
        """The user moves, which ends following."""
        self._followed = None
        self._place(index, self._column if column is None else column, show=True)

    def _place(self, index: int, column: int, *, show: bool, below: int = 0) -> None:
        with self._repainting():
            index = max(0, min(index, self._count - 1))
            if index != self._cursor:
                self._cursor, self._key = index, None
            self._column = max(0, min(column, len(self._columns) - 1))
            if show:
                self._show_cursor(below)
        self._tell()

    def _show_cursor(self, below: int = 0) -> None:
        top, page = self.scroll_offset.y, self._page_size
        last = min(self._cursor + below, self._cursor + page - 1, self._count - 1)
        if page and self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif page and last >= top + page:
            self.scroll_to(y=last - page + 1, animate=False, force=True)
        if page and self._cells and self._column >= self._frozen:
            layout, x = self._arranged(), self.scroll_offset.x
            start = layout.starts[self._column] - self._frozen_width
            end = layout.starts[self._column] + layout.widths[self._column] - self._view.width
            self.scroll_to(x=min(start, max(x, end)), animate=False)

    def _tell(self) -> None:
        row = self._pages.row(self._cursor) if self._count else None
        if row is not None:
            self._key = row.key
        now = (None if row is None else row.key, self.cursor_column)
        if now != self._told:
            self._told = now
            self.post_message(self.Highlighted(self, *now))
