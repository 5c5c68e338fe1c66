"""The program that writes a corrected copy: `ToCopy` on stdin, its answer on stdout."""

import csv
import io
import json
import os
import sys
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Collection
from itertools import islice
from pathlib import Path
from typing import Any

from engine.sheet.chat_answers import table_line
from engine.sheet.child_messages import (
    AnyFromCopier,
    CopyRefused,
    CopyWritten,
    ToCopy,
    as_json,
    understood,
)
from engine.sheet.content import Format, sniff
from engine.sheet.copy_cells import CopyJob, Write
from engine.sheet.delimited import line_ends, split
from engine.sheet.encodings import decode
from engine.sheet.reader import limit
from engine.sheet.rows import Severity, SheetError
from engine.sheet.table import Broken, Limits, cell_text
from engine.sheet.workbook import read_workbook

_MEMORY, _SECONDS = 4 << 30, 120
"""Of address space, and of a processor's time."""
_CSV = "Choose a name ending in .csv to save only the values."


def rewrite(request: ToCopy) -> list[str]:
    """Write `target`; what it could not keep of `source`, in words.

    Raises:
        SheetError: it cannot be done.
    """
    source, target = Path(request.source), Path(request.target)
    data = source.read_bytes()
    form = sniff(data, Limits().unpacked_bytes)
    headers, header_row, first = request.new_headers, request.header_row, request.first_row
    # A list of prompts without a header gets one as soon as it has other columns; in a workbook,
    # where every row keeps its number, in the blank row above them if there is one.
    needed = bool(headers) and not header_row
    above = int(needed and (form is Format.TEXT or first == 1))
    if needed:
        header_row = 1 if above else first - 1
    writes = [Write(header_row, at, "", name) for at, name in headers.items()]
    writes += [Write(row + above, at, name, text) for row, at, name, text in request.cells]
    dropped = {number + above for number in request.dropped}
    if form is Format.TEXT:
        read = decode(data, request.encoding)
        text = _text(read.text, writes, dropped, request.header_row, above)
        # Excel takes a file without a mark for one of the old encodings.
        mark = read.marked or not (read.encoding == "utf-8" or text.isascii())
        encoding = "utf-8-sig" if mark else "utf-8"
        # Bytes that are no letters stay as they are where nobody mended them.
        with target.open("w", encoding=encoding, errors="surrogateescape", newline="") as file:
            file.write(text)
        return []
    job = CopyJob(request.sheet or "", writes, dropped, bool(above))
    notes: list[str] = []
    if form is Format.XLS:
        _xls(data, source, target, job)
    else:
        from engine.sheet.copy_ods import copy_ods
        from engine.sheet.copy_xlsx import copy_xlsx

        copied, notes = (copy_xlsx if form is Format.XLSX else copy_ods)(data, job)
        target.write_bytes(copied)
    return list(dict.fromkeys(notes))


def _text(
    text: str, writes: list[Write], dropped: Collection[int], header_row: int, above: int
) -> str:
    """The text with its mended rows rewritten; every other line of it stays as it is."""
    read = split(text)
    delimiter, found, start, end, remarks, *_ = read
    if read.is_data:
        text, start, end = "", 0, 0
    lines = io.StringIO(text[start:end], newline="")
    rows = [(record, "".join(islice(lines, 1 + line_ends(record)))) for record in found]
    repaired = {remark.row for remark in remarks if remark.severity is Severity.REPAIRED}
    by_row: defaultdict[int, list[Write]] = defaultdict(list)
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
        if index + 1 in dropped:
            continue
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


def _xls(data: bytes, source: Path, target: Path, job: CopyJob) -> None:
    """Nothing writes the old format well: the worksheets' values go into an xlsx file."""
    import openpyxl

    book, most = openpyxl.Workbook(), sys.maxsize
    book.remove(book.worksheets[0])
    for name in read_workbook(data, source, Format.XLS, job.sheet, most).names:
        page = book.create_sheet(name)
        here = name == job.sheet
        # Merged cells come apart, each with their value; errors stay to be seen, as text.
        for y, row in read_workbook(data, source, Format.XLS, name, most).rows.items():
            number = y + int(here and job.above)
            for x, value in enumerate(() if here and number in job.cleared else row, start=1):
                if value != "":
                    _put(page.cell(number, x), value)
    page = book[job.sheet]
    for write in job.writes:
        cell = page.cell(write.row, write.at + 1)
        if write.number is not None:
            cell.value, cell.number_format = write.number, "0"
        else:
            # As text: 2:3 must not become a time again.
            _put(cell, write.text or None)
            cell.number_format = "@"
    book.save(target)


def _put(cell: Any, value: Any) -> None:
    """A value as it is: no text becomes a formula, and no number loses digits."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    kind = ""
    if isinstance(value, str | Broken):
        value, kind = ILLEGAL_CHARACTERS_RE.sub("", cell_text(value)), "s"
    elif isinstance(value, float):
        value, kind = repr(value), "n"  # openpyxl would write 16 digits
    cell.value = value
    cell.data_type = kind or cell.data_type


def main() -> None:
    """Entry point."""
    request: ToCopy = understood(json.load(sys.stdin), ToCopy)
    limit(_MEMORY, _SECONDS)
    try:
        reply: AnyFromCopier = CopyWritten(tuple(rewrite(request)))
        with open(request.target, "rb") as file:  # noqa: PTH123
            os.fsync(file.fileno())
    except SheetError as error:
        reply = CopyRefused(str(error))
    except MemoryError:
        reply = CopyRefused(f"Saving the copy took more memory than {_MEMORY >> 30} GiB. {_CSV}")
    except (ValueError, LookupError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
        reply = CopyRefused(f"The file is built in an unusual way ({error}). {_CSV}")
    except OSError as error:
        reply = CopyRefused(f"The copy cannot be saved: {error.strerror or error}.")
    print(as_json(reply))


if __name__ == "__main__":
    main()
