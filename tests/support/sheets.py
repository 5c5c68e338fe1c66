"""Sheets for the tests, made by the libraries people use, and short ways to check them."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from engine.sheet.check import ModelLimits, Vocabulary, check_table
from engine.sheet.rows import Problem, Row, Severity, Sheet
from engine.sheet.table import Cell, Line, Table


def _size(width: int | None, height: int | None, ratio: str) -> tuple[int, int]:
    wide, high = ((side or 128) // 16 * 16 for side in (width, height))
    if wide > 512:
        raise ValueError(f"{wide} pixels are too many.")
    return wide, high


VOCABULARY = Vocabulary(
    models={
        "builtin": ModelLimits(max_ratio=3.0, size=_size),
        "wide": ModelLimits(max_ratio=4.0, schedulers=("euler", "heun")),
        "strange": ModelLimits(max_ratio=3.0, guides=False, stranger="SomebodysPipeline"),
        "3.0": ModelLimits(max_ratio=2.0, heeds_negative=lambda *_: False),
    },
    default_model="builtin",
    wildcards={"color", "sky", "torn"},
    wildcard_faults={"torn": "A line of its file reads “{a”."},
)


def table(header: Sequence[str], *rows: Sequence[Cell], sheet: str | None = "Sheet1") -> Table:
    lines = tuple(Line(number, cells) for number, cells in enumerate(rows, start=2))
    return Table(file="a.xlsx", sheet=sheet, header=tuple(header), lines=lines)


def check(header: Sequence[str], *rows: Sequence[Cell], sheet: str | None = "Sheet1") -> Sheet:
    return check_table(table(header, *rows, sheet=sheet), VOCABULARY)


def check_cell(column: str, cell: Cell) -> tuple[Row, list[Problem]]:
    """One cell of one row; the header's problems are left out."""
    if column == "prompt":
        sheet = check(("prompt",), (cell,))
    else:
        sheet = check(("prompt", column), ("a red boat", cell))
    return sheet.rows[0], [problem for problem in sheet.problems if problem.row > 1]


def severities(problems: Sequence[Problem]) -> list[Severity]:
    return [problem.severity for problem in problems]


def errors(sheet: Sheet) -> list[tuple[int, str | None]]:
    return [(p.row, p.column) for p in sheet.problems if p.severity is Severity.ERROR]


def write_csv(path: Path, *rows: Sequence[object], encoding: str = "utf-8", **how: Any) -> Path:
    text = io.StringIO()
    csv.writer(text, **how).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def write_xlsx(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    """A csv file of these rows' cells."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path
