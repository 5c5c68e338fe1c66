"""Workbooks (xlsx, ods, xls): which worksheet, its cells, and the cells that show an error."""

import datetime
import re
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import python_calamine

from engine.sheet.content import LOCKED, Format
from engine.sheet.faults import (
    Place,
    ods_faults,
    ods_xml,
    xls_faults,
    xls_stream,
    xlsx_faults,
    xlsx_xml,
)
from engine.sheet.layout import (
    Layout,
    layout_notes,
    ods_layout,
    spread_merged,
    xls_layout,
    xlsx_layout,
)
from engine.sheet.rows import SheetError
from engine.sheet.table import Broken, CellRange, Moment

_DAY_ZERO = {
    datetime.date(1899, 12, 30),
    datetime.date(1899, 12, 31),
    datetime.date(1900, 1, 1),
    datetime.date(1904, 1, 1),
}
"""Dates a spreadsheet program gives to a mere time of day."""
_DURATION = re.compile(r"PT(\d{1,6})H(\d{1,2})M(\d{1,2})(?:[.,]0*)?S")


class Worksheet(NamedTuple):
    """A worksheet as it lies in its workbook."""

    name: str
    names: tuple[str, ...]
    """All worksheets of the workbook."""
    rows: dict[int, list[Any]]
    """Row number (from 1) → its cells, from column A; dates and times as datetime has them."""
    notes: tuple[str, ...]
    """What the person should know about how it was read."""
    merged: tuple[CellRange, ...]
    """Cells merged downwards, whose value each of their rows was given."""
    uncopied: tuple[str, ...]
    """What a corrected copy could not keep, in sentences."""


def read_workbook(
    data: bytes, path: Path, form: Format, wanted: str | None, most_cells: int
) -> Worksheet:
    """Read one worksheet: the one named, else the first that is visible.

    Args:
        data: The whole file.
        path: The same file, for calamine, which reads it faster from there.
        form: Its format; not text.
        wanted: A worksheet's name.
        most_cells: Rows times columns that may be in use.

    Raises:
        SheetError: Locked, damaged, no such worksheet, or more cells than allowed.
    """
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        name, names = _choose(book, wanted)
        # calamine lets other threads run while it reads.
        with ThreadPoolExecutor(max_workers=1) as pool:
            search = pool.submit(_search, data, form, _index(book, name), name)
            sheet = book.get_sheet_by_name(name)
    except python_calamine.PasswordError as error:
        raise SheetError(LOCKED) from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        # calamine has a limit of its own for what ods files repeat.
        if "Cell limit" in str(error):
            raise _too_many("far too many cells", most_cells) from error
        raise _damaged(form) from error
    rows: dict[int, list[Any]] = {}
    if sheet.end is not None:
        count = (sheet.end[0] + 1) * (sheet.end[1] + 1)
        if count > most_cells:
            raise _too_many(f"{count:,} cells", most_cells)
        rows = dict(enumerate(sheet.to_python(skip_empty_area=False), start=1))
    if form is Format.ODS:
        for cells in rows.values():
            for index, cell in enumerate(cells):
                if type(cell) is str and cell.startswith("PT"):
                    cells[index] = _duration(cell)
    faults, layout = search.result()
    for (row, column), code in faults.items():
        cells = rows.setdefault(row, [])
        cells.extend([""] * (column - len(cells)))
        cells[column - 1] = Broken(code)
    spread = spread_merged(rows, layout.merged) if layout.merged else []
    notes = tuple(layout_notes(layout, rows, spread))
    return Worksheet(name, names, rows, notes, tuple(spread), tuple(_uncopied(data, form)))


def _uncopied(data: bytes, form: Format) -> Iterator[str]:
    if form is Format.XLS:
        yield (
            "The copy of an .xls is an .xlsx file with the values of all worksheets; colours, "
            "widths and formulas of the old file are not kept."
        )
    elif b"_xmlsignatures/" in data or b"META-INF/documentsignatures.xml" in data:
        yield "The file is signed; the signature does not hold for a copy."


def _too_many(count: str, most: int) -> SheetError:
    return SheetError(
        f"The worksheet spans {count}, more than the limit of {most:,}. Often one stray cell far "
        "to the right or below is to blame: delete the columns and rows beyond your table, and "
        "save."
    )


def _damaged(form: Format) -> SheetError:
    return SheetError(
        f"This {form} file is damaged or very unusual and could not be read. Open it in a "
        "spreadsheet program and save it anew, or copy or download it again."
    )


def _choose(
    book: python_calamine.CalamineWorkbook, wanted: str | None
) -> tuple[str, tuple[str, ...]]:
    sheets = [
        sheet
        for sheet in book.sheets_metadata
        if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
    ]
    names = tuple(sheet.name for sheet in sheets)
    if not names:
        raise SheetError("This workbook has no worksheet with cells.")
    if wanted is not None:
        if wanted not in names:
            raise SheetError(
                f"There is no worksheet `{wanted}` in this file. It has: {', '.join(names)}."
            )
        return wanted, names
    visible = (
        sheet.name for sheet in sheets if sheet.visible == python_calamine.SheetVisibleEnum.Visible
    )
    return next(visible, names[0]), names


def _index(book: python_calamine.CalamineWorkbook, name: str) -> int:
    return [sheet.name for sheet in book.sheets_metadata].index(name)


def _search(data: bytes, form: Format, index: int, name: str) -> tuple[dict[Place, str], Layout]:
    """What calamine does not tell of a worksheet."""
    try:
        if form is Format.XLSX:
            xml = xlsx_xml(data, name)
            return xlsx_faults(xml), xlsx_layout(xml)
        if form is Format.ODS:
            xml = ods_xml(data)
            return ods_faults(xml, name), ods_layout(xml, name)
        stream = xls_stream(data)
        return xls_faults(data, stream, name), xls_layout(stream, index)
    # The parts of a damaged or odd file can be missing in many ways.
    except (
        zipfile.BadZipFile,
        zlib.error,
        SyntaxError,
        LookupError,
        StopIteration,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise _damaged(form) from error


def moment(cell: object) -> Moment:
    """A date or time as calamine gives it.

    Raises:
        TypeError: It is neither.
    """
    match cell:
        case datetime.timedelta():
            return _time(cell)
        case datetime.time():
            return _time(_since_midnight(cell))
        case datetime.datetime():
            if cell.date() in _DAY_ZERO:
                return _time(_since_midnight(cell.time()))
            return Moment(cell.isoformat(" "), None)
        case datetime.date():
            return _time(datetime.timedelta()) if cell in _DAY_ZERO else Moment(str(cell), None)
    raise TypeError(f"{type(cell)} is not a moment")


def _duration(text: str) -> str | datetime.timedelta:
    """What ods writes for a time, as calamine leaves the longer ones; other text as it is."""
    found = _DURATION.fullmatch(text)
    if not found:
        return text
    hours, minutes, seconds = (int(part) for part in found.groups())
    return datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _since_midnight(time: datetime.time) -> datetime.timedelta:
    return datetime.timedelta(
        hours=time.hour,
        minutes=time.minute,
        seconds=time.second,
        microseconds=time.microsecond,
    )


def _time(duration: datetime.timedelta) -> Moment:
    # Day fractions are stored as binary fractions: a time may be some microseconds off.
    seconds = round(duration.total_seconds())
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    text = f"{sign}{left // 3600:02}:{left // 60 % 60:02}:{left % 60:02}"
    return Moment(text, seconds if seconds >= 0 else None)
