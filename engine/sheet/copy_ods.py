"""The worksheet of an ods file with some of its cells rewritten, and nothing else.

All worksheets lie in one part, `content.xml`. What repeats is written there once: a run of rows or
cells, of which one is mended, is taken apart around it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from html import unescape

from engine.sheet.chat_answers import LINE_END
from engine.sheet.copy_cells import CopyJob, Spots, filled_note
from engine.sheet.layout import area_name, ods_layout
from engine.sheet.package import Package, with_parts
from engine.sheet.rows import SheetError
from engine.sheet.xml_edits import Edit, Element, XmlTag, XmlTags, edited, escaped, sound

_CONTENT = "content.xml"
_ROOT, _TABLES, _ROWS = XmlTags("document-content"), XmlTags("table"), XmlTags("table", "table-row")
_CELLS = XmlTags("table-cell", "covered-table-cell")
_WORDS = (b"p", b"h", b"list")
_INNER = XmlTags(*(word.decode() for word in _WORDS), "annotation", "frame", "custom-shape", "g")
_FOLLOWING = re.compile(rb":formula=|<draw:|<table:(?:named|content-val|database|calculation)")
"""What refers to cells and does not follow a row put in above them."""
_ROWS_REPEATED, _COLUMNS_REPEATED = b"number-rows-repeated", b"number-columns-repeated"
_FILLS = {b"number-matrix-rows-spanned", b"number-matrix-columns-spanned"}
_SPANNED = {b"number-rows-spanned", b"number-columns-spanned"}
_VALUE = {
    *(b"formula", b"value-type", b"value", b"string-value", b"date-value", b"time-value"),
    *(b"boolean-value", b"currency", *_FILLS),
}
"""What a cell says of its value; LibreOffice says it in a namespace of its own too."""
_SHOWN_OTHERWISE = (b"date", b"time", b"percentage", b"currency", b"boolean")
"""Kinds of values whose style would show another number than was written."""
_SPACES = re.compile(r"(?<= ) +|^ +| +$")
_UNWRITTEN = re.compile("[\0-\x08\x0b-\x1f\ufffe\uffff]")
_MOST_PARTED = 100_000
"""Rows of merged cells that are taken apart."""

PartChange = Callable[[bytes], bytes]
"""What becomes of a cell that stands alone."""


@dataclass
class _Content:
    """The part that holds the worksheets, and what is to be done to one of them."""

    xml: bytes
    sheet: str
    edits: list[Edit] = field(default_factory=list)

    def __post_init__(self) -> None:
        root = next(_ROOT.of(self.xml))
        names = {value.decode(): name for name, value in root.attributes.items()}
        self.office = _prefix(names, "office")
        self.text = _prefix(names, "text")
        table = next(each for each in _TABLES.elements(self.xml) if _name(each.tag) == self.sheet)
        self.prefix = table.tag.prefix
        self.rows: list[tuple[int, int, Element]] = []
        """First and last number of each run of equal rows, and its element."""
        number = 0
        for element in _ROWS.elements(self.xml, table.tag.end, table.inner_end):
            if element.tag.local == b"table-row":
                count = _repeats(element.tag, _ROWS_REPEATED)
                self.rows.append((number + 1, number + count, element))
                number += count

    def with_row_above(self) -> bytes:
        """The same with a row more, above all others."""
        p, start = self.prefix, self.rows[0][2].tag.start
        row = b"<%stable-row><%stable-cell/></%stable-row>" % (p, p, p)
        return edited(self.xml, [Edit(start, start, row)])

    def change(
        self, changes: Mapping[int, Mapping[int, PartChange]], cleared: Collection[int]
    ) -> None:
        """Change cells, by row and column, and empty rows."""
        made = {
            number: self._row_change(changes.get(number, {}), whole=number in cleared)
            for number in sorted({*changes, *cleared})
        }
        last = 0
        for first, last, element in self.rows:
            if here := {n: change for n, change in made.items() if first <= n <= last}:
                raw = self.xml[element.tag.start : element.end]
                new = _parted(raw, first, last, _ROWS_REPEATED, here)
                self.edits.append(Edit(element.tag.start, element.end, new))
        new = b""
        blank = b"<%stable-row/>" % self.prefix
        for number in (number for number in made if number > last):
            new += blank * (number - 1 - last) + made[number](blank)
            last = number
        end = self.rows[-1][2].end
        self.edits.append(Edit(end, end, new))

    def _row_change(self, changes: Mapping[int, PartChange], *, whole: bool) -> PartChange:
        """What changes cells of a row, and empties the others if it is meant as a whole."""

        def change(raw: bytes) -> bytes:
            (row,) = _ROWS.elements(raw)
            edits, last = [], -1
            for cell in _CELLS.elements(raw, row.tag.end, row.inner_end):
                first, last = last + 1, last + _repeats(cell.tag, _COLUMNS_REPEATED)
                inner = raw[cell.tag.start : cell.end]
                if here := {at: made for at, made in changes.items() if first <= at <= last}:
                    new = _parted(inner, first, last, _COLUMNS_REPEATED, here)
                elif whole:
                    new = self.holding("")(inner)
                else:
                    continue
                edits.append(Edit(cell.tag.start, cell.end, new))
            added = b""
            blank = b"<%stable-cell/>" % self.prefix
            for at in sorted(at for at in changes if at > last):
                added += blank * (at - 1 - last) + changes[at](blank)
                last = at
            inner = edited(raw[: row.inner_end], edits)[row.tag.end :]
            return row.tag.around(inner + added)

        return change

    def holding(self, text: str, number: int | None = None) -> PartChange:
        """What makes a cell hold a text or a number; its style, notes and pictures stay."""

        def change(raw: bytes) -> bytes:
            (cell,) = _CELLS.elements(raw)
            tag = cell.tag.without(_VALUE)
            if text and (number is None or cell.tag.value(b"value-type") in _SHOWN_OTHERWISE):
                tag = tag.having(self.office + b"value-type", "string")
            elif text:
                tag = tag.having(self.office + b"value-type", "float")
                tag = tag.having(self.office + b"value", str(number))
            inner = raw[cell.tag.end : cell.inner_end]
            words = [
                Edit(each.tag.start, each.end, b"")
                for each in _INNER.elements(inner)
                if each.tag.local in _WORDS
            ]
            lines = LINE_END.split(text) if text else ()
            return tag.around(edited(inner, words) + b"".join(map(self._paragraph, lines)))

        return change

    def _paragraph(self, line: str) -> bytes:
        line = _UNWRITTEN.sub("", line)
        p, out, done = self.text, b"", 0
        for found in _SPACES.finditer(line):
            out += escaped(line[done : found.start()])
            out += b'<%ss %sc="%d"/>' % (p, p, len(found[0]))
            done = found.end()
        words = (out + escaped(line[done:])).replace(b"\t", b"<%stab/>" % p)
        return b"<%sp>%s</%sp>" % (p, words, p)


def copy_ods(data: bytes, job: CopyJob) -> tuple[bytes, list[str]]:
    """The file with its mended cells, and what it could not keep.

    Raises:
        SheetError: it cannot be done.
    """
    package = Package(data)
    content = _Content(sound(package.read(_CONTENT)), job.sheet)
    if job.above:
        if _FOLLOWING.search(content.xml):
            raise job.no_room_above()
        content = _Content(content.with_row_above(), job.sheet)
    layout = ods_layout(content.xml, job.sheet)
    changes: defaultdict[int, defaultdict[int, list[PartChange]]] = defaultdict(
        lambda: defaultdict(list)
    )
    spots = Spots((write.row, write.at) for write in job.writes)
    notes = []
    for area in layout.filled:
        cleared = any(area.top <= number <= area.bottom for number in job.cleared)
        if cleared or spots.within(area):
            changes[area.top][area.left - 1].append(_unfilling)
            if area.top < area.bottom or area.left < area.right:
                notes.append(filled_note(area_name(area)))
    for area in layout.merged:
        if any(spot != (area.top, area.left - 1) for spot in spots.within(area)):
            for row in range(area.top, min(area.bottom, area.top + _MOST_PARTED) + 1):
                for column in range(area.left - 1, area.right):
                    changes[row][column].append(_unmerged)
    for write in job.writes:
        changes[write.row][write.at].append(content.holding(write.text, write.number))
    content.change(
        {
            row: {column: _in_turn(each) for column, each in cells.items()}
            for row, cells in changes.items()
        },
        job.cleared,
    )
    return with_parts(data, {package.stored(_CONTENT): edited(content.xml, content.edits)}), notes


def _in_turn(changes: list[PartChange]) -> PartChange:
    def change(raw: bytes) -> bytes:
        for each in changes:
            raw = each(raw)
        return raw

    return change


def _unmerged(raw: bytes) -> bytes:
    """A cell that is not merged with others any more."""
    (cell,) = _CELLS.elements(raw)
    tag = cell.tag.without(_SPANNED)
    tag = tag._replace(name=tag.prefix + b"table-cell")
    return tag.around(raw[cell.tag.end : cell.inner_end])


def _unfilling(raw: bytes) -> bytes:
    """A cell with its value, without the formula that filled others too."""
    (cell,) = _CELLS.elements(raw)
    return cell.tag.without({b"formula", *_FILLS}).around(raw[cell.tag.end : cell.inner_end])


def _parted(
    raw: bytes, first: int, last: int, repeated: bytes, changes: Mapping[int, PartChange]
) -> bytes:
    """A run of equal elements, some of which are changed.

    Args:
        raw: the element.
        first: the number of its first repetition.
        last: that of its last.
        repeated: the attribute, without a prefix, that says how many there are.
        changes: by number.
    """
    tag = next(iter((_CELLS if repeated == _COLUMNS_REPEATED else _ROWS).of(raw)))

    def times(count: int) -> bytes:
        if count < 1:
            return b""
        plain = tag.without({repeated})
        many = tag.having(tag.prefix + repeated, str(count)) if count > 1 else plain
        return many.raw + raw[tag.end :]

    out, at = [], first
    for number in sorted(changes):
        out += [times(number - at), changes[number](times(1))]
        at = number + 1
    return b"".join([*out, times(last + 1 - at)])


def _repeats(tag: XmlTag, repeated: bytes) -> int:
    return int(tag.value(repeated) or 1)


def _name(tag: XmlTag) -> str:
    return unescape((tag.value(b"name") or b"").decode())


def _prefix(names: Mapping[str, bytes], space: str) -> bytes:
    """The prefix of a namespace, with its colon, by the names under which they are declared."""
    declared = names.get(f"urn:oasis:names:tc:opendocument:xmlns:{space}:1.0")
    if declared is None:
        raise SheetError(f"The file says nothing of {space}, as every ods file does.")
    return declared.removeprefix(b"xmlns:") + b":"
