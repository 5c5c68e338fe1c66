"""What a spreadsheet program does not show, or shows once for several cells.

calamine reads hidden rows and columns like others and gives merged cells' value to the first of
them alone; a person should know of both.
"""

import html
import re
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.sheet.table import CellRange

_XLSX_LINE = re.compile(rb"<(?:\w+:)?(row|col)(?=[\s/>])([^>]*)>")
_XLSX_HIDDEN = re.compile(rb"""\shidden=["'](?:1|true)["']""")
_XLSX_NUMBERS = re.compile(rb"""\s(r|min|max)=["']([0-9]{1,7})["']""")
_XLSX_MERGED = re.compile(
    rb"""<(?:\w+:)?mergeCell\s+ref=["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']"""
)
XLSX_PLACE = re.compile(rb"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
"""A cell's place: letters of the column, number of the row."""
_ODS_HIDDEN = re.compile(rb"""table:visibility=["'](?:collapse|filter)["']""")
_ODS_SPANNED = re.compile(
    rb"""table:number-(matrix-)?(rows|columns)-spanned=["']([0-9]{1,7})["']"""
)
_ODS_PART = re.compile(
    rb"<table:(table-row|table-column|table-cell|covered-table-cell|table)(?=[\s/>])([^>]*)>"
    rb"|</table:table>"
)
_ODS_REPEATED = re.compile(rb"""table:number-(?:rows|columns)-repeated=["']([0-9]{1,9})["']""")
_ODS_NAME = re.compile(rb"""\stable:name=["']([^"']*)["']""")
_BIFF_BOUNDSHEET, _BIFF_ROW, _BIFF_COLUMNS, _BIFF_MERGED, _BIFF_END = 0x85, 0x208, 0x7D, 0xE5, 0x0A
_MOST_NAMED = 6
"""Areas that a note names one by one."""


@dataclass(slots=True)
class Layout:
    """What is hidden and what is merged in a worksheet."""

    rows: list[tuple[int, int]] = field(default_factory=list)
    """Hidden rows, from and to."""
    columns: list[tuple[int, int]] = field(default_factory=list)
    """Hidden columns, from and to."""
    merged: list[CellRange] = field(default_factory=list)
    filled: list[CellRange] = field(default_factory=list)
    """Cells that one formula fills; of ods files alone."""
    is_known: bool = True
    """Whether the file could be searched for all this, and for cells that show errors."""


def column_number(letters: bytes) -> int:
    """The number, from 1, of a column by its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def xlsx_layout(xml: bytes) -> Layout:
    """Read a worksheet's part of an xlsx file."""
    layout = Layout()
    if b"hidden=" in xml:
        row = 0
        for part in _XLSX_LINE.finditer(xml):
            number = {key: int(value) for key, value in _XLSX_NUMBERS.findall(part[2])}
            hidden = _XLSX_HIDDEN.search(part[2]) is not None
            if part[1] == b"row":
                row = number.get(b"r", row + 1)
                if hidden:
                    layout.rows.append((row, row))
            elif hidden and b"min" in number and b"max" in number:
                layout.columns.append((number[b"min"], number[b"max"]))
    for left, top, right, bottom in _XLSX_MERGED.findall(xml) if b"mergeCell" in xml else ():
        layout.merged.append(
            CellRange(int(top), column_number(left), int(bottom), column_number(right))
        )
    return layout


def ods_layout(xml: bytes, name: str) -> Layout:
    """Read an ods file's content for the worksheet of that name."""
    layout = Layout()
    if not _ODS_HIDDEN.search(xml) and b"-spanned=" not in xml:
        return layout
    here, depth, row, below, column, across = False, 0, 1, 1, 1, 1
    for part in _ODS_PART.finditer(xml):
        element, attributes = part[1], part[2] or b""
        if element is None:
            depth -= 1
            continue
        if element == b"table":
            depth += 1
            if depth == 1:
                named = _ODS_NAME.search(attributes)
                here = bool(named) and _unescaped(named) == name
                row, below, across = 1, 0, 1
            continue
        if not here or depth != 1:
            continue
        repeated = _ODS_REPEATED.search(attributes)
        count = int(repeated[1]) if repeated else 1
        hidden = _ODS_HIDDEN.search(attributes) is not None
        if element == b"table-row":
            row, below, column = row + below, count, 1
            if hidden:
                layout.rows.append((row, row + count - 1))
        elif element == b"table-column":
            if hidden:
                layout.columns.append((across, across + count - 1))
            across += count
        else:
            spans = {each[:2]: int(each[2]) for each in _ODS_SPANNED.findall(attributes)}
            for areas, kind in ((layout.merged, b""), (layout.filled, b"matrix-")):
                high, wide = (spans.get((kind, way), 1) for way in (b"rows", b"columns"))
                if high * wide > 1:
                    areas.append(CellRange(row, column, row + high - 1, column + wide - 1))
            column += count
    return layout


def _unescaped(named: "re.Match[bytes] | None") -> str:
    return html.unescape(named[1].decode("utf-8", "replace")) if named else ""


def xls_layout(stream: bytes, index: int) -> Layout:
    """Read an xls file's workbook stream.

    Args:
        stream: BIFF records.
        index: Which of its sheets, from 0, those of other kinds counted.
    """
    layout = Layout(is_known=bool(stream))
    for kind, body in sheet_records(stream, index):
        if kind == _BIFF_ROW and len(body) >= 16:
            if struct.unpack_from("<H", body, 12)[0] & 0x20:
                number = struct.unpack_from("<H", body)[0] + 1
                layout.rows.append((number, number))
        elif kind == _BIFF_COLUMNS and len(body) >= 10:
            first, last, _, _, flags = struct.unpack_from("<5H", body)
            if flags & 1:
                layout.columns.append((first + 1, last + 1))
        elif kind == _BIFF_MERGED and len(body) >= 2:
            for at in range(2, len(body) - 7, 8):
                top, bottom, left, right = struct.unpack_from("<4H", body, at)
                layout.merged.append(CellRange(top + 1, left + 1, bottom + 1, right + 1))
    return layout


def sheet_records(stream: bytes, index: int) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each record of one of the sheets in an xls file's stream."""
    starts = [
        struct.unpack_from("<I", body)[0]
        for kind, body in _records(stream, 0)
        if kind == _BIFF_BOUNDSHEET and len(body) >= 4
    ]
    if index < len(starts):
        yield from _records(stream, starts[index])


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each record of a substream, to its end."""
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind == _BIFF_END:
            return
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def spread_merged(rows: dict[int, list[Any]], merged: Collection[CellRange]) -> list[CellRange]:
    """Give the value of cells merged downwards to each of their rows that holds anything else.

    The header's cells stay as they are; a value merged sideways stays in its first column.

    Args:
        rows: By number; changed in place.
        merged: Which cells are.

    Returns:
        Those that had an effect.
    """
    header = next((number for number in sorted(rows) if _holds(rows[number])), 0)
    tall = [area for area in merged if area.bottom > area.top > header]
    covered = {
        (number, column)
        for area in tall
        for number in range(area.top + 1, area.bottom + 1)
        if number in rows
        for column in range(area.left, min(area.right, len(rows[number])) + 1)
    }
    own = {
        number
        for number in {number for number, _ in covered}
        if any(
            (number, column) not in covered and _filled(cell)
            for column, cell in enumerate(rows[number], start=1)
        )
    }
    spread = []
    for area in tall:
        first = rows.get(area.top, [])
        value = first[area.left - 1] if area.left <= len(first) else ""
        targets = [
            number
            for number in sorted(own)
            if area.top < number <= area.bottom and (number, area.left) in covered
        ]
        if _filled(value) and targets:
            spread.append(area)
            for number in targets:
                rows[number][area.left - 1] = value
    return spread


def layout_notes(
    layout: Layout, rows: dict[int, list[Any]], spread: Collection[CellRange]
) -> list[str]:
    """What the person should know, in sentences.

    Args:
        layout: The worksheet's.
        rows: Its rows by number.
        spread: What `spread_merged` gave.
    """
    from engine.sheet.headers import letters

    notes = []
    hidden = sorted(
        number
        for first, last in layout.rows
        for number in range(first, min(last, max(rows, default=0)) + 1)
        if number in rows and _holds(rows[number])
    )
    if hidden:
        rows_named = _listed("Row", number_runs(hidden))
        notes.append(
            f"{rows_named} hidden in the spreadsheet program but used anyway. Show or delete them"
            " there, or leave them out here."
        )
    widest = max(map(len, rows.values()), default=0)
    used = sorted(
        column
        for first, last in layout.columns
        for column in range(first, min(last, widest) + 1)
        if any(len(cells) >= column and _filled(cells[column - 1]) for cells in rows.values())
    )
    if used:
        runs = [
            "–".join(dict.fromkeys(letters(int(each) - 1) for each in run.split("–")))
            for run in number_runs(used)
        ]
        notes.append(
            f"{_listed('Column', runs)} hidden in the spreadsheet program but used anyway."
        )
    if spread:
        areas = list(map(area_name, spread))
        notes.append(
            f"{_listed('Cells', areas)} merged: their value is used for every row they span."
        )
    if not layout.is_known:
        notes.append(
            "This file is unusual: cells that show an error are read as blank, and hidden rows"
            " cannot be detected. Check that there are none, or save it as .xlsx in a"
            " spreadsheet program."
        )
    return notes


def area_name(area: CellRange) -> str:
    """An area as a spreadsheet program names it: B2:C9, or B2."""
    from engine.sheet.headers import letters

    first = f"{letters(area.left - 1)}{area.top}"
    last = f"{letters(area.right - 1)}{area.bottom}"
    return first if first == last else f"{first}:{last}"


def _listed(what: str, names: list[str]) -> str:
    """`Row 3 is`, `Rows 3–5 and 9 are`, or of many how many more."""
    if len(names) == 1 and "–" not in names[0] and what != "Cells":
        return f"{what} {names[0]} is"
    what = what if what == "Cells" else f"{what}s"
    if len(names) > _MOST_NAMED:
        more = len(names) - _MOST_NAMED
        return f"{what} {', '.join(names[:_MOST_NAMED])} and {more:,} more are"
    return f"{what} {' and '.join(filter(None, [', '.join(names[:-1]), names[-1]]))} are"


def number_runs(numbers: list[int]) -> list[str]:
    """Sorted numbers, neighbours drawn together: 3–5, 9."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number <= runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [str(first) if first == last else f"{first}–{last}" for first, last in runs]


def _filled(cell: Any) -> bool:
    return not isinstance(cell, str) or bool(cell.strip())


def _holds(cells: list[Any]) -> bool:
    return any(map(_filled, cells))
