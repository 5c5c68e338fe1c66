"""A corrected copy of a workbook: the mended cells are other ones, and nothing else is."""

import io
import itertools
import zipfile
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

import odf.dc
import odf.number
import odf.office
import odf.opendocument
import odf.style
import odf.table
import odf.text
import openpyxl
import pytest
import python_calamine
import xlsxwriter
from PIL import Image

from engine.sheet.copy_cells import CopyJob, Write
from engine.sheet.copy_ods import copy_ods
from engine.sheet.copy_xlsx import copy_xlsx
from engine.sheet.package import with_parts
from engine.sheet.rows import SheetError
from tests.support.odd_workbooks import odd_xlsx

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")

Book: TypeAlias = Any
Page: TypeAlias = Any
RATIO = Write(3, 1, "aspect_ratio", "2:3")
WORDS = Write(4, 0, "prompt", ' a <red> & "blue"\n_x0041_ boat\x07 ')
NUMBER = Write(3, 2, "num_images", "4")
COLUMN = (Write(1, 9, "", "model"), Write(3, 9, "model", "sdxl"))
ROW = (Write(9, 0, "prompt", "a new boat"), Write(9, 2, "num_images", "3"))
EMPTY = Write(3, 3, "style", "")
WRITES = [
    (RATIO,),
    (WORDS,),
    (NUMBER,),
    COLUMN,
    ROW,
    (EMPTY,),
    (RATIO, WORDS, NUMBER, *COLUMN, *ROW),
]


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def changed_parts(before: bytes, after: bytes) -> set[str]:
    """Those whose content differs; all have the places they had."""
    old, new = parts(before), parts(after)
    assert list(old) == list(new)
    return {name for name in old if old[name] != new[name]}


def grid(data: bytes) -> dict[tuple[str, int, int], Any]:
    """Sheet, row from 1 and column from 0 → what calamine reads there."""
    book = python_calamine.load_workbook(io.BytesIO(data))
    return {
        (name, y, x): value
        for name in book.sheet_names
        for y, row in enumerate(book.get_sheet_by_name(name).to_python(skip_empty_area=False), 1)
        for x, value in enumerate(row)
        if value != ""
    }


def written(writes: tuple[Write, ...], sheet: str = "Sheet1") -> dict[tuple[str, int, int], Any]:
    found = {(sheet, each.row, each.at): each.number or each.text for each in writes}
    return {place: value for place, value in found.items() if value != ""}


def as_openpyxl(data: bytes) -> dict[tuple[str, int, int], Any]:
    """The same places → formula or value, and style, by another library."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {
        (page.title, y, x): (
            getattr(cell.value, "text", cell.value),
            cell.style_id,
        )
        for page in book.worksheets
        for y, row in enumerate(page.iter_rows(), 1)
        for x, cell in enumerate(row)
        if cell.value is not None or cell.has_style
    }


# --------------------------------------------------------------- what people have in workbooks


def chart(book: Book, page: Page) -> None:
    drawn = book.add_chart({"type": "column"})
    drawn.add_series({"values": "=Sheet1!$C$2:$C$5"})
    page.insert_chart("H12", drawn)


def picture(book: Book, page: Page) -> None:
    data = io.BytesIO()
    Image.new("RGB", (4, 4)).save(data, "PNG")
    page.insert_image("H2", "a.png", {"image_data": data})


def rich_text(book: Book, page: Page) -> None:
    page.write_rich_string("F3", "plain ", book.add_format({"bold": True}), "bold")


def styled(book: Book, page: Page) -> None:
    page.set_column("A:A", 50, book.add_format({"bg_color": "#FFEE00"}))
    page.set_row(4, 30, book.add_format({"italic": True}))
    page.write("B3", 0.0854, book.add_format({"num_format": "h:mm", "bold": True}))
    page.write("C3", 0.5, book.add_format({"num_format": "0%", "bold": True}))


def formulas(book: Book, page: Page) -> None:
    for row in range(2, 6):
        page.write_formula(f"G{row}", f"=C{row}*2", None, row * 2)
    page.write_formula("C3", "=1+1", None, 2)
    book.worksheets()[1].write_formula("A1", "=SUM(Sheet1!C2:C5)", None, 10)


def tall_cell(book: Book, page: Page) -> None:
    page.merge_range("F2:G5", "over four rows")


FEATURES: dict[str, Callable[[Book, Page], object]] = {
    "nothing": lambda book, page: None,
    "chart": chart,
    "picture": picture,
    "rich text": rich_text,
    "styles": styled,
    "formulas": formulas,
    "merged": tall_cell,
    "drop-down of another sheet": lambda book, page: page.data_validation(
        "B2:B99", {"validate": "list", "source": "=Lists!$A$2:$A$9"}
    ),
    "drop-down": lambda book, page: page.data_validation(
        "D2:D9", {"validate": "list", "source": ["auto", "anime"]}
    ),
    "conditional format": lambda book, page: page.conditional_format(
        "C2:C9", {"type": "data_bar", "data_bar_2010": True}
    ),
    "comment": lambda book, page: page.write_comment("B3", "which?"),
    "table": lambda book, page: page.add_table(
        "F11:G13", {"columns": [{"header": "x"}, {"header": "y"}]}
    ),
    "defined name": lambda book, page: book.define_name("All", "=Sheet1!$A$1:$D$5"),
    "sparkline": lambda book, page: page.add_sparkline("F2", {"range": "Sheet1!C2:C5"}),
    "text box": lambda book, page: page.insert_textbox("H2", "do not forget"),
    "button": lambda book, page: page.insert_button("H2", {"caption": "Go"}),
    "link": lambda book, page: page.write_url("F4", "https://example.org", None, "see"),
    "hidden sheet": lambda book, page: book.worksheets()[1].hide(),
    "filter": lambda book, page: page.autofilter("A1:D5"),
    "protected": lambda book, page: page.protect("secret"),
    "panes": lambda book, page: page.freeze_panes(1, 1),
    "odd text": lambda book, page: page.write_string("F3", "_x0041_ and _x000D_"),
    "digits": lambda book, page: page.write_number("F3", 0.30000000000000004),
    "array": lambda book, page: page.write_array_formula("F2:F3", "{=C2:C3*2}", None, 2),
    "header": lambda book, page: page.set_header("&LPrompts"),
    "properties": lambda book, page: book.set_custom_property("Checked", True),
}


def xlsx(*features: str) -> bytes:
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True})
    page = book.add_worksheet("Sheet1")
    book.add_worksheet("Lists").write_column("A2", ["16:9", "2:3"])
    page.write_row(0, 0, ["prompt", "aspect_ratio", "num_images", "style"])
    for row in range(1, 5):
        page.write_row(row, 0, [f"a boat {row}", "7:77", row, "auto"])
    for feature in features:
        FEATURES[feature](book, page)
    book.close()
    return data.getvalue()


def holds(before: bytes, writes: tuple[Write, ...], *, may: Collection[str] = ()) -> bytes:
    """Make the copy; that its mended cells are new, and all else as before, by two libraries."""
    after, notes = copy_xlsx(before, CopyJob("Sheet1", writes, ()))
    assert not notes
    assert changed_parts(before, after) <= {"xl/worksheets/sheet1.xml", *may}
    mended = {("Sheet1", each.row, each.at) for each in writes}
    wanted = {place: v for place, v in grid(before).items() if place not in mended}
    assert grid(after) == wanted | written(writes)
    old, new = as_openpyxl(before), as_openpyxl(after)
    assert {p: v for p, v in new.items() if p not in mended} == {
        p: v for p, v in old.items() if p not in mended
    }
    for place in mended & old.keys():
        assert place not in new or new[place][1] == old[place][1], "its style"
    return after


@pytest.mark.parametrize("feature", FEATURES)
def test_all_but_the_mended_cells_of_an_xlsx_stays(feature: str) -> None:
    before = xlsx(feature)
    may = {"xl/workbook.xml"} if feature in ("formulas", "array") else set[str]()
    for writes in WRITES:
        if feature == "styles" and NUMBER in writes:
            continue  # what becomes of a number in a cell of percents: below
        holds(before, writes, may=may)


def test_all_but_the_mended_cells_of_an_xlsx_with_several_things_stays() -> None:
    for some in itertools.combinations(["chart", "comment", "link", "merged", "picture"], 3):
        holds(xlsx(*some, "rich text", "drop-down", "sparkline"), WRITES[-1])


def test_the_bytes_of_other_parts_are_not_packed_anew() -> None:
    before = xlsx("chart", "picture")
    after, _ = copy_xlsx(before, CopyJob("Sheet1", [RATIO], ()))
    start = before.index(b"xl/worksheets/sheet1.xml") - 30
    assert after[:start] == before[:start]
    with (
        zipfile.ZipFile(io.BytesIO(before)) as old,
        zipfile.ZipFile(io.BytesIO(after)) as new,
    ):
        for one, other in zip(old.infolist(), new.infolist(), strict=True):
            assert (one.filename, one.date_time) == (other.filename, other.date_time)
            assert "sheet1.xml" in one.filename or one.compress_size == other.compress_size


def test_a_part_can_be_taken_out_and_sizes_may_stand_behind_parts() -> None:
    class Unseekable(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, some: Any) -> int:
            self.data += bytes(some)
            return len(some)

    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", "b", "c"):
            with archive.open(name, "w", force_zip64=True) as part:
                part.write(name.encode() * 500)
    assert parts(with_parts(bytes(stream.data), {"b": b"new", "a": None})) == {
        "b": b"new",
        "c": b"c" * 500,
    }


def test_a_number_in_a_date_or_percent_cell_does_not_become_one() -> None:
    after, _ = copy_xlsx(xlsx("styles"), CopyJob("Sheet1", [NUMBER, RATIO], ()))
    assert grid(after)["Sheet1", 3, 2] == "4"
    assert grid(after)["Sheet1", 3, 1] == "2:3"


def test_formulas_keep_their_results_and_are_calculated_on_opening() -> None:
    before = xlsx("formulas")
    after = holds(before, (RATIO,), may={"xl/workbook.xml"})
    assert grid(after)["Sheet1", 2, 6] == 4
    assert openpyxl.load_workbook(io.BytesIO(after)).calculation.fullCalcOnLoad
    old, new = parts(before)["xl/workbook.xml"], parts(after)["xl/workbook.xml"]
    assert new.replace(b' fullCalcOnLoad="1"', b"") == old.replace(b' fullCalcOnLoad="1"', b"")


SHARED = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>prompt</t></is></c></row>'
    '<row r="2"><c r="A2"><f t="shared" ref="A2:A4" si="0">B2*$C$1&amp;"&lt;"</f><v>1</v></c></row>'
    '<row r="3"><c r="A3"><f t="shared" si="0"/><v>2</v></c></row>'
    '<row r="4"><c r="A4"><f t="shared" si="0"/><v>3</v></c></row>'
)


def test_formulas_that_stand_on_the_one_of_a_mended_cell_stand_alone() -> None:
    after, _ = copy_xlsx(odd_xlsx(SHARED), CopyJob("Sheet1", [Write(2, 0, "prompt", "a")], ()))
    new = as_openpyxl(after)
    assert [new["Sheet1", row, 0][0] for row in (2, 3, 4)] == ["a", '=B3*$C$1&"<"', '=B4*$C$1&"<"']
    assert grid(after)["Sheet1", 4, 0] == 3


def test_a_formula_for_several_cells_gives_way_to_its_results_and_that_is_said() -> None:
    rows = (
        '<row r="2"><c r="A2"><f t="array" ref="A2:A3">B2:B3</f><v>1</v></c></row>'
        '<row r="3"><c r="A3"><v>2</v></c></row>'
    )
    after, notes = copy_xlsx(odd_xlsx(rows), CopyJob("Sheet1", [Write(3, 0, "prompt", "a")], ()))
    assert as_openpyxl(after)["Sheet1", 2, 0][0] == 1
    assert notes == ["The formula that fills A2:A3 is replaced with its results."]


def test_the_order_of_calculation_forgets_a_cell_that_has_no_formula_any_more() -> None:
    """Excel takes one that it names for damage, and an empty order too."""
    rows = (
        '<row r="2"><c r="A2"><f>1</f><v>1</v></c><c r="B2"><f>1</f><v>1</v></c></row>'
        '<row r="3"><c r="B3"><f>2</f><v>2</v></c></row>'
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    chain = f'<calcChain xmlns="{main}"><c r="A2" i="1"/><c r="B2"/><c r="B3" i="1"/></calcChain>'
    before = odd_xlsx(rows, calcChain=chain)
    after, _ = copy_xlsx(before, CopyJob("Sheet1", [Write(2, 0, "prompt", "a")], ()))
    assert parts(after)["xl/calcChain.xml"].decode().count("<c ") == 2
    assert b'<c r="B2" i="1"/>' in parts(after)["xl/calcChain.xml"]
    all_of_them = [Write(2, 0, "", "a"), Write(2, 1, "", "b"), Write(3, 1, "", "c")]
    after, _ = copy_xlsx(before, CopyJob("Sheet1", all_of_them, ()))
    assert "xl/calcChain.xml" not in parts(after)
    assert not any(b"calcChain" in part for part in parts(after).values())


@pytest.mark.parametrize(
    "rows",
    [
        "<row><c><v>1</v></c><c/><c><v>3</v></c></row><row/><row><c><v>7</v></c></row>",
        '<row r="2" spans="1:1"><c r="A2"><v>1</v></c></row><row r="7" hidden="1"/>',
        '<row r="3"><c r="C3"><v>1</v></c></row><!-- <row r="4"><c r="A4"/></row> -->',
    ],
)
@pytest.mark.parametrize("how", ["plain", "prefix", "strict", "utf-16", "backslashes", "capitals"])
def test_rows_and_packages_of_odd_programs_are_mended_where_they_lie(rows: str, how: str) -> None:
    before = odd_xlsx(rows, how=how)
    writes = (RATIO, WORDS, NUMBER, *COLUMN, *ROW)
    after, _ = copy_xlsx(before, CopyJob("Sheet1", writes, ()))
    assert len(changed_parts(before, after)) == 1
    if how != "utf-16":  # which calamine does not read
        mended = {("Sheet1", each.row, each.at) for each in writes}
        kept = {place: v for place, v in odd_grid(before).items() if place not in mended}
        assert odd_grid(after) == kept | written(writes)


def odd_grid(data: bytes) -> dict[tuple[str, int, int], Any]:
    from engine.sheet.xlsx_plain import plain_xlsx

    return grid(plain_xlsx(data))


def test_a_row_that_is_left_out_is_emptied_where_it_stands() -> None:
    before = xlsx("styles", "formulas")
    after, _ = copy_xlsx(before, CopyJob("Sheet1", (), {3}))
    assert grid(after) == {
        place: v for place, v in grid(before).items() if place[:2] != ("Sheet1", 3)
    }
    assert as_openpyxl(after)["Sheet1", 3, 1] == (None, as_openpyxl(before)["Sheet1", 3, 1][1])


def test_a_row_above_a_list_of_prompts_takes_merged_and_validated_cells_along() -> None:
    before = xlsx("drop-down", "merged", "filter", "panes")
    before, _ = copy_xlsx(before, CopyJob("Sheet1", [Write(1, 0, "", "a boat")], ()))
    book = openpyxl.load_workbook(io.BytesIO(before))
    assert book.defined_names is not None
    with pytest.raises(SheetError, match=r"\.csv"):  # the filter has a name of its own
        copy_xlsx(before, CopyJob("Sheet1", [Write(1, 0, "", "prompt")], (), above=True))
    before = xlsx("drop-down", "merged", "panes")
    with pytest.raises(SheetError, match=r"\.csv"):  # its list is a formula
        copy_xlsx(before, CopyJob("Sheet1", [Write(1, 0, "", "prompt")], (), above=True))
    before = xlsx("merged", "panes")
    after, _ = copy_xlsx(before, CopyJob("Sheet1", [Write(1, 0, "", "prompt")], (), above=True))
    page = openpyxl.load_workbook(io.BytesIO(after)).worksheets[0]
    assert [str(area) for area in page.merged_cells.ranges] == ["F3:G6"]
    assert {(n, y + 1, x): v for (n, y, x), v in grid(before).items() if n == "Sheet1"} | {
        ("Sheet1", 1, 0): "prompt"
    } == {place: v for place, v in grid(after).items() if place[0] == "Sheet1"}


def test_a_column_of_a_table_is_not_renamed_behind_its_back() -> None:
    with pytest.raises(SheetError, match=r"Column F belongs to a spreadsheet table.*\.csv"):
        copy_xlsx(xlsx("table"), CopyJob("Sheet1", [Write(11, 5, "", "prompt")], ()))


def test_entities_of_its_own_stop_a_copy() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "lol">]>'
    with pytest.raises(SheetError, match="entities"):
        copy_xlsx(odd_xlsx("<row/>", before=bomb), CopyJob("Sheet1", [RATIO], ()))


# ------------------------------------------------------------------------------------- ods


def ods(*, formula: bool = False) -> bytes:
    """As LibreOffice writes: repeats once, styles by maps, a note, validity, a merged cell."""
    book = odf.opendocument.OpenDocumentSpreadsheet()
    negative = odf.number.NumberStyle(name="N1P0", volatile="true")
    negative.addElement(odf.number.Number(minintegerdigits=1))
    positive = odf.number.NumberStyle(name="N1")
    positive.addElement(odf.number.Number(minintegerdigits=1))
    positive.addElement(odf.style.Map(condition="value()>=0", applystylename="N1P0"))
    look = odf.style.Style(name="ce1", family="table-cell", datastylename="N1")
    for each in (negative, positive, look):
        book.automaticstyles.addElement(each)
    validity = odf.table.ContentValidations()
    validity.addElement(odf.table.ContentValidation(name="val1", condition="of:cell-content()>0"))
    book.spreadsheet.addElement(validity)
    for name in ("Sheet1", "Lists & more"):
        sheet = odf.table.Table(name=name)
        group = odf.table.TableHeaderRows()
        sheet.addElement(group)
        group.addElement(line(["prompt", "aspect_ratio", "num_images", "style"]))
        sheet.addElement(line(["a  boat", "7:77", "1", "auto"], numberrowsrepeated=2))
        noted = line(["a cat", "7:77", "1", "auto"])
        note = odf.office.Annotation()
        note.addElement(odf.dc.Date(text="2024-01-01T00:00:00"))
        note.addElement(odf.text.P(text="which?"))
        noted.childNodes[0].addElement(note)
        sheet.addElement(noted)
        number = odf.table.TableRow()
        number.addElement(odf.table.TableCell(numbercolumnsrepeated=2, stylename="ce1"))
        more = {"formula": "of:=0.1+0.2"} if formula else {}
        number.addElement(
            odf.table.TableCell(
                valuetype="float", value="0.30000000000000004", stylename="ce1", **more
            )
        )
        number.addElement(odf.table.TableCell(numbercolumnsrepeated=1021))
        sheet.addElement(number)
        rest = odf.table.TableRow(numberrowsrepeated=1048571)
        rest.addElement(odf.table.TableCell(numbercolumnsrepeated=1024))
        sheet.addElement(rest)
        book.spreadsheet.addElement(sheet)
    book.addPicture("a.bin", content=bytes(range(256)))
    data = io.BytesIO()
    book.write(data)
    return data.getvalue()


def line(words: list[str], **more: Any) -> Any:
    row = odf.table.TableRow(**more)
    for word in words:
        cell = odf.table.TableCell(valuetype="string", contentvalidationname="val1")
        cell.addElement(odf.text.P(text=word))
        row.addElement(cell)
    return row


@pytest.mark.parametrize("writes", WRITES)
def test_all_but_the_mended_cells_of_an_ods_stays(writes: tuple[Write, ...]) -> None:
    before = ods(formula=True)
    after, _ = copy_ods(before, CopyJob("Sheet1", writes, ()))
    assert changed_parts(before, after) == {"content.xml"}
    with zipfile.ZipFile(io.BytesIO(after)) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    mended = {("Sheet1", each.row, each.at) for each in writes}
    kept = {place: v for place, v in grid(before).items() if place not in mended}
    said = {place: clean_ods(v) for place, v in written(writes).items()}
    assert grid(after) == kept | said
    old, new = parts(before)["content.xml"], parts(after)["content.xml"]
    for marked in (b"<office:annotation", b"<style:map", b"of:=0.1+0.2", b"30000000000000004"):
        assert old.count(marked) == new.count(marked)
    other = b'table:name="Lists &amp; more"'
    assert new[new.index(other) :] == old[old.index(other) :]
    assert new[: new.index(b"<office:body")] == old[: old.index(b"<office:body")]


def clean_ods(value: Any) -> Any:
    return value.replace("\x07", "") if isinstance(value, str) else value


def test_a_row_of_an_ods_that_is_left_out_is_emptied_where_it_stands() -> None:
    before = ods()
    after, _ = copy_ods(before, CopyJob("Sheet1", (), {3}))
    assert grid(after) == {
        place: v for place, v in grid(before).items() if place[:2] != ("Sheet1", 3)
    }
