"""XML edited where it lies: the bytes between two edits stay as they are."""

import re
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from engine.sheet.rows import SheetError

_ATTRIBUTE = re.compile(rb"""\s([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")
_DECLARATION = re.compile(r"\ufeff?<\?xml\s[^>]*\?>")
_ENCODING = re.compile(rb"""\s*<\?xml\s[^>]*?encoding=["']([\w.-]+)["']""")


class XmlTag(NamedTuple):
    """A tag as it lies in the XML."""

    start: int
    end: int
    closes: bool
    name: bytes
    """With its prefix."""
    inside: bytes
    """What follows the name, up to the end of the tag."""

    @property
    def local(self) -> bytes:
        """The name without a prefix."""
        return self.name.rpartition(b":")[2]

    @property
    def prefix(self) -> bytes:
        """The name's prefix, with its colon."""
        return self.name[: -len(self.local)]

    @property
    def is_empty(self) -> bool:
        """Whether it is start and end in one."""
        return self.inside.endswith(b"/")

    @property
    def attributes(self) -> dict[bytes, bytes]:
        """Its attributes, as they are written."""
        return {name: value[1:-1] for name, value in _ATTRIBUTE.findall(self.inside)}

    def value(self, local: bytes) -> bytes | None:
        """An attribute, whatever its prefix."""
        found = self.attributes.items()
        return next((v for name, v in found if name.rpartition(b":")[2] == local), None)

    @property
    def raw(self) -> bytes:
        """It as XML."""
        return b"<%s%s%s>" % (b"/" if self.closes else b"", self.name, self.inside)

    def having(self, name: bytes, value: str | None) -> "XmlTag":
        """It with an attribute of that whole name set, or without it (None)."""
        inside = b"".join(
            found[0] for found in _ATTRIBUTE.finditer(self.inside) if found[1] != name
        )
        if value is not None:
            inside += b" %s=%s" % (name, quoteattr(value).encode())
        return self._replace(inside=inside + (b"/" if self.is_empty else b""))

    def without(self, locals_: Container[bytes]) -> "XmlTag":
        """It without some attributes, whatever their prefixes."""
        tag = self
        for name in self.attributes:
            if name.rpartition(b":")[2] in locals_:
                tag = tag.having(name, None)
        return tag

    def around(self, inner: bytes) -> bytes:
        """An element with this tag: empty where nothing is in it."""
        inside = self.inside.removesuffix(b"/")
        if not inner:
            return self._replace(inside=inside + b"/").raw
        return self._replace(inside=inside).raw + inner + b"</%s>" % self.name


class XmlTags:
    """Finds the tags of some names, wherever they are in well-formed XML."""

    def __init__(self, *names: str) -> None:
        wanted = "|".join(map(re.escape, names)).encode()
        # An unescaped < begins nothing but a tag, outside of these three.
        self._pattern = re.compile(
            rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
            rb"|<(/?)((?:[^\s<>/:!?]+:)?(?:" + wanted + rb"))(?=[\s/>])"
            rb"""([^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*)>""",
            re.DOTALL,
        )

    def of(self, xml: bytes, start: int = 0, end: int | None = None) -> Iterator[XmlTag]:
        """Each tag between two places."""
        for found in self._pattern.finditer(xml, start, len(xml) if end is None else end):
            if found[2] is not None:
                yield XmlTag(found.start(), found.end(), found[1] == b"/", found[2], found[3])

    def elements(self, xml: bytes, start: int = 0, end: int | None = None) -> Iterator["Element"]:
        """Each outermost element between two places."""
        depth, first = 0, None
        for tag in self.of(xml, start, end):
            if tag.closes:
                depth -= 1
            if depth == 0 and first is None:
                first = tag
            if not tag.closes and not tag.is_empty:
                depth += 1
            elif depth == 0 and first is not None:
                yield Element(first, tag.start if tag.closes else tag.end, tag.end)
                first = None


class Element(NamedTuple):
    """An element as it lies in the XML."""

    tag: XmlTag
    inner_end: int
    """Where what is in it ends."""
    end: int


class Edit(NamedTuple):
    """What is put in the place of some bytes."""

    start: int
    end: int
    new: bytes


def edited(xml: bytes, edits: Iterable[Edit]) -> bytes:
    """The XML with edits that do not overlap; at one place they come in their order."""
    out, done = [], 0
    for edit in sorted(edits, key=lambda edit: edit[:2]):
        out += [xml[done : edit.start], edit.new]
        done = edit.end
    return b"".join([*out, xml[done:]])


def utf8(xml: bytes) -> bytes:
    """The XML in UTF-8; the same bytes where it is that."""
    if xml[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif declared := _ENCODING.match(xml):
        encoding = declared[1].decode()
    else:
        return xml
    if encoding.lower() in ("utf-8", "utf8", "us-ascii", "ascii"):
        return xml
    try:
        text = xml.decode(encoding)
    except LookupError:
        return xml
    return _DECLARATION.sub("", text, count=1).encode()


def sound(xml: bytes) -> bytes:
    """Well-formed XML in UTF-8, without declarations of its own.

    Raises:
        SheetError: it is not, or declares entities, which no spreadsheet program writes.
    """
    xml = utf8(xml)
    parser = expat.ParserCreate("utf-8")

    def refuse(*_: object) -> None:
        raise SheetError("The file declares entities of its own, which no workbook needs.")

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise SheetError(
            f"Part of the file is damaged ({error}), so it cannot be copied as it is. Choose a"
            " name ending in .csv to save only the values."
        ) from error
    return xml


def escaped(text: str) -> bytes:
    """Text as it stands between tags."""
    return escape(text).encode("utf-8", "replace")
