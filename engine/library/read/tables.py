"""A table written line by line to a file on disk, in the formats of spreadsheet programs."""

import csv
import io
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal, Protocol
from xml.sax.saxutils import escape

TableKind = Literal["csv", "xlsx", "ods"]
TABLE_KINDS: tuple[TableKind, ...] = ("csv", "xlsx", "ods")
THUMBNAIL = 96
"""Pixels of a thumbnail's longer side in a workbook."""
MOST_THUMBNAILS = 2000
"""A workbook keeps them all in memory until it is closed."""
_MOST_ROWS = 1_048_575
_FIRST_DATE, _LAST_DATE = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
_LAST_SECOND = 2.0**33
"""In 2242: any clock's time up to it can be told as a date."""


class TableWriter(Protocol):
    """Takes lines, one after the other."""

    def line(self, cells: Sequence[str], thumbnail: bytes | None = None) -> None:
        """Write one line; a thumbnail (JPEG) is shown beside it where the format can."""

    def close(self) -> None:
        """Write what is missing; the file is whole then."""

    def give_up(self) -> None:
        """Let go of the file, whatever is in it."""


def open_table(kind: TableKind, path: Path, columns: Sequence[str]) -> TableWriter:
    """A table in a new file.

    Args:
        kind: its format.
        path: the file.
        columns: its header.
    """
    if kind == "xlsx":
        return _Workbook(path, columns)
    if kind == "ods":
        return _OpenDocument(path, columns)
    return _Text(path, columns)


@contextmanager
def written_table(kind: TableKind, path: Path, columns: Sequence[str]) -> Iterator[TableWriter]:
    """A table in a new file, which is whole at the end; given up if something goes wrong.

    Args:
        kind: its format.
        path: the file; others may lie beside it meanwhile.
        columns: its header.
    """
    table = open_table(kind, path, columns)
    try:
        yield table
        table.close()
    except BaseException:
        table.give_up()
        raise


def zip_date(seconds: float | None = None) -> tuple[int, int, int, int, int, int]:
    """A time as a ZIP can hold it: no earlier than 1980, no later than 2107.

    Args:
        seconds: since 1970; None: now, by a clock that may be wrong.
    """
    when = time.time() if seconds is None else seconds
    when = min(max(when, 0.0), _LAST_SECOND)
    return min(max(time.localtime(when)[:6], _FIRST_DATE), _LAST_DATE)


def _plain(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(
        c
        for c in text
        if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )


class _Text:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        # Excel takes a file without this mark for one in the machine's own encoding.
        self._file = path.open("w", encoding="utf-8-sig", errors="replace", newline="")
        self._writer = csv.writer(self._file)
        self.line(columns)

    def line(self, cells: Sequence[str], thumbnail: bytes | None = None) -> None:  # noqa: ARG002
        self._writer.writerow(cells)

    def close(self) -> None:
        self._file.close()

    def give_up(self) -> None:
        with suppress(OSError):
            self._file.close()


class _Workbook:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        import xlsxwriter

        plain = dict.fromkeys(("strings_to_formulas", "strings_to_urls"), False)
        options = {"constant_memory": True, "tmpdir": str(path.parent)} | plain
        self._book = xlsxwriter.Workbook(path, options)
        self._sheet = self._book.add_worksheet("results")
        self._text = self._book.add_format({"num_format": "@", "valign": "top"})
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(columns), 18, self._text)
        self._row = 0
        self._pictures = len(columns)
        self.line(columns)

    def line(self, cells: Sequence[str], thumbnail: bytes | None = None) -> None:
        if self._row > _MOST_ROWS:
            return  # a workbook has no more rows; the files are there all the same
        if thumbnail is not None:
            self._sheet.set_row_pixels(self._row, THUMBNAIL + 4)
        for column, cell in enumerate(cells):
            self._sheet.write_string(self._row, column, _plain(cell)[:32767], self._text)
        if thumbnail is not None:
            place = {"image_data": io.BytesIO(thumbnail), "x_offset": 2, "y_offset": 2}
            self._sheet.insert_image(self._row, self._pictures, "thumbnail.jpg", place)
        self._row += 1

    def close(self) -> None:
        from xlsxwriter.exceptions import FileCreateError

        try:
            self._book.close()
        except FileCreateError as error:  # it hides what went wrong
            raise error.args[0] from error

    def give_up(self) -> None:
        pass  # it has written its file only when it is closed


_ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_ODS_MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest manifest:version="1.2"'
    ' xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_ODS_TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)
_ODS_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content office:version="1.2"'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
    '<office:body><office:spreadsheet><table:table table:name="results">'
)
_ODS_FOOT = "</table:table></office:spreadsheet></office:body></office:document-content>"


class _OpenDocument:
    """Written as a stream: odfpy holds the whole document in memory, some 30 kB a line."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._bundle = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self._content: IO[bytes] | None = None
        try:
            self._bundle.writestr(_member("mimetype"), _ODS_TYPE, zipfile.ZIP_STORED)
            self._bundle.writestr(_member("META-INF/manifest.xml"), _ODS_MANIFEST)
            self._content = self._bundle.open(_member("content.xml"), "w", force_zip64=True)
            self._write(_ODS_HEAD)
            self.line(columns)
        except BaseException:
            self.give_up()
            raise

    def _write(self, text: str) -> None:
        assert self._content is not None
        self._content.write(text.encode())

    def line(self, cells: Sequence[str], thumbnail: bytes | None = None) -> None:  # noqa: ARG002
        self._write(f"<table:table-row>{''.join(map(_ods_cell, cells))}</table:table-row>")

    def close(self) -> None:
        self._write(_ODS_FOOT)
        assert self._content is not None
        self._content.close()
        self._bundle.close()

    def give_up(self) -> None:
        for part in (self._content, self._bundle):
            if part is not None:
                with suppress(OSError, ValueError):
                    part.close()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, zip_date())
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def _ods_cell(text: str) -> str:
    if not text:
        return "<table:table-cell/>"
    lines = "".join(f"<text:p>{_ods_text(line)}</text:p>" for line in _plain(text).split("\n"))
    return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'


def _ods_text(line: str) -> str:
    """Runs of spaces, which XML readers would take for one, are written with their number."""
    parts: Iterable[str] = escape(line).split("  ")
    return '<text:s text:c="2"/>'.join(parts)
