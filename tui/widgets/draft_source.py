"""The rows of a sheet being mended, as a table shows them."""

from bisect import bisect_left
from collections.abc import Hashable, Sequence

from engine.api import Draft, Place, Problem, Severity, palette_colours
from tui.glyphs import EDITED, GLYPHS
from tui.widgets.table_layout import TableColumn
from tui.widgets.table_source import Cell, CellStyle, TableRow

STYLES: dict[Severity, CellStyle] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.REPAIRED: "repaired",
}
_LEFT_OUT = "–"
_WIDTHS = {
    "prompt": 24,
    "negative_prompt": 18,
    "color_palette": 18,
    "num_images": 10,
    "final_prompt": 24,
}
_MOST_WIDTH = 14


class DraftSource:
    """Each row is made when it is looked at."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    def table_columns(self) -> list[TableColumn]:
        """The row's number, then the sheet's columns."""
        return [
            TableColumn("row", "row", 6, align="right"),
            *(
                TableColumn(name, name, _width(name), share=int(name == "prompt"))
                for name in self.draft.columns
            ),
        ]

    def count(self) -> int:
        """How many rows there are."""
        return len(self.draft.numbers)

    def page(self, start: int, stop: int) -> Sequence[TableRow]:
        """Rows `start` up to `stop`."""
        return [self._row(number) for number in self.draft.numbers[start:stop]]

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """Their numbers."""
        return self.draft.numbers[start:stop]

    def index_of(self, key: Hashable) -> int | None:
        """Where the row with this number is."""
        if not isinstance(key, int):
            return None
        numbers = self.draft.numbers
        index = bisect_left(numbers, key)
        return index if index < len(numbers) and numbers[index] == key else None

    def _row(self, number: int) -> TableRow:
        draft = self.draft
        problems: dict[str | None, Problem] = {}
        for problem in reversed(draft.problems(number)):
            known = problems.get(problem.column)
            if known is None or _worse(problem, known):
                problems[problem.column] = problem
        if draft.is_left_out(number):
            cells = (Cell(draft.text(number, name)) for name in draft.columns)
            return TableRow(number, (Cell(str(number), "dim", f"{_LEFT_OUT} "), *cells), "dim")
        whole = problems.get(None)
        label = Cell(
            str(number),
            STYLES[whole.severity] if whole else "dim",
            f"{GLYPHS[whole.severity]} " if whole else "",
        )
        return TableRow(
            number, (label, *(self._cell(number, n, problems.get(n)) for n in draft.columns))
        )

    def _cell(self, number: int, column: str, problem: Problem | None) -> Cell:
        text = self.draft.text(number, column)
        colours = palette_colours(text, self.draft) if column == "color_palette" and text else ()
        if problem is not None:
            glyph = GLYPHS[problem.severity]
            return Cell(text, STYLES[problem.severity], glyph, swatches=colours)
        if self.draft.is_edited(number, column) and self.draft.file:
            return Cell(text, "accent", EDITED, swatches=colours)
        return Cell(text, swatches=colours)


def _width(name: str) -> int:
    return _WIDTHS.get(name, max(8, min(_MOST_WIDTH, len(name))))


def _worse(problem: Problem, other: Problem) -> bool:
    order = list(STYLES)
    return order.index(problem.severity) <= order.index(other.severity)


def place_of(key: Hashable | None, column: str | None) -> Place | None:
    """The cell under a table's cursor; the row's own column stands for the whole row."""
    if not isinstance(key, int):
        return None
    return Place(key, None if column == "row" else column)
