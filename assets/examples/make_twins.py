"""Write the Excel and OpenDocument twins of the example sheet from its CSV.

Run as ``python assets/examples/make_twins.py`` after each change to ``first-light.csv``, the one to
edit. It needs the development tools (openpyxl, odfpy). With the same libraries the same CSV gives
the same bytes, so that only a real change shows in version control.
"""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from odf import config, style, table, text
from odf import number as formats
from odf.opendocument import OpenDocumentSpreadsheet
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

SOURCE = Path(__file__).resolve().parent / "first-light.csv"
TITLE = SOURCE.stem
NUMBERS = {"num_images", "seed_number"}
"""Written as numbers; every other column is text, or 2:3 would become a time of day."""
STAMP = datetime(2000, 1, 1, tzinfo=UTC)
"""The one date of both files and of all their parts, whenever they are written."""

Rows = list[list[str]]


def read() -> Rows:
    """The header and the rows of the CSV."""
    with SOURCE.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def widths(rows: Rows) -> list[int]:
    """Characters the longest cell of each column needs, and a little air."""
    return [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]


def write_xlsx(rows: Rows, path: Path) -> None:
    """The Excel twin."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = TITLE
    sheet.freeze_panes = "A2"
    header, *body = rows
    for across, (name, width) in enumerate(zip(header, widths(rows), strict=True), start=1):
        column = sheet.column_dimensions[get_column_letter(across)]
        column.width = width
        if name not in NUMBERS:
            column.number_format = "@"  # for the rows people add below
        sheet.cell(1, across, name).font = Font(bold=True)
        for down, row in enumerate(body, start=2):
            value = row[across - 1]
            if value and name in NUMBERS:
                sheet.cell(down, across, int(value))
            elif name not in NUMBERS:
                sheet.cell(down, across, value or None).number_format = "@"
    book.properties.creator = "Promptsheet"
    book.properties.created = STAMP.replace(tzinfo=None)
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(stamped(buffer))


def write_ods(rows: Rows, path: Path) -> None:
    """The OpenDocument twin."""
    book = OpenDocumentSpreadsheet()
    as_text = formats.TextStyle(name="as-text")
    as_text.addElement(formats.TextContent())
    book.automaticstyles.addElement(as_text)
    plain = style.Style(name="plain", family="table-cell", datastylename=as_text)
    bold = style.Style(name="bold", family="table-cell", datastylename=as_text)
    bold.addElement(style.TextProperties(fontweight="bold"))
    for each in (plain, bold):
        book.automaticstyles.addElement(each)

    sheet = table.Table(name=TITLE)
    header, *body = rows
    for across, (name, width) in enumerate(zip(header, widths(rows), strict=True), start=1):
        shape = style.Style(name=f"column-{across}", family="table-column")
        shape.addElement(style.TableColumnProperties(columnwidth=f"{width * 0.2:.1f}cm"))
        book.automaticstyles.addElement(shape)
        usual = {} if name in NUMBERS else {"defaultcellstylename": plain}
        sheet.addElement(table.TableColumn(stylename=shape, **usual))
    top = table.TableRow()
    for name in header:
        cell = table.TableCell(valuetype="string", stylename=bold)
        cell.addElement(text.P(text=name))
        top.addElement(cell)
    sheet.addElement(top)
    for row in body:
        line = table.TableRow()
        for name, value in zip(header, row, strict=True):
            if not value:
                cell = table.TableCell()
            elif name in NUMBERS:
                cell = table.TableCell(valuetype="float", value=int(value))
            else:
                cell = table.TableCell(valuetype="string", stylename=plain)
            if value:
                cell.addElement(text.P(text=value))
            line.addElement(cell)
        sheet.addElement(line)
    book.spreadsheet.addElement(sheet)
    freeze_header(book)
    buffer = io.BytesIO()
    book.write(buffer)
    path.write_bytes(stamped(buffer))


def freeze_header(book: OpenDocumentSpreadsheet) -> None:
    """OpenDocument keeps a frozen row among the settings of the program's window."""
    frozen = config.ConfigItemMapEntry(name=TITLE)
    for name, kind, value in (
        ("VerticalSplitMode", "short", "2"),
        ("VerticalSplitPosition", "int", "1"),
        ("ActiveSplitRange", "short", "2"),
        ("PositionBottom", "int", "1"),
    ):
        frozen.addElement(config.ConfigItem(name=name, type=kind, text=value))
    sheets = config.ConfigItemMapNamed(name="Tables")
    sheets.addElement(frozen)
    view = config.ConfigItemMapEntry()
    view.addElement(config.ConfigItem(name="ViewId", type="string", text="view1"))
    view.addElement(config.ConfigItem(name="ActiveTable", type="string", text=TITLE))
    view.addElement(sheets)
    views = config.ConfigItemMapIndexed(name="Views")
    views.addElement(view)
    settings = config.ConfigItemSet(name="ooo:view-settings")
    settings.addElement(views)
    book.settings.addElement(settings)


def stamped(archive: io.BytesIO) -> bytes:
    """The same zip with the moment of writing taken out, which both libraries put in."""
    result = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(result, "w") as new:
        for part in old.infolist():
            body = old.read(part)
            if part.filename == "docProps/core.xml":
                now = rb"(<dcterms:modified[^>]*>)[^<]*"
                body = re.sub(now, rb"\g<1>" + f"{STAMP:%Y-%m-%dT%H:%M:%SZ}".encode(), body)
            # The order and the stored (not packed) "mimetype" are kept: OpenDocument asks for them.
            entry = zipfile.ZipInfo(part.filename, STAMP.timetuple()[:6])
            entry.compress_type = part.compress_type
            entry.external_attr = 0o644 << 16
            new.writestr(entry, body)
    return result.getvalue()


def main() -> None:
    """Both twins, beside the CSV."""
    rows = read()
    write_xlsx(rows, SOURCE.with_suffix(".xlsx"))
    write_ods(rows, SOURCE.with_suffix(".ods"))


if __name__ == "__main__":
    main()
