"""Quote marks that are not quite those of csv files: read as they are meant, and said.

Word processors make `"` into `“ ”`, programmers escape by a backslash, chat assistants write a
space before the mark. Split at every comma, such a cell would shift the rest of its row.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from engine.sheet.rows import Severity, SheetError
from engine.sheet.table import Remark

_CLOSING: Mapping[str, str] = {
    '"': "”“″＂",
    '""': '""',
    "“": '”“"″',
    "”": '”"',
    "„": '“”"',
    "″": '″"',
    "＂": '＂"',
    "«": "»",
    "»": "«",
    "「": "」",
    "『": "』",
    "‹": "›",
    "'": "'’",
    "‘": "’'‘",
    "’": "’'",
    "‚": "‘’'",
    "`": "`´'",
}
"""What opens a cell → what may close it; two letters close as they are."""
_SINGLE = frozenset("'‘’‚`")
"""Marks that are apostrophes, too."""
_DOUBLE = frozenset(_CLOSING) - _SINGLE
_PAIRS = (("“„", "”“"), ("«»", "«»"), ("「", "」"), ("『", "』"), ("‹", "›"))
"""What opens and what closes, in any country."""
_MARKS = "".join(sorted({mark[0] for mark in _CLOSING} - {'"'}))
_ANY_MARK = re.compile("[" + re.escape('"' + "".join(a + b for a, b in _PAIRS)) + "]")
_MOST_SHOWN = 40
_MOST_CELLS = 5000
"""Of a record that other readings are tried for: none of a table of prompts has more."""
_MOST_BLANK = 200
"""Blanks before a quote mark that still opens a cell."""
_NOTHING: frozenset[str] = frozenset()
_BEST, _WORST = (0, False, 0), (sys.maxsize, True, 0)


class RecordSplit(NamedTuple):
    """One way to split a record."""

    cells: list[str]
    end: int
    """Where the next record begins."""
    marks: frozenset[str] = _NOTHING
    """What was taken for quote marks, other than csv's own."""


def needs_care(text: str, delimiter: str) -> bool:
    """Whether a text has quote marks that the csv module may not read as they are meant."""
    if '\\"' in text:
        return True
    edge, marks = re.escape(delimiter), re.escape(_MARKS)
    # Begins with the marks, of which there are few, so that other letters are passed in no time.
    found = re.compile(
        rf'["{marks}](?:(?P<inside>(?<=[^{edge}\r\n"]")(?=[^{edge}\r\n"]))'
        rf'|(?<=[{edge}\r\n \t][{marks}])|(?<=[ \t]"))'
    )
    blanks = " \t".replace(delimiter, "")
    first = text[:_MOST_BLANK].lstrip(blanks)[:1]
    if first and (first in _MARKS or (first == '"' and text[0] != '"')):
        return True
    for mark in found.finditer(text):
        # Or it opens a cell: nothing but blanks stand between it and the cell's edge.
        before = text[max(0, mark.start() - _MOST_BLANK) : mark.start()].rstrip(blanks)[-1:]
        if mark["inside"] is not None or before in (delimiter, "\r", "\n"):
            return True
    return False


def marks_around(cells: Iterable[str]) -> frozenset[str]:
    """The marks, other than csv's own, that cells stand in."""
    return frozenset(
        mark for cell in cells for mark in _CLOSING if _is_within(cell.strip(), frozenset({mark}))
    ) - {'"'}


@dataclass
class CarefulReader:
    """Splits a text into records whose cells may be quoted in any way."""

    text: str
    delimiter: str
    width: int = 0
    """Columns of the header; 0: not known."""
    usual: frozenset[str] = _NOTHING
    """Marks that this file surely quotes by: a cell within them is never meant with them."""

    def records(self) -> Iterator[tuple[RecordSplit, Remark | None]]:
        """Each record, and what is to be said of it.

        The reading's marks are those without which the record would be split otherwise.

        Raises:
            SheetError: a quote mark opens a cell and never closes; names the row.
        """
        at, row = 0, 1
        while at < len(self.text):
            plain = self._read(at)
            if plain is not None and (
                len(plain.cells) > _MOST_CELLS or not self._is_suspicious(at, plain)
            ):
                best, remark = plain, None
            else:
                best, remark = self._best(at, row, plain)
            same = plain is not None and len(plain.cells) == len(best.cells)
            yield best._replace(marks=_NOTHING) if same else best, remark
            at, row = best.end, row + 1

    def _best(
        self, at: int, row: int, plain: RecordSplit | None
    ) -> tuple[RecordSplit, Remark | None]:
        marks = _DOUBLE | self.usual
        best, least = plain, self._faults(plain) if plain else _WORST
        for backslash in (False, True) if self._has_backslashes else (False,):
            if least > _BEST and (other := self._read(at, marks, backslash=backslash)):
                faults = self._faults(other)
                best, least = (other, faults) if faults < least else (best, least)
        singles = self._read(at, marks | _SINGLE) if self._has_singles else None
        if singles and (best is None or not self._fits(best)) and self._fits(singles):
            best = singles
        if best is None:
            raise SheetError(
                f'Row {row}: a quote mark (") opens a cell but is never closed. Close it or'
                " delete it."
            )
        doubt = self._doubt(row, best, singles)
        if doubt or (plain and best.cells == plain.cells):
            return best, doubt
        before = plain.cells if plain else []
        changed = next((cell for cell in best.cells if cell not in before), best.cells[0])
        message = (
            "This row uses unusual quote marks; it was read as probably meant:"
            f" “{_short(changed)}” is one cell."
        )
        return best, Remark(row, Severity.REPAIRED, message)

    def _is_suspicious(self, at: int, plain: RecordSplit) -> bool:
        return self._suspect.search(self.text, at, plain.end) is not None

    def _fits(self, reading: RecordSplit) -> bool:
        cells = reading.cells
        count = next((at for at in range(len(cells), 0, -1) if cells[at - 1].strip()), 0)
        return not self.width or count == self.width

    def _faults(self, reading: RecordSplit) -> tuple[int, bool, int]:
        """How little a way to read a record looks as it should; the first of equals is taken."""
        cells = reading.cells
        torn = sum(map(_is_torn, cells))
        kept = sum(_is_within(cell.strip(), self.usual) for cell in cells) if self.usual else 0
        return torn, not self._fits(reading), kept

    def _doubt(self, row: int, best: RecordSplit, singles: RecordSplit | None) -> Remark | None:
        """What a person must say, where marks may be quote marks or belong to the words."""
        if singles and len(singles.cells) < len(best.cells) and not best.marks & _SINGLE:
            cell = next(cell for cell in singles.cells if cell not in best.cells)
            message = (
                f"“{_short(cell)}” could be one cell or several. Put double quote marks around a"
                ' cell that contains a comma (or whatever separates the cells): "…".'
            )
            return Remark(row, Severity.ERROR, message)
        torn = list(map(_is_torn, best.cells if len(best.cells) <= self.width else ()))
        if any(first and second for first, second in pairwise(torn)):
            at = next(at for at in range(len(torn)) if torn[at] and torn[at + 1])
            message = (
                f"“{_short(best.cells[at].strip())}” and “{_short(best.cells[at + 1].strip())}”"
                " may be one cell. If so, put quote marks around all of it and double those"
                ' inside: "a sign, ""open"", in neon".'
            )
            return Remark(row, Severity.WARNING, message)
        return None

    def _read(
        self, at: int, marks: frozenset[str] = _NOTHING, *, backslash: bool = False
    ) -> RecordSplit | None:
        """One record from `at`; None: a quote mark opens a cell and never closes."""
        if not marks:
            line = self._line.match(self.text, at)
            if line and '"' not in line[1]:  # as most are
                return RecordSplit(line[1].split(self.delimiter) if line[1] else [], line.end())
        cells: list[str] = []
        used: set[str] = set()
        while True:
            cell, mark, content = self._cell(at, marks, backslash=backslash)
            if mark:
                used.add(mark)
            elif mark is None and content.startswith('"') and '"' not in content[1:]:
                return None
            cells.append(content)
            at = cell.end()
            if cell["edge"] != self.delimiter:
                # A line's end alone is a blank line, as in the csv module.
                blank = cells == [""] and not cell[0].startswith('"')
                return RecordSplit([] if blank else cells, at, frozenset(used))

    def _cell(
        self, at: int, marks: frozenset[str], *, backslash: bool
    ) -> tuple[re.Match[str], str | None, str]:
        """All of a cell, the unusual mark that opens it, and what is in it.

        The mark is empty for csv's own quotes, None for a cell without.
        """
        text = self.text
        if text.startswith('"', at):
            if backslash and (cell := self._escaped.match(text, at)):
                return cell, "\\" if '\\"' in cell[1] else "", _unescaped(cell[1])
            if cell := self._closed.match(text, at):
                return cell, "", cell[1].replace('""', '"')
        start = at
        while marks and text[start : start + 1] in (" ", "\t") and text[start] != self.delimiter:
            start += 1
        if '"' in marks and text.startswith('"', start):
            if start > at and (cell := self._closed.match(text, start)):
                return cell, '"', cell[1].replace('""', '"')
            cell = self._nested.match(text, start)
            if cell and cell[1][cell[1].find('"') - 1 :][:1] in (" ", "\t", "("):
                return cell, '"', cell[1]
        for mark in (text[start : start + 2], text[start : start + 1]):
            if mark in marks and (cell := self._kinds[mark].match(text, start)) and cell[1].strip():
                return cell, mark, cell[1].replace('""', '"').replace('\\"', '"')
        cell = self._plain.match(text, at)
        if cell is None:  # the pattern matches even nothing at all
            raise AssertionError(at)
        return cell, None, cell[1]

    @cached_property
    def _has_backslashes(self) -> bool:
        return '\\"' in self.text

    @cached_property
    def _has_singles(self) -> bool:
        """Whether a cell begins with a mark that may be an apostrophe."""
        edge, marks = re.escape(self.delimiter), re.escape("".join(sorted(_SINGLE)))
        return re.search(rf"(?:^|[{edge}\r\n])[ \t]*[{marks}]", self.text) is not None

    @cached_property
    def _suspect(self) -> re.Pattern[str]:
        """What a record has that may be no plain csv: csv's own quotes within cells, too."""
        edge, marks = re.escape(self.delimiter), re.escape(_MARKS)
        own = rf'[^{edge}\r\n"]"[^{edge}\r\n]|"[^{edge}\r\n"][^"]*"[^{edge}\r\n"]'
        return re.compile(rf'{own}|""|(?:^|[{edge}\r\n])[ \t]*[{marks}]|[ \t\\]"', re.MULTILINE)

    @cached_property
    def _line(self) -> re.Pattern[str]:
        return re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")

    @cached_property
    def _edge(self) -> str:
        return rf"(?P<edge>{re.escape(self.delimiter)}|\r\n|\r|\n|\Z)"

    @cached_property
    def _plain(self) -> re.Pattern[str]:
        return re.compile(rf"([^{re.escape(self.delimiter)}\r\n]*){self._edge}")

    @cached_property
    def _closed(self) -> re.Pattern[str]:
        return re.compile(rf'"((?:[^"]|"")*+)" *{self._edge}')

    @cached_property
    def _escaped(self) -> re.Pattern[str]:
        return re.compile(rf'"((?:[^"\\]|""|\\.)*+)" *{self._edge}', re.DOTALL)

    @cached_property
    def _nested(self) -> re.Pattern[str]:
        """A cell that has quote marks in it, two by two, which nobody doubled."""
        inner = r'[^"\r\n]*"[^"\r\n]*"'
        return re.compile(rf'"((?:{inner})+?[^"\r\n]*)" *{self._edge}')

    @cached_property
    def _kinds(self) -> Mapping[str, re.Pattern[str]]:
        kinds = {}
        for mark, closing in _CLOSING.items():
            end = re.escape(closing) if len(mark) == 2 else f"[{re.escape(closing)}]"
            kinds[mark] = re.compile(rf"{re.escape(mark)}([^\r\n]*?){end} *{self._edge}")
        return kinds


def _is_torn(cell: str) -> bool:
    """Whether a cell looks like a part of one in quote marks."""
    if not _ANY_MARK.search(cell):
        return False
    text = cell.strip()
    if text.count('"') % 2 or '\\"' in text:
        return True
    return any(
        (text[:1] in opening and not any(mark in text[1:] for mark in closing))
        or (text[-1:] in closing and not any(mark in text[:-1] for mark in opening))
        for opening, closing in _PAIRS
    )


def _is_within(text: str, marks: frozenset[str]) -> bool:
    return any(
        len(text) > 1 and text.startswith(mark) and text[-1] in _CLOSING[mark]
        for mark in marks & _CLOSING.keys()
    )


def _unescaped(content: str) -> str:
    return re.sub(r'\\(["\\])|""', lambda found: found[1] or '"', content)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"
