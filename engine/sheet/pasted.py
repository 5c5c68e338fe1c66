"""Text that was typed or pasted as prompts: lines, or cells of a spreadsheet program. Pure."""

import re
from dataclasses import dataclass
from statistics import median

from engine.sheet.headers import known_name, letters
from engine.sheet.quoting import CarefulReader
from engine.sheet.ratio import judge_ratio
from engine.sheet.rows import SheetError

_QUOTED_LINES = re.compile(r'^"((?:[^"]|"")*+)"[ \t]*$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pasted:
    """Rows that were added to a sheet from pasted text."""

    first: int
    """The first one's number."""
    rows: int
    lost: tuple[str, ...]
    """Columns of it that the sheet cannot have."""


def pasted_prompts(text: str) -> list[str]:
    """The prompts of a text that is lines of them."""
    return [stripped for line in text.splitlines() if (stripped := line.strip())]


def pasted_rows(text: str) -> list[dict[str, str]]:
    """The rows of pasted cells, by column; none for a text that is lines of prompts.

    Spreadsheet programs put tabs between cells, and quote marks around those with line breaks.
    Without a row of names, the column of the longest texts is that of the prompts.
    """
    text = text.replace("\r\n", "\n").strip("\n")
    quoted = (cell[1] for cell in _QUOTED_LINES.finditer(text))
    if "\t" not in text and not any("\n" in cell for cell in quoted):
        return []
    try:
        read = [reading.cells for reading, _ in CarefulReader(text, "\t").records()]
    except SheetError:
        return []  # a mark that is no quote mark: the lines are what they are
    rows = [[cell.strip() for cell in cells] for cells in read if any(map(str.strip, cells))]
    if not rows:
        return []
    width = max(map(len, rows))
    rows = [[*cells, *[""] * (width - len(cells))] for cells in rows]
    if any(known_name(cell) == "prompt" for cell in rows[0]):
        header = rows.pop(0)
    else:
        header = _guessed_header(rows)
    names = [known_name(cell) or cell or f"column {letters(at)}" for at, cell in enumerate(header)]
    if len(set(names)) < len(names):
        names = [
            name if names.index(name) == at else f"{name} (column {letters(at)})"
            for at, name in enumerate(names)
        ]
    return [{name: cell for name, cell in zip(names, cells, strict=True) if cell} for cells in rows]


def _guessed_header(rows: list[list[str]]) -> list[str]:
    columns = list(zip(*rows, strict=True))
    lengths = [median(map(len, column)) for column in columns]
    header = [""] * len(columns)
    header[lengths.index(max(lengths))] = "prompt"
    for at, column in enumerate(columns):
        used = [cell for cell in column if cell]
        ratios = used and all(":" in cell and judge_ratio(cell).value for cell in used)
        if ratios and not header[at] and "aspect_ratio" not in header:
            header[at] = "aspect_ratio"
    return header
