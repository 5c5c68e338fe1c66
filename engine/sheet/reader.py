"""The guarded child: reads one untrusted file and answers with its cells as JSON.

Started by `engine.sheet.read` with `child_messages.ToRead`; not meant for anyone else. It
imports little, so that it starts fast, and may be killed by its memory limit at any moment.
"""

import gc
import math
import os
import resource
import sys
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.sheet.child_messages import (
    AnyFromReader,
    MachineFailed,
    NoSheet,
    TooMuchMemory,
    ToRead,
    WasRead,
    as_json,
    understood,
)
from engine.sheet.content import Format, sniff
from engine.sheet.rows import EncodingError, Severity, SheetError
from engine.sheet.table import Broken, Limits, Remark


def main(request: Any) -> None:
    """Read the file and write the answer to stdout.

    Args:
        request: a `ToRead`, as plain values.
    """
    asked: ToRead = understood(request, ToRead)
    limits = asked.limits
    # The time is for when the parent is gone and cannot stop us.
    limit(limits.memory_bytes, math.ceil(limits.seconds))
    # Many small cells and no cycles: collecting would only cost.
    gc.disable()
    answer = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not get into the answer.
    os.dup2(2, 1)
    lines: list[list[Any]] = []
    try:
        reply, lines = _read(Path(asked.path), asked.sheet, asked.encoding, limits)
    except EncodingError as error:
        reply = NoSheet(str(error), error.encodings)
    except SheetError as error:
        reply = NoSheet(str(error))
    except MemoryError:
        reply = TooMuchMemory()
    except OSError as error:
        reply = MachineFailed(error.strerror or str(error))
    # One look at all cells: few sheets have other than these.
    if isinstance(reply, WasRead) and not _PLAIN.issuperset(map(type, chain.from_iterable(lines))):
        for index, cells in enumerate(lines):
            if not _PLAIN.issuperset(map(type, cells)):
                reply.odd.append(index)
                lines[index] = [cell if type(cell) in _PLAIN else _odd(cell) for cell in cells]
    with answer:
        answer.write(as_json(reply, lines).encode())
    # Taking the cells apart one by one would only cost.
    os._exit(0)


_DAMAGED = (
    "This row has characters that are not valid UTF-8, shown as ?. Type them again, or open the"
    " file with its own encoding (--encoding)."
)
_PLAIN = {str, float, int, bool}


def _odd(cell: object) -> list[Any]:
    """A time or date as [text, seconds], a broken cell as [code]."""
    from engine.sheet.workbook import moment

    return list(cell if isinstance(cell, Broken) else moment(cell))


def limit(memory_bytes: int, seconds: int) -> None:
    """Limit what this process may take: of address space, and of a processor's time."""
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, seconds, then=seconds + 1)  # told of the first, ended at the second


def _limit(kind: int, most: int, then: int | None = None) -> None:
    """No more than `most`, and in no case more than `then`; whoever runs us may allow less."""
    soft, hard = (
        sys.maxsize if each == resource.RLIM_INFINITY else each for each in resource.getrlimit(kind)
    )
    resource.setrlimit(kind, (min(most, soft, hard), min(then or most, hard)))


def _read(
    path: Path, wanted: str | None, encoding: str | None, limits: Limits
) -> tuple[AnyFromReader, list[list[Any]]]:
    """What is to be said of the file, and its rows that are not blank."""
    with path.open("rb") as file:
        data = file.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        raise SheetError(
            f"The file is larger than the limit of {limits.file_bytes // 2**20} MiB. Split it."
        )
    form = sniff(data, limits.unpacked_bytes)
    if form is Format.TEXT:
        if wanted is not None:
            raise SheetError("A text file has no worksheets; leave out the worksheet's name.")
        reply, rows = _text_rows(data, encoding, limits)
    else:
        from engine.sheet.workbook import read_workbook

        book = read_workbook(data, path, form, wanted, limits.cells)
        reply = WasRead(
            [],
            sheet=book.name,
            sheets=book.names,
            notes=book.notes,
            merged=book.merged,
            uncopied=book.uncopied,
        )
        rows = book.rows
    filled = {number: cells for number, cells in rows.items() if not _is_blank(cells)}
    from engine.sheet.leftovers import leftovers

    left, note = leftovers(filled)
    if note:
        reply = replace(reply, notes=(*reply.notes, note))
        filled = {number: cells for number, cells in filled.items() if number not in left}
    lone = next(iter(filled.values())) if len(filled) == 1 else []
    _refuse_hollow(len(filled), limits, reply.sheet, reply.sheets, is_prompt=_is_prompt(lone))
    widest = max(map(_width, filled.values()), default=0)
    if widest > limits.columns:
        raise SheetError(
            f"A row has {widest:,} columns, more than the limit of {limits.columns:,}. One stray"
            " cell far to the right is a common cause: delete everything that is not prompts and"
            " settings."
        )
    numbers = sorted(filled)
    return replace(reply, numbers=numbers), [filled[number] for number in numbers]


def _width(cells: list[Any]) -> int:
    """Cells up to the last that holds anything."""
    width = len(cells)
    while width and cells[width - 1] == "":
        width -= 1
    return width


def _is_blank(cells: list[Any]) -> bool:
    if cells and type(cells[0]) is str and cells[0][:1].isalnum():
        return False  # as most begin
    first = next((cell for cell in cells if cell != ""), None)
    if not isinstance(first, str) or not first.isspace():
        return first is None
    return all(isinstance(cell, str) and not cell.strip() for cell in cells)


def _text_rows(
    data: bytes, encoding: str | None, limits: Limits
) -> tuple[WasRead, dict[int, list[Any]]]:
    """What is to be said of the file; row number → cells."""
    from engine.sheet.delimited import split
    from engine.sheet.encodings import damaged, decode

    read = decode(data, encoding)
    rows: dict[int, list[Any]] = {}
    count = 0
    text = split(read.text)
    for number, record in enumerate(text.records, start=1):
        count += len(record)
        if count > limits.cells:
            raise SheetError(f"The file has more than {limits.cells:,} cells, the limit. Split it.")
        rows[number] = record
    remarks = list(text.remarks)
    if damaged(read.text):
        remarks += [
            Remark(number, Severity.WARNING, _DAMAGED)
            for number, record in rows.items()
            if any(map(damaged, record))
        ]
    reply = WasRead(
        [],
        notes=(*read.notes, *text.notes),
        delimiter=text.delimiter,
        is_unicode=read.encoding.startswith("utf"),
        remarks=tuple(remarks),
    )
    return reply, rows


def _is_prompt(cells: list[Any]) -> bool:
    """Whether a lone row can be a prompt without a header: one cell of several words."""
    used = [cell for cell in cells if cell != ""]
    return len(used) == 1 and isinstance(used[0], str) and len(used[0].split()) > 2


def _refuse_hollow(
    count: int,
    limits: Limits,
    sheet: str | None,
    sheets: tuple[str, ...],
    *,
    is_prompt: bool,
) -> None:
    what = f"The worksheet `{sheet}`" if sheet else "The file"
    others = [f"`{name}`" for name in sheets if name != sheet]
    hint = f" Other worksheets of this file: {', '.join(others)}." if others else ""
    if not count:
        raise SheetError(f"{what} is empty.{hint}")
    if count == 1 and not is_prompt:
        raise SheetError(
            f"{what} has only one row. The first row holds the column names; prompts go below"
            f" it.{hint}"
        )
    if count - 1 > limits.rows:
        raise SheetError(
            f"{what} has {count - 1:,} rows, more than the limit of {limits.rows:,}. "
            "Split it into several."
        )
