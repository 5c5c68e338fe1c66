"""Which column of a sheet is which: exact names first, then what plainly means the same."""

import difflib
import re
from collections.abc import Collection, Container, Mapping, Sequence
from typing import NamedTuple

from engine.sheet.cell_findings import shown, unquoted
from engine.sheet.columns import CAPTION_COLUMNS, COLUMN, COLUMNS
from engine.sheet.rows import Problem, Severity, SheetError

_BETWEEN_WORDS = re.compile(r"[\s_\-.]+")

MOST_ABOVE = 10
"""Rows in which the column names are looked for."""


_LONGEST = 1000
"""Characters of a cell that may be a column's name: a longer one is not looked through."""


def _key(header: str) -> str:
    if len(header) > _LONGEST:
        return ""
    return _BETWEEN_WORDS.sub("", unquoted(header)).casefold()


_NAMES = {_key(column.name): column.name for column in COLUMNS}
_ALIASES = {_key(alias): column.name for column in COLUMNS for alias in column.aliases}
_DOUBTFUL = {_key(header): column.name for column in COLUMNS for header in column.doubtful}


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


def map_header(
    header: Sequence[str], row: int, own: Container[int] = ()
) -> tuple[dict[int, str], list[Problem]]:
    """Find the known columns.

    Args:
        header: The header's cells.
        row: The header's row number, for the problems.
        own: Indexes of columns that are the user's own whatever they are called: `image` and
            `mask` where no cell names a picture.

    Returns:
        Index of a column → its known name; and a `repaired` problem for each header that is
        not written exactly so.

    Raises:
        SheetError: No `prompt` column, or two columns that mean the same.
    """
    exact = {
        name for at, cell in enumerate(header) if at not in own and (name := _NAMES.get(_key(cell)))
    }
    meant = {name for cell in header if (name := known_name(cell))}
    known: dict[int, str] = {}
    problems: list[Problem] = []
    for index, cell in enumerate(header):
        name = known_name(cell)
        if index in own:
            why = (
                "it works only with models that read captions, and no row uses one. After"
                " choosing one, reload the sheet."
                if name in CAPTION_COLUMNS
                else "none of its cells names a picture. To use source pictures, write file"
                " names in it."
            )
            message = f"`{shown(cell)}` is kept as a column of your own: {why}"
            problems.append(Problem(row, None, Severity.WARNING, cell, message))
            continue
        # A sheet with both `prompt` and `Prompt text` means the first; the other is an extra.
        if name is None or (name in exact and _key(cell) not in _NAMES):
            problems += _doubts(cell, meant, row)
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
    return known, problems + _about_captions(known, header, row)


def _about_captions(known: Mapping[int, str], header: Sequence[str], row: int) -> list[Problem]:
    """What is said once of columns that act in captions: a user's own may have such a name."""
    acting = [at for at, name in known.items() if name in CAPTION_COLUMNS]
    if not acting:
        return []
    names = ", ".join(f"`{shown(header[at])}`" for at in acting)
    message = (
        f"{names}: for Ideogram 4 this sets the text in the picture and where it goes. If it is a"
        " column of your own, rename it."
    )
    first = acting[0]
    return [Problem(row, known[first], Severity.WARNING, header[first], message)]


def _doubts(cell: str, meant: Container[str], row: int) -> list[Problem]:
    """What is to be said of a column that is kept but not understood.

    Args:
        cell: Its header.
        meant: The known columns that the sheet has.
        row: The header's row number.
    """
    name = _DOUBTFUL.get(_key(cell)) or nearly(cell)
    if name and name not in meant:
        message = (
            f"`{shown(cell)}` is kept as a column of your own. If `{name}` was meant, rename it."
        )
        return [Problem(row, None, Severity.WARNING, cell, message, (name,))]
    return []


def nearly(header: str) -> str | None:
    """The known name that an unknown header is a slip of, if any."""
    near = difflib.get_close_matches(_key(header)[:40], _NAMES, n=1, cutoff=0.8)
    return _NAMES[near[0]] if near and not known_name(header) else None


def find_header(rows: Sequence[Sequence[str]]) -> int:
    """The index of the row that holds the column names: the first, unless a title is above it.

    A title may be called `Prompts` too: a row of several names is rather the header.
    """

    def names(index: int) -> tuple[bool, int]:
        known = {name for cell in rows[index] if (name := known_name(cell))}
        return sum(map(bool, map(str.strip, rows[index]))) > 1, len(known)

    top = range(min(len(rows), MOST_ABOVE))
    found = [index for index in top if any(known_name(cell) == "prompt" for cell in rows[index])]
    return max(found, key=names, default=0)


class Lone(NamedTuple):
    """The only column of a sheet, which cannot be but the prompts."""

    at: int
    """Its index."""
    headed: bool
    """Whether its first cell is a heading, though of no name we know."""


def lone_column(rows: Sequence[Sequence[str]]) -> Lone | None:
    """The column of a sheet that has but one, without a name we know.

    Args:
        rows: All rows, the one that would be the header first.
    """
    used = [at for at, cell in enumerate(rows[0]) if cell.strip() and not _is_running(at, rows)]
    if len(used) != 1 or known_name(rows[0][used[0]]) or nearly(rows[0][used[0]]):
        return None
    at = used[0]
    named = {at for at, cell in enumerate(rows[0]) if cell.strip()}
    if any(cell.strip() for cells in rows[1:] for i, cell in enumerate(cells) if i not in named):
        return None
    first = len(rows[0][at].split())
    lengths = sorted(len(cells[at].split()) for cells in rows[1:] if len(cells) > at)
    # A word or two above whole sentences.
    headed = bool(lengths) and first <= 2 and lengths[len(lengths) // 2] >= first + 3
    return Lone(at, headed or len(named) > 1)


def _is_running(at: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column only numbers the rows: `#`, 1, 2, 3."""
    if rows[0][at].strip().casefold() not in _RUNNING:
        return False
    return all(len(cells) > at and cells[at].strip(" .)").isdecimal() for cells in rows[1:])


_RUNNING = frozenset(("#", "no", "no.", "nr", "nr.", "№", "num"))


def _no_prompt(header: Sequence[str], row: int) -> str:
    names = [cell if len(cell) <= 40 else cell[:39] + "…" for cell in header if cell]
    found = ", ".join(f"`{name}`" for name in names[:12]) + (" …" if len(names) > 12 else "")
    slip = next((cell for cell in header if nearly(cell) == "prompt"), None)
    if slip:
        return (
            f"There is no `prompt` column, but `{shown(slip)}` looks like it. Rename it to"
            " `prompt`."
        )
    return (
        f"There is no `prompt` column. Row {row} must hold the column names, including `prompt`,"
        f" but it holds {found}. Other columns can be:"
        f" {', '.join(name for name in COLUMN if name != 'prompt')}."
    )


def own_among(header: Sequence[str], extra: Collection[str], start: int = 0) -> frozenset[int]:
    """Indexes of columns that are called as ours are, and were the user's own all the same.

    Args:
        header: some columns.
        extra: the names of the user's own.
        start: index of the first of them.
    """
    names = enumerate(header, start)
    return frozenset(at for at, name in names if name in extra and known_name(name))
