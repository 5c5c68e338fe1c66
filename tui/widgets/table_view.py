"""What is seen of a table: a header, and of any number of rows those that fit."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets.table_layout import GUTTER, TableColumn, TableLayout, arrange, fit
from tui.widgets.table_lines import Look, Mark, draw_header, draw_row
from tui.widgets.table_source import ListSource, Pages, Source, TableRow


class TableView(ScrollView):
    """Draws what is seen, and again only what changed; the cursor and the marks are only shown."""

    ALLOW_SELECT = False

    def __init__(
        self,
        columns: Sequence[TableColumn],
        source: Source | None = None,
        *,
        cursor: Literal["row", "cell"] = "row",
        frozen: int = 1,
        empty: str = "Nothing here.",
        id: str | None = None,  # noqa: A002
    ) -> None:
        """Rows of `columns`, of which the first `frozen` stay when the others are scrolled."""
        super().__init__(id=id)
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
        self._strips: LRUCache[tuple[TableRow | None, Look], Strip] = LRUCache(512)
        self._looks: dict[tuple[str, ...], Style] = {}

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
        mark: Mark = ""
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
            self._layout = arrange(self._columns, width)
            self._strips.clear()
        return self._layout

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
