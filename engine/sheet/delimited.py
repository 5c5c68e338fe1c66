"""Text files: their encoding, their delimiter, their quotes."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from engine.sheet.headers import known_name
from engine.sheet.rows import SheetError

DELIMITERS = (",", ";", "\t", "|")
_SEP_LINE = re.compile(r'"?sep=(.)"?[ ,;\t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_CONTROL = re.compile(r"[\x01-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_NO_TEXT = re.compile("[\0\uffff]")
_HEAD = 4096
_MOST_CONTROL = 0.02
"""The share of control characters, of which text has a stray one, from which data is no text."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    # UTF-32 first: its little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


_NONE = "\uffff"
"""A character that no text may hold: it splits nothing."""


class Decoded(NamedTuple):
    """A file's text, and what the person should know of how it was decoded."""

    text: str
    notes: tuple[str, ...]


def decode(data: bytes) -> Decoded:
    """Turn a text file's bytes into text.

    Raises:
        SheetError: It is not text in any encoding we know.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return Decoded(_checked(data[len(mark) :], encoding), ())
    sample = data[:_HEAD]
    # In UTF-16, Latin letters have a NUL byte each, all on the same side.
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) // 8 and min(even, odd) <= max(even, odd) // 8:
        return Decoded(_checked(data, "utf-16-le" if odd > even else "utf-16-be"), ())
    try:
        return Decoded(_no_control(data.decode("utf-8")), ())
    except UnicodeDecodeError:
        note = (
            "This file is not UTF-8. It was read as Western European text (Windows-1252): if "
            "letters look wrong, save it as “CSV UTF-8” or as .xlsx."
        )
        return Decoded(_checked(data, "cp1252"), (note,))


def _checked(data: bytes, encoding: str) -> str:
    try:
        return _no_control(data.decode(encoding))
    except UnicodeDecodeError as error:
        raise _not_text() from error


def _no_control(text: str) -> str:
    strays = len(_CONTROL.findall(text[:_HEAD]))
    if _NO_TEXT.search(text) or strays > max(8, len(text[:_HEAD]) * _MOST_CONTROL):
        raise _not_text()
    return text


def _not_text() -> SheetError:
    return SheetError(
        "This is not a sheet: it holds binary data, or text that is damaged. "
        "A sheet is a csv, tsv, xls, xlsx or ods file."
    )


class Records(NamedTuple):
    """A text split into records."""

    delimiter: str
    records: Iterator[list[str]]


def split(text: str) -> Records:
    """The records of a text, and what separates their cells; as for `records`.

    A text whose first line holds no known column name and whose lines are sentences is a list of
    prompts: nothing splits its lines.
    """
    given = _SEP_LINE.match(text)
    if given:
        text = text[given.end() :]
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    delimiter = given[1] if given else _delimiter(text)
    if not _odd_quotes(text, delimiter):
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return Records(delimiter, reader)
    return Records(delimiter, _careful(text, delimiter))


def records(text: str) -> Iterator[list[str]]:
    """Split a text into its records; record n (from 1) is the spreadsheet's row n.

    A blank line is an empty record. A first line `sep=;` names the delimiter and is no record,
    as in Excel. With a single header and no delimiter in it, a whole line is one cell.

    Raises:
        SheetError: A quote mark opens a cell and never closes; names the row.
    """
    return split(text).records


def _delimiter(text: str) -> str:
    """The delimiter whose split header has most known columns, then most columns."""

    def score(delimiter: str) -> tuple[int, int]:
        header = _first_record(text, delimiter)
        return len({name for cell in header if (name := known_name(cell))}), len(header)

    best = max(DELIMITERS, key=score)
    if not score(best)[0] and _is_prose(text, best):
        return _NONE
    # One column: a comma in a prompt is a comma. Some character that is not there splits nothing.
    return best if score(best)[1] > 1 else _NONE


def _is_prose(text: str, delimiter: str) -> bool:
    """Whether lines look like sentences with commas in them, not like cells."""
    lines = [line for line in text[:100_000].splitlines()[:200] if line.strip()]
    if delimiter == "," and not re.search(r",\S", "\n".join(lines)):
        return True  # programs put no space after a comma
    return len({line.count(delimiter) for line in lines}) > 1 and '"' not in text[:100_000]


def _first_record(text: str, delimiter: str) -> list[str]:
    """The first that is not blank."""
    head = csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=delimiter)
    return next((record for record in head if any(map(str.strip, record))), [])


def _odd_quotes(text: str, delimiter: str) -> bool:
    """Whether quotes are used in a way the csv module would lose or refuse."""
    if '"' not in text:
        return False
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            pass
    except csv.Error:
        return True
    return False


def _careful(text: str, delimiter: str) -> Iterator[list[str]]:
    """Split a text in which a cell may begin with a quote mark that belongs to its words.

    A cell is quoted if a delimiter, a line's end or the text's end follows its closing quote
    mark. Else, if it closes on its own line (`"WOMBAT" on a wall`), the marks are part of it.
    """
    edge = re.escape(delimiter)
    plain = re.compile(rf"([^{edge}\r\n]*)({edge}|\r\n|\r|\n|\Z)")
    closed = re.compile(rf'"((?:[^"]|"")*+)" *({edge}|\r\n|\r|\n|\Z)')
    at, row = 0, 1
    record: list[str] = []
    while at < len(text) or record:
        cell = closed.match(text, at) if text.startswith('"', at) else None
        if cell:
            record.append(cell[1].replace('""', '"'))
        else:
            cell = plain.match(text, at)
            if cell is None:  # the pattern matches even nothing at all
                raise AssertionError(at)
            if cell[1].startswith('"') and '"' not in cell[1][1:]:
                raise SheetError(
                    f'Row {row}: a quote mark (") opens a cell and never closes, so where the '
                    "cell ends cannot be told. Close it, or delete it."
                )
            record.append(cell[1])
        at = cell.end()
        if cell[2] != delimiter:
            # A line's end alone is a blank line, as in the csv module.
            yield [] if record == [""] and not cell[0].startswith('"') else record
            record, row = [], row + 1
