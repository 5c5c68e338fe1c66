"""Read a sheet's file into a table, whatever the file may be."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.sheet.cell_findings import shown
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
from engine.sheet.gc_pause import gc_paused
from engine.sheet.headers import MOST_ABOVE, find_header, known_name, lone_column
from engine.sheet.machine_limits import machines_reason
from engine.sheet.rows import EncodingError, Severity, SheetError
from engine.sheet.table import (
    MIB,
    Broken,
    Limits,
    Line,
    Moment,
    Remark,
    Table,
    cell_text,
)

__all__ = ["Limits", "read_table"]

# The child finds modules where we do, and nowhere else: not in the folder it is started from.
_CHILD = (
    "import json, sys; request, sys.path[:] = json.loads(sys.argv[1]); "
    "from engine.sheet.reader import main; main(request)"
)


def read_table(
    path: Path,
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    limits: Limits | None = None,
) -> Table:
    """Read a csv, tsv, xls, xlsx or ods file, told apart by content.

    A process of its own reads it, with limited memory and time: a hostile or damaged file can
    crash that process, not ours.

    Args:
        path: The file.
        sheet: A worksheet's name; None for the first visible one.
        encoding: What a text file is written in; None: to be found out.
        limits: How much it may hold and take.

    Raises:
        EncodingError: A person must say what it is written in.
        SheetError: It cannot be used as a sheet; says why and what to do.
    """
    limits = limits or Limits()
    _refuse_unopenable(path, limits)
    request = ToRead(str(path.absolute()), sheet, encoding, limits)
    modules = [entry for entry in sys.path if entry]
    try:
        child = subprocess.run(
            [sys.executable, "-S", "-P", "-c", _CHILD, as_json(request, modules)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limits.seconds * _PATIENCE,
            check=False,
        )
    except OSError as error:
        raise _machines(error.strerror or str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise _too_long(limits) from error
    if child.returncode != 0 or not child.stdout:
        raise _crash(child.returncode, child.stderr, limits)
    with gc_paused():
        told, lines = json.loads(child.stdout)
        reply: AnyFromReader = understood(told, AnyFromReader)
        match reply:
            case NoSheet(reason, encodings):
                raise SheetError(reason) if encodings is None else EncodingError(reason, encodings)
            case MachineFailed(reason):
                raise _machines(reason)
            case TooMuchMemory():
                raise _too_much_memory(limits)
            case WasRead():
                return replace(_table(path, reply, lines), encoding=encoding)


_PATIENCE = 4
"""Times its seconds of the processor that reading may last: others may be at work as well."""
_LIGHTEN = (
    "Stray cells or formatting far to the right or below are a common cause: delete the columns"
    " and rows beyond your table, copy the table to a new file, or save it as .csv."
)


def _refuse_unopenable(path: Path, limits: Limits) -> None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SheetError("File not found. Check its name and folder.") from error
    except PermissionError as error:
        raise SheetError("You have no permission to open this file's folder.") from error
    except (OSError, ValueError) as error:
        raise SheetError("This is not a valid file name. Check it.") from error
    if stat.S_ISDIR(status.st_mode):
        raise SheetError("This is a folder. Choose a sheet in it.")
    if not stat.S_ISREG(status.st_mode):
        raise SheetError("This is not a regular file. Save the sheet to a file first.")
    if not os.access(path, os.R_OK):
        raise SheetError(
            "You have no permission to read this file: ask its owner, or change its permissions."
        )
    if status.st_size == 0:
        raise SheetError("The file is empty.")
    if status.st_size > limits.file_bytes:
        raise SheetError(
            f"The file has {status.st_size // MIB} MiB, more than the limit of"
            f" {limits.file_bytes // MIB} MiB. Split it, or delete everything that is not"
            " prompts."
        )


def _machines(reason: str) -> SheetError:
    return SheetError(
        f"The sheet could not be read now: {reason}. The file is not to blame: close other"
        " programs, or ask whoever runs this machine."
    )


def _crash(status: int, stderr: bytes, limits: Limits) -> SheetError:
    # What Rust's and Python's allocators say when refused.
    if b"memory allocation" in stderr or b"MemoryError" in stderr:
        return _too_much_memory(limits)
    if status == -signal.SIGXCPU and _granted(resource.RLIMIT_CPU) > limits.seconds:
        return _too_long(limits)
    if reason := machines_reason(status, stderr):
        return _machines(reason)
    return SheetError(
        "The file could not be read: reading it failed in an unexpected way, so it is damaged or"
        " very unusual. Open it in a spreadsheet program and save it again, or as .csv."
    )


def _too_long(limits: Limits) -> SheetError:
    return SheetError(
        f"Reading the file took longer than {limits.seconds:g} seconds, the limit. {_LIGHTEN}"
    )


def _granted(kind: int) -> int:
    """What whoever runs us allows of something."""
    granted = resource.getrlimit(kind)
    return min((each for each in granted if each != resource.RLIM_INFINITY), default=sys.maxsize)


def _too_much_memory(limits: Limits) -> SheetError:
    allowed = _granted(resource.RLIMIT_AS)
    if allowed < limits.memory_bytes:
        reason = f"programs may take no more than {allowed // MIB} MiB of memory here (ulimit -v)"
        return _machines(reason)
    return SheetError(
        f"Reading the file took more memory than the limit of {limits.memory_bytes // MIB} MiB. "
        f"{_LIGHTEN}"
    )


def _table(path: Path, reply: WasRead, lines: list[list[Any]]) -> Table:
    for index in reply.odd:
        lines[index] = [_odd(cell) if isinstance(cell, list) else cell for cell in lines[index]]
    numbers, notes = reply.numbers, list(reply.notes)
    top = [list(map(cell_text, cells)) for cells in lines[:MOST_ABOVE]]
    skipped = find_header(top)
    if skipped:
        notes.append(
            f"The column names are in row {numbers[skipped]}; everything above them is left out."
        )
    header = [text.strip() for text in top[skipped]]
    while header and not header[-1]:
        del header[-1]
    header_row, first = numbers[skipped], skipped + 1
    remarks = list(reply.remarks)
    if reply.sheet is None and any(text[:1] == " " for text in top[skipped][1:]):
        message = "Spaces after the separators were removed."
        remarks.append(Remark(header_row, Severity.REPAIRED, message))
    # Most sheets have several columns and need no closer look.
    lone = None
    if sum(map(bool, header)) <= 2 and not any(map(known_name, header)):
        lone = lone_column([list(map(cell_text, cells)) for cells in lines])
    if lone and lone.headed:
        notes.append(f"`{shown(header[lone.at])}` is read as `prompt`: it is the only column.")
    elif lone:
        header_row, first = 0, 0
        notes.append(
            "There is no row of column names, so every row is read as a prompt, the first one"
            f" too. If row {numbers[0]} is a heading, rename it to `prompt`."
        )
    if lone:
        header[lone.at] = "prompt"
    return Table(
        file=os.fsencode(path.name).decode("utf-8", "replace"),
        sheet=reply.sheet,
        header=tuple(header),
        lines=tuple(map(Line, numbers[first:], lines[first:])),
        header_row=header_row,
        sheets=reply.sheets,
        notes=tuple(notes),
        delimiter=reply.delimiter,
        is_unicode=reply.is_unicode,
        merged=reply.merged,
        uncopied=reply.uncopied,
        remarks=(*remarks, *_short_rows(numbers[first:], lines[first:], len(header))),
    )


def _short_rows(
    numbers: Sequence[int], lines: Sequence[Sequence[Any]], width: int
) -> Iterator[Remark]:
    """What is to be said of rows that end before the header does; workbooks have none."""
    for number, cells in zip(numbers, lines, strict=True):
        if len(cells) < width:
            have = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
            message = (
                f"This row has {have} for {width} columns: the last ones are treated as blank. If"
                " cells are in the wrong column, add the missing separators."
            )
            yield Remark(number, Severity.WARNING, message)


def _odd(cell: list[Any]) -> Moment | Broken:
    return Moment(*cell) if len(cell) == 2 else Broken(*cell)
