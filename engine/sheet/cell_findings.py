"""What is found about the value of one cell, apart from where the cell is."""

import re
from typing import Any, Generic, NamedTuple, TypeVar

from engine.sheet.rows import Severity
from engine.sheet.table import Broken, Cell, cell_text

Value = TypeVar("Value")


class Finding(NamedTuple):
    """A problem without its place."""

    severity: Severity
    message: str
    suggestions: tuple[str, ...] = ()


class CellFindings(NamedTuple, Generic[Value]):
    """A cell's value, understood or not."""

    text: str
    """As it reads after repairs; empty: count the cell as blank."""
    value: Value | None
    """None: there is an error among the findings, or the cell is blank."""
    findings: tuple[Finding, ...] = ()


def error(text: str, message: str, *suggestions: str) -> CellFindings[Value]:
    """A value that cannot be used."""
    return CellFindings(text, None, (Finding(Severity.ERROR, message, suggestions),))


def accept(read: str, text: str, value: Value, how: str = "") -> CellFindings[Value]:
    """A value that can be used.

    Args:
        read: The cell as it was read.
        text: As it should be written.
        value: What it means.
        how: Why it was changed; empty: the change is not worth a word.
    """
    if not how or read == text:
        return CellFindings(text, value)
    message = f"{shown(read)} → {text}: {how}"
    return CellFindings(text, value, (Finding(Severity.REPAIRED, message),))


_QUOTES = "'\"`´‘’‚‛“”„‟«»‹›"
_UNSEEN = re.compile(
    "[\0-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}


def unquoted(text: str) -> str:
    """A cell of few words without quote marks around it, letters nobody sees, and wide letters.

    A leading apostrophe is how people tell a spreadsheet program that text follows: some keep it,
    and some turn it and quote marks into curly ones.
    """
    if text.isalnum() and text.isascii():
        return text
    return _UNSEEN.sub("", text.translate(_WIDE)).strip().strip(_QUOTES).strip()


def shown(text: str, most: int = 60) -> str:
    """A text short enough to stand in a sentence."""
    return text if len(text) <= most else text[: most - 1] + "…"


_ERROR_TEXTS = frozenset(
    {
        *("#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"),
        *("#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#ERROR!"),
    }
)


_BLANK: CellFindings[Any] = CellFindings("", None)


def unusable(cell: Cell) -> CellFindings[Any] | None:
    """The verdict on a cell that is blank or shows a spreadsheet error; None on any other."""
    if type(cell) is str:
        text = cell.strip()
        if not text:
            return _BLANK
        # An error that was saved as text, as csv has it.
        if text[0] != "#" or text not in _ERROR_TEXTS:
            return None
    elif not isinstance(cell, Broken):
        return None
    else:
        text = cell_text(cell)
        if not cell.code:
            return error(
                text,
                "This cell has a formula whose result was never saved. Open the file in a"
                " spreadsheet program, save it there and reload it, or type the value.",
            )
    return error(
        text,
        f"The spreadsheet shows the error {shown(text)} here instead of a value. Fix the formula,"
        " or type the value.",
    )
