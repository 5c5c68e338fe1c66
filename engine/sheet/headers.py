"""Which column of a sheet is which: exact names first, then what plainly means the same."""

import re
from collections.abc import Sequence

from engine.sheet.columns import COLUMN, COLUMNS
from engine.sheet.rows import Problem, Severity, SheetError

_BETWEEN_WORDS = re.compile(r"[\s_\-.]+")


def _key(header: str) -> str:
    return _BETWEEN_WORDS.sub("", header).casefold()


_NAMES = {_key(column.name): column.name for column in COLUMNS}
_ALIASES = {_key(alias): column.name for column in COLUMNS for alias in column.aliases}


def known_name(header: str) -> str | None:
    """The column that a header means; None if it is not one of ours."""
    key = _key(header)
    return _NAMES.get(key) or _ALIASES.get(key)


def letters(index: int) -> str:
    """The letters a spreadsheet program shows above the column at `index`, counted from 0."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def map_header(header: Sequence[str], row: int) -> tuple[dict[int, str], list[Problem]]:
    """Find the known columns.

    Args:
        header: The header's cells.
        row: The header's row number, for the problems.

    Returns:
        Index of a column → its known name; and a `repaired` problem for each header that is
        not written exactly so.

    Raises:
        SheetError: No `prompt` column, or two columns that mean the same.
    """
    exact = {name for cell in header if (name := _NAMES.get(_key(cell)))}
    known: dict[int, str] = {}
    problems: list[Problem] = []
    for index, cell in enumerate(header):
        name = known_name(cell)
        # A sheet with both `prompt` and `Prompt text` means the first; the other is an extra.
        if name is None or (name in exact and _key(cell) not in _NAMES):
            continue
        for other, taken in known.items():
            if taken == name:
                raise SheetError(
                    f"Columns {letters(other)} and {letters(index)} both mean `{name}` "
                    f"(`{header[other]}` and `{cell}`). Rename or delete one of them."
                )
        known[index] = name
        if cell != name:
            problems.append(
                Problem(row, name, Severity.REPAIRED, cell, f"`{cell}` is read as `{name}`.")
            )
    if "prompt" not in known.values():
        raise SheetError(_no_prompt(header, row))
    return known, problems


def _no_prompt(header: Sequence[str], row: int) -> str:
    names = [cell if len(cell) <= 40 else cell[:39] + "…" for cell in header if cell]
    found = ", ".join(f"`{name}`" for name in names[:12]) + (" …" if len(names) > 12 else "")
    return (
        f"There is no `prompt` column. Row {row} must hold the column names, and one of them "
        f"must be `prompt`; it holds {found}. Other columns may be: "
        f"{', '.join(name for name in COLUMN if name != 'prompt')}."
    )
