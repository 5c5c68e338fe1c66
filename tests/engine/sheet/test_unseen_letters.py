"""Letters nobody sees, and the breaks and blanks of ods files."""

import io
import zipfile
from pathlib import Path

import pytest

from engine.sheet.check import check_table
from engine.sheet.delimited import records
from engine.sheet.encodings import decode
from engine.sheet.ods_text import readable_ods
from engine.sheet.read import read_table
from engine.sheet.rows import Severity
from tests.support.sheets import VOCABULARY, check, check_cell, severities

SPACE = "urn:oasis:names:tc:opendocument:xmlns"


def ods(path: Path, rows: str, *, mimetype: bool = True) -> Path:
    content = (
        f'<office:document-content xmlns:office="{SPACE}:office:1.0" '
        f'xmlns:table="{SPACE}:table:1.0" xmlns:text="{SPACE}:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="A">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return path


def row(*cells: str, between: str = "") -> str:
    each = (f'<table:table-cell office:value-type="string">{c}</table:table-cell>' for c in cells)
    return f"<table:table-row>{between}{between.join(each)}{between}</table:table-row>{between}"


def test_marks_of_the_byte_order_may_come_twice() -> None:
    twice = "\ufeff\ufeffprompt\na red boat\n"
    for encoding in ("utf-8", "utf-16", "utf-16-le"):
        assert next(records(decode(twice.encode(encoding)).text)) == ["prompt"]


def test_letters_nobody_sees_around_a_header_do_not_hide_it() -> None:
    sheet = check(("\u200bprompt\u200b", "\ufeff“style”\u00a0"), ("a", "anime"))
    assert [r.values.style for r in sheet.ready if r.values] == ["anime"]
    assert severities(sheet.problems) == [Severity.REPAIRED] * 2


@pytest.mark.parametrize("mark", ["\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\v\f"])
def test_breaks_of_other_kinds_part_words(mark: str) -> None:
    found, problems = check_cell("prompt", f"a red boat{mark}at night")
    assert found.cells["prompt"] == "a red boat at night"
    assert severities(problems) == [Severity.REPAIRED]


def test_a_stray_nul_is_a_fault_of_its_cell() -> None:
    text = decode(b"prompt,style\na red\0 boat,anime\na hill,3d\n").text
    header, *rows = records(text)
    sheet = check(header, *rows, sheet=None)
    assert [r.number for r in sheet.ready] == [3]
    assert sheet.problems[0].suggestions == ("a red boat",)


def test_ods_line_breaks_tabs_and_sections_of_text_stay_in_their_cells(tmp_path: Path) -> None:
    path = ods(
        tmp_path / "a.ods",
        row("<text:p>prompt</text:p>", "<text:p>Note</text:p>")
        + row(
            "<text:p>a red <text:span>boat<text:line-break/>at</text:span> night</text:p>",
            '<text:p>cat<text:tab text:tab-ref="1"/>dog</text:p>',
        )
        + row("<text:p>x<![CDATA[ <z> & y]]></text:p>", "<text:p>1</text:p>"),
    )
    assert [list(line.cells) for line in read_table(path).lines] == [
        ["a red boat\nat night", "cat\tdog"],
        ["x <z> & y", "1"],
    ]


def test_ods_with_white_space_between_cells_or_no_mimetype_is_read(tmp_path: Path) -> None:
    path = ods(
        tmp_path / "a.ods",
        "\n  "
        + row("<text:p>prompt</text:p>", between="\n    ")
        + row("\n<text:p>a <text:span>b</text:span> c</text:p>\n", between="\n    "),
        mimetype=False,
    )
    sheet = check_table(read_table(path), VOCABULARY)
    assert [r.cells["prompt"] for r in sheet.ready] == ["a b c"]


def test_an_ods_that_is_read_as_it_is_is_not_written_anew(tmp_path: Path) -> None:
    path = ods(tmp_path / "a.ods", row("<text:p>prompt</text:p>"))
    assert readable_ods(path.read_bytes()) is None
    assert zipfile.is_zipfile(io.BytesIO(path.read_bytes()))
