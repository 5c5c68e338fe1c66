"""An unusual xlsx file as the usual one that it stands for, for a reader that knows no other.

Spreadsheet programs find parts whatever their capitals and slashes, follow a workbook that lies
elsewhere, pass over sheets that are not there, and count rows themselves.
"""

import io
import zipfile

from engine.sheet.package import Package
from engine.sheet.xml_edits import Edit, XmlTags, edited, utf8

_SHEETS, _DIMENSION = XmlTags("sheet"), XmlTags("dimension")
_MAIN = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_READ = {"sharedStrings": "sharedStrings.xml", "styles": "styles.xml"}


def plain_xlsx(data: bytes) -> bytes:
    """The worksheets that can be read, with what they need, under the usual names.

    Raises:
        KeyError: there is no workbook.
    """
    package = Package(data)
    book = utf8(package.read(package.workbook))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _relations([("book", "officeDocument", "xl/workbook.xml")]))
        found: dict[bytes, tuple[str, str, str]] = {}
        for number, each in enumerate(package.relations(package.workbook)):
            name = _READ.get(each.kind, f"worksheets/sheet{number}.xml")
            if each.part and (each.kind in _READ or each.kind == "worksheet"):
                xml = utf8(package.read(each.part))
                archive.writestr(f"xl/{name}", _without_dimension(xml))
                found[each.id.encode()] = (each.id, each.kind, name)
        lost = [
            Edit(each.tag.start, each.end, b"")
            for each in _SHEETS.elements(book)
            if found.get(each.tag.value(b"id") or b"", "")[1:2] != ("worksheet",)
        ]
        archive.writestr("xl/workbook.xml", edited(book, lost))
        archive.writestr("xl/_rels/workbook.xml.rels", _relations(list(found.values())))
    return out.getvalue()


def _without_dimension(xml: bytes) -> bytes:
    return edited(xml, [Edit(each.tag.start, each.end, b"") for each in _DIMENSION.elements(xml)])


def _relations(relations: list[tuple[str, str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{name}" Type="{_MAIN}/{kind}" Target="{target}"/>'
        for name, kind, target in relations
    )
    return f'<Relationships xmlns="{_PACKAGE}">{listed}</Relationships>'
