"""The guarded child: reads one untrusted file and answers with its cells as JSON.

Started by `engine.sheet.read` with one argument, a JSON object; not meant for anyone else. It
imports little, so that it starts fast, and may be killed by its memory limit at any moment.
"""

import gc
import json
import os
import resource
from pathlib import Path
from typing import Any

from engine.sheet.content import Format, sniff
from engine.sheet.rows import SheetError
from engine.sheet.table import Broken, Cell, Limits, Moment


def main(request: dict[str, Any]) -> None:
    """Read the file and write the answer to stdout.

    Args:
        request: `path`, `sheet` (or None), `limits` (the fields of Limits).
    """
    limits = Limits(**request["limits"])
    _guard(limits)
    answer = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not get into the answer.
    os.dup2(2, 1)
    try:
        reply = _read(Path(request["path"]), request["sheet"], limits)
    except SheetError as error:
        reply = {"refused": str(error)}
    except MemoryError:
        reply = {"memory": True}
    with answer:
        answer.write(json.dumps(reply).encode())


def _guard(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds = int(limits.seconds) + 1  # for when the parent is gone and cannot stop us
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    # Many small cells and no cycles: collecting would only cost.
    gc.disable()


def _read(path: Path, wanted: str | None, limits: Limits) -> dict[str, Any]:
    with path.open("rb") as file:
        data = file.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        raise SheetError(
            f"The file is larger than the limit of {limits.file_bytes // 2**20} MiB. Split it."
        )
    form = sniff(data, limits.unpacked_bytes)
    reply: dict[str, Any] = {"sheet": None, "sheets": [], "notes": []}
    rows: dict[int, list[Cell]]
    if form is Format.TEXT:
        if wanted is not None:
            raise SheetError("A text file has no worksheets; leave the worksheet's name out.")
        rows, reply["notes"] = _text_rows(data, limits)
    else:
        from engine.sheet.workbook import read_workbook

        reply["sheet"], reply["sheets"], rows = read_workbook(
            data, path, form, wanted, limits.cells
        )
    rows = {number: cells for number, cells in rows.items() if cells.count(None) < len(cells)}
    _refuse_hollow(rows, limits, reply["sheet"], reply["sheets"])
    numbers = sorted(rows)
    lines = [rows[number] for number in numbers]
    special = []
    for index, cells in enumerate(lines):
        for column, cell in enumerate(cells):
            if isinstance(cell, Moment | Broken):
                special.append((index, column, *cell))
                cells[column] = None
    return reply | {"numbers": numbers, "lines": lines, "special": special}


def _text_rows(data: bytes, limits: Limits) -> tuple[dict[int, list[Cell]], tuple[str, ...]]:
    from engine.sheet.delimited import decode, records

    text, notes = decode(data)
    rows: dict[int, list[Cell]] = {}
    count = 0
    for number, record in enumerate(records(text), start=1):
        count += len(record)
        if count > limits.cells:
            raise SheetError(f"The file has more than {limits.cells:,} cells, the limit. Split it.")
        rows[number] = [cell if cell and not cell.isspace() else None for cell in record]
    return rows, notes


def _refuse_hollow(
    rows: dict[int, list[Cell]], limits: Limits, sheet: str | None, sheets: tuple[str, ...]
) -> None:
    what = f"The worksheet `{sheet}`" if sheet else "The file"
    others = [f"`{name}`" for name in sheets if name != sheet]
    hint = f" Other worksheets of this file: {', '.join(others)}." if others else ""
    if not rows:
        raise SheetError(f"{what} is empty.{hint}")
    if len(rows) == 1:
        raise SheetError(
            f"{what} has only one row. The first row holds the column names, the prompts "
            f"come below it.{hint}"
        )
    if len(rows) - 1 > limits.rows:
        raise SheetError(
            f"{what} has {len(rows) - 1:,} rows, more than the limit of {limits.rows:,}. "
            "Split it into several."
        )
