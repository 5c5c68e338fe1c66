"""Xlsx files as no library writes them, by hand."""

import io
import zipfile

_SPACES = {
    False: (
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    ),
    True: (
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
        "http://purl.oclc.org/ooxml/officeDocument/relationships",
    ),
}
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def odd_xlsx(
    rows: str,
    *,
    how: str = "",
    before: str = "",
    dimension: str | None = None,
    book: str = "xl/workbook.xml",
    more_sheets: str = "",
    **others: str,
) -> bytes:
    """A workbook of one worksheet, `Sheet1`.

    Args:
        rows: what is in its sheetData.
        how: `prefix`, `strict`, `utf-16`, `backslashes`, `capitals` or nothing of these.
        before: what stands before the worksheet's root.
        dimension: what it says of its size.
        book: the name of the workbook's part; the others lie beside it.
        more_sheets: further `sheet` elements, before that of the worksheet.
        others: further parts that the workbook refers to, by their kind.
    """
    main, relations = _SPACES[how == "strict"]
    folder, _, name = f"/{book}".rpartition("/")
    folder = folder.lstrip("/") + ("/" if folder else "")
    size = "" if dimension is None else f'<dimension ref="{dimension}"/>'
    sheet = f"{size}<sheetData>{rows}</sheetData>"
    root = f'<worksheet xmlns="{main}">{sheet}</worksheet>'
    if how == "prefix":
        root = f'<x:worksheet xmlns:x="{main}">{_prefixed(sheet)}</x:worksheet>'
    encoding = "utf-16" if how == "utf-16" else "utf-8"
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    kinds = {"worksheet": "worksheets/sheet1.xml"} | {kind: f"{kind}.xml" for kind in others}
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{relations}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(kinds.items(), 1)
    )
    types = "".join(
        f'<Override PartName="/{folder}{target}" ContentType="{_TYPE}.{kind}+xml"/>'
        for kind, target in kinds.items()
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/{book}" ContentType="{_TYPE}.sheet.main+xml"/>{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r"'
        f' Type="{relations}/officeDocument" Target="{book}"/></Relationships>',
        book: f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{more_sheets}'
        '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        f"{folder}_rels/{name}.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{related}</Relationships>",
        f"{folder}worksheets/sheet1.xml": declared + before + root,
        **{f"{folder}{kind}.xml": text for kind, text in others.items()},
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for part, text in parts.items():
            stored = part.replace("sheet1", "Sheet1") if how == "capitals" else part
            if how == "backslashes" and not part.startswith("["):
                stored = part.replace("/", "\\")
            is_sheet = part.endswith("sheet1.xml")
            archive.writestr(stored, text.encode(encoding if is_sheet else "utf-8"))
    return out.getvalue()


def _prefixed(xml: str) -> str:
    for name in ("sheetData", "dimension", "row", "c", "v", "f", "is", "t"):
        for end in (" ", ">", "/"):
            xml = xml.replace(f"<{name}{end}", f"<x:{name}{end}")
        xml = xml.replace(f"</{name}>", f"</x:{name}>")
    return xml
