"""Sheet: from a file, or typed prompts, to the start."""

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from engine.api import (
    Checked,
    EngineError,
    LibraryError,
    Problem,
    Row,
    SettingsError,
    Severity,
    SheetError,
    check_prompts,
    check_sheet,
    preview_row,
    start_session,
)
from tui.desk import TakeInHand
from tui.glyphs import GLYPHS
from tui.keys import bind
from tui.report import totals_line
from tui.screens.area import Area
from tui.screens.open_sheet import OpenSheet
from tui.screens.type_prompts import TypedPrompts, TypePrompts
from tui.text import clean, count_text
from tui.widgets.table_layout import Column
from tui.widgets.table_source import Cell, CellStyle, TableRow
from tui.widgets.virtual_table import VirtualTable

_WIDTHS = {"prompt": 24, "negative_prompt": 18, "color_palette": 16}
_OPENING = "o opens a sheet of prompts (csv, tsv, xls, xlsx, ods) · p types prompts without one"
_STYLES: dict[Severity, CellStyle] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.REPAIRED: "repaired",
}
_ORDER = list(_STYLES)


class SheetSource:
    """The rows of a checked sheet; each is made when it is looked at."""

    def __init__(self, checked: Checked) -> None:
        self._rows = checked.sheet.rows
        self._numbers = [row.number for row in self._rows]
        self._columns = shown_columns(checked)
        self._problems: dict[tuple[int, str | None], Problem] = {}
        for problem in checked.sheet.problems:
            place = (problem.row, problem.column)
            known = self._problems.get(place)
            if known is None or _ORDER.index(problem.severity) < _ORDER.index(known.severity):
                self._problems[place] = problem

    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def page(self, start: int, stop: int) -> Sequence[TableRow]:
        """Rows `start` up to `stop`."""
        return [self._table_row(row) for row in self._rows[start:stop]]

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """Their numbers."""
        return self._numbers[start:stop]

    def index_of(self, key: Hashable) -> int | None:
        """Where the row with this number is."""
        if not isinstance(key, int):
            return None
        index = bisect_left(self._numbers, key)
        return index if self._numbers[index : index + 1] == [key] else None

    def row(self, number: Hashable) -> Row | None:
        """The row with this number."""
        index = self.index_of(number)
        return None if index is None else self._rows[index]

    def problem(self, row: Hashable, column: str | None) -> Problem | None:
        """The worst problem of a cell, else of its whole row."""
        if not isinstance(row, int):
            return None
        return self._problems.get((row, column)) or self._problems.get((row, None))

    def _table_row(self, row: Row) -> TableRow:
        worst = self._problems.get((row.number, None))
        number = Cell(str(row.number), "dim" if worst is None else _STYLES[worst.severity])
        cells = (self._cell(row, column) for column in self._columns)
        return TableRow(row.number, (number, *cells))

    def _cell(self, row: Row, column: str) -> Cell:
        text = row.cells.get(column) or row.extra.get(column, "")
        problem = self._problems.get((row.number, column))
        if problem is None:
            return Cell(text)
        return Cell(text or problem.value, _STYLES[problem.severity], GLYPHS[problem.severity])


def shown_columns(checked: Checked) -> list[str]:
    """The sheet's columns by the names they are known by, in the sheet's order."""
    present = {column for row in checked.sheet.rows for column in (*row.cells, *row.extra)}
    faulty = {problem.column for problem in checked.sheet.problems if problem.column}
    names = {
        problem.value: problem.column
        for problem in checked.sheet.problems
        if problem.row == 1 and problem.severity is Severity.REPAIRED and problem.column
    }
    ordered = [names.get(header, header) for header in checked.sheet.columns]
    known = [column for column in ordered if column in present or column in faulty]
    return list(dict.fromkeys([*known, *sorted(present - set(known))]))


class SheetScreen(Area):
    """A sheet with its faulty cells marked, the problem under the cursor, totals, start."""

    AREA = "sheet"
    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sheet.start", "ctrl+s", "start", "Start"),
        bind("sheet.open", "o", "open", "Open"),
        bind("sheet.prompts", "p", "prompts", "Type prompts"),
        bind("sheet.next_problem", "n", "problem(1)", "Next problem"),
        bind("sheet.previous_problem", "N", "problem(-1)", "Previous problem", show=False),
        bind("sheet.reload", "ctrl+r", "reload", "Read again", show=False),
    ]
    DEFAULT_CSS = """
    SheetScreen #sheet-title { height: 1; padding: 0 1; text-wrap: nowrap; }
    SheetScreen #sheet-panels { height: 7; border-top: solid $panel; }
    SheetScreen #problem { width: 3fr; padding: 0 1; border-right: solid $panel; }
    SheetScreen #totals { width: 2fr; padding: 0 1; }
    """

    checked: Checked | None = None
    _path: Path | None = None
    _source: SheetSource | None = None

    def compose_area(self) -> ComposeResult:
        """Title, table, and below it the problem and the totals."""
        yield Static(_OPENING, id="sheet-title", markup=False)
        yield VirtualTable(
            [], cursor="cell", markable=False, selectable=False, empty=_OPENING, id="rows"
        )
        with Horizontal(id="sheet-panels"):
            yield Static("", id="problem", markup=False)
            yield Static("", id="totals", markup=False)

    def on_mount(self) -> None:
        """Open what the command line named."""
        if self.desk.sheet is not None:
            self.read(self.desk.sheet)

    def read(self, path: Path) -> None:
        """Read and check a sheet, in a thread."""
        self._title(f"Reading {path.name} …")
        self._read(path)

    @work(thread=True, exclusive=True, group="read")
    def _read(self, path: Path) -> None:
        try:
            checked = check_sheet(path, self.desk.settings)
        except (SheetError, SettingsError) as error:
            self.app.call_from_thread(self._refused, path, str(error))
        else:
            self.app.call_from_thread(self._show, checked, path)

    def _refused(self, path: Path, reason: str) -> None:
        self._title(f"✗ {path.name}: {reason}")
        self.notify(clean(f"{path.name}: {reason}"), severity="error", markup=False, timeout=10)

    def _show(self, checked: Checked, path: Path | None) -> None:
        self.checked, self._path = checked, path
        if path is not None:
            self.desk.memory.opened(path)
        self._source = SheetSource(checked)
        table = self.query_one(VirtualTable)
        table.columns = [
            Column("row", "row", 5, align="right"),
            *(
                Column(
                    name, name, _WIDTHS.get(name, max(8, min(14, len(name)))), int(name == "prompt")
                )
                for name in shown_columns(checked)
            ),
        ]
        table.source = self._source
        table.focus()
        sheet = checked.sheet
        name = " · ".join(part for part in (sheet.file or "typed prompts", sheet.sheet) if part)
        self._title(f"{name} · {count_text(len(sheet.rows), 'row')}")
        self._show_totals()
        if checked.errors:
            self._go_to(checked.errors[0])
        self._show_problem(table.cursor_key, table.cursor_column)
        self.refresh_bindings()

    def _title(self, text: str) -> None:
        self.query_one("#sheet-title", Static).update(Content(clean(text)))

    def _show_totals(self) -> None:
        if self.checked is None:
            return
        left_out = len(self.checked.sheet.rows) - len(self.checked.sheet.ready)
        lines = [totals_line(self.checked)]
        if left_out and self.checked.images:
            lines.append(f"ctrl+s starts without the {count_text(left_out, 'faulty row')}")
        elif self.checked.images:
            lines.append("ctrl+s starts")
        else:
            lines.append("Nothing can start yet: mend the sheet and read it again with ctrl+r.")
        self.query_one("#totals", Static).update(Content("\n".join(lines)))

    @on(VirtualTable.Highlighted)
    def _moved(self, event: VirtualTable.Highlighted) -> None:
        self._show_problem(event.key, event.column)

    def _show_problem(self, key: Hashable | None, column: str | None) -> None:
        if self._source is None:
            return
        row = self._source.row(key)
        if row is None:
            return
        problem = self._source.problem(key, column)
        text = row.cells.get(column or "") or row.extra.get(column or "", "")
        lines = [
            f"row {row.number}" + (f" · {clean(column)}" if column and column != "row" else "")
        ]
        if problem is not None:
            lines.append(f"{GLYPHS[problem.severity]} {clean(problem.message)}")
            if problem.suggestions:
                lines.append("try " + " or ".join(clean(s) for s in problem.suggestions[:4]))
        elif text:
            lines.append(clean(text))
        lines.append(_preview(row))
        self.query_one("#problem", Static).update(Content("\n".join(lines)))

    # ---------------------------------------------------------------- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Keys that can do nothing now are dimmed."""
        if action == "start":
            return True if self.checked and self.checked.images else None
        if action == "problem":
            return True if self.checked and self.checked.sheet.problems else None
        if action == "reload":
            return self._path is not None
        return True

    def action_open(self) -> None:
        """Ask for a file."""
        self.app.push_screen(OpenSheet(self.desk.memory.recent), self._opened)

    def _opened(self, path: Path | None) -> None:
        if path is not None:
            self.read(path)

    def action_reload(self) -> None:
        """Read the file again."""
        if self._path is not None:
            self.read(self._path)

    def action_prompts(self) -> None:
        """Ask for prompts."""
        self.app.push_screen(TypePrompts(), self._typed)

    def _typed(self, typed: TypedPrompts | None) -> None:
        if typed is None:
            return
        try:
            checked = check_prompts(typed.prompts, self.desk.settings, num_images=typed.num_images)
        except SettingsError as error:
            self.notify(clean(str(error)), severity="error", markup=False)
        else:
            self._show(checked, None)

    def action_problem(self, direction: int) -> None:
        """Take the cursor to the next or previous faulty cell; wraps."""
        if self.checked is None or self._source is None:
            return
        table = self.query_one(VirtualTable)
        names = [column.name for column in table.columns]

        def place(problem: Problem) -> tuple[int, int]:
            return problem.row, names.index(problem.column) if problem.column in names else 0

        problems = sorted(
            (p for p in self.checked.sheet.problems if self._source.row(p.row)), key=place
        )
        if not problems:
            return
        row = table.cursor_key if isinstance(table.cursor_key, int) else 0
        here = (row, names.index(table.cursor_column or names[0]))
        ahead = [p for p in problems if (place(p) > here if direction > 0 else place(p) < here)]
        chosen = (ahead or problems)[0 if direction > 0 else -1]
        self._go_to(chosen)
        self.sub_title = f"{problems.index(chosen) + 1} of {len(problems)}"

    def _go_to(self, problem: Problem) -> None:
        self.query_one(VirtualTable).go_to(problem.row, problem.column)

    def action_start(self) -> None:
        """Start the ready rows."""
        if self.checked is not None and self.checked.images:
            self._title("Starting …")
            self._start(self.checked)

    @work(thread=True, exclusive=True, group="start")
    def _start(self, checked: Checked) -> None:
        name = None if checked.sheet.file else checked.sheet.rows[0].cells.get("prompt", "")[:40]
        try:
            started = start_session(checked, self.desk.settings, name=name or None)
        except (EngineError, LibraryError) as error:
            self.app.call_from_thread(self._not_started, str(error))
        else:
            self.app.call_from_thread(self._accepted, started.session, started.warning)

    def _not_started(self, reason: str) -> None:
        self._title(f"✗ {reason}")
        self.notify(clean(reason), severity="error", markup=False, timeout=15)

    def _accepted(self, session: str, warning: str | None) -> None:
        if warning:
            self.notify(clean(warning), severity="warning", markup=False, timeout=15)
        self._title("Started.")
        self.post_message(TakeInHand(session, "jobs"))


def _preview(row: Row) -> str:
    """The row as it will be rendered, in one line."""
    recipe = preview_row(row)
    if recipe is None or row.values is None:
        return ""
    seed = "drawn at the start" if row.values.seed_number is None else str(recipe.seed)
    count = row.values.num_images
    seeds = seed if count == 1 or row.values.seed_number is None else f"{seed} and {count - 1} more"
    return (
        f"{recipe.width}×{recipe.height} · {recipe.steps} steps · {count_text(count, 'image')}"
        f" · seed {seeds} · {clean(recipe.model)}"
    )
