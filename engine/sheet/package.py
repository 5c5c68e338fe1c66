"""A workbook's file as a package: where its parts are, and the package with some rewritten."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from posixpath import dirname, join, normpath
from typing import NamedTuple
from xml.etree import ElementTree

_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_END = struct.Struct("<4s4H2IH")
_SIZES_FOLLOW = 0x8
"""The flag of a part whose sizes stand behind it."""
_FULL = 0xFFFFFFFF
_ZIP64 = 1


class Relation(NamedTuple):
    """A part's reference to another."""

    id: str
    kind: str
    """The last piece of its type, such as `worksheet`."""
    target: str
    """The name as it is written."""
    part: str
    """The name under which the other is stored; empty: there is none."""


@dataclass(frozen=True)
class Package:
    """An xlsx or ods file.

    Names are found whatever their capitals and slashes, as spreadsheet programs find them.
    """

    data: bytes
    archive: zipfile.ZipFile = field(init=False)
    _names: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        archive = zipfile.ZipFile(io.BytesIO(self.data))
        object.__setattr__(self, "archive", archive)
        names = {plain_name(name): name for name in reversed(archive.namelist())}
        object.__setattr__(self, "_names", names)

    def stored(self, name: str) -> str:
        """The name under which a part is stored; empty: it is not there."""
        return self._names.get(plain_name(name), "")

    def read(self, name: str) -> bytes:
        """A part's content.

        Raises:
            KeyError: it is not there.
        """
        return self.archive.read(self.stored(name) or name)

    def relations(self, part: str) -> list[Relation]:
        """What a part refers to within the package; of "" what the package itself does."""
        folder, stored = folder_of(part), self.relations_part(part)
        if not stored:
            return []
        return [
            Relation(
                each.get("Id", ""),
                each.get("Type", "").rpartition("/")[2],
                target := each.get("Target", ""),
                self.stored(normpath(join("/", folder, target.replace("\\", "/")))),
            )
            for each in ElementTree.fromstring(self.read(stored))
            if each.get("TargetMode") != "External"
        ]

    def relations_part(self, part: str) -> str:
        """The part that holds the relations of another; empty: there is none."""
        folder, _, name = part.replace("\\", "/").rpartition("/")
        return self.stored(join(folder, "_rels", f"{name}.rels"))

    def related(self, part: str, kind: str) -> str:
        """The first part of a kind that another refers to; empty: none."""
        found = self.relations(part)
        return next((each.part for each in found if each.kind == kind and each.part), "")

    @property
    def workbook(self) -> str:
        """The part of an xlsx file that lists the worksheets."""
        return self.related("", "officeDocument") or self.stored("xl/workbook.xml")

    def worksheet(self, name: str) -> tuple[str, str]:
        """Part and id of an xlsx worksheet.

        Raises:
            LookupError: there is none, or it has no part.
        """
        for element in ElementTree.fromstring(self.read(self.workbook)).iter():
            if element.tag.rpartition("}")[2] == "sheet" and element.get("name") == name:
                wanted = [value for key, value in element.items() if key.endswith("}id")]
                for each in self.relations(self.workbook):
                    if each.id in wanted and each.part:
                        return each.part, element.get("sheetId", "")
        raise LookupError(name)


def plain_name(name: str) -> str:
    """A part's name as all ways to write it have in common."""
    return normpath(name.replace("\\", "/")).lstrip("/").lower()


def folder_of(part: str) -> str:
    """The folder of a part."""
    return dirname(part.replace("\\", "/"))


def with_parts(data: bytes, changed: Mapping[str, bytes | None]) -> bytes:
    """The package with some parts rewritten, or without them (None).

    Every other byte stays as it is: the others' order, packing, dates and names.

    Args:
        data: a zip file of less than 4 GiB.
        changed: the parts' names as they are stored.

    Raises:
        ValueError: its directory cannot be followed.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos, start, comment = archive.infolist(), archive.start_dir, archive.comment
    records = list(_central_records(data, start, len(infos)))
    bounds = sorted({*(info.header_offset for info in infos), start})
    following = dict(pairwise(bounds))
    out = io.BytesIO()
    done = 0
    moved: dict[int, int] = {}  # a record's place before → now
    written: dict[int, tuple[int, int, int]] = {}  # place before → method, crc, packed and not
    sizes: dict[int, int] = {}
    for info in sorted(infos, key=lambda info: info.header_offset):
        at = info.header_offset
        if at in moved:
            continue  # named twice in the directory
        out.write(data[done:at])
        done = at
        moved[at] = out.tell()
        if info.filename not in changed:
            continue
        done = following[at]
        body = changed[info.filename]
        if body is None:
            continue
        method = 0 if info.compress_type == 0 else zipfile.ZIP_DEFLATED
        packed = _packed(body) if method else body
        crc = zlib.crc32(body)
        written[at], sizes[at] = (method, crc, len(packed)), len(body)
        _, version, flags, _, time, date, *_, name_size, _ = _LOCAL.unpack_from(data, at)
        name = data[at + _LOCAL.size : at + _LOCAL.size + name_size]
        flags &= ~_SIZES_FOLLOW
        head = (b"PK\3\4", version, flags, method, time, date, crc, len(packed), len(body))
        out.write(_LOCAL.pack(*head, name_size, 0) + name + packed)
    out.write(data[done:start])
    directory, count = out.tell(), 0
    for info, record in zip(infos, records, strict=True):
        at = info.header_offset
        if info.filename in changed and changed[info.filename] is None:
            continue
        count += 1
        fields = list(_CENTRAL.unpack_from(record))
        name_size, extra_size = fields[10], fields[11]
        rest = record[_CENTRAL.size :]
        name, extra, note = (
            rest[:name_size],
            rest[name_size : name_size + extra_size],
            rest[name_size + extra_size :],
        )
        if at in written:
            fields[3] &= ~_SIZES_FOLLOW
            fields[4], fields[7], fields[8] = written[at]
            fields[9] = sizes[at]
            extra = _without_zip64(extra)
        elif _FULL in (fields[8], fields[9], fields[16]):
            fields[8], fields[9] = info.compress_size, info.file_size
            extra = _without_zip64(extra)
        fields[11], fields[16] = len(extra), moved[at]
        out.write(_CENTRAL.pack(*fields) + name + extra + note)
    size = out.tell() - directory
    out.write(_END.pack(b"PK\5\6", 0, 0, count, count, size, directory, len(comment)) + comment)
    return out.getvalue()


def _central_records(data: bytes, at: int, count: int) -> Iterator[bytes]:
    for _ in range(count):
        fields = _CENTRAL.unpack_from(data, at)
        if fields[0] != b"PK\1\2":
            raise ValueError("The zip directory is damaged.")
        end = at + _CENTRAL.size + sum(fields[10:13])
        yield data[at:end]
        at = end


def _packed(body: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(body) + packing.flush()


def _without_zip64(extra: bytes) -> bytes:
    kept, at = b"", 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind != _ZIP64:
            kept += extra[at : at + 4 + size]
        at += 4 + size
    return kept
