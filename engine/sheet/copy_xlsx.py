"""The worksheet of an xlsx file with some of its cells rewritten, and nothing else.

Mended cells keep their style; text stands in them as it is, not in the list of shared texts. Of
other parts two change, where there are formulas: the workbook's asks for one calculation on
opening, and the order of calculation forgets the cells that have no formula any more.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from engine.sheet.copy_cells import CopyJob, Spot, Spots, Write, filled_note
from engine.sheet.headers import letters
from engine.sheet.layout import XLSX_PLACE, area_name, column_number
from engine.sheet.package import Package, with_parts
from engine.sheet.rows import SheetError
from engine.sheet.table import CellRange
from engine.sheet.xlsx_calculation import recalculated
from engine.sheet.xlsx_styles import XlsxStyles
from engine.sheet.xml_edits import Edit, Element, XmlTags, edited, escaped, sound

_SHEET = XmlTags("sheetData", "dimension", "mergeCells", "mergeCell", "col")
_ROWS, _CELLS, _FORMULA = XmlTags("row"), XmlTags("c"), XmlTags("f")
_TABLE = XmlTags("table", "tableColumn")
_REFERENCES = re.compile(rb"""(\s(?:ref|sqref|topLeftCell|activeCell)=)("[^"]*"|'[^']*')""")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_UNWRITTEN = re.compile("[\0-\x08\x0b-\x1f\ufffe\uffff]")
"""What XML cannot hold, and a carriage return, which it would take for a line's end."""
_FOR_SEVERAL = re.compile(rb"""\st=["'](?:shared|array|dataTable)["']""")
_HAS_FORMULA = re.compile(rb"<(?:[^\s<>/:!?]+:)?f[\s/>]")
_NAMES_CELLS = re.compile(rb"definedName\s")
_FOLLOWING = re.compile(
    rb"<(?:[^\s<>/:!?]+:)?(?:f|formula[12]?|drawing|legacyDrawing|tableParts)[\s/>]"
)
"""What refers to cells and does not follow a row put in above them."""


@dataclass
class _XmlRow:
    number: int
    element: Element


@dataclass
class _XmlSheet:
    """The XML of a worksheet, and what is to be done to it."""

    xml: bytes
    styles: XlsxStyles
    edits: list[Edit] = field(default_factory=list)
    touched: set[Spot] = field(default_factory=set)
    """Cells that were written, or emptied."""
    lost: set[Spot] = field(default_factory=set)
    """Cells that have no formula any more."""
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        tags = list(_SHEET.of(self.xml))
        data = [tag for tag in tags if tag.local == b"sheetData"]
        if not data or data[0].is_empty:
            raise SheetError("The worksheet has no cells to correct.")
        self.prefix = data[0].prefix
        self.start, self.end = data[0].end, data[-1].start
        self.tags = tags
        self.rows = list(self._rows())

    def _rows(self) -> Iterator[_XmlRow]:
        number = 0
        for element in _ROWS.elements(self.xml, self.start, self.end):
            given = element.tag.value(b"r")
            number = int(given) if given and given.isdigit() else number + 1
            yield _XmlRow(number, element)

    def cells(self, row: _XmlRow) -> Iterator[tuple[int, Element]]:
        """The cells of a row, each with its column from 0."""
        column = -1
        for element in _CELLS.elements(self.xml, row.element.tag.end, row.element.inner_end):
            place = XLSX_PLACE.fullmatch(element.tag.value(b"r") or b"")
            column = column_number(place[1]) - 1 if place else column + 1
            yield column, element

    def write(self, writes: Collection[Write], cleared: Collection[int]) -> None:
        """Put writes into their rows, and empty others."""
        by_row: defaultdict[int, dict[int, Write]] = defaultdict(dict)
        for write in writes:
            by_row[write.row][write.at] = write
        numbers = {row.number for row in self.rows}
        for row in self.rows:
            if row.number in by_row or row.number in cleared:
                self._write_row(row, by_row[row.number], whole=row.number in cleared)
        self._add_rows({n: each for n, each in by_row.items() if n not in numbers})
        self._free_formulas()
        self._widen(writes)
        self._part_merged(writes)

    def _write_row(self, row: _XmlRow, writes: Mapping[int, Write], *, whole: bool) -> None:
        left, wide = dict(writes), False
        for column, element in self.cells(row):
            for at in [at for at in sorted(left) if at < column]:
                wide |= self._insert(element.tag.start, row, left.pop(at))
            if column in writes:
                write = writes[column]
                left.pop(column, None)
            elif whole and not (element.tag.is_empty or element.inner_end == element.tag.end):
                write = Write(row.number, column, "", "")
            else:
                continue
            if _HAS_FORMULA.search(self.xml, element.tag.end, element.inner_end):
                self.lost.add((row.number, column))
            style = element.tag.value(b"s")
            new = self._cell(write, int(style or 0))
            self.touched.add((row.number, column))
            self.edits.append(Edit(element.tag.start, element.end, new))
        tag = row.element.tag
        if tag.is_empty:
            cells = b"".join(self._new_cell(row, left[at]) for at in sorted(left))
            if cells:
                self.edits.append(
                    Edit(tag.start, tag.end, tag.having(b"spans", None).around(cells))
                )
            return
        for at in sorted(left):
            wide |= self._insert(row.element.inner_end, row, left[at])
        if wide and tag.value(b"spans"):  # a hint, which would be wrong
            self.edits.append(Edit(tag.start, tag.end, tag.having(b"spans", None).raw))

    def _insert(self, at: int, row: _XmlRow, write: Write) -> bool:
        new = self._new_cell(row, write)
        if new:
            self.touched.add((write.row, write.at))
            self.edits.append(Edit(at, at, new))
        return bool(new)

    def _new_cell(self, row: _XmlRow | None, write: Write) -> bytes:
        """A cell where there was none: styled as its row, else as its column."""
        if not write.text:
            return b""
        style = row.element.tag.value(b"s") if row else None
        if style is None:
            style = next(
                (
                    tag.value(b"style")
                    for tag in self.tags
                    if tag.local == b"col"
                    and int(tag.value(b"min") or 0) <= write.at + 1 <= int(tag.value(b"max") or 0)
                ),
                None,
            )
        return self._cell(write, int(style or 0))

    def _cell(self, write: Write, style: int) -> bytes:
        p, number = self.prefix, write.number
        fitting = None if number is None else self.styles.for_number(style)
        if fitting is not None:
            style = fitting
        elif write.text:
            number, style = None, self.styles.for_text(style)
        head = b'<%sc r="%s%d"' % (p, letters(write.at).encode(), write.row)
        head += b' s="%d"' % style if style else b""
        if not write.text:
            return head + b"/>"
        if number is not None:
            return head + b"><%sv>%d</%sv></%sc>" % (p, number, p, p)
        text = _UNWRITTEN.sub(
            lambda found: f"_x{ord(found[0]):04X}_", _ESCAPED.sub("_x005F_", write.text)
        )
        space = b' xml:space="preserve"' if text != text.strip() or "\n" in text else b""
        body = b"<%sis><%st%s>%s</%st></%sis>" % (p, p, space, escaped(text), p, p)
        return head + b' t="inlineStr">' + body + b"</%sc>" % p

    def _add_rows(self, by_row: Mapping[int, Mapping[int, Write]]) -> None:
        for number in sorted(by_row):
            each = by_row[number]
            cells = b"".join(self._new_cell(None, each[at]) for at in sorted(each))
            if cells:
                p = self.prefix
                new = b'<%srow r="%d">%s</%srow>' % (p, number, cells, p)
                later = (row.element.tag.start for row in self.rows if row.number > number)
                at = next(later, self.end)
                self.edits.append(Edit(at, at, new))

    def _free_formulas(self) -> None:
        """Of formulas for several cells, of which one is written to, leave the others sound."""
        if not _FOR_SEVERAL.search(self.xml):
            return
        shared: dict[bytes, tuple[Spot, Element]] = {}
        touched = Spots(self.touched)
        for row in self.rows:
            for column, cell in self.cells(row):
                spot = row.number, column
                for formula in _FORMULA.elements(self.xml, cell.tag.end, cell.inner_end):
                    tag = formula.tag
                    match tag.value(b"t"):
                        case b"shared" if formula.inner_end > tag.end:
                            shared[tag.value(b"si") or b""] = spot, formula
                        case b"shared" if spot not in self.touched:
                            first = shared.get(tag.value(b"si") or b"")
                            if first and first[0] in self.touched:
                                self._stand_alone(spot, formula, *first)
                        case b"array" | b"dataTable":
                            self._dissolve(spot, formula, touched)

    def _stand_alone(self, spot: Spot, formula: Element, first: Spot, master: Element) -> None:
        """A formula that was written at another cell alone is written at its own."""
        text = _moved(self.xml[master.tag.end : master.inner_end], first, spot)
        name = formula.tag.name
        new = b"<%s>%s</%s>" % (name, text, name)
        self.edits.append(Edit(formula.tag.start, formula.end, new))

    def _dissolve(self, spot: Spot, formula: Element, touched: Spots) -> None:
        """A formula that fills several cells gives way to its results where one is written to."""
        name = formula.tag.value(b"ref") or b""
        area = area_of(name)
        if area is None or not touched.within(area):
            return
        if spot not in self.touched:
            self.edits.append(Edit(formula.tag.start, formula.end, b""))
            self.lost.add(spot)
        if (area.top, area.left) != (area.bottom, area.right):
            self.notes.append(filled_note(area_name(area)))

    def _widen(self, writes: Collection[Write]) -> None:
        tag = next((tag for tag in self.tags if tag.local == b"dimension"), None)
        area = area_of(tag.value(b"ref") or b"") if tag else None
        if tag is None or area is None:
            return
        spots = [(write.row, write.at + 1) for write in writes if write.text]
        rows = [area.top, area.bottom, *(row for row, _ in spots)]
        columns = [area.left, area.right, *(column for _, column in spots)]
        wider = CellRange(min(rows), min(columns), max(rows), max(columns))
        if wider != area:
            new = tag.having(b"ref", area_name(wider)).raw
            self.edits.append(Edit(tag.start, tag.end, new))

    def _part_merged(self, writes: Collection[Write]) -> None:
        """Cells of which another than the first is written to are not merged any more."""
        merged = [tag for tag in self.tags if tag.local == b"mergeCell" and not tag.closes]
        spots = Spots((write.row, write.at) for write in writes)
        parted = []
        for tag in merged:
            area = area_of(tag.value(b"ref") or b"")
            if area and any(spot != (area.top, area.left - 1) for spot in spots.within(area)):
                parted.append(tag)
        around = [tag for tag in self.tags if tag.local == b"mergeCells"]
        if parted and len(parted) == len(merged):
            self.edits.append(Edit(around[0].start, around[-1].end, b""))
        elif parted:
            for tag in parted:
                end = tag.end if tag.is_empty else self.xml.index(b">", tag.end) + 1
                self.edits.append(Edit(tag.start, end, b""))
            if around[0].value(b"count"):
                new = around[0].having(b"count", str(len(merged) - len(parted))).raw
                self.edits.append(Edit(around[0].start, around[0].end, new))


def copy_xlsx(data: bytes, job: CopyJob) -> tuple[bytes, list[str]]:
    """The file with its mended cells, and what it could not keep.

    Raises:
        SheetError: it cannot be done.
    """
    package = Package(data)
    part, sheet_id = package.worksheet(job.sheet)
    xml = sound(package.read(part))
    book = sound(package.read(package.workbook))
    formulas = any(_HAS_FORMULA.search(package.read(name)) for name in _worksheets(package))
    if job.above:
        if formulas or _FOLLOWING.search(xml) or _NAMES_CELLS.search(book):
            raise job.no_room_above()
        xml = _lowered(xml)
    _refuse_renamed_table_column(package, part, job)
    styles = package.related(package.workbook, "styles")
    sheet = _XmlSheet(xml, XlsxStyles(package.read(styles) if styles else b""))
    sheet.write(job.writes, job.cleared)
    changed: dict[str, bytes | None] = {part: edited(xml, sheet.edits)}
    if formulas:
        changed |= recalculated(package, book, sheet_id, sheet.lost)
    return with_parts(data, changed), sheet.notes


def _worksheets(package: Package) -> Iterator[str]:
    for each in package.relations(package.workbook):
        if each.part and each.kind in ("worksheet", "chartsheet", "dialogsheet"):
            yield each.part


def _lowered(xml: bytes) -> bytes:
    """All cells, and what refers to them by an attribute, one row further down."""

    def one_below(found: re.Match[bytes]) -> bytes:
        return b"%s%d" % (found[1], int(found[2]) + 1)

    tags = [tag for tag in _SHEET.of(xml) if tag.local == b"sheetData"]
    start, end = tags[0].end, tags[-1].start
    edits = []
    for tag in XmlTags("row", "c").of(xml, start, end):
        if not tag.closes and (place := tag.value(b"r")):
            moved = re.sub(rb"([A-Z]*)([0-9]+)", one_below, place).decode()
            edits.append(Edit(tag.start, tag.end, tag.having(b"r", moved).raw))
    for found in _REFERENCES.finditer(xml):
        if not start <= found.start() < end:
            moved_to = XLSX_PLACE.sub(one_below, found[2])
            edits.append(Edit(found.start(), found.end(), found[1] + moved_to))
    return edited(xml, edits)


def _refuse_renamed_table_column(package: Package, part: str, job: CopyJob) -> None:
    for each in package.relations(part):
        if each.kind != "table" or not each.part:
            continue
        tags = list(_TABLE.of(package.read(each.part)))
        area = area_of(tags[0].value(b"ref") or b"") if tags else None
        for write in job.writes:
            if area and write.row == area.top and area.left <= write.at + 1 <= area.right:
                raise SheetError(
                    f"Column {letters(write.at)} belongs to a spreadsheet table: rename it to"
                    f" `{write.text}` there, or choose a name ending in .csv."
                )


def area_of(reference: bytes) -> CellRange | None:
    """The area that a reference such as B2 or B2:C9 names."""
    first, _, last = reference.partition(b":")
    start, end = XLSX_PLACE.fullmatch(first), XLSX_PLACE.fullmatch(last or first)
    if not start or not end:
        return None
    return CellRange(int(start[2]), column_number(start[1]), int(end[2]), column_number(end[1]))


def _moved(formula: bytes, origin: Spot, target: Spot) -> bytes:
    """A formula as it reads in another cell."""
    from html import unescape

    from openpyxl.formula.translate import Translator

    def name(spot: Spot) -> str:
        return f"{letters(spot[1])}{spot[0]}"

    written = "=" + unescape(formula.decode())
    try:
        moved = Translator(written, origin=name(origin)).translate_formula(name(target))
    except Exception as error:  # it fails in as many ways as there are odd formulas
        raise SheetError(
            f"The formula of {name(target)} shares the formula of {name(origin)}, which changes,"
            " and the two cannot be separated. Choose a name ending in .csv."
        ) from error
    return escaped(moved.removeprefix("="))
