"""A table over any number of rows: draws what is seen, and again only what changed."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, ClassVar, Literal

from textual import events, on
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message

from tui.widgets.background_source import BackgroundSource, LoadedPage
from tui.widgets.table_layout import TableColumn, least_width
from tui.widgets.table_lines import COMPONENTS, CSS
from tui.widgets.table_source import Pages, Source
from tui.widgets.table_view import TableView

STEP = 8
"""Cells that left and right scroll when the cursor is a whole row."""


class VirtualTable(TableView, can_focus=True, inherit_bindings=False):
    """Rows of a `Source` under a header, with a cursor, marks and ranges.

    Sorting and filtering are the source's work: after either, call `reload`, and the cursor is on
    the same key as before. After a change inside rows, call `refresh_rows`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Row up", show=False, id="table.up"),
        Binding("down,j", "move(1)", "Row down", show=False, id="table.down"),
        Binding("left,h", "sideways(-1)", "Column left", show=False, id="table.left"),
        Binding("right,l", "sideways(1)", "Column right", show=False, id="table.right"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page_down"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="table.half_page_up"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="table.half_page_down"),
        Binding("home,g", "first", "First row", show=False, id="table.first"),
        Binding("end,G", "last", "Last row", show=False, id="table.last"),
        Binding("enter", "select", "Open", id="table.select"),
        Binding("space", "mark", "Mark", id="table.mark"),
        Binding("v", "range", "Range", id="table.range"),
        Binding("escape", "leave_range", "Leave the range", id="table.leave_range"),
        Binding("escape", "unmark", "Unmark", id="table.unmark"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"virtual-table--{name}" for name in COMPONENTS}
    DEFAULT_CSS = CSS

    class TableMessage(Message):
        """What every message of a table says: which table."""

        def __init__(self, table: "VirtualTable") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "VirtualTable":
            """The table, for `@on`."""
            return self.table

    class Highlighted(TableMessage):
        """The cursor is on another row or column; `key` is None for no row, or one loading."""

        def __init__(self, table: "VirtualTable", key: Hashable | None, column: str | None) -> None:
            super().__init__(table)
            self.key = key
            self.column = column

    class Selected(TableMessage):
        """Enter or a double click on a row; `column` is None where the cursor is a whole row."""

        def __init__(self, table: "VirtualTable", key: Hashable, column: str | None) -> None:
            super().__init__(table)
            self.key = key
            self.column = column

    class MarksChanged(TableMessage):
        """The user changed the marks; `keys` are all marked now, also those filtered out."""

        def __init__(self, table: "VirtualTable", keys: frozenset[Hashable]) -> None:
            super().__init__(table)
            self.keys = keys

    class RowsCame(TableMessage):
        """A background source has read a page; its rows are shown before the screen hears of it."""

        def __init__(
            self, table: "VirtualTable", source: BackgroundSource[Any], page: LoadedPage[Any]
        ) -> None:
            super().__init__(table)
            self.source = source
            self.page = page

    class SortRequested(TableMessage):
        """The header of a column was clicked."""

        def __init__(self, table: "VirtualTable", column: str) -> None:
            super().__init__(table)
            self.column = column

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
        super().__init__(columns, source, cursor=cursor, frozen=frozen, empty=empty, id=id)
        self.add_class(*(classes or "").split())
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
        self._layout_width = -1
        self.virtual_size = Size(least_width(self._columns), self._count + 1)
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

    def follow(self, key: Hashable | None) -> None:
        """Keep the cursor on `key` until the user moves; None ends it.

        While `following` is not None, name the next key the same way. If the user has scrolled the
        cursor out of view meanwhile, the view stays where it is.
        """
        started, self._followed = self._followed is None, key
        index = None if key is None else self._source.index_of(key)
        if index is not None:
            self._place(index, self._column, show=started or self._cursor in self.visible_rows)

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
            size = Size(least_width(self._columns), self._count + 1)
            if size != self.virtual_size:
                self.virtual_size = size
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
        if action == "leave_range":
            return self._anchor is not None
        if action == "unmark":
            return self._anchor is None and bool(self._marks)
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
            self._marks ^= {self._key_at(self._cursor)}
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
                self._anchor = self._cursor, self._key_at(self._cursor)
                self.refresh_bindings()
                return
            rows = self._range()
            self._marks.update(self._source.keys(rows.start, rows.stop))
            self._end_range()
        self.post_message(self.MarksChanged(self, self.marks))

    def action_leave_range(self) -> None:
        """End the range without marking."""
        with self._repainting():
            self._end_range()

    def action_unmark(self) -> None:
        """Take all marks away."""
        self.set_marks(())
        self.refresh_bindings()
        self.post_message(self.MarksChanged(self, self.marks))

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
        self.call_after_refresh(self._show_cursor)

    # The cursor

    def _key_at(self, index: int) -> Hashable:
        row = self._pages.row(index)
        return self._source.keys(index, index + 1)[0] if row is None else row.key

    def _end_range(self) -> None:
        self._anchor = None
        self.refresh_bindings()

    def _go(self, index: int, column: int | None = None) -> None:
        """The user moves, which ends following."""
        self._followed = None
        self._place(index, self._column if column is None else column, show=True)

    def _place(self, index: int, column: int, *, show: bool) -> None:
        with self._repainting():
            index = max(0, min(index, self._count - 1))
            if index != self._cursor:
                self._cursor, self._key = index, None
            self._column = max(0, min(column, len(self._columns) - 1))
            if show:
                self._show_cursor()
        self._tell()

    def _show_cursor(self) -> None:
        top, page = self.scroll_offset.y, self._page_size
        if page and self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif page and self._cursor >= top + page:
            self.scroll_to(y=self._cursor - page + 1, animate=False, force=True)
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
