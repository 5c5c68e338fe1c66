"""Workbooks of the old Excel, read by xlrd.

calamine reads some of their texts as bytes, cuts long ones, and takes numbers for dates.
"""

import datetime
import io
import re
from typing import Any

import xlrd

from engine.sheet.content import LOCKED
from engine.sheet.rows import SheetError

_DURATION = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)


class UnreadError(Exception):
    """xlrd cannot read the file; that says little, since it is stricter than others."""


class OldBook:
    """An xls file."""

    def __init__(self, data: bytes) -> None:
        """Args: data: the whole file.

        Raises:
            SheetError: it is protected by a password.
            UnreadError: xlrd cannot read it.
        """
        try:
            self._book = xlrd.open_workbook(
                file_contents=data,
                on_demand=True,
                formatting_info=True,
                ignore_workbook_corruption=True,
                logfile=io.StringIO(),
            )
        except Exception as error:  # xlrd fails in as many ways as there are damaged files
            if "encrypted" in str(error):
                raise SheetError(LOCKED) from error
            raise UnreadError from error
        self.names: tuple[str, ...] = tuple(self._book.sheet_names())
        shown = zip(self.names, self._book._sheet_visibility, strict=False)
        self.visible = [name for name, hidden in shown if not hidden]

    @property
    def stream(self) -> bytes:
        """Its records, as `xls_stream`."""
        start = self._book.base
        return bytes(self._book.mem[start : start + self._book.stream_len])

    def index(self, name: str) -> int:
        """Which of all sheets a worksheet is, from 0, those of other kinds counted."""
        return int(self._book._all_sheets_map.index(self.names.index(name)))

    def rows(self, name: str) -> dict[int, list[Any]]:
        """A worksheet's rows by number, as `Worksheet.rows`; what shows an error is blank.

        Raises:
            UnreadError: xlrd cannot read it.
        """
        try:
            sheet = self._book.sheet_by_name(name)
        except Exception as error:  # as above
            raise UnreadError from error
        codes = [self._book.format_map.get(xf.format_key) for xf in self._book.xf_list]
        durations = {
            at for at, code in enumerate(codes) if code and _DURATION.search(code.format_str)
        }
        rows: dict[int, list[Any]] = {}
        for row in range(sheet.nrows):
            kinds, cells = sheet.row_types(row), sheet.row_values(row)
            for at, kind in enumerate(kinds):
                if kind == xlrd.XL_CELL_DATE or (kind == xlrd.XL_CELL_NUMBER and durations):
                    style = sheet.cell_xf_index(row, at)
                    if style in durations:
                        cells[at] = datetime.timedelta(days=cells[at])
                    elif kind == xlrd.XL_CELL_DATE:
                        cells[at] = self._moment(cells[at])
                elif kind == xlrd.XL_CELL_BOOLEAN:
                    cells[at] = bool(cells[at])
                elif kind == xlrd.XL_CELL_ERROR:
                    cells[at] = ""
            while cells and cells[-1] == "":
                del cells[-1]
            if cells:
                rows[row + 1] = cells
        width = max(map(len, rows.values()), default=0)
        for cells in rows.values():
            cells.extend([""] * (width - len(cells)))
        return rows

    def _moment(self, days: float) -> datetime.datetime | datetime.date | float:
        try:
            moment = xlrd.xldate.xldate_as_datetime(days, self._book.datemode)
        except (ValueError, OverflowError):
            return days  # no date that there is
        whole = days >= 1 and days.is_integer()
        return moment.date() if whole else moment  # type: ignore[no-any-return]
