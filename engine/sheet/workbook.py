"""Workbooks (xlsx, ods, xls): which worksheet, its cells, and the cells that show an error."""

import datetime
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import python_calamine

from engine.sheet.content import LOCKED, Format
from engine.sheet.error_cells import (
    CellNumbers,
    ods_error_cells,
    xls_error_cells,
    xls_stream,
    xlsx_error_cells,
)
from engine.sheet.layout import (
    Layout,
    layout_notes,
    ods_layout,
    spread_merged,
    xls_layout,
    xlsx_layout,
)
from engine.sheet.machine_limits import is_machines_fault
from engine.sheet.ods_text import readable_ods
from engine.sheet.rows import SheetError
from engine.sheet.table import Broken, CellRange, Moment

_DAY_ZERO = {
    datetime.date(1899, 12, 30),
    datetime.date(1899, 12, 31),
    datetime.date(1900, 1, 1),
    datetime.date(1904, 1, 1),
}
"""Dates a spreadsheet program gives to a mere time of day."""
_WORKSHEET = python_calamine.SheetTypeEnum.WorkSheet
_VISIBLE = python_calamine.SheetVisibleEnum.Visible
_FAILURES = (
    python_calamine.CalamineError,
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,
    LookupError,
    StopIteration,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
"""What is raised of a damaged file, or an odd one: its parts can be missing in many ways."""
_DURATION = re.compile(r"PT(\d{1,6})H(\d{1,2})M(\d{1,2})(?:[.,]0*)?S")


_Beside: TypeAlias = tuple[dict[CellNumbers, str], Layout]
"""What calamine does not tell of a worksheet."""


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
    found = _read_xls(data, wanted, most_cells) if form is Format.XLS else None
    if found is None:
        try:
            written = readable_ods(data) if form is Format.ODS else None
            file = path if written is None else io.BytesIO(written)
            found = _read(file, data, form, wanted, most_cells)
        except _FAILURES as error:
            if is_machines_fault(error):
                raise
            if form is not Format.XLSX:
                raise _damaged(form) from error
            try:
                from engine.sheet.xlsx_plain import plain_xlsx  # which few files need

                found = _read(io.BytesIO(plain_xlsx(data)), data, form, wanted, most_cells)
            except _FAILURES as still:
                if is_machines_fault(still):
                    raise
                raise _damaged(form) from still
    name, names, rows, (error_cells, layout) = found
    for (row, column), code in error_cells.items():
        cells = rows.setdefault(row, [])
        cells.extend([""] * (column - len(cells)))
        cells[column - 1] = Broken(code)
    spread = spread_merged(rows, layout.merged) if layout.merged else []
    notes = tuple(layout_notes(layout, rows, spread))
    return Worksheet(name, names, rows, notes, tuple(spread), tuple(_uncopied(data, form)))


class _ReadSheet(NamedTuple):
    """A worksheet's name, those of all, its rows, and what else was found of it."""

    name: str
    names: tuple[str, ...]
    rows: dict[int, list[Any]]
    beside: _Beside


def _read_xls(data: bytes, wanted: str | None, most_cells: int) -> _ReadSheet | None:
    """None: only another reader may be able to."""
    from engine.sheet.xls import OldBook, UnreadError

    try:
        book = OldBook(data)
        name = _chosen(book.names, book.visible, wanted)
        rows, beside = book.rows(name), _search_xls(book.stream, book.index(name))
    except UnreadError:
        return None
    count = max(rows, default=0) * max(map(len, rows.values()), default=0)
    if count > most_cells:
        raise _too_many(f"{count:,} cells", most_cells)
    return _ReadSheet(name, book.names, rows, beside)


def _read(
    file: Path | io.BytesIO, data: bytes, form: Format, wanted: str | None, most_cells: int
) -> _ReadSheet:
    """By calamine.

    Args:
        file: The file, or what it stands for.
        data: The file as it is.
        form: Its format.
        wanted: As for `read_workbook`.
        most_cells: As there.
    """
    try:
        book = python_calamine.load_workbook(file)
        sheets = book.sheets_metadata
        of_cells = [each for each in sheets if each.typ == _WORKSHEET]
        names = tuple(each.name for each in of_cells)
        name = _chosen(names, [each.name for each in of_cells if each.visible == _VISIBLE], wanted)
        index = [each.name for each in sheets].index(name)
        # calamine lets other threads run while it reads.
        with ThreadPoolExecutor(max_workers=1) as pool:
            search = _begun(pool, data, form, index, name, isinstance(file, Path))
            sheet = book.get_sheet_by_name(name)
    except python_calamine.PasswordError as error:
        raise SheetError(LOCKED) from error
    except python_calamine.CalamineError as error:
        # calamine has a limit of its own for what ods files repeat.
        if "Cell limit" in str(error):
            raise _too_many("far too many cells", most_cells) from error
        raise
    rows: dict[int, list[Any]] = {}
    if sheet.end is not None:
        count = (sheet.end[0] + 1) * (sheet.end[1] + 1)
        if count > most_cells:
            raise _too_many(f"{count:,} cells", most_cells)
        rows = dict(enumerate(sheet.to_python(skip_empty_area=False), start=1))
    if form is not Format.XLSX:
        for cells in rows.values():
            for at, cell in enumerate(cells):
                if type(cell) is str:
                    if cell.startswith("PT") and form is Format.ODS:
                        cells[at] = _duration(cell)
                    elif "\0" in cell:  # calamine takes some texts of xls files for bytes
                        cells[at] = cell.replace("\0", "")
    return _ReadSheet(name, names, rows, search.result())


def _uncopied(data: bytes, form: Format) -> Iterator[str]:
    if form is Format.XLS:
        yield (
            "A copy of an .xls file is an .xlsx file with the values of all worksheets; colours,"
            " widths and formulas are not kept."
        )
    elif b"_xmlsignatures/" in data or b"META-INF/documentsignatures.xml" in data:
        yield "The file is signed; the copy will not be."


def _begun(pool: ThreadPoolExecutor, *arguments: Any) -> "Future[_Beside]":
    """The search in a thread; where there can be no other thread, it is done at once."""
    try:
        return pool.submit(_search, *arguments)
    except RuntimeError:
        done: Future[_Beside] = Future()
        done.set_result(_search(*arguments))
        return done


def _too_many(count: str, most: int) -> SheetError:
    return SheetError(
        f"The worksheet spans {count}, more than the limit of {most:,}. One stray cell far to the"
        " right or below is a common cause: delete the columns and rows beyond your table, and"
        " save."
    )


def _damaged(form: Format) -> SheetError:
    return SheetError(
        f"This {form} file is damaged or very unusual and could not be read. Open it in a"
        " spreadsheet program and save it again, or copy or download it again."
    )


def _chosen(names: Sequence[str], visible: Sequence[str], wanted: str | None) -> str:
    if not names:
        raise SheetError("This workbook has no worksheet with cells.")
    if wanted is not None and wanted not in names:
        raise SheetError(
            f"There is no worksheet `{wanted}` in this file. It has: {', '.join(names)}."
        )
    return wanted if wanted is not None else (*visible, names[0])[0]


def _search(data: bytes, form: Format, index: int, name: str, as_is: bool) -> _Beside:
    """What calamine does not tell of a worksheet; `as_is`: whether it reads the file itself."""
    if form is Format.XLS:
        return _search_xls(xls_stream(data), index)
    from engine.sheet.package import Package
    from engine.sheet.xml_edits import utf8

    package = Package(data)
    if form is Format.XLSX:
        raw = package.read(package.worksheet(name)[0])
        xml = utf8(raw)
        if as_is and xml is not raw:
            raise ValueError("calamine reads UTF-8 alone, and finds nothing in other encodings")
        return xlsx_error_cells(xml), xlsx_layout(xml)
    xml = utf8(package.read("content.xml"))
    return ods_error_cells(xml, name), ods_layout(xml, name)


def _search_xls(stream: bytes, index: int) -> _Beside:
    return xls_error_cells(stream, index), xls_layout(stream, index)


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
