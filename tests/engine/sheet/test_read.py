"""Files made by the libraries people use, read back as a spreadsheet program shows them."""

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import openpyxl.utils.datetime
import pytest
import xlsxwriter
import xlwt

from engine.sheet.check import check_table
from engine.sheet.read import Limits, read_table
from engine.sheet.rows import Severity, SheetError
from engine.sheet.table import Broken, Moment
from tests.support.odd_workbooks import odd_xlsx
from tests.support.sheets import VOCABULARY, write_csv, write_xlsx
from tests.support.workbooks import make_ods


def cells(path: Path, **how: Any) -> list[tuple[int, list[Any]]]:
    return [(line.number, list(line.cells)) for line in read_table(path, **how).lines]


def text(path: Path, words: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(words.encode(encoding))
    return path


# ------------------------------------------------------------------ text files


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_by_the_known_columns(tmp_path: Path, delimiter: str) -> None:
    path = write_csv(
        tmp_path / "a.csv",
        ["prompt", "aspect_ratio"],
        ["one, two; three | four", "2:3"],
        delimiter=delimiter,
    )
    assert read_table(path).header == ("prompt", "aspect_ratio")
    assert cells(path) == [(2, ["one, two; three | four", "2:3"])]


def test_a_sep_line_names_the_delimiter_and_is_no_row(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "sep=;\r\nprompt;seed_number\r\na, b;1\r\n")
    table = read_table(path)
    assert (table.header_row, cells(path)) == (1, [(2, ["a, b", "1"])])


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_unicode_files_are_read_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    path = text(tmp_path / "a.csv", "prompt,seed_number\nein Boot für Zoë,1\n", encoding)
    table = read_table(path)
    assert table.header == ("prompt", "seed_number")
    assert table.lines[0].cells[0] == "ein Boot für Zoë"
    assert table.notes == ()


def test_a_windows_file_is_read_and_said_to_be_one(tmp_path: Path) -> None:
    table = read_table(text(tmp_path / "a.csv", "prompt\nein “Boot” für Zoë\n", "cp1252"))
    assert table.lines[0].cells[0] == "ein “Boot” für Zoë"
    assert "Windows-1252" in table.notes[0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_have_the_numbers_a_spreadsheet_program_shows(tmp_path: Path, end: str) -> None:
    words = end.join(["", "prompt,seed_number", 'two\nlines "",1', "", " , ", "last,2"])
    words = words.replace('two\nlines ""', '"two\nlines"')
    path = text(tmp_path / "a.csv", words)
    assert read_table(path).header_row == 2
    assert cells(path) == [(3, ["two\nlines", "1"]), (6, ["last", "2"])]


def test_commas_in_a_file_of_one_column_belong_to_the_prompt(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", 'prompt\na, b\n"c, d"\nhe said, "Go!"\n')
    assert cells(path) == [(2, ["a, b"]), (3, ["c, d"]), (4, ['he said, "Go!"'])]


def test_quote_marks_that_belong_to_the_words_survive(tmp_path: Path) -> None:
    path = text(
        tmp_path / "a.tsv",
        'prompt\tNote\n"WOMBAT" on a wall\tx\na 5" nail\ty\n"a ""quoted"" cell"\t"z" \n',
    )
    assert cells(path) == [
        (2, ['"WOMBAT" on a wall', "x"]),
        (3, ['a 5" nail', "y"]),
        (4, ['a "quoted" cell', "z"]),
    ]


@pytest.mark.parametrize(
    "rest", ["", "\nb,2\nc,3\n", '\nb,2\n"c, d",3\n', '\n"WOMBAT" on a wall,2\n']
)
def test_an_unclosed_quote_is_an_error_that_names_its_row(tmp_path: Path, rest: str) -> None:
    path = text(tmp_path / "a.csv", 'prompt,seed_number\nok,1\n\n"a red boat,1' + rest)
    with pytest.raises(SheetError, match=r'Row 4: a quote mark \("\) opens a cell'):
        read_table(path)


def test_a_cell_longer_than_the_csv_modules_limit_is_read(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", ["prompt"], ["x" * 200_000])
    assert len(str(read_table(path).lines[0].cells[0])) == 200_000


# ------------------------------------------------------------------- workbooks


def test_xlsx_cells_keep_their_kinds_and_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["B3"], sheet["C3"] = "prompt", "seed_number"
    sheet["B5"], sheet["C5"] = "00123", 123
    sheet["B9"], sheet["C9"] = True, 1.5
    sheet["B12"] = "last"
    book.save(path)
    table = read_table(path)
    assert (table.header_row, table.header) == (3, ("", "prompt", "seed_number"))
    assert cells(path) == [
        (5, ["", "00123", 123.0]),
        (9, ["", True, 1.5]),
        (12, ["", "last", ""]),
    ]


@pytest.mark.parametrize("name", ["sheet.csv", "sheet", "sheet.png"])
def test_the_content_counts_not_the_name(tmp_path: Path, name: str) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", ["prompt"], ["a"])
    assert cells(path.rename(tmp_path / name)) == [(2, ["a"])]


def test_the_first_visible_worksheet_is_read_unless_another_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(path)
    for name in ("secret", 'A>B & "c"', "more"):
        sheet = book.add_worksheet(name)
        sheet.write_column(0, 0, ["prompt", f"from {name}"])
    book.worksheets()[1].activate()
    book.worksheets()[1].set_first_sheet()
    book.worksheets()[0].hide()
    book.close()
    table = read_table(path)
    assert table.sheet == 'A>B & "c"'
    assert table.sheets == ("secret", 'A>B & "c"', "more")
    assert cells(path, sheet="secret") == [(2, ["from secret"])]
    with pytest.raises(SheetError, match=r"no worksheet `none`.*secret.*more"):
        read_table(path, sheet="none")


TIMES: list[tuple[Any, str, str]] = [
    (dt.time(2, 3), "h:mm", "2:3"),
    (dt.time(16, 9), "h:mm AM/PM", "16:9"),
    (dt.timedelta(hours=16, minutes=10), "[h]:mm:ss", "16:10"),
    (dt.timedelta(hours=64, minutes=27), "[h]:mm:ss", "64:27"),
    (dt.time(9, 16), "h:mm:ss", "9:16"),
    (16 / 24 + 9 / 1440, "General", "16:9"),
]


def check_ratios(path: Path, expected: list[str]) -> None:
    sheet = check_table(read_table(path), VOCABULARY)
    found = [row.values.aspect_ratio if row.values else "?" for row in sheet.rows]
    assert found == expected


@pytest.mark.parametrize("epoch", [1900, 1904])
def test_ratios_that_xlsx_turned_into_times_come_back(tmp_path: Path, epoch: int) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    if epoch == 1904:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    sheet = book.active
    assert sheet is not None
    sheet.append(["prompt", "aspect_ratio"])
    for value, form, _ in [*TIMES, (dt.date(2026, 3, 4), "d-mmm", "?")]:
        sheet.append(["a", value])
        sheet.cell(sheet.max_row, 2).number_format = form
    book.save(path)
    check_ratios(path, [*(ratio for *_, ratio in TIMES), "?"])


def test_ratios_that_xls_turned_into_times_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    book = xlwt.Workbook()
    sheet = book.add_sheet("A")
    sheet.write(0, 0, "prompt")
    sheet.write(0, 1, "aspect_ratio")
    for row, (value, form, _) in enumerate(TIMES, start=1):
        sheet.write(row, 0, "a")
        if isinstance(value, dt.timedelta):
            value = value.total_seconds() / 86_400
        sheet.write(row, 1, value, xlwt.easyxf(num_format_str=form))
    book.save(str(path))
    check_ratios(path, [ratio for *_, ratio in TIMES])


def test_ratios_that_ods_turned_into_times_come_back(tmp_path: Path) -> None:
    words = ["PT02H03M00S", "PT16H09M00S", "PT64H27M00S", "PT00H03M00S"]
    rows = [[{"valuetype": "string", "text": name} for name in ("prompt", "aspect_ratio")]]
    for word in words:
        time = {"valuetype": "time", "timevalue": word, "text": "02:03"}
        rows.append([{"valuetype": "string", "text": "a"}, time])
    path = make_ods(tmp_path / "a.ods", rows)
    check_ratios(path, ["2:3", "16:9", "64:27", "?"])
    assert read_table(path).sheet == "Blatt 1"
    assert read_table(path).lines[2].cells[1] == Moment("64:27:00", 232_020)


def test_error_cells_of_xlsx_are_found_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("other").write_formula("A1", "=1/0", None, "#DIV/0!")
    sheet = book.add_worksheet("B & B")
    sheet.write_row(0, 0, ["prompt", "style"])
    sheet.write_row(1, 0, ["a", "anime"])
    sheet.write_formula("B3", "=NA()", None, "#N/A")
    sheet.write_formula("A4", "=1/0", None, "#DIV/0!")
    sheet.write_formula("B4", '="3"&"d"', None, "3d")
    book.close()
    assert cells(path, sheet="B & B") == [
        (2, ["a", "anime"]),
        (3, ["", Broken("#N/A")]),
        (4, [Broken("#DIV/0!"), "3d"]),
    ]


def test_a_formula_never_calculated_is_not_taken_for_blank(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", ["prompt", "seed_number"], ["a", "=1+1"])
    assert cells(path) == [(2, ["a", Broken("")])]
    sheet = check_table(read_table(path), VOCABULARY)
    assert "formula whose result was never saved" in sheet.problems[0].message


def test_error_cells_of_xls_are_found_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    book = xlwt.Workbook()
    sheet = book.add_sheet("A")
    for column, name in enumerate(("prompt", "style")):
        sheet.write(0, column, name)
    sheet.write(1, 0, "a")
    sheet.row(1).set_cell_error(1, "#REF!")
    sheet.write(2, 0, "b")
    book.save(str(path))
    assert cells(path) == [(2, ["a", Broken("#REF!")]), (3, ["b", ""])]


def test_error_cells_of_ods_are_found_where_they_are(tmp_path: Path) -> None:
    def word(text: str) -> dict[str, Any]:
        return {"valuetype": "string", "text": text}

    wrong = {
        "qattributes": {
            (
                "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
                "value-type",
            ): "error"
        },
        "valuetype": "string",
        "stringvalue": "",
        "text": "#REF!",
    }
    rows = [[word("prompt"), word("style")], [word("a"), wrong], [wrong, word("3d")]]
    rows[1].insert(1, {"numbercolumnsrepeated": 2})
    path = make_ods(tmp_path / "a.ods", rows)
    assert cells(path) == [
        (2, ["a", "", "", Broken("#REF!")]),
        (3, [Broken("#REF!"), "3d", *[""] * 2]),
    ]


# --------------------------------------------------------------------- refusals


def test_limits_say_which_was_exceeded(tmp_path: Path) -> None:
    rows = [["prompt", "Note"], *(["a", "b"] for _ in range(30))]
    for path in (write_csv(tmp_path / "a.csv", *rows), write_xlsx(tmp_path / "a.xlsx", *rows)):
        assert len(read_table(path, limits=Limits(rows=30, cells=62)).lines) == 30
        with pytest.raises(SheetError, match="30 rows, more than the limit of 29"):
            read_table(path, limits=Limits(rows=29))
        with pytest.raises(SheetError, match=r"cells.*limit"):
            read_table(path, limits=Limits(cells=61))
    path = write_csv(tmp_path / "a.csv", ["prompt"], ["x" * 2**20])
    with pytest.raises(SheetError, match="limit of 1 MiB"):
        read_table(path, limits=Limits(file_bytes=2**20))


def test_a_name_that_is_no_files_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="File not found"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(SheetError, match="a folder"):
        read_table(tmp_path)
    with pytest.raises(SheetError, match="not a regular file"):
        read_table(Path("/dev/zero"))
    with pytest.raises(SheetError, match="not a valid file name"):
        read_table(tmp_path / ("x" * 5000))
    with pytest.raises(SheetError, match="not a valid file name"):
        read_table(tmp_path / "a\0b")


def test_a_file_nobody_may_read_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "a.csv", ["prompt"], ["a"])
    # The tests may run as root, who may read everything.
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(SheetError, match="no permission to read"):
        read_table(path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "empty"),
        ("\n \n\t\n", "empty"),
        ("prompt,seed_number\n\n", "only one row"),
    ],
)
def test_a_text_file_without_rows_is_said_to_have_none(
    tmp_path: Path, words: str, message: str
) -> None:
    with pytest.raises(SheetError, match=message):
        read_table(text(tmp_path / "a.csv", words))


def test_an_empty_worksheet_points_to_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.create_sheet("Prompts").append(["prompt"])
    book.save(path)
    with pytest.raises(SheetError, match=r"`Sheet` is empty.*`Prompts`"):
        read_table(path)


def test_a_text_file_has_no_worksheet_to_ask_for(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="no worksheets"):
        read_table(write_csv(tmp_path / "a.csv", ["prompt"], ["a"]), sheet="A")


def test_a_folder_with_modules_of_the_same_names_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("csv", "json", "engine", "python_calamine"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "ä.csv", ["prompt"], ["a"])
    assert cells(Path("ä.csv")) == [(2, ["a"])]


# ------------------------------------------------- as few programs write them

FULL = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>prompt</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>seed</t></is></c></row>'
    '<row hidden="1"><c t="inlineStr"><is><t>ein Boot für Zoë</t></is></c>'
    '<c t="e"><v>#REF!</v></c></row>'
)
MACROS = "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet"


@pytest.mark.parametrize(
    "odd",
    [
        {"how": "backslashes"},
        {"how": "capitals"},
        {"how": "prefix"},
        {"how": "strict"},
        {"how": "utf-16"},
        *({"book": name} for name in ("xl/Workbook.xml", "workbook.xml", "a/b/workbook.xml")),
        *({"dimension": size} for size in ("", "A1", "B2:A1", "A:B", "A1:B0", "A1:XFD1048576")),
        {"more_sheets": '<sheet name="Lost" sheetId="2"/>'},
        {
            "more_sheets": '<sheet name="Macros" sheetId="2" r:id="rId2"/>',
            MACROS.rpartition("/")[2]: "<macrosheet><sheetData/></macrosheet>",
        },
    ],
    ids=str,
)
def test_an_xlsx_of_an_unusual_program_is_read(tmp_path: Path, odd: dict[str, str]) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(odd_xlsx(FULL, **odd))
    table = read_table(path)
    assert [tuple(line.cells) for line in table.lines] == [("ein Boot für Zoë", Broken("#REF!"))]
    assert table.notes[0].startswith("Row 2 is hidden")


def test_an_xls_of_an_unusual_program_is_read(tmp_path: Path) -> None:
    """Its stream is called in capitals, and it says of 16-bit texts that they are of 8."""
    long = "日本" + "é" * 20_000
    book = xlwt.Workbook()
    sheet = book.add_sheet("Blätter")
    rows: list[list[Any]] = [["prompt", "seed", "length"], [long, 12.5, 64.45 / 24]]
    for row, texts in enumerate(rows):
        for column, cell in enumerate(texts):
            formats = {(1, 1): '0.0" days"', (1, 2): "[h]:mm"}
            style = xlwt.easyxf(num_format_str=formats.get((row, column), "General"))
            sheet.write(row, column, cell, style)
    path = tmp_path / "a.xls"
    book.save(str(path))
    data = path.read_bytes()
    name = "Workbook".encode("utf-16-le")
    for before, after in ((b"\x42\0\2\0\xb0\4", b"\x42\0\2\0\xe4\4"), (name, name.upper())):
        assert data.count(before) == 1
        data = data.replace(before, after)
    path.write_bytes(data)
    table = read_table(path)
    assert table.sheets == ("Blätter",)
    assert table.lines[0].cells == [long, 12.5, Moment("64:27:00", 232_020)]


def test_an_xls_that_cannot_be_searched_for_errors_is_read_and_that_is_said(tmp_path: Path) -> None:
    """Its bytes are said to stand in the other order, which one of two readers heeds."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("A")
    for row, text_ in enumerate(("prompt", "a boat at sea", "a cat")):
        sheet.write(row, 0, text_)
    path = tmp_path / "a.xls"
    book.save(str(path))
    data = path.read_bytes()
    path.write_bytes(data[:28] + data[29:27:-1] + data[30:])
    table = read_table(path)
    assert [line.cells[0] for line in table.lines] == ["a boat at sea", "a cat"]
    assert "cells that show an error are read as blank" in table.notes[0]


# ------------------------------------------------- as LibreOffice writes them (files/make.py)

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize("kind", ["ods", "xls", "xlsx"])
def test_what_was_typed_into_libreoffice_comes_back(kind: str) -> None:
    sheet = check_table(read_table(FILES / f"typed.{kind}"), VOCABULARY)
    values = [row.values for row in sheet.rows]
    assert [value and value.aspect_ratio for value in values] == [
        "2:3",
        "16:9",
        "64:27",
        None,
        "1:1",
    ]
    first, date = values[0], next(p for p in sheet.problems if p.row == 5)
    assert first is not None
    assert (first.seed_number, first.model, first.magic_prompt) == (42, "3.0", True)
    assert date.suggestions == ("3:4", "4:3")


@pytest.mark.parametrize("kind", ["ods", "xls", "xlsx"])
def test_hidden_merged_and_broken_cells_of_libreoffice_are_read_and_said(kind: str) -> None:
    table = read_table(FILES / f"odd.{kind}")
    assert (table.sheet, table.sheets) == ("Prompts & co", ("Sheet", "Prompts & co"))
    assert [(line.number, *line.cells[2:]) for line in table.lines] == [
        (2, "anime", "turbo", Broken("#DIV/0!")),
        (3, "anime", "", "one!"),
        (4, "anime", "quality", "x"),
        (6, "3d", Broken("#NAME?"), ""),
        (7, "", "", "y"),
    ]
    assert table.lines[2].cells[1] == Broken("#N/A")
    # The workbook counts its days from 1904.
    assert [line.cells[1] for line in table.lines[:2]] == [
        Moment("02:03:00", 7380),
        Moment("16:09:00", 58_140),
    ]
    hidden_rows, hidden_column, merged = table.notes
    assert hidden_rows.startswith("Rows 3–4 are hidden")
    assert hidden_column.startswith("Column D is hidden")
    assert merged.startswith("Cells C2:C4 are merged")


@pytest.mark.parametrize("name", ["semicolons-utf16.txt", "commas-cp1252.csv"])
def test_text_files_of_libreoffice_are_read_in_their_encoding(name: str) -> None:
    assert cells(FILES / name) == [
        (2, ["ein “Boot” für Zoë; nachts", "2x3"]),
        (3, ["a boat", "1x1"]),
    ]


def test_hidden_rows_that_hold_nothing_are_not_mentioned(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in ["prompt"], ["a"]:
        book.active.append(row)
    book.active.row_dimensions[3].hidden = True
    book.active.column_dimensions["F"].hidden = True
    book.save(path)
    assert read_table(path).notes == ()


def test_a_cell_merged_over_blank_rows_or_from_the_header_makes_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in ["prompt", "style"], [None, None], ["a", "anime"], [None, None], ["b", None]:
        sheet.append(row)
    for area in ("A1:A2", "B1:B2", "A3:A4", "B3:B5"):
        sheet.merge_cells(area)
    book.save(path)
    assert cells(path) == [(3, ["a", "anime"]), (5, ["b", "anime"])]


# --------------------------------------------------- without a row of column names


PROMPTS = ["a red boat on a calm sea, at sunset", "a lighthouse, by night", "two hills"]


def test_a_text_file_of_one_prompt_a_line_is_a_sheet(tmp_path: Path) -> None:
    path = text(tmp_path / "a.txt", "\n".join((PROMPTS[0], "", *PROMPTS[1:])))
    table = read_table(path)
    assert (table.header, table.header_row) == (("prompt",), 0)
    assert cells(path) == [(1, [PROMPTS[0]]), (3, [PROMPTS[1]]), (4, [PROMPTS[2]])]
    sheet = check_table(table, VOCABULARY)
    assert len(sheet.ready) == 3
    assert [(p.row, p.severity) for p in sheet.problems] == [(1, Severity.WARNING)]
    assert "rename it to `prompt`" in sheet.problems[0].message


@pytest.mark.parametrize(
    "words", ["a, b, c", "a red boat\n", 'a "quoted" boat, blue\n', "one; two, three\nfour\n"]
)
def test_few_lines_of_prose_are_prompts_too(tmp_path: Path, words: str) -> None:
    found = cells(text(tmp_path / "a.txt", words))
    assert [line[0] for _, line in found] == words.splitlines()


@pytest.mark.parametrize("column", [0, 2])
def test_a_workbook_with_one_column_of_prompts_and_no_header_is_a_sheet(
    tmp_path: Path, column: int
) -> None:
    rows = [[*[None] * column, prompt] for prompt in PROMPTS]
    sheet = check_table(read_table(write_xlsx(tmp_path / "a.xlsx", *rows)), VOCABULARY)
    assert [row.values.prompt for row in sheet.ready if row.values] == PROMPTS
    assert [row.number for row in sheet.rows] == [1, 2, 3]


def test_a_heading_of_any_name_above_the_only_column_is_no_prompt(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "Beschreibung\n" + "ein rotes Boot auf dem Meer\n" * 3)
    table = read_table(path)
    assert (table.header, table.header_row, len(table.lines)) == (("prompt",), 1, 3)
    assert "`Beschreibung` is read as `prompt`" in table.notes[0]


@pytest.mark.parametrize("words", ["name,price\nchair,10\n", "name\tprice\nchair\t10\n"])
def test_a_table_of_something_else_is_no_list_of_prompts(tmp_path: Path, words: str) -> None:
    with pytest.raises(SheetError, match=r"no `prompt` column.*`name`, `price`"):
        check_table(read_table(text(tmp_path / "a.csv", words)), VOCABULARY)


def test_a_title_above_the_column_names_is_left_out(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "a.xlsx", ["Spring campaign", None], [], ["Prompt", "Seed"], ["a", 1]
    )
    table = read_table(path)
    assert (table.header, table.header_row) == (("Prompt", "Seed"), 3)
    assert cells(path) == [(4, ["a", 1.0])]
    assert "column names are in row 3" in table.notes[0]
