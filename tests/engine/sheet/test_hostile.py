"""Files that are no sheets, damaged, or made to harm: a plain message each, and soon."""

import contextlib
import io
import os
import resource
import struct
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msoffcrypto.format.ooxml
import openpyxl
import psutil
import pytest

from engine.sheet.check import check_table
from engine.sheet.read import Limits, read_table
from engine.sheet.rows import Severity, SheetError
from tests.support.command import Promptsheet
from tests.support.sheets import VOCABULARY, write_csv, write_xlsx

pytestmark = pytest.mark.slow

in_earnest = pytest.mark.usefixtures("in_earnest")
"""Where the time and memory that reading takes are looked at."""


def cpu_seconds() -> float:
    """Of this process and its children that have ended: a busy machine adds nothing to it."""
    used = os.times()
    return sum(used[:4])


def refused(path: Path, limits: Limits | None = None) -> str:
    """The message; also that it is one plain line, in time."""
    start = cpu_seconds()
    with pytest.raises(SheetError) as caught:
        read_table(path, limits=limits)
    message = str(caught.value)
    assert cpu_seconds() - start < 20
    assert "Traceback" not in message
    assert "\n" not in message
    assert str(path.parent) not in message
    return message


def file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def rezip(source: Path, target: Path, **replaced: bytes) -> Path:
    """A copy of a zip; replaced parts are named by the last piece of their path."""
    quickly: Any = {"compression": zipfile.ZIP_DEFLATED, "compresslevel": 1}
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", **quickly) as new:
        for info in old.infolist():
            key = info.filename.rpartition("/")[2].replace(".", "_")
            new.writestr(info.filename, replaced.get(key, old.read(info)))
    return target


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a WEBP image"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"<!DOCTYPE html><html><table><tr><td>prompt</td></tr></table>", "a web page"),
        (b"\xef\xbb\xbf \n<HTML>", "a web page"),
        (b"<?xml version='1.0'?><html xmlns='x'>", "a web page"),
        (b"<?xml version='1.0'?><?mso-application progid='Excel.Sheet'?>", "Excel 2003 XML"),
        (b"<?xml version='1.0'?><a/>", "an XML file"),
        (b"\x09\x08\x08\x00\x00\x05\x05\x00", "very old version of Excel"),
        (b"prompt\na\0b\0\0\0\x01\x02", "binary data"),
        (b"prompt\n\x81\x8d\x8f\n", "binary data"),
        (b"\xff\xfep\0r\0o\0\0\xd8", "binary data"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "is not one, or is damaged"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_what_is_no_sheet_is_named_whatever_the_file_is_called(
    tmp_path: Path, data: bytes, what: str, name: str
) -> None:
    assert what in refused(file(tmp_path / name, data))


@pytest.mark.parametrize("seed", range(4))
def test_junk_is_refused(tmp_path: Path, seed: int) -> None:
    junk = bytes((i * i * (seed + 3) + i * 7) % 251 for i in range(5000))
    refused(file(tmp_path / "a.csv", junk))


@pytest.mark.parametrize(
    ("member", "what"),
    [
        ("readme.txt", "a ZIP archive"),
        ("word/document.xml", "a Word document"),
        ("xl/workbook.bin", "binary Excel workbook"),
        ("Index/Document.iwa", "Apple Numbers"),
    ],
)
def test_other_packed_files_are_named(tmp_path: Path, member: str, what: str) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "x")
    assert what in refused(path)


def test_an_encrypted_xlsx_says_what_to_do(tmp_path: Path) -> None:
    plain = write_xlsx(tmp_path / "plain.xlsx", ["prompt"], ["a"])
    path = tmp_path / "a.xlsx"
    with plain.open("rb") as source, path.open("wb") as target:
        msoffcrypto.format.ooxml.OOXMLFile(source).encrypt("secret", target)
    assert "protected by a password" in refused(path)


def test_an_encrypted_ods_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", os.urandom(300))
        archive.writestr(
            "META-INF/manifest.xml",
            "<manifest:manifest><manifest:file-entry><manifest:encryption-data/>"
            "</manifest:file-entry></manifest:manifest>",
        )
    assert "protected by a password" in refused(path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_truncated_xlsx_says_it_is_damaged(tmp_path: Path, part: float) -> None:
    whole = write_xlsx(tmp_path / "a.xlsx", ["prompt"], ["a"]).read_bytes()
    message = refused(file(tmp_path / "b.xlsx", whole[: int(len(whole) * part)]))
    assert "damaged" in message


def test_bits_flipped_anywhere_in_a_workbook_never_bring_more_than_a_refusal(
    tmp_path: Path,
) -> None:
    whole = write_xlsx(tmp_path / "a.xlsx", ["prompt", "seed_number"], ["a", 1]).read_bytes()
    for place in range(10, len(whole), len(whole) // 12):
        flipped = whole[:place] + bytes((whole[place] ^ 0xFF,)) + whole[place + 1 :]
        try:
            check_table(read_table(file(tmp_path / "b.xlsx", flipped)), VOCABULARY)
        except SheetError as error:
            assert str(error)


@in_earnest
def test_one_far_cell_cannot_take_all_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"], book.active["A2"] = "prompt", "a"
    book.active["XFD1048576"] = "far"
    book.save(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "1024 MiB" in refused(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@in_earnest
def test_a_stray_cell_says_how_many_cells_are_too_many(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"], book.active["A2"] = "prompt", "a"
    book.active["ZZ9000"] = "far"
    book.save(path)
    assert "6,318,000 cells, more than the limit of 5,000,000" in refused(path)


@in_earnest
@pytest.mark.parametrize(
    ("rows", "what"), [(1000, "memory"), (1_000_000, "more than the limit of 5,000,000")]
)
def test_an_ods_of_repeats_cannot_take_all_memory(tmp_path: Path, rows: int, what: str) -> None:
    path = tmp_path / "a.ods"
    space = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{space}:office:1.0" '
        f'xmlns:table="{space}:table:1.0" xmlns:text="{space}:text:1.0"><office:body>'
        '<office:spreadsheet><table:table table:name="A">'
        f'<table:table-row table:number-rows-repeated="{rows}">'
        '<table:table-cell table:number-columns-repeated="16384" office:value-type="string">'
        "<text:p>bomb</text:p></table:table-cell></table:table-row></table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    assert what in refused(path, Limits(memory_bytes=512 * 2**20))


@in_earnest
def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    plain = write_xlsx(tmp_path / "plain.xlsx", ["prompt"], ["a"])
    path = rezip(plain, tmp_path / "a.xlsx", theme1_xml=b"0" * 120 * 2**20)
    assert path.stat().st_size < 2**20
    assert "unpacks to 120 MiB, more than the limit of 100 MiB" in refused(path)


@in_earnest
def test_a_zip_bomb_that_declares_little_is_refused_too(tmp_path: Path) -> None:
    plain = write_xlsx(tmp_path / "plain.xlsx", ["prompt"], ["a"])
    with zipfile.ZipFile(plain) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    big = sheet.replace(b"<t>a</t>", b"<t>" + b"a" * (300 * 2**20) + b"</t>")
    data = bytearray(rezip(plain, tmp_path / "a.xlsx", sheet1_xml=big).read_bytes())
    size = struct.pack("<I", len(big))
    while (at := data.find(size)) >= 0:
        data[at : at + 4] = struct.pack("<I", 1000)
    assert refused(file(tmp_path / "b.xlsx", bytes(data)), Limits(memory_bytes=512 * 2**20))


@in_earnest
@pytest.mark.parametrize(
    "entities",
    [
        '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
        + "".join(
            f'<!ENTITY {chr(c + 1)} "{f"&{chr(c)};" * 10}">' for c in range(ord("b"), ord("k"))
        )
        + "]>",
        '<!DOCTYPE x [<!ENTITY k SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_entities_bring_neither_a_bomb_nor_anothers_file(tmp_path: Path, entities: str) -> None:
    plain = write_xlsx(tmp_path / "plain.xlsx", ["prompt"], ["a"])
    with zipfile.ZipFile(plain) as archive:
        parts = {
            name: archive.read(f"xl/{path}")
            for name, path in (
                ("sheet1_xml", "worksheets/sheet1.xml"),
                ("workbook_xml", "workbook.xml"),
            )
        }
    sheet = parts["sheet1_xml"].replace(b"<t>a</t>", b"<t>&k;</t>")
    book = parts["workbook_xml"].replace(b'name="Sheet"', b'name="&k;"')
    for number, parts in enumerate(({"sheet1_xml": sheet}, {"workbook_xml": book})):
        doctyped = {name: entities.encode() + part for name, part in parts.items()}
        path = rezip(plain, tmp_path / f"{number}.xlsx", **doctyped)
        try:
            table = read_table(path)
        except SheetError:
            continue
        assert "root:" not in str(table)
        assert len(str(table)) < 1000


@in_earnest
def test_a_time_limit_ends_the_reading(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", ["prompt"], *(["a"] for _ in range(1000)))
    start = time.monotonic()
    assert "0.001 seconds" in refused(path, Limits(seconds=0.001))
    assert time.monotonic() - start < 5


@in_earnest
def test_quote_marks_in_great_number_do_not_hang(tmp_path: Path) -> None:
    odd = b'prompt,Note\n"a"b,' + b'""' * 200_000 + b"\n" + b'"x"y,"z" w\n' * 20_000
    table = read_table(file(tmp_path / "a.csv", odd))
    assert len(table.lines) == 20_001


def test_escape_sequences_and_markup_in_cells_are_only_words(tmp_path: Path) -> None:
    words = "[red]\x1b[31m=cmd|' /C calc'!A0 {{x}} %s"
    path = write_csv(tmp_path / "a.csv", ["prompt", words], [words, words])
    table = read_table(path)
    assert table.lines[0].cells == [words, words]
    assert check_table(table, VOCABULARY).ready


@in_earnest
def test_no_error_leaves_a_child_process_behind(tmp_path: Path) -> None:
    path = file(tmp_path / "a.csv", b"\x89PNG")
    before = set(psutil.Process().children())
    for limits in (Limits(), Limits(seconds=0.001)):
        refused(path, limits)
    assert set(psutil.Process().children()) <= before


def test_a_file_of_bytes_never_decodes_into_lone_surrogates(tmp_path: Path) -> None:
    stream = io.BytesIO()
    stream.write(b"prompt\n\xed\xa0\x80\n")
    try:
        table = read_table(file(tmp_path / "a.csv", stream.getvalue()))
    except SheetError:
        return
    for line in table.lines:
        str(line.cells[0]).encode()


def test_a_stray_control_character_is_left_out_of_its_prompt_and_the_rest_is_read(
    tmp_path: Path,
) -> None:
    path = file(tmp_path / "a.csv", b"prompt,style,Note\na \x07boat\x1f,3d\x01,x\nb,,\n")
    sheet = check_table(read_table(path), VOCABULARY)
    assert [row.values.prompt for row in sheet.ready if row.values] == ["a boat", "b"]
    assert [p.column for p in sheet.problems if p.severity is Severity.REPAIRED] == [
        "prompt",
        "style",
    ]


@in_earnest
def test_more_columns_than_a_table_of_prompts_has_are_refused_at_once(tmp_path: Path) -> None:
    path = file(tmp_path / "a.csv", b"prompt" + b",x" * 500_000 + b"\na\n")
    assert "500,001 columns, more than the limit of 1,000" in refused(path)


GIANT = 95 * 2**20


@in_earnest
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (lambda: b'prompt\n"' + b"a" * (101 * 2**20) + b'"\n', "limit of 100 MiB"),
        (lambda: b'prompt\n"' + b"a" * GIANT + b'"\n', "limit"),
        (lambda: b"prompt,b\n" + b"," * GIANT, "memory"),
        (lambda: b"prompt,b\n" + b'"a"b,' * (GIANT // 500), "columns"),
        (lambda: b"prompt,b\n" + b'"a,\n' * 10_000, "Row 2: a quote mark"),
    ],
    ids=["101 MB cell", "95 MB cell", "delimiters", "odd quotes", "open quotes"],
)
def test_the_whole_command_survives_giant_text(
    promptsheet: Promptsheet, tmp_path: Path, data: Callable[[], bytes], says: str
) -> None:
    """In 20 s and 1.5 GB, its reading process counted with it."""
    path = file(tmp_path / "a.csv", data())
    seconds, most, said = watched(promptsheet, "check", path)
    assert says in said
    assert len(said) < 1000
    assert seconds < 20
    assert most < 1500 * 2**20


@in_earnest
@pytest.mark.parametrize(("size", "says"), [(200, "unpacks to 200 MiB"), (95, "limit of 10,000")])
def test_the_whole_command_survives_a_giant_cell_of_a_workbook(
    promptsheet: Promptsheet, tmp_path: Path, size: int, says: str
) -> None:
    plain = write_xlsx(tmp_path / "plain.xlsx", ["prompt"], ["a"])
    with zipfile.ZipFile(plain) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    big = sheet.replace(b"<t>a</t>", b"<t>" + b"a" * (size * 2**20) + b"</t>")
    path = rezip(plain, tmp_path / "a.xlsx", sheet1_xml=big)
    seconds, most, said = watched(promptsheet, "check", path)
    assert says in said
    assert seconds < 20
    assert most < 1500 * 2**20


def watched(promptsheet: Promptsheet, *arguments: str | Path) -> tuple[float, int, str]:
    """A processor's seconds of a command, the most memory of it and its children, what it said."""
    start, most = cpu_seconds(), 0
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with promptsheet.start(*arguments, forked=False, **pipes) as command:
        process = psutil.Process(command.pid)
        while command.poll() is None:
            with contextlib.suppress(psutil.Error):  # which looks at all processes each time
                family = (process, *process.children(recursive=True))
                most = max(most, sum(each.memory_info().rss for each in family))
            with contextlib.suppress(subprocess.TimeoutExpired):
                command.wait(0.1)
        assert command.stdout
        return cpu_seconds() - start, most, command.stdout.read()
