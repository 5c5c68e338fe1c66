"""How a spreadsheet program is made to recalculate an xlsx file's formulas.

Their results stay in the file, so that whoever does not calculate sees them.
"""

from collections.abc import Collection

from engine.sheet.copy_cells import Spot
from engine.sheet.layout import XLSX_PLACE, column_number
from engine.sheet.package import Package
from engine.sheet.xml_edits import Edit, XmlTags, edited, sound

_BOOK = XmlTags("calcPr", "definedNames", "externalReferences", "functionGroups", "sheets")
_CHAIN, _RELATIONSHIP, _OVERRIDE = XmlTags("c"), XmlTags("Relationship"), XmlTags("Override")


def recalculated(
    package: Package, book: bytes, sheet_id: str, lost: Collection[Spot]
) -> dict[str, bytes | None]:
    """The parts that have to change, by name; None: it is left out.

    Args:
        package: the file.
        book: its workbook's part.
        sheet_id: which worksheet was changed, as that part numbers them.
        lost: its cells that have no formula any more.
    """
    return {package.workbook: _asking_to_calculate(book)} | _forgetting(package, sheet_id, lost)


def _asking_to_calculate(book: bytes) -> bytes:
    """The workbook's part, asking for one calculation of all formulas on opening."""
    tags = list(_BOOK.of(book))
    settings = next((tag for tag in tags if tag.local == b"calcPr"), None)
    if settings:
        new = settings.having(b"fullCalcOnLoad", "1").raw
        return edited(book, [Edit(settings.start, settings.end, new)])
    last = max((tag for tag in tags if tag.closes or tag.is_empty), key=lambda tag: tag.end)
    new = b'<%scalcPr fullCalcOnLoad="1"/>' % last.prefix
    return edited(book, [Edit(last.end, last.end, new)])


def _forgetting(package: Package, sheet_id: str, lost: Collection[Spot]) -> dict[str, bytes | None]:
    """The order of calculation without cells that have no formula; Excel takes those for damage."""
    chain = package.related(package.workbook, "calcChain")
    if not chain or not lost:
        return {}
    xml = sound(package.read(chain))
    edits, kept = [], 0
    index = last = b""
    for element in _CHAIN.elements(xml):
        given = element.tag.value(b"i")
        index = given or index
        place = XLSX_PLACE.fullmatch(element.tag.value(b"r") or b"")
        spot = (int(place[2]), column_number(place[1]) - 1) if place else None
        if spot in lost and index.decode() == sheet_id:
            edits.append(Edit(element.tag.start, element.end, b""))
            continue
        kept += 1
        if given is None and index != last:  # it was said by one that is gone
            new = element.tag.having(b"i", index.decode()).raw
            edits.append(Edit(element.tag.start, element.tag.end, new))
        last = index
    if not edits:
        return {}
    if kept:
        return {chain: edited(xml, edits)}
    book = package.workbook
    relations = package.relations_part(book)
    types = package.stored("[Content_Types].xml")
    names = {each.target for each in package.relations(book) if each.part == chain}
    return {
        chain: None,
        relations: _without(package.read(relations), _RELATIONSHIP, b"Target", names),
        types: _without(package.read(types), _OVERRIDE, b"PartName", {"/" + chain.lstrip("/")}),
    }


def _without(xml: bytes, tags: XmlTags, attribute: bytes, values: Collection[str]) -> bytes:
    wanted = {value.lower() for value in values}
    return edited(
        xml,
        [
            Edit(each.tag.start, each.end, b"")
            for each in tags.elements(xml)
            if (each.tag.value(attribute) or b"").decode().lower() in wanted
        ],
    )
