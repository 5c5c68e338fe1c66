"""What a file really is, by its content: its name is never believed."""

import io
import zipfile
from enum import StrEnum

from engine.sheet.rows import SheetError

SAVE_AS = "Save it as .xlsx, .ods or .csv in a spreadsheet program and open that."
LOCKED = (
    "The file is protected by a password. Open it in a spreadsheet program, save it without a"
    " password, and open that."
)

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\x7fELF", "a program"),
    (b"{\\rtf", "an RTF document"),
    (b"PAR1", "a Parquet file"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD_EXCEL = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00")
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_HTML = ("<!doctype html", "<html", "<head", "<body", "<table", "<meta")


class Format(StrEnum):
    """How a sheet's file is to be read."""

    TEXT = "text"
    XLSX = "xlsx"
    ODS = "ods"
    XLS = "xls"


def sniff(data: bytes, most_unpacked: int) -> Format:
    """Tell the format of a file from its bytes.

    Args:
        data: The whole file.
        most_unpacked: Bytes that a packed file may say it unpacks to.

    Raises:
        SheetError: It is no sheet, or one that cannot be read; says what it is and what to do.
    """
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _packed(data, most_unpacked)
    if data.startswith(_OLE):
        return _compound(data)
    if data.startswith(_OLD_EXCEL):
        raise SheetError(f"This was saved by a very old version of Excel. {SAVE_AS}")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        raise SheetError(_not_a_sheet("a WEBP image"))
    for magic, what in _MAGIC:
        # Two letters alone may well begin a text.
        if data.startswith(magic) and (len(magic) > 2 or b"\0" in data[:64]):
            raise SheetError(_not_a_sheet(what))
    _refuse_markup(data)
    return Format.TEXT


def _not_a_sheet(what: str) -> str:
    return (
        f"Despite its name, this is {what}, not a sheet. A sheet is a csv, tsv, xls, xlsx or ods"
        " file."
    )


def _packed(data: bytes, most_unpacked: int) -> Format:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SheetError(
            "The file is damaged or incomplete: it begins like an xlsx or ods file, but its end"
            " is missing. Copy or download it again, or save it again."
        ) from error
    with archive:
        infos = archive.infolist()
        names = {info.filename.replace("\\", "/").lower() for info in infos}
        declared = sum(info.file_size for info in infos)
        if declared > most_unpacked:
            raise SheetError(
                f"The file unpacks to {declared // 2**20} MiB, more than the limit of"
                f" {most_unpacked // 2**20} MiB. Delete everything that is not prompts (pictures,"
                " other worksheets), or save it as .csv."
            )
        if "xl/workbook.bin" in names:
            raise SheetError(f"This is a binary Excel workbook (.xlsb). {SAVE_AS}")
        elsewhere = "[content_types].xml" in names and any(
            f"/{name}".endswith("/workbook.xml") for name in names
        )
        if elsewhere or any(name.startswith("xl/") for name in names):
            return Format.XLSX
        if "meta-inf/manifest.xml" in names:
            return _open_document(archive, names)
    if any(name.startswith("word/") for name in names):
        raise SheetError(_not_a_sheet("a Word document"))
    if any(name.startswith("index/") for name in names):
        raise SheetError(f"This is an Apple Numbers file. {SAVE_AS}")
    raise SheetError(
        "This is a ZIP archive, not a sheet. If it contains a sheet, unpack it and open that."
    )


def _open_document(archive: zipfile.ZipFile, names: set[str]) -> Format:
    try:
        manifest = archive.read("META-INF/manifest.xml")
        kind = archive.read("mimetype").strip() if "mimetype" in names else _ODS
    except Exception as error:  # zipfile raises many kinds on a damaged member
        raise SheetError(
            "The file is damaged: part of it cannot be unpacked. Copy or download it again."
        ) from error
    if b"encryption-data" in manifest or "encrypted-package" in names:
        raise SheetError(LOCKED)
    if not kind.startswith(_ODS):
        raise SheetError(_not_a_sheet("an OpenDocument file of another kind"))
    return Format.ODS


def _compound(data: bytes) -> Format:
    lower = data.lower()

    def holds(stream: str) -> bool:
        return stream.lower().encode("utf-16-le") in lower

    if holds("EncryptedPackage"):
        raise SheetError(LOCKED)
    if holds("Workbook") or holds("Book"):
        return Format.XLS
    if holds("WordDocument"):
        raise SheetError(_not_a_sheet("a Word document"))
    raise SheetError(
        "The file begins like an old Excel workbook but is not one, or is damaged. Copy or"
        " download it again, or save it as .xlsx."
    )


def _refuse_markup(data: bytes) -> None:
    start = data[:4096].replace(b"\0", b"").decode("latin-1").lstrip("\xef\xbb\xbf\xff\xfe \t\r\n")
    lower = start.lower()
    if lower.startswith("<?xml"):
        if "excel.sheet" in lower or "office:spreadsheet" in lower:
            raise SheetError(f"This is an Excel 2003 XML file. {SAVE_AS}")
        if "opendocument" in lower:
            raise SheetError(f"This is a flat OpenDocument file (.fods). {SAVE_AS}")
        if "<html" not in lower:
            raise SheetError(_not_a_sheet("an XML file"))
        lower = "<html"
    if lower.startswith(_HTML):
        raise SheetError(
            "Despite its name, this is a web page, not a sheet. Open it in a spreadsheet program"
            " and save it as .xlsx, .ods or .csv; if you downloaded it, the link may have led to"
            " a sign-in page."
        )
