"""The program that writes a corrected copy: a request as JSON on stdin, its answer on stdout."""

import csv
import io
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from engine.sheet.chat_answers import LINE_END, table_line
from engine.sheet.columns import COLUMN, Kind
from engine.sheet.content import Format, sniff
from engine.sheet.delimited import line_ends, split
from engine.sheet.encodings import decode
from engine.sheet.rows import Severity, SheetError
from engine.sheet.table import Broken, Limits, cell_text
from engine.sheet.workbook import read_workbook

_FORMULAS = (
    "The sheet has formulas: open the copy once in a spreadsheet program and save it there, so that"
    " it holds their results."
)


class _Write(NamedTuple):
    """A cell to be written."""

    row: int
    """From 1."""
    at: int
    """The column, from 0."""
    column: str
    text: str

    @property
    def number(self) -> int | None:
        """As a number, where the column holds numbers and a spreadsheet can hold this one."""
        whole = self.column in COLUMN and COLUMN[self.column].kind is Kind.WHOLE
        return int(self.text) if whole and self.text.lstrip("-").isdecimal() else None


def rewrite(request: dict[str, Any]) -> list[str]:
    """Write `target`; what it could not keep of `source`, in words.

    Raises:
        SheetError: it cannot be done.
    """
    source, target = Path(request["source"]), Path(request["target"])
    data = source.read_bytes()
    headers = request["new_headers"]
    # A list of prompts without a header gets one as soon as it has other columns.
    above = int(bool(headers) and not request["header_row"])
    row = request["header_row"] + above
    writes = [_Write(row, int(at), "", name) for at, name in headers.items()]
    writes += [_Write(number + above, *cell) for number, *cell in request["cells"]]
    match sniff(data, Limits().unpacked_bytes):
        case Format.TEXT:
            read = decode(data, request["encoding"])
            text = _text(read.text, writes, request["header_row"], above)
            # Excel takes a file without a mark for one of the old encodings.
            mark = read.marked or not (read.encoding == "utf-8" or text.isascii())
            encoding = "utf-8-sig" if mark else "utf-8"
            # Bytes that are no letters stay as they are where nobody mended them.
            with target.open("w", encoding=encoding, errors="surrogateescape", newline="") as file:
                file.write(text)
            return []
        case Format.XLSX:
            return _xlsx(source, target, request["sheet"], writes, above)
        case Format.ODS:
            return _ods(source, target, request["sheet"], writes, above)
        case Format.XLS:
            return _xls(source, target, request["sheet"], writes, above)


def _text(text: str, writes: list[_Write], header_row: int, above: int) -> str:
    """The text with its mended rows written anew; every other line of it stays as it is."""
    read = split(text)
    delimiter, found, start, end, remarks, *_ = read
    if read.is_data:
        text, start, end = "", 0, 0
    lines = io.StringIO(text[start:end], newline="")
    rows = [(record, "".join(islice(lines, 1 + line_ends(record)))) for record in found]
    repaired = {remark.row for remark in remarks if remark.severity is Severity.REPAIRED}
    by_row: defaultdict[int, list[_Write]] = defaultdict(list)
    for write in writes:
        by_row[write.row].append(write)
    first = header_row - 1
    if not header_row:
        first = next(index for index, (record, _) in enumerate(rows) if any(map(str.strip, record)))
    if above:  # the first row of a workbook; here what is above the first prompt stays there
        rows.insert(first, ([], ""))
        by_row[first + 1] = by_row.pop(1)
        repaired = {row + (row > first) for row in repaired}
    rows += [([], "")] * (max(by_row, default=0) - len(rows))
    out = io.StringIO()
    # A file of one column has no delimiter until it gets a second.
    whole = delimiter.isprintable() or delimiter == "\t"
    line_end = "\r\n" if "\r\n" in text[:10_000] else "\n"
    writer = csv.writer(out, delimiter=delimiter if whole else ",", lineterminator=line_end)
    out.write(text[:start])
    for index, (record, raw) in enumerate(rows):
        mends = by_row.get(index + 1, ())
        as_it_is = not mends and index + 1 not in repaired
        if raw and as_it_is and (whole or index < first or not any(record)):
            out.write(raw if raw.endswith(("\r", "\n")) else raw + line_end)
            continue
        cells = record + [""] * (max((write.at + 1 for write in mends), default=0) - len(record))
        for write in mends:
            cells[write.at] = write.text
        if read.is_drawn:
            missing = len(rows[first][0]) - len(cells)
            out.write(table_line([*cells, *[""] * missing]) + line_end)
        else:
            writer.writerow(cells)
    return out.getvalue() + text[end:]


def _xlsx(source: Path, target: Path, sheet: str, writes: list[_Write], above: int) -> list[str]:
    import openpyxl

    with source.open("rb") as file:
        book = openpyxl.load_workbook(file, keep_vba=source.suffix.lower() == ".xlsm")
    page = book[sheet]
    if above:
        page.insert_rows(1)
    for write in writes:
        cell = page.cell(write.row, write.at + 1)
        if isinstance(cell, openpyxl.cell.cell.MergedCell):
            page.unmerge_cells(
                next(str(area) for area in page.merged_cells.ranges if cell.coordinate in area)
            )
            cell = page.cell(write.row, write.at + 1)
        _put(cell, write)
    book.save(target)
    formulas = any(cell.data_type == "f" for line in page.iter_rows() for cell in line)
    return [_FORMULAS] if formulas else []


def _put(cell: Any, write: _Write) -> None:
    if write.number is not None:
        cell.value, cell.number_format = write.number, "0"
    else:
        # As text: 2:3 must not become a time again, nor =1+1 a formula.
        cell.value, cell.data_type, cell.number_format = write.text, "s", "@"
        if not write.text:
            cell.value = None


def _xls(source: Path, target: Path, sheet: str, writes: list[_Write], above: int) -> list[str]:
    """Nothing writes the old format well: the worksheets' values go into an xlsx file."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    data, most = source.read_bytes(), sys.maxsize
    for name in read_workbook(data, source, Format.XLS, sheet, most).names:
        page = book.create_sheet(name)
        # Merged cells come apart, each with their value; errors stay to be seen, as text.
        for y, row in read_workbook(data, source, Format.XLS, name, most).rows.items():
            for x, value in enumerate(row, start=1):
                if value != "":
                    text = isinstance(value, str | Broken)
                    cell = page.cell(y, x, cell_text(value) if text else value)
                    cell.data_type = "s" if text else cell.data_type
    if above:
        book[sheet].insert_rows(1)
    for write in writes:
        _put(book[sheet].cell(write.row, write.at + 1), write)
    book.save(target)
    return [
        "The copy is an .xlsx file with the values of all worksheets; colours and widths of"
        " the old .xls are not kept."
    ]


def _ods(source: Path, target: Path, sheet: str, writes: list[_Write], above: int) -> list[str]:
    from odf.opendocument import load
    from odf.table import Table, TableRow

    document = load(str(source))
    table = next(
        table
        for table in document.spreadsheet.getElementsByType(Table)
        if table.getAttribute("name") == sheet
    )
    if above:
        first = next(_ods_rows(table))
        first.parentNode.insertBefore(TableRow(), first)
    by_row: defaultdict[int, list[_Write]] = defaultdict(list)
    for write in writes:
        by_row[write.row].append(write)
    for number, each in sorted(by_row.items()):
        row = _ods_row(table, number)
        for write in sorted(each, key=lambda write: write.at):
            _ods_put(_ods_unmerged(_ods_cell(row, write.at)), write)
    document.save(str(target))
    return []


_ROWS, _COLUMNS = "number-rows-repeated", "number-columns-repeated"
_HOLD_ROWS = ("table-header-rows", "table-row-group", "table-rows")


def _ods_rows(parent: Any) -> Iterator[Any]:
    for child in parent.childNodes:
        name = child.qname[1] if hasattr(child, "qname") else ""
        if name == "table-row":
            yield child
        elif name in _HOLD_ROWS:
            yield from _ods_rows(child)


def _ods_row(table: Any, number: int) -> Any:
    """The row with this number (from 1) as an element of its own."""
    from odf.table import TableRow

    at = 0
    for row in _ods_rows(table):
        repeats = int(row.getAttribute("numberrowsrepeated") or 1)
        if at + repeats >= number:
            return _alone(row, number - 1 - at, repeats, "numberrowsrepeated")
        at += repeats
    for _ in range(number - at):
        row = TableRow()
        table.addElement(row)
    return row


def _ods_cell(row: Any, index: int) -> Any:
    """The cell at this index (from 0) as an element of its own."""
    from odf.table import TableCell

    at = 0
    for cell in list(row.childNodes):
        repeats = int(cell.getAttribute("numbercolumnsrepeated") or 1)
        if at + repeats > index:
            return _alone(cell, index - at, repeats, "numbercolumnsrepeated")
        at += repeats
    for _ in range(index + 1 - at):
        cell = TableCell()
        row.addElement(cell)
    return cell


def _alone(element: Any, before: int, repeats: int, attribute: str) -> Any:
    """The repetition after `before` others, as an element of its own."""
    after = repeats - before - 1
    for count, place in ((before, element), (after, element.nextSibling)):
        if count:
            other = _clone(element)
            other.setAttribute(attribute, count)
            element.parentNode.insertBefore(other, place)
    if repeats > 1:
        element.removeAttribute(attribute)
    return element


def _clone(element: Any) -> Any:
    from odf.element import Element, Text

    new = Element(qname=element.qname, check_grammar=False)
    new.attributes = dict(element.attributes)
    for child in element.childNodes:
        new.appendChild(_clone(child) if hasattr(child, "qname") else Text(child.data))
    return new


def _ods_unmerged(cell: Any) -> Any:
    """The cell, not merged with others below it any more."""
    from odf.table import TableCell

    if cell.qname[1] == "covered-table-cell":
        plain = TableCell()
        cell.parentNode.insertBefore(plain, cell)
        cell.parentNode.removeChild(cell)
        return plain
    if int(cell.getAttribute("numberrowsspanned") or 1) > 1:
        cell.removeAttribute("numberrowsspanned")
        cell.removeAttribute("numbercolumnsspanned")
    return cell


_ODS_VALUE = frozenset(
    {
        *("formula", "value-type", "value", "string-value", "date-value", "time-value"),
        *("boolean-value", "currency"),
    }
)
"""What an ods cell says of its value; LibreOffice says it in a namespace of its own too."""


def _ods_put(cell: Any, write: _Write) -> None:
    from odf.teletype import addTextToElement
    from odf.text import P

    for child in list(cell.childNodes):
        cell.removeChild(child)
    for name in [name for name in cell.attributes if name[1] in _ODS_VALUE]:
        del cell.attributes[name]
    if write.number is not None:
        cell.setAttribute("valuetype", "float")
        cell.setAttribute("value", write.number)
    else:
        cell.setAttribute("valuetype", "string")
    for line in LINE_END.split(write.text) if write.text else ():
        paragraph = P()
        # A tab would be an element that calamine does not read.
        addTextToElement(paragraph, line.replace("\t", " "))
        cell.addElement(paragraph)


def main() -> None:
    """Entry point."""
    request = json.load(sys.stdin)
    try:
        reply: dict[str, Any] = {"notes": rewrite(request)}
        with open(request["target"], "rb") as file:  # noqa: PTH123
            os.fsync(file.fileno())
    except SheetError as error:
        reply = {"refused": str(error)}
    except OSError as error:
        reply = {"refused": f"The copy cannot be written: {error.strerror or error}."}
    print(json.dumps(reply))


if __name__ == "__main__":
    main()
