"""Text files: what separates their cells, and the records they hold."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from engine.sheet.chat_answers import LINE_END, passage, without_marks
from engine.sheet.data_records import data_records
from engine.sheet.headers import MOST_ABOVE, find_header, known_name
from engine.sheet.quoting import CarefulReader, marks_around, needs_care
from engine.sheet.table import Remark

_MOST_LOOKED_AT = 2 * MOST_ABOVE
"""Records in which the header is looked for, blank ones counted."""
DELIMITERS = (",", ";", "\t", "|")
_SEP_LINE = re.compile(r'"?sep=(.)"?[ ,;\t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_NONE = "\uffff"
"""A character that no text may hold: it splits nothing."""


class Records(NamedTuple):
    """A text split into records."""

    delimiter: str
    records: Iterator[list[str]]
    start: int
    """Where in the text they begin: after a line that names the delimiter."""
    end: int
    """Where they end: before a code fence's last line, say."""
    remarks: Sequence[Remark] = ()
    """What is to be said of records, by their numbers from 1."""
    notes: tuple[str, ...] = ()
    """What is to be said of the text."""
    is_drawn: bool = False
    """Whether they stand in a table that is drawn by letters, as in Markdown."""
    is_data: bool = False
    """Whether they are JSON or the like: no line of the text is a row."""


def split(text: str) -> Records:
    """The records of a text, and what separates their cells; as for `records`.

    A text whose first lines hold no known column name and whose lines are sentences is a list of
    prompts: nothing splits its lines.
    """
    given = _SEP_LINE.match(text)
    start = given.end() if given else 0
    found = passage(text[start:])
    end, notes = start + found.end, found.notes
    if found.table is not None:
        return Records("|", iter(found.table), start, end, notes=notes, is_drawn=True)
    text = found.text
    if not given and (data := data_records(text)):
        notes = (*notes, data.note)
        return Records(",", iter(data.rows), 0, start + len(text), notes=notes, is_data=True)
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    delimiter = given[1] if given else _delimiter(text)
    if delimiter == _NONE and not _names_columns(text, delimiter):
        text, note = without_marks(text)
        notes += (note,) if note else ()
    if _odd_quotes(text, delimiter) or needs_care(text, delimiter):
        careful, remarks = _careful(text, delimiter)
        return Records(delimiter, iter(careful), start, end, remarks, notes)
    plain = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return Records(delimiter, plain, start, end, notes=notes)


def _names_columns(text: str, delimiter: str) -> bool:
    top = _first_records(text, delimiter)
    return bool(top) and any(map(known_name, top[find_header(top)]))


def line_ends(record: list[str]) -> int:
    """How many line ends stand within the cells of a record."""
    return sum(len(LINE_END.findall(cell)) for cell in record)


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
        top = _first_records(text, delimiter)
        header = top[find_header(top)] if top else []
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


def _first_records(text: str, delimiter: str) -> list[list[str]]:
    """The first that are not blank: the header is one of them."""
    head = csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=delimiter)
    return list(islice((record for record in head if any(map(str.strip, record))), MOST_ABOVE))


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


def _careful(text: str, delimiter: str) -> tuple[list[list[str]], list[Remark]]:
    """All records of a text with unusual quote marks, and what is to be said of some."""
    reader = CarefulReader(text, delimiter)
    top = [reading for reading, _ in islice(reader.records(), _MOST_LOOKED_AT)]
    if top:
        header = find_header([reading.cells for reading in top])
        reader.width = len("\0".join(top[header].cells).rstrip("\0 ").split("\0"))
        named = [cell for cell in top[header].cells if known_name(cell)]
        reader.usual = top[header].marks | marks_around(named)
        for reading, _ in islice(reader.records(), _MOST_LOOKED_AT):
            reader.usual |= reading.marks
    while True:
        read = list(reader.records())
        marks = frozenset[str]().union(*(reading.marks for reading, _ in read))
        if marks <= reader.usual:
            break
        reader.usual |= marks  # by which all the file quotes, then
    remarks = [remark for _, remark in read if remark]
    return [reading.cells for reading, _ in read], remarks
