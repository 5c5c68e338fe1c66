"""Cells that show a spreadsheet error, or a formula never calculated.

calamine hands both on as blank, which would silently mean the column's default; so they are
looked for in the files themselves, cheaply, since few sheets have any.
"""

import html
import io
import re
import struct
from collections.abc import Iterator
from typing import TypeAlias

from engine.sheet.layout import column_number, sheet_records

CellNumbers: TypeAlias = tuple[int, int]
"""Row and column, both from 1."""

_XLSX_ERROR = re.compile(rb"""\st=["']e["']""")
_XLSX_MARKS = (b't="e"', b"t='e'", b"<f>", b"<f ", b":f>", b":f ")
"""Without one of these a worksheet has neither errors nor formulas."""
_XLSX_TEXT_RESULT = re.compile(rb"""\st=["']str["']""")
_XLSX_UNSAVED = (
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f(?:\s[^>]*)?/>)"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>|</(?:\w+:)?c>)"
)
"""A formula's end with nothing after it."""
_XLSX_PART = re.compile(rb"<(?:\w+:)?(row|c)(\s[^>]*)?>|" + _XLSX_UNSAVED)
_XLSX_PLACE = re.compile(rb"""\sr=["']([A-Z]{0,3})([0-9]{1,7})["']""")
_XLSX_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_ODS_PART = re.compile(
    rb"<table:(table-row|table-cell|covered-table-cell|table)(?=[\s/>])([^>]*)>|</table:table>"
)
_ODS_ERROR = re.compile(rb"""value-type=["']error["']""")
_ODS_COLUMNS = re.compile(rb"""number-columns-repeated=["']([0-9]{1,9})["']""")
_ODS_NAME = re.compile(rb"""\stable:name=["']([^"']*)["']""")
_ODS_ROWS = re.compile(rb"""number-rows-repeated=["']([0-9]{1,9})["']""")
_ODS_TEXT = re.compile(rb"<text:p[^>]*>([^<]*)<")
_BIFF_ERROR, _BIFF_FORMULAS = 0x205, (0x06, 0x206, 0x406)
_XLS_CODES = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_ERROR = "#ERROR!"
_MOST_REPEATS = 1000
"""Of one error cell, rightwards or downwards; more is no table of prompts."""


def xls_stream(data: bytes) -> bytes:
    """The stream of an xls file that holds all worksheets; empty: it cannot be found."""
    from xlrd.compdoc import CompDoc

    try:
        streams = CompDoc(data, logfile=io.StringIO(), ignore_workbook_corruption=True)
        return bytes(
            streams.get_named_stream("Workbook") or streams.get_named_stream("Book") or b""
        )
    except Exception:  # xlrd fails in as many ways as there are damaged files
        return b""


def xlsx_error_cells(xml: bytes) -> dict[CellNumbers, str]:
    """Error cells of an xlsx worksheet: place → what it shows, empty for no saved result."""
    if not any(mark in xml for mark in _XLSX_MARKS):
        return {}
    found: dict[CellNumbers, str] = {}
    row = column = 0
    text_result = False
    for part in _XLSX_PART.finditer(xml):
        attributes = part[2] or b""
        place = _XLSX_PLACE.search(attributes)
        if part[1] == b"row":
            row, column = (int(place[2]) if place else row + 1), 0
        elif part[1] == b"c":
            column = column_number(place[1]) if place and place[1] else column + 1
            text_result = _XLSX_TEXT_RESULT.search(attributes) is not None
            if _XLSX_ERROR.search(attributes):
                value = _XLSX_VALUE.search(xml, part.end(), part.end() + 20_000)
                found[row, column] = value[1].decode("utf-8", "replace") if value else _ERROR
        elif not text_result:  # a formula may well give an empty text
            found.setdefault((row, column), "")
    return found


def ods_error_cells(xml: bytes, name: str) -> dict[CellNumbers, str]:
    """Error cells of the ods worksheet of that name, as `xlsx_error_cells`."""
    if not _ODS_ERROR.search(xml):
        return {}
    return {place: shown for table, place, shown in _ods_cells(xml) if table == name}


def _ods_cells(xml: bytes) -> Iterator[tuple[str, CellNumbers, str]]:
    """Error cells of every table: the table's name, the place, what is shown."""
    table, depth, row, rows, column = "", 0, 0, 1, 0
    for part in _ODS_PART.finditer(xml):
        element, attributes = part[1], part[2] or b""
        if element is None:
            depth -= 1
        elif element == b"table":
            depth += 1
            # A table within a cell is not a worksheet.
            if depth == 1:
                named = _ODS_NAME.search(attributes)
                table = html.unescape(named[1].decode("utf-8", "replace")) if named else ""
                row, rows = 0, 1
        elif element == b"table-row":
            row, column = row + rows, 0
            rows = _repeats(_ODS_ROWS, attributes)
        else:
            columns = _repeats(_ODS_COLUMNS, attributes)
            if _ODS_ERROR.search(attributes):
                text = _ODS_TEXT.search(xml, part.end(), part.end() + 20_000)
                shown = text[1].decode("utf-8", "replace") if text else _ERROR
                for below in range(min(rows, _MOST_REPEATS)):
                    for right in range(min(columns, _MOST_REPEATS)):
                        yield table, (row + below, column + right + 1), shown
            column += columns


def _repeats(pattern: re.Pattern[bytes], attributes: bytes) -> int:
    found = pattern.search(attributes)
    return int(found[1]) if found else 1


def xls_error_cells(stream: bytes, index: int) -> dict[CellNumbers, str]:
    """Error cells of an xls worksheet, as `xlsx_error_cells`.

    Args:
        stream: The file's `xls_stream`.
        index: Which of its sheets, from 0, those of other kinds counted.
    """
    found: dict[CellNumbers, str] = {}
    for kind, body in sheet_records(stream, index):
        if kind == _BIFF_ERROR and len(body) >= 8 and body[7] == 1:
            code = body[6]
        elif kind in _BIFF_FORMULAS and body[6:7] == b"\2" and body[12:14] == b"\xff\xff":
            code = body[8]
        else:
            continue
        row, column = struct.unpack_from("<2H", body)
        found[row + 1, column + 1] = _XLS_CODES.get(code, _ERROR)
    return found
