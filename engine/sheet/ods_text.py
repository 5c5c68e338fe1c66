"""What calamine does not read of ods files, written so that it does."""

import html
import io
import re
import zipfile

_MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"
_CONTENT = "content.xml"
_LINE_BREAK = re.compile(rb"<text:line-break\s*/>|<text:line-break\s*></text:line-break>")
_TAB = re.compile(rb"<text:tab(?:\s[^>]*)?/>|<text:tab(?:\s[^>]*)?></text:tab>")
_CDATA = re.compile(rb"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_LAYOUT = re.compile(rb">\s+(?=</?(?:table:|office:|calcext:)|<text:p[\s/>])")
"""White space between elements that hold no text."""


def readable_ods(data: bytes) -> bytes | None:
    """An ods file with the same cells that calamine reads whole; None: it reads this one.

    Line breaks and tabs are elements that it leaves out, white space between cells and a missing
    entry for the kind of file make it refuse.

    Raises:
        zipfile.BadZipFile, KeyError, and what else zipfile raises on a damaged file.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        xml = archive.read(_CONTENT)
        written = _CDATA.sub(lambda found: html.escape(found[1].decode()).encode(), xml)
        if b"<text:line-break" in written or b"<text:tab" in written:
            written = _TAB.sub(b"\t", _LINE_BREAK.sub(b"\n", written))
        written = _LAYOUT.sub(b">", written)
        if written == xml and "mimetype" in archive.namelist():
            return None
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as new:
            new.writestr("mimetype", _MIMETYPE)
            new.writestr(_CONTENT, written)
            new.writestr("META-INF/manifest.xml", archive.read("META-INF/manifest.xml"))
    return out.getvalue()
